package encode

import (
	"container/heap"
	"iter"
	"slices"

	"tidegauge/schemas"
)

// orderWindow is how many requests InOrder holds back: some tens of MB. A log that is written as answers complete is out of
// order by as many requests as are answered at once, which is far fewer.
const orderWindow = 1 << 16

// InOrder gives requests in the order of their arrivals where none comes more than orderWindow requests too late, as in logs
// that are written as answers complete.
func InOrder(requests iter.Seq2[*schemas.Request, error]) iter.Seq2[*schemas.Request, error] {
	return inOrder(requests, orderWindow)
}

func inOrder(requests iter.Seq2[*schemas.Request, error], window int) iter.Seq2[*schemas.Request, error] {
	return func(yield func(*schemas.Request, error) bool) {
		var held waiting
		var place int64
		for r, err := range requests {
			if err != nil {
				yield(nil, err)
				return
			}
			place++
			w := held.take()
			keep(&w.request, r)
			w.place = place
			heap.Push(&held, w)
			if held.Len() <= window {
				continue
			}
			first := heap.Pop(&held).(*waitingRequest)
			if !yield(&first.request, nil) {
				return
			}
			held.free = append(held.free, first)
		}
		for held.Len() > 0 {
			if !yield(&heap.Pop(&held).(*waitingRequest).request, nil) {
				return
			}
		}
	}
}

// keep copies a request that is used again by the next.
func keep(to, from *schemas.Request) {
	hashes, labels := to.PrefixHashes[:0], to.Labels[:0]
	*to = *from
	to.PrefixHashes, to.Labels = append(hashes, from.PrefixHashes...), append(labels, from.Labels...)
}

type waitingRequest struct {
	request schemas.Request
	place   int64
}

// waiting is a heap of requests, the earliest first, of equal ones the one that came first.
type waiting struct {
	all, free []*waitingRequest
}

func (w *waiting) take() *waitingRequest {
	if n := len(w.free); n > 0 {
		r := w.free[n-1]
		w.free = slices.Delete(w.free, n-1, n)
		return r
	}
	return new(waitingRequest)
}

func (w *waiting) Len() int { return len(w.all) }
func (w *waiting) Less(i, j int) bool {
	a, b := w.all[i], w.all[j]
	if a.request.ArrivalUS != b.request.ArrivalUS {
		return a.request.ArrivalUS < b.request.ArrivalUS
	}
	return a.place < b.place
}
func (w *waiting) Swap(i, j int) { w.all[i], w.all[j] = w.all[j], w.all[i] }
func (w *waiting) Push(x any)    { w.all = append(w.all, x.(*waitingRequest)) }
func (w *waiting) Pop() any {
	last := w.all[len(w.all)-1]
	w.all = w.all[:len(w.all)-1]
	return last
}
