package report

import (
	"cmp"
	"maps"
	"slices"
)

// stream is what one stream is computed from: its requests in order, and the leaves they belong to.
type stream struct {
	model, logType *string // nil: all
	rows           []uint32
	leaves         []*leaf
	service        *service
	from           *stream // whose numbers are this stream's too; nil: its own
	result         Stream
}

// requests is how many the stream has; rows is nil where it has all.
func (s *stream) requests() int {
	if s.rows == nil {
		return len(s.service.columns.t)
	}
	return len(s.rows)
}

// group divides the rows among n groups, each in order: rows of kind k go to group of[k].
func group(kinds []uint32, of []int, n int) [][]uint32 {
	counts := make([]int, n)
	for _, k := range kinds {
		counts[of[k]]++
	}
	all, out, at := make([]uint32, len(kinds)), make([][]uint32, n), 0
	next := make([]int, n)
	for g, count := range counts {
		out[g], next[g] = all[at:at+count], at
		at += count
	}
	for i, k := range kinds {
		g := of[k]
		all[next[g]] = uint32(i)
		next[g]++
	}
	return out
}

// names gives the distinct values of one half of the kinds, in byte order, and the place of each.
func names(kinds []kind, name func(kind) string) (values []string, place map[string]int) {
	place = map[string]int{}
	for _, k := range kinds {
		place[name(k)] = 0
	}
	values = slices.Sorted(maps.Keys(place))
	for i, v := range values {
		place[v] = i
	}
	return values, place
}

// makeStreams lists a service's streams, ordered by model, then log type, null first.
func (v *service) makeStreams() {
	models, model := names(v.kinds, func(k kind) string { return k.model })
	types, logType := names(v.kinds, func(k kind) string { return k.logType })

	leaves := make([]*stream, len(v.kinds))
	modelOf, typeOf := make([]int, len(v.kinds)), make([]int, len(v.kinds))
	for i, k := range v.kinds {
		modelOf[i], typeOf[i] = model[k.model], logType[k.logType]
		leaves[i] = &stream{model: &models[modelOf[i]], logType: &types[typeOf[i]], rows: v.leafRows[i],
			leaves: v.leaves[i : i+1], service: v}
	}
	all := &stream{leaves: v.leaves, service: v}
	byModel := unions(leaves, modelOf, len(models), v.modelRows, func(s *stream, i int) { s.model = &models[i] })
	byType := unions(leaves, typeOf, len(types), v.typeRows, func(s *stream, i int) { s.logType = &types[i] })
	v.streams = slices.Concat([]*stream{all}, byModel, byType, leaves)
	for _, s := range v.streams {
		if s != all && s.requests() == len(v.columns.t) {
			s.from = all
		}
	}
	slices.SortFunc(v.streams, func(a, b *stream) int {
		return cmp.Or(compareNames(a.model, b.model), compareNames(a.logType, b.logType))
	})
}

// unions makes the streams that take all leaves of one name each. One that has a single leaf has that leaf's numbers.
func unions(leaves []*stream, of []int, n int, rows [][]uint32, name func(*stream, int)) []*stream {
	out := make([]*stream, n)
	for i := range out {
		out[i] = &stream{rows: rows[i], service: leaves[0].service}
		name(out[i], i)
	}
	single := make([]*stream, n)
	for k, l := range leaves {
		u := out[of[k]]
		u.leaves = append(u.leaves, l.leaves...)
		single[of[k]] = l
	}
	for i, u := range out {
		if len(u.leaves) == 1 {
			u.from = single[i]
		}
	}
	return out
}

// compareNames orders by bytes, null first.
func compareNames(a, b *string) int {
	switch {
	case a == nil || b == nil:
		return cmp.Compare(pointers(a), pointers(b))
	default:
		return cmp.Compare(*a, *b)
	}
}

func pointers(p *string) int {
	if p == nil {
		return 0
	}
	return 1
}
