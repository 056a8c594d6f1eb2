package processors

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"tidegauge/schemas"
)

// RecomputeStore is what Recompute needs of a store beside what processors do.
type RecomputeStore interface {
	Store
	// Recomputes gives the recomputes of a service, all there ever were.
	Recomputes(ctx context.Context, service string) ([]schemas.Recompute, error)
	// MinuteCounts calls each, in order, with the minutes of the range that have requests or a row, and how many requests
	// are stored, copies included.
	MinuteCounts(ctx context.Context, of schemas.Recompute, each func(minute uint32, requests int64)) error
	// MinuteRows calls each with the keys of the stored rows of minutes in the range; gone says that the newest is one that
	// says that there is none.
	MinuteRows(ctx context.Context, of schemas.Recompute, each func(key schemas.MinuteRowKey, gone bool)) error
	// ConversationCount gives how many turns the conversations with a turn in the range have, about; no fewer than are
	// stored. A turn may be in requests or in a row.
	ConversationCount(ctx context.Context, of schemas.Recompute) (turns int64, err error)
	// ConversationTurns calls turn with the stored requests of the conversations that have a turn in the range, whole, in
	// any order, repetitions included; before that row with those of them that have a row: its arrivals, and gone as for
	// MinuteRows; several times where rows say that it begins on several days. Of these conversations it takes one part of
	// several.
	ConversationTurns(ctx context.Context, of schemas.Recompute, part, parts uint64,
		turn func(conversation string, turn *schemas.StoredRequest), row func(conversation string, firstUS, lastUS int64, gone bool)) error
}

// RecomputeQuery says what to recompute.
type RecomputeQuery struct {
	Service      string
	FromUS, ToUS int64 // whole minutes; the minutes that begin there, and the conversations with a turn there, whole
	// ChunkRequests is about how many requests are held in memory at once; 0 is 200,000.
	ChunkRequests int64
}

// RecomputeReport is what was done.
type RecomputeReport struct {
	Revision               uint64 // under which rows were written
	Requests               int64  // of the minutes
	Minutes, Conversations int64  // rows written
	Deleted                int64  // rows of which no request is left
}

// ErrRevisions is Recompute's error for a service whose versions have no room for one more.
var ErrRevisions = errors.New("no revision is left")

// Recompute writes the rows of a service's range again, as its stored requests have them, under a new revision that wins
// over whatever was written before. Processors may run, and other recomputes: see revision.go. One that was interrupted
// has done no harm, and is run again. progress, which may be nil, is called with how much is done, of how much.
func Recompute(ctx context.Context, store RecomputeStore, q RecomputeQuery, progress func(done, total int64)) (RecomputeReport, error) {
	if q.ChunkRequests <= 0 {
		q.ChunkRequests = 200_000
	}
	r := &recompute{store: store, query: q, progress: progress}
	for _, step := range []struct {
		doing string
		do    func(context.Context) error
	}{
		{"raising the revision", r.raise}, // before anything is read
		{"counting requests", r.count},
		{"conversations", r.conversations},
		{"ending the conversations", func(ctx context.Context) error { return r.reach(ctx, schemas.RecomputeConversations) }},
		{"minutes", r.minutes},
		{"finishing", func(ctx context.Context) error { return r.reach(ctx, schemas.RecomputeFinished) }},
	} {
		if err := step.do(ctx); err != nil {
			return r.report, fmt.Errorf("recomputing service %q: %s: %w", q.Service, step.doing, err)
		}
	}
	return r.report, nil
}

// recompute is one run of Recompute.
type recompute struct {
	store       RecomputeStore
	query       RecomputeQuery
	progress    func(done, total int64)
	done, total int64
	turns       int64
	report      RecomputeReport
	self        schemas.Recompute
}

