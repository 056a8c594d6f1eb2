package contrast

import (
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"tidegauge/report"
)

// TableOptions says how WriteTable writes.
type TableOptions struct {
	// Colour sets headings and verdicts off with ANSI escapes.
	Colour bool
	// All shows every measure and every number, not only what decided.
	All bool
}

// width is where text is wrapped.
const width = 100

// WriteTable writes a comparison for a person at a terminal.
func WriteTable(w io.Writer, c *Comparison, o TableOptions) error {
	t := table{paint: o.Colour}
	t.head(c)
	whole := &c.Streams[0]
	t.line("")
	t.wrapped("", t.in(dim, "apart: how far A and B are apart; matters: from where on that matters for a load test; itself: how far parts of one and the same trace are apart"))
	for i := range whole.Sections {
		t.section(&whole.Sections[i], o.All)
	}
	t.numbers(whole, o.All)
	t.distances(whole)
	t.counts(whole)
	t.streams(c.Streams[1:])
	t.warnings(c)
	t.line("")
	t.wrapped("", t.in(bold, c.Summary))
	_, err := io.WriteString(w, t.b.String())
	return err
}

type table struct {
	b     strings.Builder
	paint bool
}

// Escapes of ANSI.
const (
	bold   = "\x1b[1m"
	dim    = "\x1b[2m"
	red    = "\x1b[31m"
	green  = "\x1b[32m"
	yellow = "\x1b[33m"
	plain  = "\x1b[0m"
)

func (t *table) in(style, text string) string {
	if !t.paint || text == "" {
		return text
	}
	return style + text + plain
}

func (t *table) line(format string, arguments ...any) {
	t.b.WriteString(strings.TrimRight(fmt.Sprintf(format, arguments...), " ") + "\n")
}

// wrapped writes words, broken between them; later lines are indented like the first.
func (t *table) wrapped(indent, words string) {
	line := indent
	for _, word := range strings.Fields(words) {
		if line != indent && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			t.line("%s", line)
			line = indent
		}
		if line != indent {
			line += " "
		}
		line += word
	}
	t.line("%s", line)
}

func (t *table) verdict(v Verdict, pad int) string {
	style := map[Verdict]string{Alike: green, Differs: red, CannotTell: yellow, Absent: dim}[v]
	return t.in(style, fmt.Sprintf("%-*s", pad, v))
}

func (t *table) head(c *Comparison) {
	for _, s := range []struct {
		letter string
		*Side
	}{{"A", &c.A}, {"B", &c.B}} {
		t.line("%s  %s  %s, %s", t.in(bold, s.letter), t.in(bold, s.Name), several(s.Requests, "request"), period(s.FirstArrivalUS, s.LastArrivalUS))
		if len(s.Services) > 1 {
			t.line("   %s of %d services, taken as one", several(s.Requests, "request"), len(s.Services))
		}
	}
}

func period(fromUS, toUS int64) string {
	const layout = "2006-01-02 15:04:05"
	return time.UnixMicro(fromUS).UTC().Format(layout) + " UTC, " + span(float64(toUS-fromUS)/1e6)
}

func (t *table) section(s *Section, all bool) {
	t.line("")
	t.line("%s  %s", t.in(bold, fmt.Sprintf("%-13s", s.Section)), t.verdict(s.Verdict, 0))
	if s.Verdict == Absent {
		t.wrapped("  ", s.Reason)
		return
	}
	t.wrapped("  ", s.Reason)
	if s.Meaning != "" {
		t.wrapped("  ", s.Meaning)
	}
	rows := slices.DeleteFunc(slices.Clone(s.Measures), func(m Measure) bool { return m.Verdict == Absent && !all })
	if len(rows) < 2 {
		return
	}
	t.line("  %s", t.in(dim, fmt.Sprintf("%-26s %11s %11s %10s %9s %9s  %s", "", "A", "B", "apart", "matters", "itself", "")))
	for i := range rows {
		m := &rows[i]
		t.line("  %-26s %11s %11s %10s %9s %9s  %s", m.Title, m.quantity(m.A), m.quantity(m.B), m.far(m.Distance), m.far(m.Tolerance),
			m.far(m.Own), t.verdict(m.Verdict, 0))
	}
}

