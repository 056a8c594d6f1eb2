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
	n := 5 + rng.IntN(100)
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

// tally counts what happened to the worlds of a test.
type tally struct {
	crashes            map[string]int // by where they fell
	zombies, late      int            // effects of owners that have lost their partition, and of the dead
	restarts           int            // of owners whose flush met a changed revision
	trouble            map[string]int // what was done to the tables by hand
	records, committed int64          // in the logs, and of these before the end of the trouble
}

// room gives a cache of a few sets, or of all, so that some are evicted and others left alone until they are frozen.
func room(rng *rand.Rand) int { return []int{rng.IntN(2000), 1 << 20}[rng.IntN(2)] }

// underFire lets owners read, flush, lose the partition, go on as zombies and die between any two effects, until all is
// committed or they have had their chances.
func (w *world) underFire(rng *rand.Rand, n *tally, u *trouble) []*owner {
	owners := []*owner{w.owner(room(rng))}
	for step := 0; step < 300 && w.commit < int64(len(w.log)); step++ {
		if u != nil {
			u.step(w, rng)
		}
		o := owners[rng.IntN(len(owners))]
		if rng.IntN(2) == 0 { // half of the time it is the true owner, so that there is progress to spoil
			o = owners[slices.IndexFunc(owners, func(o *owner) bool { return o.generation == w.generation })]
		}
		switch dice := rng.IntN(100); {
		case dice < 3 && len(owners) < 3:
			owners = append(owners, w.owner(room(rng))) // a rebalance: the others are zombies now
		case dice < 9:
			n.crashes[o.where()]++
			n.restarts += o.restarts
			o.die(w, rng)
			w.mustKeepPromises()
			owners[slices.Index(owners, o)] = w.owner(room(rng))
		case dice < 18:
			o.evict(rng.IntN(1 + o.budget)) // another partition of the process wakes and takes its part of the memory
		case dice < 22 && len(w.late) > 0:
			i := rng.IntN(len(w.late))
			w.late[i].do()
			w.late = slices.Delete(w.late, i, i+1)
			n.late++
			w.mustKeepPromises()
		case o.flush != nil && rng.IntN(4) > 0:
			upTo, before := o.effects[0].stage+rng.IntN(4), len(o.effects)
			for one := rng.IntN(2) == 0; o.flush != nil && o.effects[0].stage <= upTo && (!one || len(o.effects) == before); {
				o.step(w)
			}
			if o.generation != w.generation {
				n.zombies += before - len(o.effects)
			}
		case o.flush == nil && rng.IntN(3) == 0:
			o.begin(w, rng)
		default: // reads go on while a flush is under way
			o.read(w, 1+rng.IntN(5))
		}
	}
	n.records += int64(len(w.log))
	n.committed += w.commit
	return owners
}

func (w *world) mustKeepPromises() {
	w.t.Helper()
	if err := w.check(); err != nil {
		w.t.Fatalf("log %d: %v", w.seed, err)
	}
}

// settle lets one more owner read the rest in peace, but for zombies that finish what they began, inserts that come late,
// before or after, and recomputes that mend what was damaged.
func (w *world) settle(owners []*owner, rng *rand.Rand, u *trouble) {
	last := w.owner(2000)
	half := rng.IntN(1 + len(w.late))
	for _, e := range w.late[:half] {
		e.do()
	}
	for i, o := range owners {
		if i%2 == 0 {
			o.finish(w)
		}
	}
	goOn := func() {
		if last.next < int64(len(w.log)) || !last.empty() {
			last.read(w, 3)
			last.begin(w, rng)
			last.finish(w)
		}
	}
	if u != nil {
		u.mend(w, goOn)
	}
	for last.next < int64(len(w.log)) || !last.empty() {
		goOn()
	}
	for _, o := range owners {
		o.finish(w)
	}
	for _, e := range w.late[half:] {
		e.do()
	}
	if u != nil {
		u.mend(w, func() {}) // what zombies have stored again that was deleted
	}
	w.mustKeepPromises()
}

