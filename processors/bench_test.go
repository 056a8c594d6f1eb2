package processors

import (
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
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

// drain feeds the records from one to before another, flushing every 50,000.
func drain(t testing.TB, w *worker, log [][]byte, from, to int) {
	for i := from; i < to; i++ {
		w.add(int64(i), log[i])
		if w.records == 50_000 {
			f, err := w.prepare(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			f.stages()
			w.stored(f)
			w.evict(64 << 20)
		}
	}
}

// TestNoAllocationARequest counts allocations once the worker is warm. What is left belongs to minutes, conversations and
// flushes: less than one for two requests, so none for each.
func TestNoAllocationARequest(t *testing.T) {
	log := burstLog(400_000, 1000)
	w := newWorker("t", 0, 1, "g", discard{newMemStore()}, newMetrics(nil))
	drain(t, w, log, 0, len(log)/2)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	drain(t, w, log, len(log)/2, len(log))
	runtime.ReadMemStats(&after)
	if each := float64(after.Mallocs-before.Mallocs) / float64(len(log)/2); each > 0.5 {
		t.Errorf("%.2f allocations a request", each)
	}
}

// BenchmarkWorker measures what a record costs from its bytes to the blocks of its flush, for services of different
// rates, flushed every 50,000 records: what draining a topic does. The first half of the log warms the worker up and is
// not counted.
func BenchmarkWorker(b *testing.B) {
	for _, perMinute := range []int{100, 1000, 10_000} {
		b.Run(fmt.Sprintf("perMinute=%d", perMinute), func(b *testing.B) {
			log := burstLog(400_000, perMinute)
			b.ReportAllocs()
			b.ResetTimer()
			records := 0
			for range b.N {
				b.StopTimer()
				w := newWorker("t", 0, 1, "g", discard{newMemStore()}, newMetrics(nil))
				drain(b, w, log, 0, len(log)/2)
				b.StartTimer()
				drain(b, w, log, len(log)/2, len(log))
				records += len(log) / 2
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(records), "ns/record")
		})
	}
}
