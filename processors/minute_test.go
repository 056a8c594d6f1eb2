package processors

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidegauge/schemas"
	"tidegauge/testenv"
)

// TestAnyOrder holds rows that were computed member by member, in whatever order they came, to the bits of those computed
// at once from the whole set.
func TestAnyOrder(t *testing.T) {
	testenv.Sequential(t)
	inserted := 0
	for seed := range testenv.Times(100, 3000) {
		rng := rand.New(rand.NewPCG(uint64(seed), 2))
		known := []pair{{"m", ""}, {"m", "api"}, {"n", "api"}, {"o", "x"}}
		streams, failing := 1+rng.IntN(4), rng.IntN(10)
		arrivals := schemas.MinuteUS >> rng.IntN(20) // down to many ties
		var log []Member
		for range 1 + rng.IntN(900) {
			outcome := schemas.OK
			if rng.IntN(10) < failing {
				outcome = schemas.Outcome(1 + rng.IntN(schemas.Outcomes-1))
			}
			log = append(log, newMember(&schemas.StoredRequest{
				ArrivalUS: 7*schemas.MinuteUS + rng.Int64N(int64(arrivals)), Content: rng.Uint64(), Outcome: outcome,
				RequestTokens: int32(rng.IntN(30_000) - 1), ResponseTokens: int32(rng.IntN(3000) - 1),
				ElapsedUS: rng.Int64N(schemas.MaxElapsedUS)>>rng.IntN(37) - 1, TTFTUS: rng.Int64N(1<<20) - 1, StatusCode: schemas.Unknown,
			}, uint16(rng.IntN(streams))))
			if rng.IntN(10) == 0 {
				log = append(log, log[rng.IntN(len(log))])
			}
		}
		if rng.IntN(2) == 0 { // nearly in order
			slices.SortFunc(log, func(a, b Member) int { return a.compare(&b) })
			for range len(log) / 10 {
				i := rng.IntN(len(log))
				j := min(len(log)-1, i+rng.IntN(30))
				log[i], log[j] = log[j], log[i]
			}
		}
		var set, whole members
		whole.fill(slices.Clone(log))
		var pieces, once minute
		once.take(&whole, known)
		for i := range log {
			at, fresh, last := set.add(&log[i])
			if fresh && !pieces.added(at, last) {
				pieces.take(&set, known)
			} else if fresh && !last {
				inserted++
			}
		}
		if set.n != whole.n || pieces.done != set.n {
			t.Fatalf("seed %d: %d members, %d taken, want %d", seed, set.n, pieces.done, whole.n)
		}
		if diff := cmp.Diff(rowsOf(&once), rowsOf(&pieces)); diff != "" {
			t.Fatalf("seed %d (-at once +one by one):\n%s", seed, diff)
		}
	}
	if inserted < 10_000 {
		t.Errorf("only %d members were inserted between others", inserted)
	}
}

func rowsOf(m *minute) map[string]string {
	store := newMemStore()
	var rows schemas.Minutes
	m.rows("s", 7, 1, &rows, new(memory))
	store.put(rows.Block())
	return store.dump("minutes")
}

// TestRunTooLong holds a minute of failures, whose one run is too long to be walked through for each that comes late, to
// the same.
func TestRunTooLong(t *testing.T) {
	testenv.Sequential(t)
	var set, whole members
	var pieces, once minute
	known := []pair{{"m", ""}}
	log := make([]Member, 3*mostSteps)
	for i := range log {
		log[i] = newMember(&schemas.StoredRequest{ArrivalUS: int64(i), Content: 1, Outcome: schemas.Error, StatusCode: 500,
			RequestTokens: -1, ResponseTokens: -1, ElapsedUS: -1, TTFTUS: -1}, 0)
	}
	log[0], log[len(log)/2] = log[len(log)/2], log[0]
	whole.fill(slices.Clone(log))
	once.take(&whole, known)
	gaveUp := 0
	for i := range log {
		at, _, last := set.add(&log[i])
		if !pieces.added(at, last) {
			gaveUp++
			pieces.take(&set, known)
		}
	}
	if gaveUp < 2 { // the first member of a stream always does
		t.Error("the run was walked through")
	}
	if diff := cmp.Diff(rowsOf(&once), rowsOf(&pieces)); diff != "" {
		t.Error(diff)
	}
}

