package contrast

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"maps"
	"slices"
	"strings"

	"tidegauge/report"
)

//go:embed page.html.tmpl
var pageText string

var pageTemplate = template.Must(template.New("page").Funcs(template.FuncMap{
	"integer": func(n report.Number) string { return integer(float64(n)) }, "count": func(n int64) string { return several(n, "request") },
	"figure": func(n report.Number) string { return figure(float64(n)) }, "period": period, "fixed": fixed, "lag": lagName,
	"inUnit": func(n report.Number, unit string) string { return inUnit(float64(n), unit) },
	"class":  func(v Verdict) string { return strings.ReplaceAll(string(v), " ", "-") },
	"mark": func(v Verdict) string {
		return map[Verdict]string{Alike: "=", Differs: "≠", CannotTell: "?", Absent: "–"}[v]
	},
	"streamName": func(s Stream) string { return streamName(&s) },
	"quantity":   func(m Measure, n report.Number) string { return m.quantity(n) },
	"far":        func(m Measure, n report.Number) string { return m.far(n) },
}).Parse(pageText))

// figureOf is a picture with what is said about it. Alt says in words what it shows, for whoever does not see it.
type figureOf struct {
	Title, Note, Alt string
	Wide             bool
	Width, Height    float64
	SVG              template.HTML
	// Second is the other half of a picture of two.
	Second template.HTML
}

// chapter is a section with its pictures.
type chapter struct {
	Section
	Figures []figureOf
}

// page is what the template shows.
type page struct {
	*Comparison
	Chapters []chapter
	Whole    *Stream
	Rest     []Stream
	Shown    []NumberPair // without what comes in tables of its own
	Warnings []string
}

// WriteHTML writes a page with pictures that needs nothing else: no network, no script.
func WriteHTML(w io.Writer, c *Comparison, p *Pictures) error {
	whole := &c.Streams[0]
	out := page{Comparison: c, Whole: whole, Rest: c.Streams[1:]}
	for _, s := range whole.Sections {
		out.Chapters = append(out.Chapters, chapter{s, p.figures(s.Section, whole)})
	}
	for _, n := range whole.Numbers {
		if !strings.HasPrefix(n.Name, "by_") && !strings.HasPrefix(n.Name, "lengths.profile.") && !strings.Contains(n.Name, "histogram") {
			out.Shown = append(out.Shown, n)
		}
	}
	for _, s := range []struct {
		letter string
		*Side
	}{{"A", &c.A}, {"B", &c.B}} {
		for _, warning := range s.Warnings {
			if !slices.Contains(said, warning.Code) {
				out.Warnings = append(out.Warnings, s.letter+": "+warning.Text)
			}
		}
	}
	return pageTemplate.Execute(w, out)
}

