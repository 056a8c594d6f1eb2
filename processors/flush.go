package processors

import (
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
	f.fresh = f.fresh[:0]
}

// idleFlushes keeps flushes that are stored for their memory, of all partitions together: each would keep what its largest
// flush took, and few of them flush at once.
type idleFlushes struct {
	most int // that are kept

	mu   sync.Mutex
	list []*flush
}

func (i *idleFlushes) take() *flush {
	i.mu.Lock()
	defer i.mu.Unlock()
	return reuse(&i.list)
}

func (i *idleFlushes) put(f *flush) {
	f.reset()
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.list) < i.most {
		i.list = append(i.list, f)
	}
}
