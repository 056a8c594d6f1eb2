package processors

import (
	"slices"
	"sync"

	"tidegauge/schemas"
)

// flush is what one flush writes, and the memory for it.
type flush struct {
	next          int64 // the offset to commit once it is stored
	records       int
	duplicates    int // requests that were already in their minute
	requests      schemas.Requests
	fresh         []int32
	minutes       schemas.Minutes
	conversations schemas.Conversations
	deadLetters   schemas.DeadLetters
	positions     schemas.Positions
	memory        memory
	services      []*service // that have rows in it

	// What the batch needed besides, for the next one.
	members []Member
	nextOf  [2][]uint32
}

// stages gives the flush's blocks in the order in which they must be stored: requests before the rows computed from
// them (a crash between leaves requests whose rows are rewritten, never rows without requests), positions last.
func (f *flush) stages() [][]schemas.Block {
	var first, second []schemas.Block
	if f.requests.Len() > 0 {
		first = append(first, f.requests.Block())
	}
	if f.deadLetters.Len() > 0 {
		first = append(first, f.deadLetters.Block())
	}
	if f.minutes.Len() > 0 {
		second = append(second, f.minutes.Block())
	}
	if f.conversations.Len() > 0 {
		second = append(second, f.conversations.Block())
	}
	return [][]schemas.Block{first, second, {f.positions.Block()}}
}

func (f *flush) reset() {
	f.requests.Reset()
	f.minutes.Reset()
	f.conversations.Reset()
	f.deadLetters.Reset()
	f.positions.Reset()
	f.memory.reset()
	f.fresh, f.members = f.fresh[:0], f.members[:0]
	clear(f.services)
	f.services = f.services[:0]
	f.nextOf[0], f.nextOf[1] = f.nextOf[0][:0], f.nextOf[1][:0]
}

// room is how many requests fit without more memory.
func (f *flush) room() int { return f.requests.Room() }

// idleFlushes keeps flushes that are stored for their memory, of all partitions together: each would keep what its largest
// flush took, and few have a large one at a time.
type idleFlushes struct {
	most int // that are kept

	mu   sync.Mutex
	list []*flush // by their room
}

// take gives the one with the least room: batches begin small.
func (i *idleFlushes) take() *flush {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.list) == 0 {
		return new(flush)
	}
	f := i.list[0]
	i.list = slices.Delete(i.list, 0, 1)
	return f
}

// takeLarge gives the one with the most room, nil where that is less than wanted.
func (i *idleFlushes) takeLarge(wanted int) *flush {
	i.mu.Lock()
	defer i.mu.Unlock()
	last := len(i.list) - 1
	if last < 0 || i.list[last].room() < wanted {
		return nil
	}
	f := i.list[last]
	i.list[last] = nil
	i.list = i.list[:last]
	return f
}

// put takes one back. Those with the most room are kept.
func (i *idleFlushes) put(f *flush) {
	f.reset()
	i.mu.Lock()
	defer i.mu.Unlock()
	at, _ := slices.BinarySearchFunc(i.list, f.room(), func(o *flush, room int) int { return o.room() - room })
	i.list = slices.Insert(i.list, at, f)
	if len(i.list) > i.most {
		i.list = slices.Delete(i.list, 0, 1)
	}
}

// enlarge gives the batch the memory for n requests, that of a large one that was stored if there is any, before it grows to
// that size step by step.
func (w *worker) enlarge(n int) {
	if w.requests.Room() >= n {
		return
	}
	f := w.idle.takeLarge(n)
	if f == nil {
		f = new(flush)
		f.requests.Grow(n)
		f.members = make([]Member, 0, n)
		for i := range f.nextOf {
			f.nextOf[i] = make([]uint32, 0, n)
		}
	}
	rows := make([]int32, len(w.members))
	for i := range rows {
		rows[i] = int32(i)
	}
	f.requests.Gather(w.requests, rows)
	f.members = append(f.members, w.members...)
	for i := range f.nextOf {
		f.nextOf[i] = append(f.nextOf[i], w.nextOf[i]...)
	}
	w.swap(f)
	w.idle.put(f)
}

// swap exchanges the batch with a flush's.
func (w *worker) swap(f *flush) {
	*w.requests, f.requests = f.requests, *w.requests
	w.members, f.members = f.members, w.members
	w.nextOf, f.nextOf = f.nextOf, w.nextOf
}
