package report

import (
	"sync"
	"sync/atomic"
)

// task is a piece of work that writes where no other writes. The scratch is its own while it runs.
type task func(*scratch)

// pool runs tasks on a bounded number of goroutines.
type pool struct{ scratches []*scratch }

func newPool(workers int) *pool {
	p := &pool{scratches: make([]*scratch, workers)}
	for i := range p.scratches {
		p.scratches[i] = &scratch{}
	}
	return p
}

// run runs all tasks, begun in the given order, and returns when the last is done: put the largest first.
func (p *pool) run(tasks ...task) {
	var next atomic.Int64
	work := func(s *scratch) {
		for {
			i := int(next.Add(1)) - 1
			if i >= len(tasks) {
				return
			}
			tasks[i](s)
		}
	}
	var workers sync.WaitGroup
	for _, s := range p.scratches[1:min(len(p.scratches), max(len(tasks), 1))] {
		workers.Go(func() { work(s) })
	}
	work(p.scratches[0])
	workers.Wait()
}
