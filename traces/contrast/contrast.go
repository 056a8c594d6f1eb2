package contrast

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strings"

	"tidegauge/report"
	"tidegauge/schemas"
	"tidegauge/stats"
)

// Options says how Compare judges.
type Options struct {
	// GeneratedBy names the program and its version.
	GeneratedBy string
	// Tolerance multiplies all tolerances; 0 is 1.
	Tolerance float64
	// Sections are those that count for the verdict on all; none stands for all of them.
	Sections []string
	// WholeOnly leaves the streams out.
	WholeOnly bool
}

// mostStreams is how many pairs of log types or models are compared, the largest.
const mostStreams = 12

// Compare compares two workloads. The pictures are of everything against everything.
func Compare(a, b *Workload, o Options) (*Comparison, *Pictures) {
	if o.Tolerance == 0 {
		o.Tolerance = 1
	}
	c := &Comparison{Schema: SchemaName, GeneratedBy: o.GeneratedBy, A: describe(a), B: describe(b), Tolerance: report.Number(o.Tolerance)}
	whole := newPair(a.stream(nil, nil), b.stream(nil, nil), o)
	c.A.BlockSeconds, c.A.Blocks = whole.selfA.width/schemas.SecondUS, int64(whole.selfA.blocks)
	c.B.BlockSeconds, c.B.Blocks = whole.selfB.width/schemas.SecondUS, int64(whole.selfB.blocks)
	for i, side := range []*Side{&c.A, &c.B} {
		if w := partOfADay(i, whole.a, whole.b); w != nil {
			side.Warnings = append(slices.Clone(side.Warnings), *w)
		}
	}
	c.Streams = append(c.Streams, whole.document(nil, nil))
	c.Verdict, c.Summary = c.Streams[0].Verdict, summary(&c.Streams[0])
	if !o.WholeOnly {
		for _, n := range common(a, b) {
			p := newPair(a.stream(n.model, n.logType), b.stream(n.model, n.logType), o)
			c.Streams = append(c.Streams, p.document(n.model, n.logType))
		}
	}
	return c, whole.pictures()
}

func describe(w *Workload) Side {
	s := w.service()
	return Side{Name: w.Name, Requests: s.Requests, FirstArrivalUS: s.FirstArrivalUS, LastArrivalUS: s.LastArrivalUS,
		Services: w.Services, Warnings: w.Summary.Warnings}
}

// WarnPartOfADay is the code of the warning that a side covers no whole days.
const WarnPartOfADay = "part_of_a_day"

// partOfADay warns of a side that covers a day and a part of another: then it has more of some hours than of others, and
// halves with equal hours do not show what that does. Above a week it does little.
func partOfADay(side int, a, b *stream) *report.Warning {
	covered := []*stream{a, b}[side].covered()
	rest := covered % dayUS
	if min(a.covered(), b.covered()) < aDayUS || covered > 7*dayUS || rest < hourUS || rest > aDayUS {
		return nil
	}
	return &report.Warning{Code: WarnPartOfADay, Text: fmt.Sprintf("covers %s, which is not whole days: some hours of day weigh more than others; "+
		"compare whole days with whole days", span(float64(covered)/schemas.SecondUS))}
}

// names is half of a stream's name.
type names struct {
	model, logType *string
	requests       int64
}

// common lists the log types, then the models, that both sides name, where a side has several.
func common(a, b *Workload) []names {
	var out []names
	for _, s := range a.service().Streams {
		if (s.Model == nil) == (s.LogType == nil) { // all, or the cut of both
			continue
		}
		t := find(b.service().Streams, s.Model, s.LogType)
		if t != nil && (s.Requests < a.service().Requests || t.Requests < b.service().Requests) {
			out = append(out, names{s.Model, s.LogType, s.Requests + t.Requests})
		}
	}
	slices.SortStableFunc(out, func(a, b names) int { return cmp.Compare(b.requests, a.requests) })
	out = out[:min(len(out), mostStreams)]
	slices.SortStableFunc(out, func(a, b names) int {
		return cmp.Or(cmp.Compare(defined(a.model), defined(b.model)), cmp.Compare(text(a.model)+text(a.logType), text(b.model)+text(b.logType)))
	})
	return out
}

func defined(s *string) int {
	if s == nil {
		return 0
	}
	return 1
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}

// pair is two streams and what is between them.
type pair struct {
	a, b         *stream
	options      Options
	measures     []measure
	evidence     []evidence
	distances    []Distance
	selfA, selfB self
	curves       [samples]curves
}

