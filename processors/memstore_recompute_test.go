package processors

import (
	"cmp"
	"context"
	"maps"
	"slices"

	"tidegauge/schemas"
)

// What the store in memory has for recomputing: RecomputeStore.

func (m *memStore) recomputes() (out []schemas.Recompute) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, r := range m.tables["revisions"] {
		out = append(out, schemas.Recompute{
			Service: r.values["service"].(string), Revision: uint64(r.values["revision"].(uint16)), ID: r.values["recompute"].(uint64),
			FromUS: r.values["from_us"].(int64), ToUS: r.values["to_us"].(int64), Stage: r.values["stage"].(uint8),
		})
	}
	slices.SortFunc(out, func(a, b schemas.Recompute) int {
		return cmp.Or(cmp.Compare(a.Service, b.Service), cmp.Compare(a.Revision, b.Revision), cmp.Compare(a.ID, b.ID))
	})
	return out
}

func (m *memStore) Revisions(context.Context) (schemas.Revisions, error) {
	out := make(schemas.Revisions)
	for _, one := range m.recomputes() {
		out.Add(one)
	}
	return out, nil
}

func (m *memStore) Recomputes(_ context.Context, service string) ([]schemas.Recompute, error) {
	return slices.DeleteFunc(m.recomputes(), func(one schemas.Recompute) bool { return one.Service != service }), nil
}

// rows gives a service's rows of a table, in order.
func (m *memStore) rows(table, service string) (out []row) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, key := range slices.Sorted(maps.Keys(m.tables[table])) {
		if r := m.tables[table][key]; r.values["service"] == service {
			out = append(out, r)
		}
	}
	return out
}

func (m *memStore) LoadTurns(_ context.Context, service string, conversations []string, ranges []schemas.Recompute,
	each func(string, *schemas.StoredRequest)) error {
	for _, r := range m.rows("requests", service) {
		id, at := conversationOf(r), r.values["arrival_us"].(int64)
		if slices.Contains(conversations, id) && slices.ContainsFunc(ranges, func(one schemas.Recompute) bool { return one.Has(at) }) {
			each(id, turnOf(r))
		}
	}
	return nil
}

func conversationOf(r row) string {
	id, _ := r.values["conversation"].(string) // a column that is empty throughout is left out
	return id
}

// turnOf is a request as conversations know it.
func turnOf(r row) *schemas.StoredRequest {
	q := storedRequest(r)
	q.Model, q.LogType, q.StatusCode, q.TTFTUS = "", "", schemas.Unknown, schemas.Unknown
	return q
}

func (m *memStore) MinuteCounts(_ context.Context, of schemas.Recompute, each func(uint32, int64)) error {
	counts := make(map[uint32]int64)
	for _, r := range m.rows("requests", of.Service) {
		if at := r.values["arrival_us"].(int64); of.Has(at) {
			counts[uint32(at/schemas.MinuteUS)]++
		}
	}
	for _, r := range m.rows("minutes", of.Service) {
		if minute := r.values["minute"].(uint32); of.Has(int64(minute) * schemas.MinuteUS) {
			counts[minute] += 0
		}
	}
	for _, minute := range slices.Sorted(maps.Keys(counts)) {
		each(minute, counts[minute])
	}
	return nil
}

func (m *memStore) MinuteRows(_ context.Context, of schemas.Recompute, each func(schemas.MinuteRowKey, bool)) error {
	for _, r := range m.rows("minutes", of.Service) {
		if minute := r.values["minute"].(uint32); of.Has(int64(minute) * schemas.MinuteUS) {
			each(schemas.MinuteRowKey{Grouping: r.values["grouping"].(int8), Model: r.values["model"].(string),
				LogType: r.values["log_type"].(string), Minute: minute}, r.deleted())
		}
	}
	return nil
}

// inRange gives the conversations with a turn in the range, in requests or in a row.
func (m *memStore) inRange(of schemas.Recompute) map[string]bool {
	out := make(map[string]bool)
	for _, r := range m.rows("requests", of.Service) {
		if id := conversationOf(r); id != "" && of.Has(r.values["arrival_us"].(int64)) {
			out[id] = true
		}
	}
	for _, r := range m.rows("conversations", of.Service) {
		turns, _ := r.values["turn_arrival_us"].([]int64)
		was := r.deleted() && r.values["first_us"].(int64) < of.ToUS && r.values["last_us"].(int64) >= of.FromUS
		if was || slices.ContainsFunc(turns, of.Has) {
			out[conversationOf(r)] = true
		}
	}
	return out
}

func (m *memStore) ConversationCount(_ context.Context, of schemas.Recompute) (turns int64, err error) {
	ids := m.inRange(of)
	for _, r := range m.rows("requests", of.Service) {
		if ids[conversationOf(r)] {
			turns++
		}
	}
	return turns, nil
}

func (m *memStore) ConversationTurns(_ context.Context, of schemas.Recompute, part, parts uint64,
	turn func(string, *schemas.StoredRequest), row func(string, int64, int64, bool)) error {
	ids := m.inRange(of)
	mine := func(id string) bool { return ids[id] && nameHash(id)%parts == part }
	for _, r := range m.rows("conversations", of.Service) {
		if id := conversationOf(r); mine(id) {
			row(id, r.values["first_us"].(int64), r.values["last_us"].(int64), r.deleted())
		}
	}
	for _, r := range m.rows("requests", of.Service) {
		if id := conversationOf(r); mine(id) {
			turn(id, turnOf(r))
		}
	}
	return nil
}
