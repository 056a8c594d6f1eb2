package processors

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"slices"

	"tidegauge/schemas"
)

func requestKey(service, arrivalUS, id, content any) string {
	return fmt.Sprint(service, arrivalUS, id, content)
}

// damage is what somebody did to the tables by hand. A recompute that begins later and whose range holds it mends it.
type damage struct {
	entities []string // as check names them
	service  string
	at       int64 // an arrival; Unknown: only all time holds it
	since    int   // the world's clock of damages and recomputes
}

func (w *world) isDamaged(entity string) bool {
	return slices.ContainsFunc(w.damaged, func(d damage) bool { return slices.Contains(d.entities, entity) })
}

// remove deletes rows by hand.
func (w *world) remove(table string, keys ...string) {
	if w.removed == nil {
		w.removed = make(map[string]bool)
	}
	for _, key := range keys {
		r := w.store.tables[table][key]
		delete(w.store.tables[table], key)
		if table == "requests" {
			w.removed[keyOfRequest(r)] = true
		}
		w.damage(table, r)
	}
}

func keyOfRequest(r row) string {
	v := r.values
	return requestKey(v["service"], v["arrival_us"], v["request_id"], v["content"])
}

// damage notes what is wrong with the entities of a row from now on.
func (w *world) damage(table string, r row) {
	w.clock++
	v := r.values
	d := damage{service: v["service"].(string), at: schemas.Unknown, since: w.clock}
	minute := func(n int64) {
		d.entities, d.at = append(d.entities, "minute "+fmt.Sprint(d.service, n)), n*schemas.MinuteUS
	}
	switch table {
	case "requests":
		minute(v["arrival_us"].(int64) / schemas.MinuteUS)
	case "minutes":
		minute(int64(v["minute"].(uint32)))
	}
	if c := conversationOf(r); c != "" {
		d.entities = append(d.entities, "conversation "+fmt.Sprint(d.service, " ", c))
	}
	w.damaged = append(w.damaged, d)
}

// put stores a row. There are two ways in which what was deleted by hand comes back so late that nothing but another
// recompute can help: a request that is stored by somebody who no longer owns the partition, which nobody may read again;
// and a row of an older revision whose key has no row, so that the recompute could not know of it.
func (w *world) put(b schemas.Block, zombie bool) {
	r, replaced := w.store.put(b)
	switch b.Table {
	case "requests":
		if zombie && w.removed[keyOfRequest(r)] {
			w.damage(b.Table, r)
		}
	case "minutes", "conversations":
		now, _ := w.store.Revisions(context.Background())
		if !replaced && r.version>>schemas.RevisionShift < now[r.values["service"].(string)].Number {
			w.damage(b.Table, r)
		}
	}
}

// recomputing is a Recompute that goes on one step at a time and may die between any two.
type recomputing struct {
	w      *world
	query  RecomputeQuery
	begun  int
	of     string // what it would do next
	yield  func(string) bool
	next   func() (string, bool)
	kill   func()
	left   []effect // of the stage under way
	report RecomputeReport
	err    error
}

// recompute begins one; nothing of it has happened yet.
func (w *world) recompute(q RecomputeQuery) *recomputing {
	w.clock++
	r := &recomputing{w: w, query: q, begun: w.clock}
	r.next, r.kill = iter.Pull(func(yield func(string) bool) {
		r.yield = yield
		r.report, r.err = Recompute(context.Background(), steppedStore{w.store, r}, q, nil)
	})
	r.step()
	return r
}

// step does what comes next. It says whether there is more to do.
func (r *recomputing) step() bool {
	var more bool
	if r.of, more = r.next(); more {
		return true
	}
	if r.err == nil {
		of := schemas.Recompute{FromUS: r.query.FromUS, ToUS: r.query.ToUS}
		r.w.damaged = slices.DeleteFunc(r.w.damaged, func(d damage) bool {
			return d.service == r.query.Service && d.since < r.begun &&
				(of.Has(d.at) || of.FromUS <= schemas.MinArrivalUS && of.ToUS >= schemas.MaxArrivalUS)
		})
	}
	return false
}

// until goes on to the next step of a kind, or to the end. It says whether there is such a step.
func (r *recomputing) until(of string) bool {
	for r.of != of {
		if !r.step() {
			return false
		}
	}
	return true
}

// die ends it. What was being inserted may be stored later.
func (r *recomputing) die() []effect {
	left := r.left
	r.kill()
	return left
}

var errDied = errors.New("died")

// steppedStore waits before it reads anything and before it writes any row.
type steppedStore struct {
	*memStore
	r *recomputing
}

func (s steppedStore) wait(of string) error {
	if !s.r.yield(of) {
		return errDied
	}
	return nil
}

func (s steppedStore) Write(_ context.Context, stages [][]schemas.Block, _ func(schemas.Revisions) bool) (bool, error) {
	for i, stage := range stages {
		s.r.left = nil
		for _, b := range stage {
			for row := range b.Rows {
				one := b.Slice(row, row+1)
				s.r.left = append(s.r.left, effect{i, b.Table, func() { s.r.w.put(one, false) }})
			}
		}
		if rng := s.r.w.rng; rng != nil {
			rng.Shuffle(len(s.r.left), func(i, j int) { s.r.left[i], s.r.left[j] = s.r.left[j], s.r.left[i] })
		}
		for len(s.r.left) > 0 {
			if err := s.wait(s.r.left[0].of); err != nil {
				return false, err
			}
			s.r.left[0].do()
			s.r.w.effects++
			s.r.left = s.r.left[1:]
		}
	}
	return true, nil
}