// distributions says, by distribution, what it is called and its unit.
var distributions = [samples]struct{ name, unit string }{
	gapShapes: {"gap_shape", "mean gaps"}, gaps: {"gaps", "s"}, windowCVs: {"windows_gap_cv", ""}, minutes: {"requests_per_minute", "requests"},
	requestTokens: {"request_tokens", "tokens"}, responseTokens: {"response_tokens", "tokens"}, turns: {"turns", "turns"},
	intervals: {"intervals", "s"}, elapsed: {"elapsed", "s"}, ttft: {"ttft", "s"}, tpot: {"tpot", "s/token"},
}

func newPair(a, b *stream, o Options) *pair {
	p := &pair{a: a, b: b, options: o, measures: measures()}
	p.evidence = make([]evidence, len(p.measures))
	for i := range p.measures {
		p.evidence[i] = evidence{measure: &p.measures[i], times: o.Tolerance}
	}
	l := newLayout()
	for which := range samples {
		x, y := sorted(a.values(which)), sorted(b.values(which))
		l.cut(which, x, y)
		p.distribution(which, x, y)
	}
	p.selfA = a.measureSelf(l, p.measures, b)
	p.selfB = b.measureSelf(l, p.measures, a)
	lagged := p.lagged()
	for i := range p.evidence {
		e := &p.evidence[i]
		e.blocksA, e.blocksB = p.selfA.blocks, p.selfB.blocks
		e.own = larger(p.selfA.apart[i], p.selfB.apart[i])
		if e.of == noneOf {
			e.a, e.b = e.value(p.selfA.total), e.value(p.selfB.total)
			e.nA, e.nB = e.n(p.selfA.total), e.n(p.selfB.total)
			if e.lagged > 0 { // of the whole series, not of what lies in one block
				e.a, e.b, e.nA, e.nB = lagged[e.lagged-1].a, lagged[e.lagged-1].b, lagged[e.lagged-1].nA, lagged[e.lagged-1].nB
			}
			e.apart, e.more = e.measure.apart(e.a, e.b), e.b >= e.a
		}
	}
	return p
}

// larger gives the larger of two numbers, the other where one is undefined.
func larger(a, b float64) float64 {
	if math.IsNaN(a) || b > a {
		return b
	}
	return a
}

// distribution compares the values of a distribution, ascending.
func (p *pair) distribution(which sample, x, y []float64) {
	d := Distance{Name: distributions[which].name, Unit: distributions[which].unit, N: Pair{report.Number(len(x)), report.Number(len(y))},
		KS: report.Number(stats.KolmogorovSmirnov(x, y)), Wasserstein: report.Number(stats.Wasserstein(x, y)),
		Medians: Pair{report.Number(stats.Quantile(x, 0.5)), report.Number(stats.Quantile(y, 0.5))}}
	p.distances = append(p.distances, d)
	p.curves[which] = newCurves(x, y)
	for i := range p.evidence {
		e := &p.evidence[i]
		if e.of != which {
			continue
		}
		q := max(e.quantile, 0)
		if e.quantile == noQuantile {
			q = 0.5
		}
		e.a, e.b = stats.Quantile(x, q), stats.Quantile(y, q)
		e.nA, e.nB = float64(len(x)), float64(len(y))
		e.more = mean(y) > mean(x)
		switch {
		case e.kind == Shape:
			e.apart = float64(d.KS)
		case e.kind == Area:
			e.apart = ratio(float64(d.Wasserstein), (e.a+e.b)/2)
		default:
			e.apart = e.measure.apart(e.a, e.b)
		}
		if which == gapShapes || e.kind == Ratio { // whose mean is 1
			e.more = e.b >= e.a
		}
	}
}

func mean(values []float64) float64 { return total(values) / float64(len(values)) }

// document writes the pair down.
func (p *pair) document(model, logType *string) Stream {
	s := Stream{Model: model, LogType: logType, Distance: p.distances,
		Requests: Pair{report.Number(p.a.summary.Requests), report.Number(p.b.summary.Requests)},
		Windows: WindowPair{WindowSides{p.a.summary.Arrivals.Windows.S300, p.b.summary.Arrivals.Windows.S300},
			WindowSides{p.a.summary.Arrivals.Windows.S1200, p.b.summary.Arrivals.Windows.S1200}},
		Counts: p.correlations()}
	whole := model == nil && logType == nil
	for _, name := range SectionNames() {
		if name == Conversations && !whole { // they belong to the service
			continue
		}
		s.Sections = append(s.Sections, p.section(name))
	}
	s.Verdict = p.verdict(s.Sections)
	s.Numbers = numbers(p.a, p.b, whole)
	return s
}