// raise takes a revision that no other recompute has taken. Rows of one revision may have been made of what several
// recomputes had left, so that two of them must not share one: whoever sees another beside itself takes the next.
func (r *recompute) raise(ctx context.Context) error {
	for {
		known, err := r.store.Recomputes(ctx, r.query.Service)
		if err != nil {
			return err
		}
		var highest uint64
		for _, one := range known {
			highest = max(highest, one.Revision)
		}
		if highest >= schemas.MaxRevision {
			return fmt.Errorf("%w: it has been recomputed %d times; read its requests into another database", ErrRevisions, highest)
		}
		r.self = schemas.Recompute{Service: r.query.Service, Revision: highest + 1, ID: rand.Uint64(), FromUS: r.query.FromUS, ToUS: r.query.ToUS}
		r.report.Revision = r.self.Revision
		if err := r.write(ctx, schemas.Recomputes(r.self)); err != nil {
			return err
		}
		if known, err = r.store.Recomputes(ctx, r.query.Service); err != nil {
			return err
		}
		if !slices.ContainsFunc(known, func(one schemas.Recompute) bool { return one.Revision == r.self.Revision && one.ID != r.self.ID }) {
			return nil
		}
		r.self.Stage = schemas.RecomputeFinished // it recomputes nothing
		if err := r.write(ctx, schemas.Recomputes(r.self)); err != nil {
			return err
		}
	}
}

func (r *recompute) write(ctx context.Context, blocks ...schemas.Block) error {
	blocks = slices.DeleteFunc(blocks, func(b schemas.Block) bool { return b.Rows == 0 })
	if len(blocks) == 0 {
		return nil
	}
	_, err := r.store.Write(ctx, [][]schemas.Block{blocks}, nil)
	return err
}

func (r *recompute) advance(n int64) {
	r.done += n
	if r.progress != nil {
		r.progress(min(r.done, r.total), r.total)
	}
}

func (r *recompute) count(ctx context.Context) (err error) {
	if r.turns, err = r.store.ConversationCount(ctx, r.self); err != nil {
		return err
	}
	r.total = r.turns
	err = r.store.MinuteCounts(ctx, r.self, func(_ uint32, n int64) { r.total += n })
	r.advance(0)
	return err
}

// conversations writes the rows of the conversations, some hundred thousand turns at a time.
func (r *recompute) conversations(ctx context.Context) error {
	parts := uint64(r.turns/r.query.ChunkRequests) + 1
	for part := range parts {
		turns := make(map[string][]Member)
		rows := make(map[string][]oldRow)
		err := r.store.ConversationTurns(ctx, r.self, part, parts,
			func(id string, t *schemas.StoredRequest) { turns[id] = append(turns[id], newMember(t, 0)) },
			func(id string, firstUS, lastUS int64, gone bool) {
				rows[id] = append(rows[id], oldRow{firstUS, lastUS, gone})
			})
		if err != nil {
			return err
		}
		var written schemas.Conversations
		var deleted schemas.DeletedConversations
		var mem memory
		for _, id := range slices.Sorted(maps.Keys(turns)) {
			list := turns[id]
			var set members
			set.fill(list)
			cut := set.n > schemas.MaxTurns
			if cut {
				set.fill(slices.Concat(set.chunks()...)[:schemas.MaxTurns])
			}
			conversationRow(r.query.Service, id, r.self.Revision, &set, cut, &written, &mem)
			// The new row says of the days of its own turns that the conversation does not begin there. That of a turn which
			// is gone is none of them.
			rows[id] = slices.DeleteFunc(rows[id], func(old oldRow) bool { return schemas.Day(old.firstUS) == schemas.Day(set.chunks()[0][0].arrivalUS()) })
		}
		for _, id := range slices.Sorted(maps.Keys(rows)) {
			for _, row := range rows[id] {
				deleted.Append(r.query.Service, id, row.firstUS, row.lastUS, r.self.Revision)
			}
			if turns[id] == nil && slices.ContainsFunc(rows[id], func(old oldRow) bool { return !old.gone }) {
				r.report.Deleted++
			}
		}
		r.report.Conversations += int64(written.Len())
		// First what counts more: a conversation is never gone between the two.
		for _, b := range []schemas.Block{written.Block(), deleted.Block()} {
			if err := r.write(ctx, b); err != nil {
				return err
			}
		}
		r.advance(r.turns / int64(parts))
	}
	return nil
}

// oldRow is what there was of a conversation. One that was gone already is told again that it is, under the new revision:
// or a row that was made before it went, under a revision between the two, could still come and count.
type oldRow struct {
	firstUS, lastUS int64
	gone            bool
}

