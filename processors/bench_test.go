package processors

import (
	"cmp"
	"context"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"testing"

	"tidegauge/schemas"
	"tidegauge/testenv"
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
	drainBatches(t, w, log[from:to], from, 50_000, 64<<20)
}

// drainBatches feeds records, the first of which lies at an offset, flushing every so many and keeping within a budget.
func drainBatches(t testing.TB, w *worker, log [][]byte, offset, batch, budget int) {
	for i, record := range log {
		w.add(int64(offset+i), record)
		if w.records == batch {
			f, err := w.prepare(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			f.stages()
			w.stored(f)
			w.evict(budget)
		}
	}
}

// TestNoAllocationARequest counts allocations once the worker is warm. What is left belongs to minutes, conversations and
// flushes: less than one for two requests, so none for each.
func TestNoAllocationARequest(t *testing.T) {
	testenv.Sequential(t)
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

// BenchmarkLate measures what a record costs where a tenth come up to ten minutes late to a service of 50,000 requests a
// minute, flushed every 100,000, beside the same in order. MB is what sets take at the end, half of it in
// minutes that late ones come to.
func BenchmarkLate(b *testing.B) {
	const perMinute, minutes, batch = 50_000, 16, 100_000
	for _, late := range []int64{0, 10 * schemas.MinuteUS} {
		b.Run(fmt.Sprintf("minutes=%d", late/schemas.MinuteUS), func(b *testing.B) {
			log := burstLog(perMinute*minutes, perMinute)
			rng := rand.New(rand.NewPCG(8, 8))
			at := make([]int64, len(log))
			order := make([]int, len(log))
			for i := range order {
				order[i], at[i] = i, int64(i)*schemas.MinuteUS/perMinute
				if late > 0 && rng.IntN(10) == 0 {
					at[i] += rng.Int64N(late)
				}
			}
			slices.SortFunc(order, func(i, j int) int { return cmp.Compare(at[i], at[j]) })
			sorted := make([][]byte, len(log))
			for i, o := range order {
				sorted[i] = log[o]
			}
			b.ReportAllocs()
			b.ResetTimer()
			var w *worker
			for range b.N {
				w = newWorker("t", 0, 1, "g", discard{newMemStore()}, newMetrics(nil))
				drainBatches(b, w, sorted, 0, batch, 1<<30)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*len(log)), "ns/record")
			b.ReportMetric(float64(w.held())/(1<<20), "MB")
		})
	}
}