func (p *pair) section(name string) Section {
	var all []evidence
	for _, e := range p.evidence {
		if e.section == name {
			all = append(all, e)
		}
	}
	s := Section{Section: name}
	var i int
	s.Verdict, i = conclude(all)
	if s.Verdict != Absent {
		s.Decided = all[i].name
		s.Meaning = all[i].meaning(s.Verdict)
	}
	_, why := all[i].judge()
	s.Reason = all[i].say(s.Verdict, why)
	for _, e := range all {
		v, why := e.judge()
		unit := e.unit
		if unit == "" && e.of != noneOf {
			unit = distributions[e.of].unit
		}
		s.Measures = append(s.Measures, Measure{Name: e.name, Title: e.title, Kind: e.kind, Unit: unit, Key: e.key,
			Pair: Pair{report.Number(e.a), report.Number(e.b)}, N: Pair{report.Number(e.nA), report.Number(e.nB)},
			Distance: report.Number(e.apart), Tolerance: report.Number(e.tolerated()), Own: report.Number(e.own), Verdict: v, Reason: why})
	}
	return s
}

// say puts the number that decided into words.
func (e *evidence) say(v Verdict, why string) string {
	switch {
	case v == Absent:
		return why
	case math.IsNaN(e.a) || math.IsNaN(e.b) || e.nA == 0 || e.nB == 0:
		return e.title + ": " + why
	case e.of != noneOf && e.quantile == noQuantile:
		return fmt.Sprintf("%s, median %s against %s: %s", e.title, e.quantity(e.a), e.quantity(e.b), why)
	}
	return fmt.Sprintf("%s %s against %s: %s", e.title, e.quantity(e.a), e.quantity(e.b), why)
}

// verdict is that on all sections that count.
func (p *pair) verdict(sections []Section) Verdict {
	var all []Verdict
	for _, s := range sections {
		if len(p.options.Sections) == 0 || slices.Contains(p.options.Sections, s.Section) {
			all = append(all, s.Verdict)
		}
	}
	for _, v := range []Verdict{Differs, CannotTell, Alike} {
		if slices.Contains(all, v) {
			return v
		}
	}
	return Absent
}

// summary says in a sentence what came out.
func summary(s *Stream) string {
	by := map[Verdict][]string{}
	for _, v := range s.Sections {
		by[v.Verdict] = append(by[v.Verdict], v.Section)
	}
	var parts []string
	for _, v := range []struct {
		verdict Verdict
		text    string
	}{{Differs, "B differs from A in %s"}, {Alike, "they are alike in %s"}, {CannotTell, "nothing can be told of %s"}, {Absent, "neither has %s"}} {
		if names := by[v.verdict]; len(names) > 0 {
			parts = append(parts, fmt.Sprintf(v.text, enumerate(names)))
		}
	}
	text := strings.Join(parts, "; ")
	return strings.ToUpper(text[:1]) + text[1:] + "."
}

func enumerate(names []string) string {
	if len(names) == 1 {
		return names[0]
	}
	return strings.Join(names[:len(names)-1], ", ") + " and " + names[len(names)-1]
}

// lagsShown are the distances at which counts are correlated, in seconds, of counts by second and by minute.
var lagsShown = map[int][]int{1: {1, 2, 5, 10, 20, 30, 60}, 60: {60, 120, 300, 600, 1200, 1800, 3600}}

// correlations gives the autocorrelation of counts at 1 s to 1 h.
func (p *pair) correlations() (out []Correlations) {
	_, a := p.a.counts()
	_, b := p.b.counts()
	for _, width := range []int{1, 60} {
		var steps []int
		for _, lag := range lagsShown[width] {
			steps = append(steps, lag/width)
		}
		x := stats.Autocorrelations(nil, wider(a, width), steps...)
		y := stats.Autocorrelations(nil, wider(b, width), steps...)
		for i, lag := range lagsShown[width] {
			out = append(out, Correlations{lag, width, Pair{report.Number(x[i]), report.Number(y[i])}})
		}
	}
	return out
}

// pairOfLags is the autocorrelation on both sides, and of how many pairs of counts.
type pairOfLags struct{ a, b, nA, nB float64 }

// lagged gives the autocorrelations that decide.
func (p *pair) lagged() (out [len(lags)]pairOfLags) {
	_, a := p.a.counts()
	_, b := p.b.counts()
	for i, lag := range lags {
		x, y := wider(a, lag.width), wider(b, lag.width)
		out[i] = pairOfLags{stats.Autocorrelation(x, lag.lag), stats.Autocorrelation(y, lag.lag),
			float64(max(len(x)-lag.lag, 0)), float64(max(len(y)-lag.lag, 0))}
	}
	return out
}
