package report

import (
	"cmp"
	"runtime"
	"slices"
	"strings"
)

// service is one service on its way from requests to numbers.
type service struct {
	columns                       *columns
	longest                       int64 // the longest elapsed, microseconds
	leafRows, modelRows, typeRows [][]uint32
	kinds                         []kind
	leaves                        []*leaf // by kind
	streams                       []*stream
	result                        Service
}

// summarise computes all services, in stages; within a stage nothing depends on anything else, and the largest pieces
// are begun first:
//
//  1. flatten, arrange: the requests in METRICS' order, without copies
//  2. what concerns the service as a whole, and its rows grouped by kind, model and log type
//  3. leaves: what does not depend on order, for each kind
//  4. streams: what does, for each stream, and the leaves' sums
func summarise(stores []*store, o Options) ([]Service, []Warning) {
	p := newPool(o.Parallelism)
	services := make([]*service, len(stores))
	var rows int64
	var arrange, divide, leaves, streams stage
	for i, s := range stores {
		services[i] = &service{columns: flatten(s, p)}
		rows += s.requests
		arrange.add(s.requests, func(s *scratch) { services[i].columns.arrange(s) })
	}
	arrange.run(p)
	reuse(rows)
	for _, v := range services {
		if o.Ordered != nil {
			o.Ordered(v.columns.ordered())
		}
		v.divide(o, &divide)
	}
	divide.run(p)
	for _, v := range services {
		v.columns.kind, v.columns.conversation = nil, nil // what follows goes by rows
	}
	reuse(rows)
	for _, v := range services {
		v.addLeaves(&leaves)
	}
	leaves.run(p)
	for _, v := range services {
		v.columns.request, v.columns.response, v.columns.ttft = nil, nil, nil // the leaves have them
	}
	reuse(rows)
	for _, v := range services {
		v.makeStreams()
		for _, s := range v.streams {
			if s.from == nil {
				streams.add(int64(s.requests()), s.compute)
			}
		}
	}
	streams.run(p)

	var results []Service
	var warnings []Warning
	for _, v := range services {
		v.finish()
		results = append(results, v.result)
		warnings = append(warnings, v.warnings(o)...)
	}
	return results, warnings
}

// reuse collects garbage between the steps of a large log. Columns that are done with are most of the memory by then,
// and hold no pointers, so that collecting takes a millisecond and saves the next step as much fresh memory.
func reuse(rows int64) {
	if rows > 1<<20 {
		runtime.GC()
	}
}

// stage is tasks that may run at the same time.
type stage struct{ pieces []piece }

type piece struct {
	size int64
	task task
}

func (s *stage) add(size int64, t task) { s.pieces = append(s.pieces, piece{size, t}) }

func (s *stage) run(p *pool) {
	slices.SortStableFunc(s.pieces, func(a, b piece) int { return cmp.Compare(b.size, a.size) })
	tasks := make([]task, len(s.pieces))
	for i, piece := range s.pieces {
		tasks[i] = piece.task
	}
	p.run(tasks...)
}

// divide adds what concerns the service as a whole, and the grouping of its rows.
func (v *service) divide(o Options, to *stage) {
	c, n := v.columns, int64(len(v.columns.t))
	kinds := c.store.kinds
	v.result = Service{Service: c.store.name, Requests: n, FirstArrivalUS: c.t[0], LastArrivalUS: c.t[n-1]}
	to.add(n, func(*scratch) { c.findSteps() })
	to.add(n, func(*scratch) { c.findAnswers() })
	to.add(5*n, func(*scratch) { c.conflicts, c.ids = conflicts(c.ids), nil })
	to.add(n, func(*scratch) { byTime(c, o.Location, &v.result) })
	to.add(n, func(s *scratch) { v.result.Conversations = conversations(c, o.InferConversations.Microseconds(), s) })
	if c.elapsed != nil {
		to.add(n, func(*scratch) { v.longest = max(slices.Max(c.elapsed), 0) })
	}
	// Leaves are in the order of their names, not of their first requests: sums of logarithms are added up in it.
	v.kinds = slices.Clone(kinds)
	slices.SortFunc(v.kinds, func(a, b kind) int {
		return cmp.Or(strings.Compare(a.model, b.model), strings.Compare(a.logType, b.logType))
	})
	place := map[kind]int{}
	for i, k := range v.kinds {
		place[k] = i
	}
	by := func(rows *[][]uint32, n int, of func(kind) int) {
		*rows = make([][]uint32, n)
		if n > 1 { // else nil: all
			groups := make([]int, len(kinds))
			for code, k := range kinds {
				groups[code] = of(k)
			}
			to.add(int64(len(c.t)), func(*scratch) { *rows = group(c.kind, groups, n) })
		}
	}
	models, model := names(v.kinds, func(k kind) string { return k.model })
	types, logType := names(v.kinds, func(k kind) string { return k.logType })
	by(&v.modelRows, len(models), func(k kind) int { return model[k.model] })
	by(&v.typeRows, len(types), func(k kind) int { return logType[k.logType] })
	by(&v.leafRows, len(kinds), func(k kind) int { return place[k] })
}

func (v *service) addLeaves(to *stage) {
	v.leaves = make([]*leaf, len(v.leafRows))
	for k, rows := range v.leafRows {
		size := len(rows)
		if rows == nil {
			size = len(v.columns.t)
		}
		to.add(int64(size), func(s *scratch) { v.leaves[k] = newLeaf(v.columns, rows, s) })
	}
}

// compute fills in the stream's result.
func (s *stream) compute(w *scratch) {
	c := s.service.columns
	t := gather(&w.t, c.t, s.rows)
	gaps := passGaps(t, c.clock, w)
	f := flight{mean: Null, peak: Null}
	if c.elapsed != nil {
		f = passFlight(t, gather(&w.elapsed, c.elapsed, s.rows), gaps.windows, s.service.longest, w)
	}
	failed := passFailures(gather(&w.end, c.end, s.rows), gaps.windows, w)
	s.result = Stream{
		Requests: int64(len(t)),
		Arrivals: arrivals(t, c.clock, &gaps, f, w),
		Lengths:  lengths(s.leaves, gather(&w.answer, c.answer, s.rows)),
		Failures: failures(s.leaves, int64(len(t)), failed, gaps.windows, f.windows, w),
		Latency:  latency(s.leaves),
	}
}

// finish puts the streams' results, in order, into the service's.
func (v *service) finish() {
	v.result.Streams = make([]Stream, len(v.streams))
	for i, s := range v.streams {
		from := s
		for from.from != nil {
			from = from.from
		}
		v.result.Streams[i] = from.result
		v.result.Streams[i].Model, v.result.Streams[i].LogType = s.model, s.logType
	}
}
