package report

import (
	"slices"

	"tidegauge/schemas"
)

// columns is one service's requests in METRICS' order, copies removed: what everything is computed from.
type columns struct {
	store             *store
	t                 []int64 // arrival, microseconds
	request, response []int32 // tokens, or Unknown
	elapsed, ttft     []int64 // microseconds, or Unknown; nil where no request knows it
	end               []uint16
	kind              []uint32
	conversation      []uint32 // code, 0: none; nil where no request has one

	// answer is the response tokens of requests that count in lengths, 0 for others.
	answer []uint32

	// seq, id and content are identity, until copies are found; nil where there can be none.
	seq         []int64
	id, content []uint64
	ids         [][]uint64 // all of them, until conflicts are counted

	clock int64 // microseconds: every arrival is a multiple of it
	// durationStep is the same for elapsed and ttft.
	durationStep int64
	duplicates   int64 // removed
	conflicts    int64 // ids on requests that differ
}

// flatten moves the store's chunks into contiguous columns. Columns are moved a few at a time, and let go of their
// chunks, so that the requests never lie in memory twice as a whole.
func flatten(s *store, p *pool) *columns {
	c := &columns{store: s}
	n := int(s.requests)
	moves := []task{
		func(*scratch) { c.t = flat(s, n, func(k *chunk) *[]int64 { return &k.arrival }) },
		func(*scratch) { c.elapsed = flatDuration(s, n, func(k *chunk) *[]uint32 { return &k.elapsed }, 0) },
		func(*scratch) { c.ttft = flatDuration(s, n, func(k *chunk) *[]uint32 { return &k.ttft }, 8) },
		func(*scratch) { c.request = flat(s, n, func(k *chunk) *[]int32 { return &k.request }) },
		func(*scratch) { c.response = flat(s, n, func(k *chunk) *[]int32 { return &k.response }) },
		func(*scratch) { c.end = flat(s, n, func(k *chunk) *[]uint16 { return &k.end }) },
		func(*scratch) { c.kind = flat(s, n, func(k *chunk) *[]uint32 { return &k.kind }) },
		func(*scratch) { c.conversation = flat(s, n, func(k *chunk) *[]uint32 { return &k.conversation }) },
	}
	if s.ordered() { // then no two are copies, and nobody asks for seq
		for _, k := range s.chunks {
			if k.seq = nil; k.id != nil {
				c.ids = append(c.ids, k.id[:k.n])
			}
		}
	} else {
		moves = append(moves,
			func(*scratch) { c.seq = flat(s, n, func(k *chunk) *[]int64 { return &k.seq }) },
			func(*scratch) { c.id = flat(s, n, func(k *chunk) *[]uint64 { return &k.id }) },
			func(*scratch) { c.content = flat(s, n, func(k *chunk) *[]uint64 { return &k.content }) },
		)
	}
	for batch := range slices.Chunk(moves, 3) {
		p.run(batch...)
		reuse(s.requests)
	}
	s.chunks, s.tail = nil, nil
	return c
}

// flat joins one column's chunks, nil if no chunk has it.
func flat[T any](s *store, n int, column func(*chunk) *[]T) []T {
	has := false
	for _, k := range s.chunks {
		has = has || *column(k) != nil
	}
	if !has {
		return nil
	}
	out, at := make([]T, n), 0
	for _, k := range s.chunks {
		part := column(k)
		copy(out[at:at+k.n], *part)
		*part = nil
		at += k.n
	}
	return out
}

// flatDuration joins a column of durations, whose upper bits stand in chunk.high at shift.
func flatDuration(s *store, n int, column func(*chunk) *[]uint32, shift uint) []int64 {
	has := false
	for _, k := range s.chunks {
		has = has || *column(k) != nil
	}
	if !has {
		return nil
	}
	out, at := make([]int64, n), 0
	for _, k := range s.chunks {
		low, part := *column(k), out[at:at+k.n]
		switch {
		case low == nil:
			for i := range part {
				part[i] = schemas.Unknown
			}
		case k.high == nil:
			for i := range part {
				part[i] = int64(low[i]) - 1
			}
		default:
			for i := range part {
				part[i] = int64(low[i]) | int64(k.high[i]>>shift&0xff)<<32 - 1
			}
		}
		*column(k) = nil
		at += k.n
	}
	return out
}
