package report

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

func writeArrivals(b *strings.Builder, streams []*Stream, p paint) {
	heading(b, p, "Arrivals", "gap_cv: 1 is Poisson, above 1 bursty, below 1 regular")
	g := grid{columns: streamColumns(numbers("", "requests", "rate/s", "gap_cv"),
		numbers("in 300 s windows", "p50", "p90", "> 1"), numbers("", "idc 60 s", "best fit"))}
	for _, s := range streams {
		a, w := &s.Arrivals, &s.Arrivals.Windows.S300
		best := undefined
		if a.BestFamily != nil {
			best = *a.BestFamily
		}
		g.rows = append(g.rows, streamCells(s, count(s.Requests), Figure(a.Rate), fixed(a.GapCV),
			fixed(w.GapCV.P50), fixed(w.GapCV.P90), percent(w.ShareBursty), Figure(a.IDC.S60), best))
	}
	g.write(b, p)
	sentence(b, "%s", burstinessInWords(&streams[0].Arrivals))
}

// burstinessInWords says what the first stream's numbers mean. A whole range holds days and nights, so it is bursty
// where minutes are not: the two are said apart, and what a benchmark should replay is that of the minutes.
func burstinessInWords(a *Arrivals) string {
	if !a.GapCV.Defined() {
		return "too few requests to speak of burstiness"
	}
	word, cv := burstinessWord(a.GapCV), a.GapCV
	text := fmt.Sprintf("%s over the whole range (gap_cv %s)", word, fixed(cv))
	if w := a.Windows.S300; w.Windows > 0 {
		cv = w.GapCV.P50
		join := " and"
		if inside := burstinessWord(cv); inside != word {
			join = ", " + inside
		}
		text += fmt.Sprintf("%s within 300 s windows (p50 %s; %s of %s bursty)", join, fixed(cv), percent(w.ShareBursty),
			count(w.Windows))
	}
	if cv > 0 {
		text += fmt.Sprintf("; for a benchmark: --burstiness %s", Figure(1/(cv*cv)))
	}
	return text
}

// burstinessWord calls a process Poisson while its gap_cv is within a tenth of 1.
func burstinessWord(cv Number) string {
	switch {
	case cv > 1.1:
		return "bursty"
	case cv < 0.9:
		return "regular"
	default:
		return "nearly Poisson"
	}
}

func writeLengths(b *strings.Builder, streams []*Stream, p paint) {
	if !slices.ContainsFunc(streams, func(s *Stream) bool { return s.Lengths.N > 0 }) {
		return
	}
	heading(b, p, "Lengths", "tokens of the requests that succeeded")
	g := grid{columns: streamColumns(numbers("", "n"), numbers("request tokens", "mean", "p50", "p99", "max"),
		numbers("response tokens", "mean", "p50", "p99", "max"), numbers("", "pearson"))}
	for _, s := range streams {
		l := &s.Lengths
		x, y := &l.Request.Tokens, &l.Response.Tokens
		g.rows = append(g.rows, streamCells(s, count(l.N), tokenCount(x.Mean), tokenCount(x.P50), tokenCount(x.P99),
			tokenCount(x.Max), tokenCount(y.Mean), tokenCount(y.P50), tokenCount(y.P99), tokenCount(y.Max), fixed(l.Pearson)))
	}
	g.write(b, p)
	l := &streams[0].Lengths
	sentence(b, "in all %s request and %s response tokens", count(l.RequestTokens), count(l.ResponseTokens))
	if l.Slope.Defined() {
		sign := "+"
		if l.Intercept < 0 {
			sign = "-"
		}
		sentence(b, "response = %s x request %s %s (r2 %s)", Figure(l.Slope), sign,
			Figure(max(l.Intercept, -l.Intercept)), Figure(l.R2))
	}
}

