package processors

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"tidegauge/schemas"
)

// effect is a step of a flush that a crash may come before or after: a row that becomes visible, or the commit.
type effect struct {
	stage int    // effects of one stage may happen in any order
	of    string // the row's table, or "commit"
	do    func()
}

// owner is a worker that may be interrupted at any effect.
type owner struct {
	*worker
	generation int
	budget     int
	flush      *flush
	effects    []effect // what is left of the flush under way
	past       string   // what the last effect of the flush under way was of
	refused    bool     // Kafka did not take the last commit
	safe       int64    // the offset after the last flush that was stored
	outdated   bool     // the flush under way has met a changed revision
	restarts   int      // for that reason
	fresh      int      // requests new to their minute in all flushes, and those that were not
	duplicates int
}

// world is a log, its store, and Kafka's commit with its generation.
type world struct {
	t                     *testing.T
	seed                  int      // names it
	log                   [][]byte // by offset; nil: an offset without a record, as compaction and transactions leave
	store                 *memStore
	commit                int64
	generation            int
	partition, partitions int             // 0 of 0 is 0 of 1
	rng                   *rand.Rand      // nil: the store's reads succeed at once
	late                  []effect        // inserts that were under way when their owner died
	effects               int             // done so far
	removed               map[string]bool // requests that were deleted by hand, by the key of fact
	damaged               []damage
	clock                 int    // of damages and recomputes
	facts                 []fact // see check
}

func (w *world) owner(budget int) *owner {
	w.generation++
	store := Store(w.store)
	if w.rng != nil {
		store = roughStore{w.store, w.rng}
	}
	o := &owner{worker: newWorker("t", w.partition, max(w.partitions, 1), "g", store, newMetrics(nil)), generation: w.generation, budget: budget, safe: w.commit}
	if err := o.assign(context.Background(), w.commit); err != nil {
		w.t.Fatal(err)
	}
	return o
}

// roughStore fails now and then when it has answered a part, and says things twice.
type roughStore struct {
	*memStore
	rng *rand.Rand
}

var errRough = errors.New("the connection broke off")

// rough gives how often to say the next thing, 0 where the answer breaks off.
func (s roughStore) rough() int { return []int{0, 1, 1, 1, 1, 1, 1, 1, 1, 2}[s.rng.IntN(10)] }

func (s roughStore) LoadMinutes(ctx context.Context, keys []schemas.MinuteKey, each func(*schemas.StoredRequest)) (err error) {
	_ = s.memStore.LoadMinutes(ctx, keys, func(r *schemas.StoredRequest) {
		n := s.rough()
		if n == 0 {
			err = errRough
		}
		for range n {
			each(r)
		}
	})
	return err
}

func (s roughStore) LoadConversations(ctx context.Context, keys []schemas.ConversationKey,
	each func(string, *schemas.StoredRequest, bool, uint64)) error {
	if s.rough() == 0 {
		return errRough
	}
	return s.memStore.LoadConversations(ctx, keys, each)
}

func (s roughStore) LoadTurns(ctx context.Context, service string, ids []string, ranges []schemas.Recompute,
	each func(string, *schemas.StoredRequest)) (err error) {
	_ = s.memStore.LoadTurns(ctx, service, ids, ranges, func(id string, r *schemas.StoredRequest) {
		n := s.rough()
		if n == 0 {
			err = errRough
		}
		for range n {
			each(id, r)
		}
	})
	return err
}

// read takes n records more. It says how many there were.
func (o *owner) read(w *world, n int) (read int) {
	for ; read < n && o.next < int64(len(w.log)); read++ {
		for o.next < int64(len(w.log)) && w.log[o.next] == nil {
			o.next++
		}
		if o.next < int64(len(w.log)) {
			o.add(o.next, w.log[o.next])
		}
	}
	return read
}

// begin prepares a flush and splits it into its effects: single rows, in the order that the stages allow, shuffled
// within it if there is an rng.
func (o *owner) begin(w *world, rng *rand.Rand) {
	if o.empty() {
		return
	}
	f, err := o.prepare(context.Background())
	for errors.Is(err, errRough) {
		f, err = o.prepare(context.Background())
	}
	if err != nil {
		w.t.Fatal(err)
	}
	o.flush, o.past = f, ""
	o.fresh += len(f.fresh)
	o.duplicates += f.duplicates
	o.evict(o.budget) // as the runner does: while the flush is under way
	stages := f.stages()
	for i, stage := range stages {
		var effects []effect
		if i == len(stages)-1 {
			o.effects = append(o.effects, effect{i, "check", func() {
				now, _ := w.store.Revisions(context.Background())
				o.outdated = !f.unchanged(now)
			}})
			i++
		}
		for _, b := range stage {
			for row := range b.Rows {
				one := b.Slice(row, row+1)
				effects = append(effects, effect{i, b.Table, func() {
					w.put(one, o.generation != w.generation)
				}})
			}
		}
		if rng != nil {
			rng.Shuffle(len(effects), func(i, j int) { effects[i], effects[j] = effects[j], effects[i] })
		}
		o.effects = append(o.effects, effects...)
	}
	o.effects = append(o.effects, effect{len(stages) + 1, "commit", func() {
		if o.refused = o.generation != w.generation; !o.refused { // Kafka refuses a stale generation's commit
			w.commit = f.next
		}
	}})
}