// quantity writes one of the two values.
func (m *Measure) quantity(v report.Number) string { return inUnit(float64(v), m.Unit) }

// far writes a distance.
func (m *Measure) far(d report.Number) string {
	v := float64(d)
	switch {
	case math.IsNaN(v):
		return undefined
	case math.IsInf(v, 0):
		return "∞"
	case m.Kind == Ratio && v >= 1:
		return "x " + figure(1+v)
	case m.Kind == Ratio || m.Kind == Area || m.Unit == "share":
		return percent(v)
	}
	return brief(v)
}

// shownNumbers are those of docs/metrics.md that say most; --all shows every one.
var shownNumbers = []struct{ name, unit string }{
	{"arrivals.rate", "1/s"}, {"arrivals.gap_mean", "s"}, {"arrivals.gap_cv", ""}, {"arrivals.gamma_shape", ""},
	{"arrivals.zero_gap_share", "share"}, {"arrivals.burstiness", ""}, {"arrivals.memory", ""}, {"arrivals.idc.60", ""},
	{"arrivals.peak_to_mean.60", ""}, {"arrivals.windows.300.gap_cv.p50", ""}, {"arrivals.windows.300.share_bursty", "share"},
	{"arrivals.in_flight_mean", ""}, {"conversations.conversations", ""}, {"conversations.turns_per_conversation.mean", ""},
	{"conversations.single_turn_share", "share"}, {"conversations.interval.p50", "s"}, {"conversations.think_time.p50", "s"},
	{"conversations.context_growth.p50", ""}, {"conversations.history_carried_share", "share"}, {"lengths.request.p50", ""},
	{"lengths.request.p99", ""}, {"lengths.request.zipf_alpha", ""}, {"lengths.response.p50", ""}, {"lengths.response.p99", ""},
	{"lengths.pearson", ""}, {"lengths.lag1", ""}, {"failures.failure_rate", "share"}, {"failures.fault_rate", "share"},
	{"failures.failure_run.p99", ""}, {"failures.load_correlation.rate", ""}, {"latency.elapsed.p50", "s"}, {"latency.elapsed.p99", "s"},
	{"latency.ttft.p50", "s"}, {"latency.ttft.p99", "s"}, {"latency.tpot.p50", "s"},
}

func (t *table) numbers(s *Stream, all bool) {
	t.line("")
	t.line("%s  %s", t.in(bold, "numbers"), t.in(dim, "as docs/metrics.md defines them"+map[bool]string{false: "; --all shows every one"}[all]))
	row := func(name, a, b string) { t.line("  %-48s %12s %12s", name, a, b) }
	t.line("  %s", t.in(dim, fmt.Sprintf("%-48s %12s %12s", "", "A", "B")))
	for _, n := range s.Numbers {
		if all {
			row(n.Name, figure(float64(n.A)), figure(float64(n.B)))
		}
	}
	for _, shown := range shownNumbers {
		i := slices.IndexFunc(s.Numbers, func(n NumberPair) bool { return n.Name == shown.name })
		if !all && i >= 0 && (s.Numbers[i].A.Defined() || s.Numbers[i].B.Defined()) {
			row(shown.name, inUnit(float64(s.Numbers[i].A), shown.unit), inUnit(float64(s.Numbers[i].B), shown.unit))
		}
	}
}