// reach says that the recompute has come to a stage. What earlier ones have left of a range within its own is done by
// that, too, also if they died.
func (r *recompute) reach(ctx context.Context, stage uint8) error {
	known, err := r.store.Recomputes(ctx, r.query.Service)
	if err != nil {
		return err
	}
	var done []schemas.Recompute
	for _, one := range known {
		if one.Stage < stage && one.Revision <= r.self.Revision && r.self.Covers(&one) {
			one.Stage = stage
			done = append(done, one)
		}
	}
	return r.write(ctx, schemas.Recomputes(done...))
}

// minutes writes the rows of the minutes, about as many requests at a time as are to be in memory.
func (r *recompute) minutes(ctx context.Context) error {
	var keys []schemas.MinuteKey
	var chunks [][]schemas.MinuteKey
	var counts []int64
	var held int64
	cut := func() {
		if len(keys) > 0 {
			chunks, counts = append(chunks, keys), append(counts, held)
		}
		keys, held = nil, 0
	}
	// Rows without requests cost little, but not nothing.
	const mostMinutes = 10_000
	err := r.store.MinuteCounts(ctx, r.self, func(minute uint32, n int64) {
		if held+n > r.query.ChunkRequests || len(keys) == mostMinutes {
			cut()
		}
		keys = append(keys, schemas.MinuteKey{Service: r.query.Service, Minute: minute})
		held += n
	})
	if err != nil {
		return err
	}
	cut()
	for i, chunk := range chunks {
		if err := r.chunk(ctx, chunk); err != nil {
			return err
		}
		r.advance(counts[i])
	}
	return nil
}

// chunk writes the rows of some minutes, given in order.
func (r *recompute) chunk(ctx context.Context, keys []schemas.MinuteKey) error {
	part := r.self
	part.FromUS = int64(keys[0].Minute) * schemas.MinuteUS
	part.ToUS = (int64(keys[len(keys)-1].Minute) + 1) * schemas.MinuteUS
	asked, rows := make(map[uint32]bool), make(map[schemas.MinuteRowKey]bool) // rows: were they gone already? As for oldRow.
	for _, k := range keys {
		asked[k.Minute] = true
	}
	// Rows before requests: what a row that is found here was made of was stored before it, and if it is not found then,
	// it is gone.
	err := r.store.MinuteRows(ctx, part, func(key schemas.MinuteRowKey, gone bool) {
		if asked[key.Minute] {
			rows[key] = gone
		}
	})
	if err != nil {
		return err
	}
	var streams pairs
	var bad error
	sets := make(map[uint32][]Member)
	err = r.store.LoadMinutes(ctx, keys, func(q *schemas.StoredRequest) {
		stream, ok := streams.number(q.Model, q.LogType)
		if !ok {
			bad = errTooManyStreams
		}
		minute := uint32(q.ArrivalUS / schemas.MinuteUS)
		sets[minute] = append(sets[minute], newMember(q, stream))
	})
	if err = errors.Join(err, bad); err != nil {
		return err
	}
	var written schemas.Minutes
	var deleted schemas.DeletedMinutes
	var mem memory
	var e minute
	for _, number := range slices.Sorted(maps.Keys(sets)) {
		var set members
		set.fill(sets[number])
		r.report.Requests += int64(set.n)
		e.take(&set, streams.list)
		e.rows(r.query.Service, number, schemas.Version(r.self.Revision, uint64(set.n)), &written, &mem)
	}
	for i := range written.Len() {
		delete(rows, schemas.MinuteRowKey{Grouping: written.Grouping[i], Model: written.Model[i], LogType: written.LogType[i], Minute: written.Minute[i]})
	}
	// In order, so that the same requests make the same rows.
	for _, key := range slices.SortedFunc(maps.Keys(rows), schemas.MinuteRowKey.Compare) {
		deleted.Append(r.query.Service, key, r.self.Revision)
		if !rows[key] {
			r.report.Deleted++
		}
	}
	r.report.Minutes += int64(written.Len())
	return r.write(ctx, written.Block(), deleted.Block())
}