// TestNewStreamBetween holds a flush that brings a minute whose evaluation was kept a request of a stream that this has not
// met, and others right beside that one, to what the requests come to at once.
func TestNewStreamBetween(t *testing.T) {
	testenv.Sequential(t)
	var all []schemas.Request
	for i := range 2*keepFrom + 3 {
		var r schemas.Request
		r.Reset()
		r.Service, r.Model, r.Outcome, r.Seq = "s", "old", schemas.OK, int64(i)
		r.ArrivalUS, r.RequestTokens, r.ResponseTokens = int64(2*i), int64(i), 1
		all = append(all, r)
	}
	late := all[2*keepFrom:]
	late[0].Model, late[0].ArrivalUS = "new", 101
	late[1].ArrivalUS, late[2].ArrivalUS = 99, 103
	w := newWorker("", 0, 1, "", nothingStored{}, newMetrics(nil))
	store := newMemStore()
	for _, batch := range [][]schemas.Request{all[:2*keepFrom], late} {
		for i := range batch {
			if err := w.take(&batch[i]); err != nil {
				t.Fatal(err)
			}
		}
		f, err := w.prepare(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		store.put(f.minutes.Block())
		w.stored(f)
	}
	if len(w.hot.of) != 1 {
		t.Fatal("no evaluation was kept")
	}
	blocks, err := Evaluate(all)
	if err != nil {
		t.Fatal(err)
	}
	want := newMemStore()
	for _, b := range blocks {
		want.put(b)
	}
	if diff := cmp.Diff(want.dump("minutes"), store.dump("minutes")); diff != "" {
		t.Errorf("(-at once +in two flushes):\n%s", diff)
	}
}

// TestMembers holds the chunked list against a sorted slice.
func TestMembers(t *testing.T) {
	testenv.Sequential(t)
	rng := rand.New(rand.NewPCG(5, 5))
	for _, n := range []int{0, 1, 2, chunkMembers - 1, chunkMembers, chunkMembers + 1, 10 * chunkMembers} {
		for _, late := range []int{0, 1, 2} { // none, some, all in no order
			var want []Member
			var l members
			for i := range n {
				arrival := int64(i)
				if late == 2 || late == 1 && rng.IntN(5) == 0 {
					arrival = rng.Int64N(int64(n))
				}
				m := newMember(&schemas.StoredRequest{ArrivalUS: arrival, Outcome: schemas.OK}, 0)
				at, fresh, last := l.add(&m)
				k, found := slices.BinarySearchFunc(want, m, func(a, b Member) int { return a.compare(&b) })
				if fresh == found || fresh && last != (k == len(want)) {
					t.Fatalf("member %d of %d: fresh %v, last %v; it was there: %v, at %d of %d", i, n, fresh, last, found, k, len(want))
				}
				if *at.member() != m {
					t.Fatalf("member %d of %d is not where it was put", i, n)
				}
				if !found {
					want = slices.Insert(want, k, m)
				}
			}
			got := slices.Concat(l.chunks()...)
			if l.n != len(want) || !slices.Equal(got, want) {
				t.Fatalf("%d members, late %d: the list differs", n, late)
			}
			for i := range want {
				if at, found := l.find(&want[i]); !found || *at.member() != want[i] {
					t.Fatalf("member %d of %d is not found", i, n)
				}
			}
			if n > 0 {
				at, _ := l.find(&want[0])
				for i := 0; ; i++ {
					if *at.member() != want[i] {
						t.Fatal("walking on goes wrong")
					}
					if !at.on() {
						break
					}
				}
				at, _ = l.find(&want[len(want)-1])
				for i := len(want) - 1; ; i-- {
					if *at.member() != want[i] {
						t.Fatal("walking back goes wrong")
					}
					if !at.back() {
						break
					}
				}
				keep := max(0, l.n-chunkMembers-3)
				l.truncate(keep)
				if got := slices.Concat(l.chunks()...); !slices.Equal(got, want[:keep]) {
					t.Fatal("truncating goes wrong")
				}
			}
		}
	}
}

// TestCounter holds the counter against a map.
func TestCounter(t *testing.T) {
	testenv.Sequential(t)
	rng := rand.New(rand.NewPCG(6, 6))
	var c, other counter
	for round := range 50 {
		want := make(map[uint16]uint64)
		for range rng.IntN(2000) {
			key := uint16(rng.IntN(1 << (1 + round%16)))
			if rng.IntN(4) == 0 && want[key] > 0 {
				want[key]--
				c.remove(key)
				continue
			}
			n := uint64(1)
			if rng.IntN(1000) == 0 { // more than an entry can say
				n = []uint64{schemas.MaxEntry, schemas.MaxEntry + 1, 5*schemas.MaxEntry + rng.Uint64N(9)}[rng.IntN(3)]
			}
			want[key] += n
			if rng.IntN(2) == 0 {
				c.page(int(key / pageKeys))[key%pageKeys] += uint32(n)
			} else {
				other.page(int(key / pageKeys))[key%pageKeys] += uint32(n)
				c.merge(&other)
				other.reset()
			}
		}
		var mem memory
		mem.sketch(&c) // what comes next must not overlap it
		got := make(map[uint16]uint64)
		entries := mem.sketch(&c)
		for i, entry := range entries {
			key, n := uint16(entry>>schemas.EntryShift), entry&schemas.MaxEntry
			if i > 0 && key < uint16(entries[i-1]>>schemas.EntryShift) || n == 0 {
				t.Fatalf("entry %d is %d of key %d, after %x", i, n, key, entries[:i])
			}
			got[key] += uint64(n)
		}
		for k, n := range want {
			if n == 0 {
				delete(want, k)
			}
		}
		if fmt.Sprint(want) != fmt.Sprint(got) {
			t.Fatalf("want %v, got %v", want, got)
		}
		c.reset()
	}
}