func (t *table) distances(s *Stream) {
	t.line("")
	t.line("%s", t.in(bold, "distances of distributions"))
	t.line("  %s", t.in(dim, fmt.Sprintf("%-20s %12s %12s %12s %12s %7s %12s", "", "n of A", "n of B", "median A", "median B", "KS", "Wasserstein")))
	for _, d := range s.Distance {
		if d.N.A > 0 || d.N.B > 0 {
			t.line("  %-20s %12s %12s %12s %12s %7s %12s", d.Name, integer(float64(d.N.A)), integer(float64(d.N.B)), inUnit(float64(d.Medians.A), d.Unit),
				inUnit(float64(d.Medians.B), d.Unit), figure(float64(d.KS)), inUnit(float64(d.Wasserstein), d.Unit))
		}
	}
}

func (t *table) counts(s *Stream) {
	var heads, a, b strings.Builder
	for _, c := range s.Counts {
		if c.A.Defined() || c.B.Defined() {
			fmt.Fprintf(&heads, "%7s", lagName(c.LagSeconds))
			fmt.Fprintf(&a, "%7s", fixed(c.A))
			fmt.Fprintf(&b, "%7s", fixed(c.B))
		}
	}
	if heads.Len() == 0 {
		return
	}
	t.line("")
	t.line("%s  %s", t.in(bold, "autocorrelation of counts"), t.in(dim, "by second up to 1 min, by minute from there"))
	t.line("  %s", t.in(dim, " "+heads.String()))
	t.line("  A%s", a.String())
	t.line("  B%s", b.String())
}

// lagName writes a whole number of seconds, minutes or hours.
func lagName(seconds int) string {
	switch {
	case seconds%3600 == 0:
		return fmt.Sprintf("%d h", seconds/3600)
	case seconds%60 == 0:
		return fmt.Sprintf("%d min", seconds/60)
	}
	return fmt.Sprintf("%d s", seconds)
}

func fixed(n report.Number) string {
	if !n.Defined() {
		return undefined
	}
	return strings.Replace(fmt.Sprintf("%.2f", float64(n)), "-0.00", "0.00", 1)
}

func (t *table) streams(streams []Stream) {
	if len(streams) == 0 {
		return
	}
	t.line("")
	t.line("%s  %s", t.in(bold, "by log type and model"), t.in(dim, "those that both name; --json has the reasons"))
	line := fmt.Sprintf("%-30s %10s %10s", "", "A", "B")
	for _, s := range streams[0].Sections {
		line += fmt.Sprintf("  %-11s", s.Section)
	}
	t.line("  %s", t.in(dim, line))
	for _, s := range streams {
		line := fmt.Sprintf("  %-30s %10s %10s", shorten(streamName(&s), 30), integer(float64(s.Requests.A)), integer(float64(s.Requests.B)))
		for _, section := range s.Sections {
			line += "  " + t.verdict(section.Verdict, 11)
		}
		t.line("%s", line)
	}
}

// streamName names a stream by what it is limited to.
func streamName(s *Stream) string {
	switch {
	case s.Model != nil:
		return "model " + *s.Model
	case s.LogType != nil && *s.LogType == "":
		return "no log type"
	case s.LogType != nil:
		return "log type " + *s.LogType
	}
	return "all requests"
}

func shorten(s string, width int) string {
	runes := []rune(s)
	if len(runes) <= width {
		return s
	}
	end := (width - 1) / 2
	return string(runes[:width-1-end]) + "…" + string(runes[len(runes)-end:])
}

// said are the warnings that the comparison says in its own way: what a side has not is absent.
var said = []string{report.WarnNoConversations, report.WarnNoElapsed, report.WarnNoRequestTokens, report.WarnNoResponseTokens, report.WarnNoTTFT}

func (t *table) warnings(c *Comparison) {
	first := true
	for _, s := range []struct {
		letter string
		*Side
	}{{"A", &c.A}, {"B", &c.B}} {
		for _, w := range s.Warnings {
			if slices.Contains(said, w.Code) {
				continue
			}
			if first {
				t.line("")
				first = false
			}
			t.wrapped("", t.in(yellow, "! "+s.letter+": "+w.Text))
		}
	}
}
