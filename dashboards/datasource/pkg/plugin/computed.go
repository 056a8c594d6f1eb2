package plugin

import (
	"context"
	"fmt"
	"math"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"tidegauge/schemas"
	"tidegauge/stats"
)

// computed answers the metrics that no view gives.
func (d *Datasource) computed(ctx context.Context, a *asked) (data.Frames, error) {
	table := &answer{}
	var queries []string
	var err error
	switch a.metric.ID {
	case "gap_distribution":
		queries, err = d.gapDistribution(ctx, a, table)
	case "families":
		queries, err = d.families(ctx, a, table)
	case "zipf":
		queries, err = d.zipf(ctx, a, table)
	case "request_distribution", "response_distribution":
		queries, err = d.lengthDistribution(ctx, a, table)
	default:
		err = fmt.Errorf("nothing computes %s", a.metric.ID)
	}
	if err != nil {
		return nil, err
	}
	var frame *data.Frame
	switch {
	case a.metric.ID == "zipf":
		frame = a.numbers(table)
	case table.rows == 0:
		frame = empty(data.FrameTypeTable)
	default:
		frame = a.table(table)
	}
	a.describe(frame, table, strings.Join(queries, ";\n\n"))
	return data.Frames{frame}, nil
}

// gaps are what the families are fitted to.
type gaps struct {
	sketch  stats.Histogram
	fits    stats.Families
	queries []string
}

// fitGaps reads the range's gaps and fits the families to them, as the summary document does: parameters from the merged sums,
// Weibull's and the distances from the merged sketch.
func (d *Datasource) fitGaps(ctx context.Context, a *asked) (*gaps, error) {
	sums, sql, err := d.askView(ctx, a, "arrivals", selecting("gaps, gap_mean, positive_gaps, gap_log, gap_log2"))
	if err != nil {
		return nil, err
	}
	g := &gaps{queries: []string{sql}}
	buckets, sql, err := d.askView(ctx, a, "gap_histogram", selecting("bucket, count"))
	if err != nil {
		return nil, err
	}
	g.queries = append(g.queries, sql)
	bucket, count := buckets.column("bucket"), buckets.column("count")
	for row := range buckets.rows { // ascending, zeros first
		if n := uint64(count.number(row)); bucket.numbers[row] == nil {
			g.sketch.Zeros = n
		} else {
			g.sketch.Buckets, g.sketch.Counts = append(g.sketch.Buckets, int16(bucket.number(row))), append(g.sketch.Counts, n)
		}
	}
	if sums.rows == 0 {
		g.fits = stats.FitHistogram(stats.Histogram{}, schemas.SecondUS, stats.FitMoments{})
		return g, nil
	}
	of := func(name string) float64 { return sums.column(name).number(0) }
	logs := stats.LogSums{N: uint64(of("positive_gaps")), S1: of("gap_log"), S2: of("gap_log2"), Spread: true}
	g.fits = stats.FitHistogram(g.sketch, schemas.SecondUS, stats.MomentsFromSums(of("gap_mean")*of("gaps"), logs, 1))
	return g, nil
}

// selecting is a query of these columns.
func selecting(columns string) func(source string) (string, error) {
	return func(source string) (string, error) { return "SELECT " + columns + " FROM " + source, nil }
}

// family is a fit in a form that all four share.
type family struct {
	name       stats.Family
	aic, ks    float64
	parameters map[string]float64
	text       string
	cdf        func(float64) float64
}

func familiesOf(f stats.Families) []family {
	return []family{
		{stats.Exponential, f.Exponential.AIC, f.Exponential.KS, map[string]float64{"rate": f.Exponential.Rate},
			fmt.Sprintf("rate %.4g/s", f.Exponential.Rate), f.Exponential.CDF},
		{stats.Gamma, f.Gamma.AIC, f.Gamma.KS, map[string]float64{"shape": f.Gamma.Shape, "scale": f.Gamma.Scale},
			fmt.Sprintf("shape %.4g, scale %.4g s", f.Gamma.Shape, f.Gamma.Scale), f.Gamma.CDF},
		{stats.Weibull, f.Weibull.AIC, f.Weibull.KS, map[string]float64{"k": f.Weibull.K, "lambda": f.Weibull.Lambda},
			fmt.Sprintf("k %.4g, lambda %.4g s", f.Weibull.K, f.Weibull.Lambda), f.Weibull.CDF},
		{stats.Lognormal, f.Lognormal.AIC, f.Lognormal.KS, map[string]float64{"mu": f.Lognormal.Mu, "sigma": f.Lognormal.Sigma},
			fmt.Sprintf("mu %.4g, sigma %.4g", f.Lognormal.Mu, f.Lognormal.Sigma), f.Lognormal.CDF},
	}
}

