package processors

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidegauge/schemas"
)

func sortedValues(names []string, values map[string]any) []string {
	slices.Sort(names)
	var out []string
	for _, name := range names {
		text := fmt.Sprint(values[name])
		if text == "-1" || text == "" || text == "NaN" || text == "[]" || text == "map[]" || (name == "has_seed" && text == "0") {
			continue // a default: whether a block carries it depends on its neighbours
		}
		out = append(out, name+"="+text)
	}
	return out
}

// randomLog makes records of two services with ties, disorder, repetitions, conflicting copies and unknown fields.
func randomLog(rng *rand.Rand) [][]byte {
	var log [][]byte
	n := 5 + rng.IntN(60)
	for i := range n {
		var r schemas.Request
		r.Reset()
		minute := max(0, i/4+[]int{0, 0, 0, -1, -2, -5}[rng.IntN(6)])
		if rng.IntN(33) == 0 {
			minute += 3
		}
		r.Service = []string{"a", "b"}[rng.IntN(2)]
		r.Model = []string{"m", "n"}[rng.IntN(2)]
		r.LogType = []string{"", "api"}[rng.IntN(2)]
		r.ArrivalUS = int64(minute)*schemas.MinuteUS + []int64{0, 1, 59_999_999, rng.Int64N(schemas.MinuteUS)}[rng.IntN(4)]
		if rng.IntN(2) == 0 {
			r.RequestID = fmt.Sprint("id", rng.IntN(9))
		}
		r.Seq = rng.Int64N(3)
		if rng.IntN(3) > 0 {
			r.Conversation = fmt.Sprint("c", rng.IntN(6))
		}
		r.Outcome = schemas.Outcome(1 + rng.IntN(schemas.Outcomes-1))
		if rng.IntN(2) == 0 {
			r.StatusCode = int32(400 + rng.IntN(200))
		}
		if rng.IntN(4) > 0 {
			r.RequestTokens, r.ResponseTokens = rng.Int64N(5000), rng.Int64N(500)
		}
		if rng.IntN(3) > 0 {
			r.ElapsedUS = rng.Int64N(5 * schemas.MinuteUS)
			r.TTFTUS = rng.Int64N(schemas.MinuteUS)
		}
		log = append(log, schemas.AppendJSON(nil, &r))
		if rng.IntN(7) == 0 {
			log = append(log, log[rng.IntN(len(log))])
		}
		if rng.IntN(40) == 0 {
			log = append(log, []byte("{not json"))
		}
	}
	return log
}

// owner is a worker that may be interrupted at any effect.
type owner struct {
	*worker
	generation int
	budget     int
	flush      *flush
	effects    []func() // what is left of the flush under way
}

// world is a log, its store, and Kafka's commit with its generation.
type world struct {
	t          *testing.T
	log        [][]byte
	store      *memStore
	commit     int64
	generation int
}

func (w *world) owner(budget int) *owner {
	w.generation++
	o := &owner{worker: newWorker("t", 0, 1, "g", w.store, newMetrics(nil)), generation: w.generation, budget: budget}
	if err := o.assign(context.Background(), w.commit); err != nil {
		w.t.Fatal(err)
	}
	return o
}

func (o *owner) read(w *world, n int) {
	for range n {
		if o.next >= int64(len(w.log)) {
			return
		}
		o.add(o.next, w.log[o.next])
	}
}

// begin prepares a flush and splits it into its effects: single rows, in the order that the stages allow.
func (o *owner) begin(w *world, rng *rand.Rand) {
	if o.empty() {
		return
	}
	f, err := o.prepare(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	o.flush = f
	o.evict(o.budget) // as the runner does: while the flush is under way
	for _, stage := range f.stages() {
		var effects []func()
		for _, b := range stage {
			for i := range b.Rows {
				one := b.Slice(i, i+1)
				effects = append(effects, func() { w.store.put(one) })
			}
		}
		rng.Shuffle(len(effects), func(i, j int) { effects[i], effects[j] = effects[j], effects[i] })
		o.effects = append(o.effects, effects...)
	}
	o.effects = append(o.effects, func() {
		if o.generation == w.generation { // Kafka refuses a stale generation's commit
			w.commit = f.next
		}
	})
}

func (o *owner) step(w *world) {
	o.effects[0]()
	o.effects = o.effects[1:]
	if len(o.effects) == 0 {
		o.stored(o.flush)
		o.flush, o.effects = nil, nil
		o.evict(o.budget)
	}
}

func (o *owner) finish(w *world) {
	for len(o.effects) > 0 {
		o.step(w)
	}
}

// TestExactlyOnce runs random logs through owners that crash between any two effects, lose their partition and go on as
// zombies, with caches of a few sets; at the end every table must be what one undisturbed owner makes of the log.
func TestExactlyOnce(t *testing.T) {
	logs := 600
	if testing.Short() {
		logs = 150
	}
	crashes := 0
	for seed := range logs {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		w := &world{t: t, log: randomLog(rng), store: newMemStore()}
		owners := []*owner{w.owner(rng.IntN(2000))}
		for range 150 {
			switch dice, o := rng.Float64(), owners[rng.IntN(len(owners))]; {
			case dice < .08 && len(owners) < 3:
				owners = append(owners, w.owner(rng.IntN(2000))) // a rebalance: the others are zombies now
			case dice < .16:
				if len(o.effects) > 0 {
					crashes++
				}
				owners[slices.Index(owners, o)] = w.owner(rng.IntN(2000))
			case len(o.effects) > 0 && rng.IntN(3) > 0:
				o.step(w)
			case len(o.effects) == 0 && rng.IntN(2) == 0:
				o.begin(w, rng)
			default: // reads go on while a flush is under way
				o.read(w, 1+rng.IntN(5))
			}
		}
		last := w.owner(2000)
		for _, o := range append(owners, last) {
			o.finish(w)
		}
		for last.next < int64(len(w.log)) || !last.empty() {
			last.read(w, 3)
			last.begin(w, rng)
			last.finish(w)
		}
		undisturbed := &world{t: t, log: w.log, store: newMemStore()}
		o := undisturbed.owner(1 << 30)
		o.read(undisturbed, len(w.log))
		o.begin(undisturbed, rng)
		o.finish(undisturbed)
		for _, table := range []string{"requests", "minutes", "conversations", "dead_letters"} {
			if diff := cmp.Diff(undisturbed.store.dump(table), w.store.dump(table)); diff != "" {
				t.Fatalf("log %d: table %s (-undisturbed +got):\n%s", seed, table, diff)
			}
		}
		if w.commit != int64(len(w.log)) {
			t.Fatalf("log %d: committed %d of %d", seed, w.commit, len(w.log))
		}
	}
	t.Logf("%d logs, %d crashes inside a flush", logs, crashes)
}
