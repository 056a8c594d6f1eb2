package processors

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cespare/xxhash/v2"
	"github.com/google/go-cmp/cmp"

	"tidegauge/schemas"
	"tidegauge/testenv"
)

// randomMembers makes a set of n members; wild ones have values of any size up to the largest that there are.
func randomMembers(rng *rand.Rand, n int, wild bool) members {
	var m members
	at := int64(schemas.MinArrivalUS)
	for range n {
		r := schemas.StoredRequest{
			Seq: rng.Int64N(3), IDHash: rng.Uint64(), Content: rng.Uint64(), Outcome: schemas.OK, RequestTokens: int32(rng.IntN(4000)),
			ResponseTokens: int32(rng.IntN(500)), ElapsedUS: rng.Int64N(10_000_000), TTFTUS: rng.Int64N(1_000_000),
		}
		at += rng.Int64N(100_000)
		stream := uint16(rng.IntN(4))
		if wild {
			at = []int64{at, schemas.MinArrivalUS, schemas.MaxArrivalUS - 1}[rng.IntN(3)]
			r.Seq = []int64{0, schemas.MaxSeq, rng.Int64N(schemas.MaxSeq)}[rng.IntN(3)]
			r.Outcome, r.StatusCode = schemas.Outcome(1+rng.IntN(schemas.Outcomes-1)), int32(400+rng.IntN(200))
			for _, tokens := range []*int32{&r.RequestTokens, &r.ResponseTokens} {
				*tokens = []int32{schemas.Unknown, 0, 1<<31 - 1}[rng.IntN(3)]
			}
			for _, us := range []*int64{&r.ElapsedUS, &r.TTFTUS} {
				*us = []int64{schemas.Unknown, 0, schemas.MaxElapsedUS}[rng.IntN(3)]
			}
			stream = []uint16{0, 1<<16 - 1}[rng.IntN(2)]
		}
		r.ArrivalUS = at
		one := newMember(&r, stream)
		m.add(&one)
	}
	return m
}

func listed(m *members) []Member { return slices.Concat(m.chunks()...) }

// turn is what a conversation keeps of a member.
func turn(m Member) Member {
	return Member{arrival: m.arrival &^ (1<<12 - 1), seq: m.seq>>smallBits<<smallBits | m.seq&outcomeBits, idHash: m.idHash, content: m.content,
		tokens: m.tokens, times: m.times &^ (1<<ttftLow - 1)}
}

// TestPacker holds that members come back as they were, those of a conversation without what its rows have no use for.
func TestPacker(t *testing.T) {
	testenv.Sequential(t)
	var p packer
	for seed := range uint64(100) {
		rng := rand.New(rand.NewPCG(seed, 5))
		m := randomMembers(rng, []int{1, 2, 3, 255, 256, 257, 511, 512, 1 + rng.IntN(2000)}[rng.IntN(9)], seed%2 == 0)
		for _, turns := range []bool{false, true} {
			want := listed(&m)
			if turns {
				for i := range want {
					want[i] = turn(want[i])
				}
			}
			packed := p.append([]byte("before"), &m, turns)
			got := p.read(packed[len("before"):], turns)
			if got.n != m.n || got.n > chunkMembers != (got.many != nil) {
				t.Fatalf("seed %d: %d members in chunks %v came back for %d", seed, got.n, got.many != nil, m.n)
			}
			if diff := cmp.Diff(want, listed(&got), cmp.AllowUnexported(Member{})); diff != "" {
				t.Fatalf("seed %d, turns %v (-written +read):\n%s", seed, turns, diff)
			}
		}
	}
}