func (s steppedStore) Recomputes(ctx context.Context, service string) ([]schemas.Recompute, error) {
	if err := s.wait("revisions"); err != nil {
		return nil, err
	}
	return s.memStore.Recomputes(ctx, service)
}

func (s steppedStore) MinuteCounts(ctx context.Context, of schemas.Recompute, each func(uint32, int64)) error {
	if err := s.wait("reading"); err != nil {
		return err
	}
	return s.memStore.MinuteCounts(ctx, of, each)
}

func (s steppedStore) MinuteRows(ctx context.Context, of schemas.Recompute, each func(schemas.MinuteRowKey, bool)) error {
	if err := s.wait("reading"); err != nil {
		return err
	}
	return s.memStore.MinuteRows(ctx, of, each)
}

// LoadMinutes reads minute after minute, as a query may that takes its time.
func (s steppedStore) LoadMinutes(ctx context.Context, keys []schemas.MinuteKey, each func(*schemas.StoredRequest)) error {
	for i := range keys {
		if err := s.wait("reading"); err != nil {
			return err
		}
		if err := s.memStore.LoadMinutes(ctx, keys[i:i+1], each); err != nil {
			return err
		}
	}
	return nil
}

func (s steppedStore) ConversationTurns(ctx context.Context, of schemas.Recompute, part, parts uint64,
	turn func(string, *schemas.StoredRequest), row func(string, int64, int64, bool)) error {
	if err := s.wait("reading"); err != nil {
		return err
	}
	err := s.memStore.ConversationTurns(ctx, of, part, parts, func(string, *schemas.StoredRequest) {}, row)
	if err != nil {
		return err
	}
	if err := s.wait("reading"); err != nil {
		return err
	}
	return s.memStore.ConversationTurns(ctx, of, part, parts, turn, func(string, int64, int64, bool) {})
}

// trouble does to the tables what people do: it deletes requests and rows, and recomputes, and the recompute may die.
type trouble struct {
	running []*recomputing
	n       map[string]int // how often what happened
}

// someRange is that of one or two minutes, or all time.
func someRange(rng *rand.Rand) (from, to int64) {
	if rng.IntN(3) == 0 {
		return schemas.MinArrivalUS, schemas.MaxArrivalUS
	}
	from = rng.Int64N(25) * schemas.MinuteUS
	return from, from + (1+rng.Int64N(10))*schemas.MinuteUS
}

func (u *trouble) step(w *world, rng *rand.Rand) {
	switch dice := rng.IntN(100); {
	case dice < 6: // some requests, or rows
		table := []string{"requests", "requests", "minutes", "conversations"}[rng.IntN(4)]
		var keys []string
		for key, r := range w.store.tables[table] {
			if !r.deleted() {
				keys = append(keys, key)
			}
		}
		slices.Sort(keys)
		for range min(len(keys), 1+rng.IntN(3)) {
			i := rng.IntN(len(keys))
			w.remove(table, keys[i])
			keys = slices.Delete(keys, i, i+1)
			u.n["deleted from "+table]++
		}
	case dice < 16 && len(u.running) < 3:
		from, to := someRange(rng)
		u.running = append(u.running, w.recompute(RecomputeQuery{Service: []string{"a", "b"}[rng.IntN(2)], FromUS: from, ToUS: to,
			ChunkRequests: 1 + rng.Int64N(30)}))
	case len(u.running) == 0:
	case dice < 18:
		i := rng.IntN(len(u.running))
		for _, e := range u.running[i].die() {
			if rng.IntN(4) == 0 {
				w.late = append(w.late, e)
			}
		}
		u.running = slices.Delete(u.running, i, i+1)
		u.n["recomputes died"]++
		w.mustKeepPromises()
	default:
		i := rng.IntN(len(u.running))
		for range 1 + rng.IntN(12) {
			if !u.running[i].step() {
				u.finished(w, i)
				return
			}
		}
	}
}

func (u *trouble) finished(w *world, i int) {
	if err := u.running[i].err; err != nil {
		w.t.Fatal(err)
	}
	u.running = slices.Delete(u.running, i, i+1)
	u.n["recomputes finished"]++
	w.mustKeepPromises()
}

// mend recomputes what is damaged, while others go on. do is called between any two steps.
func (u *trouble) mend(w *world, do func()) {
	for round := 0; len(u.running) > 0 || len(w.damaged) > 0; round++ {
		if len(u.running) == 0 {
			u.running = append(u.running, w.recompute(RecomputeQuery{Service: w.damaged[0].service,
				FromUS: schemas.MinArrivalUS, ToUS: schemas.MaxArrivalUS, ChunkRequests: 20}))
		}
		if !u.running[0].step() {
			u.finished(w, 0)
		}
		if round%3 == 0 {
			do()
		}
	}
}
