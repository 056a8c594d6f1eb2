package processors

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"

	"tidegauge/schemas"
)

// burstLog makes n records of one service at perMinute requests a minute: two models, two log types, a tenth of them
// turns of conversations.
func burstLog(n, perMinute int) [][]byte {
	rng := rand.New(rand.NewPCG(7, 7))
	log := make([][]byte, n)
	t := 0.0
	var r schemas.Request
	for i := range log {
		t += rng.ExpFloat64() * schemas.MinuteUS / float64(perMinute)
		r.Reset()
		r.Service, r.Model, r.LogType, r.Outcome = "burstgpt", []string{"ChatGPT", "GPT-4"}[rng.IntN(2)], "api", schemas.OK
		r.ArrivalUS, r.Seq, r.RequestID = int64(t), int64(i), fmt.Sprintf("3f8a9b1c2d4e5f60:%d", i)
		r.RequestTokens, r.ResponseTokens, r.ElapsedUS = 1+rng.Int64N(2000), 1+rng.Int64N(800), rng.Int64N(30_000_000)
		if rng.IntN(10) == 0 {
			r.LogType, r.Conversation = "conversation", fmt.Sprint(rng.IntN(1+n/40))
		}
		log[i] = schemas.AppendJSON(nil, &r)
	}
	return log
}

type discard struct{ *memStore }

// BenchmarkWorker measures what a record costs from its bytes to the blocks of its flush, for services of different
// rates, flushed every 50,000 records: what draining a topic does.
func BenchmarkWorker(b *testing.B) {
	for _, perMinute := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprintf("perMinute=%d", perMinute), func(b *testing.B) {
			log := burstLog(200_000, perMinute)
			b.ReportAllocs()
			records := 0
			for b.Loop() {
				w := newWorker("t", 0, 1, "g", discard{newMemStore()}, newMetrics(nil))
				for i, record := range log {
					w.add(int64(i), record)
					if w.records == 50_000 {
						f, err := w.prepare(context.Background())
						if err != nil {
							b.Fatal(err)
						}
						f.stages()
						w.stored(f)
						w.evict(64 << 20)
					}
				}
				records += len(log)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
		})
	}
}