func writeFailures(b *strings.Builder, streams []*Stream, p paint) {
	if !slices.ContainsFunc(streams, func(s *Stream) bool { return s.Failures.Failures > 0 }) {
		b.WriteString("\n" + p.bold("Failures") + "  none\n")
		return
	}
	heading(b, p, "Failures", "all but ok and cancelled; faults: what operators answer for; again: after a failure")
	g := grid{columns: streamColumns(numbers("", "failures", "rate", "95% interval", "faults"),
		numbers("run of failures", "p50", "p99", "max"), numbers("", "again", "load corr"))}
	for _, s := range streams {
		f := &s.Failures
		interval := strings.TrimSuffix(percent(f.Wilson.Low), "%") + "-" + percent(f.Wilson.High)
		g.rows = append(g.rows, streamCells(s, count(f.Failures), percent(f.FailureRate), interval, percent(f.FaultRate),
			tokenCount(f.FailureRun.P50), tokenCount(f.FailureRun.P99), tokenCount(f.FailureRun.Max),
			percent(f.FailureAfterFailure), fixed(f.LoadCorrelation.Rate)))
	}
	g.write(b, p)
	f := &streams[0].Failures
	var outcomes []string
	for _, o := range slices.Sorted(maps.Keys(f.Outcomes)) {
		n := f.Outcomes[o]
		outcomes = append(outcomes, fmt.Sprintf("%s %s (%s)", o, count(n), percent(ratio(n, streams[0].Requests))))
	}
	sentence(b, "outcomes: %s", strings.Join(outcomes, ", "))
}

func writeLatency(b *strings.Builder, streams []*Stream, p paint) {
	known := func(of func(*Latency) Seconds) bool {
		return slices.ContainsFunc(streams, func(s *Stream) bool { return of(&s.Latency).N > 0 })
	}
	kinds := []struct {
		name string
		of   func(*Latency) Seconds
	}{
		{"elapsed", func(l *Latency) Seconds { return l.Elapsed }},
		{"first token", func(l *Latency) Seconds { return l.TTFT }},
		{"each token after", func(l *Latency) Seconds { return l.TPOT }},
	}
	g, all := grid{columns: streamColumns()}, true
	for _, k := range kinds {
		all = all && known(k.of)
	}
	for _, k := range kinds {
		if known(k.of) && all { // then three columns each do not fit
			g.columns = append(g.columns, numbers(k.name, "p50", "p99")...)
		} else if known(k.of) {
			g.columns = append(g.columns, numbers(k.name, "p50", "p90", "p99")...)
		}
	}
	if len(g.columns) == len(streamColumns()) {
		return
	}
	heading(b, p, "Latency", "of the requests that succeeded")
	g.columns = append(g.columns, numbers("in flight", "mean", "peak")...)
	for _, s := range streams {
		cells := streamCells(s)
		for _, k := range kinds {
			if known(k.of) {
				d := k.of(&s.Latency)
				cells = append(cells, Span(d.P50))
				if !all {
					cells = append(cells, Span(d.P90))
				}
				cells = append(cells, Span(d.P99))
			}
		}
		g.rows = append(g.rows, append(cells, Figure(s.Arrivals.InFlightMean), tokenCount(s.Arrivals.InFlightPeak)))
	}
	g.write(b, p)
}

func writeConversations(b *strings.Builder, c *Conversations, p paint) {
	if c.Conversations == 0 {
		return
	}
	t, i, w, d, x := &c.TurnsPerConversation, &c.Interval, &c.ThinkTime, &c.Duration, &c.ContextGrowth
	heading(b, p, "Conversations", fmt.Sprintf("%s with %s; single-turn %s", plural(c.Conversations, "conversation"),
		plural(c.Turns, "turn"), percent(c.SingleTurnShare)))
	g := grid{columns: append([]column{{text: true}}, numbers("", "mean", "p10", "p50", "p90", "p99", "max")...)}
	row := func(cells ...string) { g.rows = append(g.rows, cells) }
	row("turns a conversation", Figure(t.Mean), "", tokenCount(t.P50), tokenCount(t.P90), tokenCount(t.P99), tokenCount(t.Max))
	row("from first to last", "", "", Span(d.P50), "", Span(d.P99), "")
	if i.N > 0 {
		row("between turns", Span(i.Mean), Span(i.P10), Span(i.P50), Span(i.P90), Span(i.P99), "")
	}
	if w.N > 0 {
		row("think time", "", Span(w.P10), Span(w.P50), Span(w.P90), "", "")
	}
	if x.Mean.Defined() {
		row("context growth, tokens", tokenCount(x.Mean), tokenCount(x.P10), tokenCount(x.P50), tokenCount(x.P90), "", "")
	}
	g.write(b, p)
	if c.HistoryCarriedShare.Defined() {
		sentence(b, "%s of later turns carry the history on", percent(c.HistoryCarriedShare))
	}
	if w.Overlaps > 0 {
		sentence(b, "%s began before the last answer ended", plural(w.Overlaps, "turn"))
	}
}