// TestFrozen holds frozen to a map that keeps everything: whatever is put, taken, put again larger and evicted, a set
// that comes back is the one that was put last, and only what was evicted does not.
func TestFrozen(t *testing.T) {
	testenv.Sequential(t)
	rng := rand.New(rand.NewPCG(1, 6))
	var f frozen
	dropped := 0
	f.gone = func([]byte) { dropped++ }
	services := []*service{{index: 0}, {index: 1}, {index: 300}}
	kept, evicted := make(map[string]*set), 0
	random := func() *set {
		s := &set{service: services[rng.IntN(len(services))]}
		if rng.IntN(9) == 0 {
			s.number = uint32(rng.IntN(50))
		} else {
			s.conversation = fmt.Sprint("conversation ", rng.IntN(1000))
		}
		return s
	}
	name := func(s *set) string { return fmt.Sprint(s.service.index, s.number, s.conversation) }
	for step := range 5000 {
		s := random()
		before, there := kept[name(s)], f.take(s)
		if there != (before != nil) {
			t.Fatalf("step %d: %q is there: %v", step, name(s), there)
		}
		if there {
			if diff := cmp.Diff(listed(&before.members), listed(&s.members), cmp.AllowUnexported(Member{})); diff != "" || s.cut != before.cut {
				t.Fatalf("step %d: %q, cut %v (-put +taken):\n%s", step, name(s), s.cut, diff)
			}
			delete(kept, name(s))
		}
		if f.take(s) {
			t.Fatalf("step %d: %q was taken twice", step, name(s))
		}
		if rng.IntN(20) > 0 {
			n := 1 + rng.IntN(4)
			if s.conversation == "" {
				n = 1 + rng.IntN(800)
			}
			s.members, s.cut = randomMembers(rng, n, false), s.conversation != "" && rng.IntN(9) == 0
			f.put(s)
			if s.conversation != "" {
				for i, m := range s.members.few {
					s.members.few[i] = turn(m)
				}
			}
			kept[name(s)] = s
		}
		if f.bytes() > 1<<19 {
			dropped = 0
			ok := f.evict()
			gone := 0
			for key, s := range kept {
				if _, there := f.index[xxhash.Sum64(appendKey(nil, s))]; !there {
					delete(kept, key)
					gone++
				}
			}
			if !ok || gone != dropped {
				t.Fatalf("step %d: %d sets were evicted, it says %d", step, gone, dropped)
			}
			evicted += gone
		}
		held := 0
		for _, g := range f.segments {
			if g != nil {
				held += cap(g.data)
			}
		}
		if held != f.held || len(f.index) != len(kept) {
			t.Fatalf("step %d: %d bytes and %d sets are held, by its account %d and %d", step, held, len(kept), f.held, len(f.index))
		}
	}
	if evicted == 0 {
		t.Error("nothing was evicted: the test does not reach it")
	}
	for f.evict() {
	}
	if f.bytes() != 0 {
		t.Errorf("%d bytes of nothing", f.bytes())
	}
}

// TestFrozenSameHash holds that two sets with the same hash are never taken for each other: one of them is forgotten.
func TestFrozenSameHash(t *testing.T) {
	testenv.Sequential(t)
	rng := rand.New(rand.NewPCG(4, 6))
	var f frozen
	s := &service{}
	f.put(&set{service: s, conversation: "one", members: randomMembers(rng, 2, false)})
	hash := func(id string) uint64 { return xxhash.Sum64(appendKey(nil, &set{service: s, conversation: id})) }
	f.index[hash("two")] = f.index[hash("one")]
	delete(f.index, hash("one"))
	if f.take(&set{service: s, conversation: "two"}) {
		t.Error("the set of one conversation was taken for another's")
	}
	var gone string
	f.gone = func(key []byte) {
		_, id, _ := readKey(key)
		gone = string(id)
	}
	f.put(&set{service: s, conversation: "two", members: randomMembers(rng, 3, false)})
	if two := (&set{service: s, conversation: "two"}); !f.take(two) || two.members.n != 3 || len(f.index) != 0 || gone != "one" {
		t.Errorf("%d members came back, %d sets are left, %q is gone", two.members.n, len(f.index), gone)
	}
}

// TestFrozenHoles holds that sets that are taken out and put back again and again do not fill the memory with holes.
func TestFrozenHoles(t *testing.T) {
	testenv.Sequential(t)
	rng := rand.New(rand.NewPCG(2, 6))
	var f frozen
	s := &service{}
	sets := make([]*set, 5000)
	for i := range sets {
		sets[i] = &set{service: s, conversation: fmt.Sprint(i), members: randomMembers(rng, 3, false)}
		f.put(sets[i])
	}
	full := f.bytes()
	for range 20 * len(sets) {
		one := &set{service: s, conversation: fmt.Sprint(rng.IntN(len(sets)))}
		if !f.take(one) {
			t.Fatalf("%s is gone", one.conversation)
		}
		f.put(one)
	}
	if f.bytes() > 2*full {
		t.Errorf("%d bytes grew to %d", full, f.bytes())
	}
}

// BenchmarkFreeze measures what a request costs to freeze and to thaw, in minutes and in conversations.
func BenchmarkFreeze(b *testing.B) {
	rng := rand.New(rand.NewPCG(3, 6))
	for _, n := range []int{2, 2000} {
		s := &set{service: &service{}, members: randomMembers(rng, n, false)}
		if n < chunkMembers {
			s.conversation = "0123456789abcdef"
		}
		for _, thawed := range []bool{false, true} {
			b.Run(fmt.Sprintf("members=%d/thawed=%v", n, thawed), func(b *testing.B) {
				var f frozen
				b.ReportAllocs()
				for b.Loop() {
					f.put(s)
					if thawed && !f.take(s) {
						b.Fatal("gone")
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*n), "ns/request")
			})
		}
	}
}
