package processors

import (
	"runtime"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidegauge/schemas"
)

// TestCacheAccount holds the account of a worker's memory to what the heap says that it takes, thawed and frozen.
func TestCacheAccount(t *testing.T) {
	heap := func() int {
		var m runtime.MemStats
		runtime.GC()
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int(m.HeapAlloc)
	}
	log := burstLog(300_000, 1000)
	for _, c := range []struct {
		name    string
		every   int
		least   float64 // bytes a request, a tenth of which is in conversations
		most    float64
		flushes int
	}{
		{"thawed", len(log), 48, 100, 1},
		{"frozen", 10_000, 28, 42, 30},
	} {
		before := heap()
		w := newWorker("t", 0, 1, "g", discard{newMemStore()}, newMetrics(nil))
		w.hot.most = 1 << 20
		for i, record := range log {
			w.add(int64(i), record)
			if w.records == c.every {
				f, err := w.prepare(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				w.stored(f)
			}
		}
		// What is not the sets': the batch and its flush.
		w.idle, w.requests, w.members, w.nextOf, w.touched = nil, new(schemas.Requests), nil, [2][]uint32{}, nil
		taken, account := heap()-before, w.held()
		t.Logf("%s: %d bytes taken, %d by the account, %.1f a request; %d evaluations of %d bytes with spares", c.name, taken, account,
			float64(account)/float64(len(log)), len(w.hot.of), w.hot.bytes)
		if ratio := float64(account) / float64(taken); ratio < .9 || ratio > 1.1 {
			t.Errorf("%s: the account is %.2f times what is taken", c.name, ratio)
		}
		if each := float64(account-w.hot.bytes) / float64(len(log)); each < c.least || each > c.most {
			t.Errorf("%s: %.1f bytes a request, want %g to %g", c.name, each, c.least, c.most)
		}
		if int(w.flushes) != c.flushes {
			t.Errorf("%d flushes, want %d", w.flushes, c.flushes)
		}
		runtime.KeepAlive(w)
	}
}

// TestIdleFlushes holds that batches get what memory they need: small ones that of small flushes, those that grow that of large
// ones, and that only so much is kept.
func TestIdleFlushes(t *testing.T) {
	idle := &idleFlushes{most: 3}
	for _, room := range []int{50, 1000, 10, 300, 20} {
		f := new(flush)
		f.requests.ArrivalUS = make([]int64, 1, room)
		idle.put(f)
	}
	if f := idle.takeLarge(1001); f != nil {
		t.Errorf("a flush with room for %d was given to a batch that wants room for 1001", f.room())
	}
	if f := idle.takeLarge(100); f == nil || f.room() != 1000 || f.requests.Len() != 0 {
		t.Errorf("the largest flush is %v", f)
	}
	var rooms []int
	for range 3 {
		rooms = append(rooms, idle.take().room())
	}
	if want := []int{50, 300, 0}; !slices.Equal(rooms, want) {
		t.Errorf("flushes have room for %v, want %v", rooms, want)
	}
}

// TestEnlarge holds that a batch that moves into larger memory is flushed as if it had stayed.
func TestEnlarge(t *testing.T) {
	log := burstLog(600, 100)
	log = append(log, log[17]) // once more
	var dumps []map[string]map[string]string
	for _, enlarge := range []bool{false, true} {
		store := newMemStore()
		w := newWorker("t", 0, 1, "g", store, newMetrics(nil))
		large := new(flush)
		large.requests.ArrivalUS = make([]int64, 0, 5000)
		w.idle.put(large)
		for i, record := range log {
			if enlarge && i%250 == 100 {
				w.enlarge(5000)
				if cap(w.requests.ArrivalUS) != 5000 {
					t.Fatalf("record %d: the batch has room for %d", i, cap(w.requests.ArrivalUS))
				}
			}
			w.add(int64(i), record)
			if i%300 == 299 || i == len(log)-1 {
				f, err := w.prepare(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				if _, err := store.Write(t.Context(), f.stages(), f.unchanged); err != nil {
					t.Fatal(err)
				}
				w.stored(f)
			}
		}
		dump := make(map[string]map[string]string)
		for _, table := range []string{"requests", "minutes", "conversations"} {
			dump[table] = store.dump(table)
		}
		dumps = append(dumps, dump)
	}
	if diff := cmp.Diff(dumps[0], dumps[1]); diff != "" || len(dumps[0]["requests"]) != 600 {
		t.Errorf("%d requests (-not enlarged +enlarged):\n%s", len(dumps[0]["requests"]), diff)
	}
}
