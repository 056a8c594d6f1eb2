package report_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"tidegauge/report"
	"tidegauge/schemas"
)

// benchLog calls add with n requests like a public trace's (whole seconds, elapsed, few conversations) or, if full,
// like a gateway's own log (microseconds, ids, first tokens, a conversation on every line).
func benchLog(n int, full bool, add func(*schemas.Request)) {
	r := rand.New(rand.NewPCG(1, 1))
	var q schemas.Request
	at, id := 0.0, make([]byte, 0, 32)
	for i := range n {
		q.Reset()
		q.Service, q.Model, q.LogType, q.Outcome, q.Seq = "chat", "ChatGPT", "api", schemas.OK, int64(i)
		if r.IntN(7) == 0 {
			q.Model = "GPT-4"
		}
		at += math.Pow(r.Float64(), 3) * 4e6
		q.ArrivalUS = int64(at)
		q.RequestTokens = int64(math.Exp(5.3 + 1.2*r.NormFloat64()))
		q.ResponseTokens = int64(math.Exp(4.3+r.NormFloat64())) + 1
		q.ElapsedUS = q.ResponseTokens*20_000 + int64(r.ExpFloat64()*1e6)
		if r.IntN(14) == 0 {
			q.Outcome, q.ResponseTokens = schemas.Empty, 0
		}
		if r.IntN(20) == 0 {
			q.LogType = "conversation"
		}
		if full {
			q.TTFTUS = q.ElapsedUS / 4
			q.RequestID = string(fmt.Appendf(id, "req-%016x", r.Uint64()))
			q.Seq = 0
		} else {
			q.ArrivalUS -= q.ArrivalUS % 1_000_000
			q.ElapsedUS -= q.ElapsedUS % 1_000_000
		}
		if full || q.LogType == "conversation" {
			q.Conversation = string(fmt.Appendf(id[:0], "c%d", r.IntN(n/4+1)))
		}
		add(&q)
	}
}

// BenchmarkSummary gives the time of Summary alone; requests/s is the headline, in millions.
func BenchmarkSummary(b *testing.B) {
	for _, full := range []bool{false, true} {
		for _, parallelism := range []int{1, 0} {
			b.Run(fmt.Sprintf("full=%t/parallelism=%d", full, parallelism), func(b *testing.B) {
				const n = 1_000_000
				for range b.N {
					b.StopTimer()
					c := report.NewCollector(report.Options{Parallelism: parallelism})
					benchLog(n, full, c.Add)
					per := float64(c.Bytes()) / n
					b.StartTimer()
					mustSummary(b, c)
					b.ReportMetric(per, "stored-B/request")
				}
				b.ReportMetric(n*float64(b.N)/b.Elapsed().Seconds()/1e6, "M/s")
			})
		}
	}
}

// BenchmarkAdd takes in requests that lie in memory.
func BenchmarkAdd(b *testing.B) {
	for _, full := range []bool{false, true} {
		b.Run(fmt.Sprintf("full=%t", full), func(b *testing.B) {
			var requests []schemas.Request
			benchLog(10_000, full, func(r *schemas.Request) { requests = append(requests, *r) })
			c := report.NewCollector(report.Options{})
			b.ResetTimer()
			for i := range b.N {
				if i%2_000_000 == 0 { // keep memory bounded
					c = report.NewCollector(report.Options{})
				}
				c.Add(&requests[i%len(requests)])
			}
		})
	}
}

// BenchmarkTable writes what a terminal shows of a summary with nine streams.
func BenchmarkTable(b *testing.B) {
	c := report.NewCollector(report.Options{})
	benchLog(100_000, true, c.Add)
	s := mustSummary(b, c)
	b.ResetTimer()
	for range b.N {
		if err := report.WriteTable(discard{}, s, report.TableOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

type discard struct{}

func (discard) Write(p []byte) (int, error) { return len(p), nil }