// TestExactlyOnce runs random logs through owners that crash between any two effects, lose their partition and go on as
// zombies, with caches of a few sets, over a store whose answers break off; at every crash the store must keep its
// promises, and at the end every table must be, byte for byte, what one undisturbed owner makes of the log.
//
// Over most logs, requests and rows are deleted by hand meanwhile, and ranges recomputed, several at once, which die too.
// Then the rows must be, at the end, what the requests come to that are left, and none may be missing that was not deleted.
func TestExactlyOnce(t *testing.T) {
	testenv.Sequential(t)
	logs := testenv.Times(120, 4000)
	if testing.Short() {
		logs = 60
	}
	n := &tally{crashes: make(map[string]int), trouble: make(map[string]int)}
	for seed := range logs {
		rng := rand.New(rand.NewPCG(uint64(seed), 1))
		w := &world{t: t, seed: seed, log: randomLog(rng), store: newMemStore(), rng: rng}
		var u *trouble
		if seed%3 > 0 {
			u = &trouble{n: n.trouble}
		}
		owners := w.underFire(rng, n, u)
		w.settle(owners, rng, u)
		for _, o := range owners {
			n.restarts += o.restarts
		}
		if err := w.complete(); err != nil {
			t.Fatalf("log %d: %v", seed, err)
		}
		if w.commit != int64(len(w.log)) {
			t.Fatalf("log %d: committed %d of %d", seed, w.commit, len(w.log))
		}
	}
	total := 0
	for _, where := range []string{"between two flushes", "before requests", "inside requests", "between requests and rows",
		"before rows", "inside rows", "between rows and check", "between check and position", "between position and commit"} {
		t.Logf("%5d crashes %s", n.crashes[where], where)
		if n.crashes[where] == 0 {
			t.Errorf("no crash %s: the test does not reach it", where)
		}
		total += n.crashes[where]
	}
	for _, what := range []string{"deleted from requests", "deleted from minutes", "deleted from conversations", "recomputes died", "recomputes finished"} {
		t.Logf("%5d %s", n.trouble[what], what)
		if n.trouble[what] == 0 {
			t.Errorf("%s: never", what)
		}
	}
	t.Logf("%d logs, %d crashes; %d effects of zombies, %d of the dead; %d flushes met a recompute; %d of %d records committed under fire, the others at the end",
		logs, total, n.zombies, n.late, n.restarts, n.committed, n.records)
}

// complete holds the tables at the end against those that one undisturbed owner makes of the log, of what is left of it.
func (w *world) complete() error {
	undisturbed := &world{t: w.t, log: w.log, store: newMemStore(), partition: w.partition, partitions: w.partitions}
	o := undisturbed.owner(1 << 30)
	o.read(undisturbed, len(w.log))
	o.begin(undisturbed, nil)
	o.finish(undisturbed)
	requests := undisturbed.store.dump("requests")
	for key, r := range undisturbed.store.tables["requests"] {
		v := r.values
		if _, there := w.store.tables["requests"][key]; !there && w.removed[requestKey(v["service"], v["arrival_us"], v["request_id"], v["content"])] {
			delete(requests, key)
		}
	}
	if diff := cmp.Diff(requests, w.store.dump("requests")); diff != "" {
		return fmt.Errorf("table requests (-undisturbed +got):\n%s", diff)
	}
	left := undisturbed.store
	if w.removed != nil {
		var all []schemas.Request
		for _, value := range w.log {
			var r schemas.Request
			if !w.valid(new(schemas.Decoder), value, &r) {
				continue
			}
			key := fmt.Sprintf("requests\x00%s\x00%d\x00%s\x00%d\x00", r.Service, r.ArrivalUS, r.RequestID, r.Content())
			if _, there := w.store.tables["requests"][key]; there {
				all = append(all, r)
			}
		}
		blocks, err := Evaluate(all)
		if err != nil {
			return err
		}
		left = newMemStore()
		for _, b := range blocks {
			left.put(b)
		}
	}
	for table, want := range map[string]*memStore{"minutes": left, "conversations": left, "dead_letters": undisturbed.store} {
		if diff := cmp.Diff(want.dump(table), w.store.dump(table)); diff != "" {
			return fmt.Errorf("table %s (-undisturbed +got):\n%s", table, diff)
		}
	}
	return nil
}