func (d *Datasource) families(ctx context.Context, a *asked, table *answer) ([]string, error) {
	g, err := d.fitGaps(ctx, a)
	if err != nil {
		return nil, err
	}
	if g.fits.Best == "" {
		return g.queries, nil // nothing to fit
	}
	for _, f := range familiesOf(g.fits) {
		table.put("family", string(f.name)).put("best", f.name == g.fits.Best).put("aic", f.aic).put("ks", f.ks).put("parameters", f.text)
		for _, name := range []string{"rate", "shape", "scale", "k", "lambda", "mu", "sigma"} {
			value, ok := f.parameters[name]
			if !ok {
				value = math.NaN()
			}
			table.put(name, value)
		}
		table.rows++
	}
	return g.queries, nil
}

// bins is how many bins a distribution is drawn in at the most.
const bins = 80

// gapDistribution gives the share of the positive gaps in each bin, a whole number of the sketch's buckets wide, and what share
// each family has there.
func (d *Datasource) gapDistribution(ctx context.Context, a *asked, table *answer) ([]string, error) {
	g, err := d.fitGaps(ctx, a)
	if err != nil || len(g.sketch.Buckets) == 0 {
		if g == nil {
			return nil, err
		}
		return g.queries, err
	}
	positive := g.sketch.Total() - g.sketch.Zeros
	low, high := int(g.sketch.Buckets[0]), int(g.sketch.Buckets[len(g.sketch.Buckets)-1])
	width := (high-low)/bins + 1
	counts := make([]uint64, (high-low)/width+1)
	for i, b := range g.sketch.Buckets {
		counts[(int(b)-low)/width] += g.sketch.Counts[i]
	}
	limit := func(b int) float64 { return math.Pow(stats.Growth, float64(b)) / schemas.SecondUS }
	for i, n := range counts {
		from, to := limit(low+i*width-1), limit(low+(i+1)*width-1)
		table.put("value", math.Sqrt(from*to)).put("observed", float64(n)/float64(positive)).put("count", float64(n))
		for _, f := range familiesOf(g.fits) {
			table.put(string(f.name), f.cdf(to)-f.cdf(from))
		}
		table.rows++
	}
	return g.queries, nil
}

// lengthDistribution gives the share of requests in each cell of tokens, and what the lognormal distribution has there.
func (d *Datasource) lengthDistribution(ctx context.Context, a *asked, table *answer) ([]string, error) {
	side := strings.TrimSuffix(a.metric.ID, "_distribution")
	sums, first, err := d.askView(ctx, a, "lengths", selecting(side+"_lognormal_mu AS mu, "+side+"_lognormal_sigma AS sigma"))
	if err != nil {
		return nil, err
	}
	grid, second, err := d.askView(ctx, a, "length_joint", func(source string) (string, error) {
		return "SELECT cell.bucket AS bucket, sum(cell.n) AS n FROM (SELECT toInt32(" + side + "_bucket) AS bucket, count AS n FROM " + source +
			") AS cell WHERE cell.bucket < 255 GROUP BY bucket ORDER BY bucket", nil
	})
	queries := []string{first, second}
	if err != nil || grid.rows == 0 || sums.rows == 0 {
		return queries, err
	}
	fit := stats.LognormalFit{Mu: sums.column("mu").number(0), Sigma: sums.column("sigma").number(0)}
	counts := map[int]float64{}
	total := 0.0
	for row := range grid.rows {
		n := grid.column("n").number(row)
		counts[int(grid.column("bucket").number(row))] += n
		total += n
	}
	begin := func(b int) float64 { return math.Ceil(math.Exp2(float64(b)/cellsPerOctave) - 1e-9) }
	low, high := int(grid.column("bucket").number(0)), int(grid.column("bucket").number(grid.rows-1))
	for b := low; b <= high; b++ {
		from, to := begin(b), begin(b+1) // tokens are whole numbers, and some narrow cells hold none
		if from == to {
			continue
		}
		share := math.NaN()
		if fit.Sigma > 0 {
			share = fit.CDF(to-0.5) - fit.CDF(from-0.5)
		}
		table.put("tokens", from).put("observed", counts[b]/total).put("lognormal", share).put("count", counts[b])
		table.rows++
	}
	return queries, nil
}

func (d *Datasource) zipf(ctx context.Context, a *asked, table *answer) ([]string, error) {
	sums, sql, err := d.askView(ctx, a, "lengths", selecting("request_positive, request_log_sum, request_max"))
	if err != nil || sums.rows == 0 {
		return []string{sql}, err
	}
	of := func(name string) float64 { return sums.column(name).number(0) }
	alpha, e := math.NaN(), math.NaN()
	if of("request_positive") > 0 {
		alpha, e = stats.Zipf(uint64(of("request_positive")), of("request_log_sum"), uint64(of("request_max")))
	}
	table.put("zipf_alpha", alpha).put("zipf_alpha_se", e)
	table.rows++
	return []string{sql}, nil
}

// put appends a value to the column of that name.
func (a *answer) put(name string, value any) *answer {
	c := a.column(name)
	if c == nil {
		c = &column{name: name}
		a.columns = append(a.columns, c)
	}
	switch v := value.(type) {
	case float64:
		c.addNumber(v)
	case string:
		c.texts = append(c.texts, &v)
	case bool:
		c.flags = append(c.flags, &v)
	}
	return a
}