// figures draws a section's pictures, those that there is something to show on.
func (p *Pictures) figures(section string, s *Stream) (out []figureOf) {
	add := func(f figureOf) {
		if f.Width == 0 {
			f.Width, f.Height = float64(chartWidth), float64(chartHeight)
		}
		out = append(out, f)
	}
	distribution := func(which sample, title, axis string, log, inTime bool) {
		c := p.curves[which]
		if len(c[0]) == 0 && len(c[1]) == 0 {
			return
		}
		d := s.Distance[which]
		far := "only one side has it"
		if d.KS.Defined() {
			far = fmt.Sprintf("KS %s, Wasserstein %s", figure(float64(d.KS)), inUnit(float64(d.Wasserstein), d.Unit))
		}
		add(figureOf{Title: title, Note: far, SVG: distributionChart(c, axis, log, inTime),
			Alt: fmt.Sprintf("Cumulative distribution of %s. Median of A %s, of B %s; %s.", axis, inUnit(float64(d.Medians.A), d.Unit), inUnit(float64(d.Medians.B), d.Unit), far)})
	}
	switch section {
	case Load:
		add(figureOf{Title: "Rate over time", Note: "each from its own beginning", Wide: true, Width: float64(2*chartWidth + 20), Height: float64(chartHeight),
			SVG: rateChart(p.rate), Alt: "Requests a second over time. " + means(s, "arrivals.rate", "1/s")})
	case Burstiness:
		distribution(gaps, "Gaps between arrivals", "gap", true, true)
		distribution(windowCVs, "gap_cv of five-minute windows", "gap_cv (1: Poisson)", false, false)
		if len(p.idc[0])+len(p.idc[1]) > 0 {
			add(figureOf{Title: "Variance of counts by scale", Note: "index of dispersion; the line at 1 is a Poisson process", SVG: idcChart(p.idc),
				Alt: "Index of dispersion for counts by width of bin. At 60 s: " + means(s, "arrivals.idc.60", "")})
		}
		if slices.ContainsFunc(s.Counts, func(c Correlations) bool { return c.A.Defined() || c.B.Defined() }) {
			add(figureOf{Title: "How long load lasts", Note: "autocorrelation of counts, by second up to 1 min, by minute from there", SVG: correlationChart(s.Counts),
				Alt: "Autocorrelation of counts at lags of one second to one hour; the table below has the numbers."})
		}
	case Conversations:
		distribution(turns, "Turns of a conversation", "turns", true, false)
		distribution(intervals, "Time between turns", "interval", true, true)
	case Lengths:
		distribution(requestTokens, "Request tokens", "tokens", true, false)
		distribution(responseTokens, "Response tokens", "tokens", true, false)
		if p.both.set {
			most := 0.0
			for _, g := range p.joint {
				for _, row := range g.share {
					most = max(most, slices.Max(row))
				}
			}
			add(figureOf{Title: "Request and response tokens together", Note: "A on the left, B on the right; each shade is twice as many requests", Wide: true,
				Width: float64(chartWidth), Height: float64(chartHeight + 30), SVG: gridChart(p.joint[0], most), Second: gridChart(p.joint[1], most),
				Alt: "Joint distribution of request and response tokens. Pearson's correlation: " + means(s, "lengths.pearson", "")})
		}
	case Failures:
		if names, shares := outcomes(s); len(names) > 0 {
			add(figureOf{Title: "How requests end badly", Note: "share of all requests", SVG: barChart("share of requests", names, shares),
				Alt: "Share of requests by outcome. Failure rate: " + means(s, "failures.failure_rate", "share")})
		}
	case Latency:
		distribution(elapsed, "Elapsed", "elapsed", true, true)
		distribution(ttft, "Time to first token", "time to first token", true, true)
		distribution(tpot, "Time per output token", "time per output token", true, true)
	}
	return out
}

// means writes a number of both sides.
func means(s *Stream, name, unit string) string {
	for _, n := range s.Numbers {
		if n.Name == name {
			return fmt.Sprintf("A %s, B %s.", inUnit(float64(n.A), unit), inUnit(float64(n.B), unit))
		}
	}
	return ""
}

// outcomes gives the share of each outcome but ok.
func outcomes(s *Stream) (names []string, shares [2][]float64) {
	counts := map[string]Pair{}
	for _, n := range s.Numbers {
		if name, ok := strings.CutPrefix(n.Name, "failures.outcomes."); ok && name != "ok" {
			counts[name] = n.Pair
		}
	}
	names = slices.Sorted(maps.Keys(counts))
	for _, name := range names {
		for side, v := range []report.Number{counts[name].A, counts[name].B} {
			all := []report.Number{s.Requests.A, s.Requests.B}[side]
			share := 0.0
			if v.Defined() {
				share = float64(v / all)
			}
			shares[side] = append(shares[side], share)
		}
	}
	return names, shares
}

// Inks are the colours that the pictures name.
func (page) Inks() []ink { return append([]ink{inkA, inkB, inkAxis, inkGrid}, shadeInks[:]...) }

// Sides are both, in order.
func (p page) Sides() []Side { return []Side{p.A, p.B} }

// BlockA and BlockB are how long the blocks are, in seconds.
func (p page) BlockA() int { return int(p.A.BlockSeconds) }
func (p page) BlockB() int { return int(p.B.BlockSeconds) }
