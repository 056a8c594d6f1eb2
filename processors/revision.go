package processors

import (
	"context"
	"slices"

	"tidegauge/schemas"
)

// A recompute raises its service's revision, then reads requests, then writes rows. A flush stores requests, then rows,
// then reads the revisions again before its position is stored. So either the recompute has seen the flush's requests, or
// the flush sees the recompute; then its position is not stored, and the partition is read again from the last one, by a
// worker that knows nothing, as after a crash.

// unchanged says whether the revisions that a flush's rows were written under are still the ones that count. It is called
// while the flush is being stored.
func (f *flush) unchanged(now schemas.Revisions) bool {
	return !slices.ContainsFunc(f.services, func(s *service) bool { return !now[s.name].Same(s.revision) })
}

// rowsTell says whether a set without a row has no stored requests. While a recompute is at work, this may be what it is
// for: rows were lost. What it writes is known once it has finished, as the worker begins again then.
func (s *service) rowsTell() bool { return len(s.revision.Unfinished) == 0 }

// again gives the worker that reads the partition again from the last position, for one whose flush met a changed
// revision.
func (w *worker) again() work {
	return newWorker(w.topic, w.partition, w.partitions, w.group, w.store, w.metrics)
}

// loadConversations reads the sets of conversations back. A row of the service's revision is what its set is. An older
// one may hold turns that were deleted since, or lack some, within the ranges of the recomputes that came after it: while
// one of these is at the conversations, requests are asked instead about its range. Once it is through with them, there
// is no older row of a conversation that has a turn in its range.
func (w *worker) loadConversations(ctx context.Context, keys []schemas.ConversationKey, loaded map[*set][]Member) error {
	type state struct {
		ranges []schemas.Recompute // where the row does not count
		cut    bool                // before it was
	}
	asked := make(map[*set]*state)
	for _, k := range keys {
		s := w.services[k.Service].conversations[k.Conversation]
		asked[s] = &state{ranges: s.service.revision.Open(0)} // without a row
		s.cut = false
	}
	err := w.store.LoadConversations(ctx, keys, func(id string, r *schemas.StoredRequest, cut bool, revision uint64) {
		s := w.service(r.Service).conversations[id]
		of := asked[s]
		if of == nil {
			return
		}
		of.ranges = s.service.revision.Open(revision)
		of.cut = cut
		if cut && len(of.ranges) > 0 || slices.ContainsFunc(of.ranges, func(one schemas.Recompute) bool { return one.Has(r.ArrivalUS) }) {
			return
		}
		s.cut = cut
		loaded[s] = append(loaded[s], newMember(r, 0))
	})
	if err != nil {
		return err
	}
	for _, cut := range []bool{false, true} {
		again := make(map[*service][]string)
		for s, of := range asked {
			if len(of.ranges) > 0 && of.cut == cut {
				again[s.service] = append(again[s.service], s.conversation)
			}
		}
		for service, ids := range again {
			ranges := service.revision.Open(0)
			if cut { // turns that the row has no room for may be anywhere
				ranges = []schemas.Recompute{{FromUS: schemas.MinArrivalUS, ToUS: schemas.MaxArrivalUS}}
			}
			slices.Sort(ids)
			err := w.store.LoadTurns(ctx, service.name, ids, ranges, func(id string, r *schemas.StoredRequest) {
				s := service.conversations[id]
				loaded[s] = append(loaded[s], newMember(r, 0))
			})
			if err != nil {
				return err
			}
		}
	}
	return nil
}