func (o *owner) step(w *world) {
	o.effects[0].do()
	w.effects++
	o.past = o.effects[0].of
	o.effects = o.effects[1:]
	if o.outdated { // as the runner does
		o.flush, o.effects, o.outdated = nil, nil, false
		o.restarts++
		o.worker = o.again().(*worker)
		if err := o.assign(context.Background(), o.safe); err != nil {
			w.t.Fatal(err)
		}
		return
	}
	if len(o.effects) == 0 {
		o.safe = o.flush.next
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

// where says where in its flush an owner is.
func (o *owner) where() string {
	stage := func(of string) string {
		return map[string]string{"requests": "requests", "dead_letters": "requests", "minutes": "rows", "conversations": "rows", "check": "check",
			"positions": "position", "commit": "commit"}[of]
	}
	if o.flush == nil {
		return "between two flushes"
	}
	switch past, next := stage(o.past), stage(o.effects[0].of); past {
	case "":
		return "before " + next
	case next:
		return "inside " + next
	default:
		return "between " + past + " and " + next
	}
}

// die leaves what was being inserted to happen later, or never: what was sent may be stored after its sender's death.
// Of the stage under way, that is; the next was not begun.
func (o *owner) die(w *world, rng *rand.Rand) {
	for _, e := range o.effects {
		if e.stage == o.effects[0].stage && e.of != "commit" && e.of != "check" && rng.IntN(4) == 0 {
			w.late = append(w.late, e)
		}
	}
}

// fact is what a record says, by the keys of what it must lead to.
type fact struct {
	request, minute, conversation string // "": none
}

func (w *world) learn() {
	var d schemas.Decoder
	for _, value := range w.log[len(w.facts):] {
		r, f := new(schemas.Request), fact{}
		if w.valid(&d, value, r) {
			f.request = requestKey(r.Service, r.ArrivalUS, r.RequestID, r.Content())
			f.minute = fmt.Sprint(r.Service, r.ArrivalUS/schemas.MinuteUS)
			if r.Conversation != "" {
				f.conversation = fmt.Sprint(r.Service, " ", r.Conversation)
			}
		}
		w.facts = append(w.facts, f)
	}
}

// valid says whether a record is a request of the world's partition.
func (w *world) valid(d *schemas.Decoder, value []byte, r *schemas.Request) bool {
	if len(value) == 0 || d.Decode(value, r) != nil || schemas.Partition(r.Service, max(w.partitions, 1)) != w.partition {
		return false
	}
	_, err := r.Validate()
	return err == nil
}

// check holds what is stored to what it promises at every moment, before any repair: the commit is never ahead of the
// position; the requests of all records before the position are stored, and are in their rows; rows claim no more
// requests than are stored. What was damaged by hand and not recomputed since is left out.
func (w *world) check() error {
	w.learn()
	var position int64
	for _, r := range w.store.tables["positions"] {
		position = r.values["position"].(int64)
	}
	if w.commit > position {
		return fmt.Errorf("offset %d is committed, position %d is stored", w.commit, position)
	}
	requests, stored, rows := make(map[string]bool), make(map[string]int), make(map[string]int)
	for _, r := range w.store.tables["requests"] {
		v := r.values
		requests[requestKey(v["service"], v["arrival_us"], v["request_id"], v["content"])] = true
		stored["minute "+fmt.Sprint(v["service"], v["arrival_us"].(int64)/schemas.MinuteUS)]++
		if c, _ := v["conversation"].(string); c != "" {
			stored["conversation "+fmt.Sprint(v["service"], " ", c)]++
		}
	}
	for _, r := range w.store.tables["minutes"] {
		if v := r.values; v["grouping"] == schemas.GroupAll && !r.deleted() {
			rows["minute "+fmt.Sprint(v["service"], v["minute"])] = int(v["requests"].(uint64))
		}
	}
	for _, r := range w.store.tables["conversations"] {
		v := r.values
		if r.deleted() {
			continue
		}
		rows["conversation "+fmt.Sprint(v["service"], " ", v["conversation"])] = int(v["turns"].(uint32))
	}
	for _, f := range w.facts[position:] {
		if w.removed[f.request] && !requests[f.request] { // it is read again, and comes back
			requests[f.request] = true
			stored["minute "+f.minute]++
			stored["conversation "+f.conversation]++
		}
	}
	for key, n := range rows {
		if n > stored[key] && !w.isDamaged(key) {
			return fmt.Errorf("the row of %s has %d requests, %d are stored", key, n, stored[key])
		}
	}
	want, seen := make(map[string]int), make(map[string]bool)
	for offset, f := range w.facts[:position] {
		switch {
		case f.request == "" && w.log[offset] != nil:
			if _, ok := w.store.tables["dead_letters"][fmt.Sprintf("dead_letters\x00t\x00%d\x00%d\x00", w.partition, offset)]; !ok {
				return fmt.Errorf("position %d is stored, the dead letter of offset %d is not", position, offset)
			}
		case f.request == "" || seen[f.request] || w.removed[f.request]:
		case !requests[f.request]:
			return fmt.Errorf("position %d is stored, the request of offset %d is not", position, offset)
		default:
			seen[f.request] = true
			want["minute "+f.minute]++
			if f.conversation != "" && want["conversation "+f.conversation] < schemas.MaxTurns {
				want["conversation "+f.conversation]++
			}
		}
	}
	for key, n := range want {
		if rows[key] < n && !w.isDamaged(key) {
			return fmt.Errorf("position %d is stored, the row of %s has %d of %d requests", position, key, rows[key], n)
		}
	}
	return nil
}
