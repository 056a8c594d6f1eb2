package replay

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// WriteTable writes the summary for a person: at most 100 columns wide.
func WriteTable(w io.Writer, s *Summary) error {
	var b strings.Builder
	line := func(format string, a ...any) { fmt.Fprintf(&b, format+"\n", a...) }
	line("run %s against %s, %s", s.Run, s.Target, s.Started.Format("2006-01-02 15:04:05 UTC"))
	if s.Partial {
		line("stopped before the trace's end: what follows is of the part that was replayed")
	}
	q := s.Requests
	line("\nRequests  %s due in %s at pace %.4gx, %s sent, %s/s", comma(q.Ended), seconds(s.Schedule.DurationSeconds), s.Schedule.Pace, comma(q.Sent), decimal(q.PerSecond))
	if q.WarmUp > 0 {
		line("  %s of the warm-up before are left out", comma(q.WarmUp))
		if q.Ended == 0 {
			line("  nothing was measured: the trace, or the run, ended within the warm-up")
		}
	}
	for _, name := range outcomeOrder {
		if n := s.Outcomes[name]; n > 0 {
			line("  %-14s %10s  %6.2f%%", name, comma(n), 100*float64(n)/float64(max(q.Ended, 1)))
		}
	}
	if q.NotDue > 0 {
		line("  %s later turns still waited for an earlier answer, and were not sent", comma(q.NotDue))
	}
	writeFailures(&b, s)

	e := s.Schedule.Error
	line("\nSchedule  how late requests went out after they were due, ms")
	line("  p50 %s   p99 %s   p99.9 %s   max %s", ms(e.P50), ms(e.P99), ms(e.P999), ms(e.Max))
	if e.P99 > behind {
		line("  the schedule was not kept: this machine, or what else runs on it, is too slow for the load.")
		line("  Times from when due have it in them; those from when sent are of a load that bunched up")
	}
	line("  %s connections made, at most %s requests in flight; the wait for a connection: p99 %s ms", comma(s.Schedule.Connections),
		comma(s.Schedule.MostInFlight), ms(s.Schedule.Connect.P99))

	line("\nLatency   of the requests that ended with ok, ms")
	line("  %-38s %9s %8s %8s %8s %8s %8s", "", "n", "mean", "p50", "p90", "p99", "max")
	for _, r := range []struct {
		name string
		s    Spread
	}{
		{"to the first token, from when due", s.Latency.TTFT}, {"to the first token, from when sent", s.Latency.TTFTSent},
		{"a token after the first, by request", s.Latency.TPOT}, {"between neighbouring pieces", s.Latency.ITL},
		{"to the whole answer, from when due", s.Latency.E2E}, {"to the whole answer, from when sent", s.Latency.E2ESent},
	} {
		if r.s.N > 0 {
			line("  %-38s %9s %8s %8s %8s %8s %8s", r.name, comma(r.s.N), ms(r.s.Mean), ms(r.s.P50), ms(r.s.P90), ms(r.s.P99), ms(r.s.Max))
		}
	}
	writeTokens(&b, s)
	if g := s.Goodput; g != nil {
		line("\nGoodput   %s requests kept to %s: %.2f%%, %s/s", comma(g.Good), g.Objectives, 100*g.Share, decimal(g.PerSecond))
	}
	if s.Unsaved > 0 {
		line("\n%s results could not be written", comma(s.Unsaved))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// behind is the lateness, in seconds, that is said to be too much.
const behind = 0.020

var outcomeOrder = []string{"ok", "empty", "error", "timeout", "rate_limited", "filtered", "cancelled"}

func writeFailures(b *strings.Builder, s *Summary) {
	if len(s.Failures) == 0 {
		return
	}
	fmt.Fprintf(b, "  by type\n")
	for _, f := range s.Failures {
		b.WriteString(strings.TrimRight(fmt.Sprintf("  %-20s %10s  %s", f.Kind, comma(f.Count), cut(printable(f.Example), 62)), " ") + "\n")
		switch f.Kind {
		case kindInFlight:
			fmt.Fprintf(b, "    these were due and not sent: the load was less than the trace's\n")
		case kindLocal:
			fmt.Fprintf(b, "    this machine's own limit: raise it (ulimit -n, net.ipv4.ip_local_port_range)\n")
		}
	}
}

func writeTokens(b *strings.Builder, s *Summary) {
	t := s.Tokens
	fmt.Fprintf(b, "\nTokens    %s in prompts, %s in answers, %s/s\n", comma(t.Request), comma(t.Response), decimal(t.ResponsePerSecond))
	if n := float64(t.PromptsCounted); n > 0 {
		asked, counted := float64(t.Asked)/n, float64(t.Counted)/n
		fmt.Fprintf(b, "  prompts were to have %s tokens in the mean, the server counted %s", decimal(asked), decimal(counted))
		if over := counted - asked; over >= 0.5 {
			fmt.Fprintf(b, "\n  (what its template adds: --prompt-overhead %.0f)", over)
		}
		b.WriteString("\n")
	} else if s.Requests.Answered > 0 {
		fmt.Fprintf(b, "  the server counts no tokens of prompts: they are as many as were asked for\n")
	}
	if t.FromPieces > 0 {
		fmt.Fprintf(b, "  %s answers came without a count: each piece counts as a token\n", comma(t.FromPieces))
	}
	if t.Unstreamed > 0 {
		fmt.Fprintf(b, "  %s answers came whole although a stream was asked for: they have no first token\n", comma(t.Unstreamed))
	}
}

func comma(n int64) string { return humanize.Comma(n) }

// ms writes seconds as milliseconds, in three digits or more.
func ms(s float64) string {
	switch v := s * 1e3; {
	case v >= 1000:
		return humanize.Comma(int64(v + 0.5))
	case v >= 100:
		return fmt.Sprintf("%.0f", v)
	case v >= 10:
		return fmt.Sprintf("%.1f", v)
	default:
		return fmt.Sprintf("%.2f", v)
	}
}

func decimal(v float64) string {
	if v >= 100 {
		return humanize.Comma(int64(v + 0.5))
	}
	return fmt.Sprintf("%.1f", v)
}

func seconds(s float64) string {
	d := time.Duration(s * float64(time.Second))
	if d < 10*time.Second {
		return d.Round(time.Millisecond).String()
	}
	return d.Round(100 * time.Millisecond).String()
}

// printable takes what a server said apart from what would move a terminal's cursor.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 {
			return ' '
		}
		return r
	}, strings.TrimSpace(strings.ToValidUTF8(s, "?")))
}

func cut(s string, width int) string {
	if runes := []rune(s); len(runes) > width {
		return string(runes[:width-1]) + "…"
	}
	return s
}
