package processors

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidegauge/schemas"
	"tidegauge/testenv"
)

// TestKeptEvaluations holds rows that flush after flush goes on with, of minutes large enough for that, to what their requests
// come to at once: also where streams are new, sets are left alone, frozen, evicted and read back between.
func TestKeptEvaluations(t *testing.T) {
	testenv.Sequential(t)
	wentOn, readBack := 0, 0.
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 8))
		var log []schemas.Request
		for i := range 1200 {
			var r schemas.Request
			r.Reset()
			r.Service, r.Model, r.Outcome = "s", "usual", schemas.Outcome(1+rng.IntN(2)*rng.IntN(schemas.Outcomes-1))
			if rng.IntN(100) == 0 {
				r.Model = string(rune('a' + rng.IntN(26)))
			}
			r.ArrivalUS, r.Seq = int64(i/400)*schemas.MinuteUS+rng.Int64N(1000), int64(i)
			r.RequestTokens, r.ResponseTokens = rng.Int64N(5000), rng.Int64N(500)
			log = append(log, r)
		}
		for range 300 { // some come late, some twice
			i, j := rng.IntN(len(log)), rng.IntN(len(log))
			log[i], log[j] = log[j], log[i]
			log = append(log, log[i])
		}
		store := newMemStore()
		w := newWorker("", 0, 1, "", store, newMetrics(nil))
		for batch := range slices.Chunk(log, 1+rng.IntN(150)) {
			for i := range batch {
				if err := w.take(&batch[i]); err != nil {
					t.Fatal(err)
				}
			}
			for m := range w.hot.of {
				if s := m.service.minutes[m.number]; s != nil && s.touched {
					wentOn++
				}
			}
			f, err := w.prepare(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.Write(t.Context(), f.stages(), f.unchanged); err != nil {
				t.Fatal(err)
			}
			w.stored(f)
			if rng.IntN(5) == 0 {
				w.evict(rng.IntN(1 + w.held()))
			}
		}
		readBack += counterValue(w.metrics.reloads.WithLabelValues("minute"))
		blocks, err := Evaluate(log)
		if err != nil {
			t.Fatal(err)
		}
		want := newMemStore()
		for _, b := range blocks {
			want.put(b)
		}
		for _, table := range []string{"requests", "minutes"} {
			if diff := cmp.Diff(want.dump(table), store.dump(table)); diff != "" {
				t.Fatalf("seed %d: table %s (-at once +flush by flush):\n%s", seed, table, diff)
			}
		}
	}
	if wentOn < 100 || readBack == 0 {
		t.Errorf("only %d evaluations were gone on with, %v minutes were read back", wentOn, readBack)
	}
	t.Logf("%d evaluations were gone on with, %v minutes read back", wentOn, readBack)
}
