package ingest

import (
	"sync"
	"sync/atomic"
)

// budget bounds the memory of all posts together.
type budget struct {
	limit int64
	used  atomic.Int64
}

// bodyCost is how much memory a post takes for each byte of its body: the body, what is decoded of it, and the records
// that are made of that.
const bodyCost = 4

// claim is one post's part of the budget. It belongs to who reads the post, then also to its delivery, and is given back
// when both have let go of it: a post that was given up on still takes memory while it waits for Kafka. A stream of gRPC
// can end, and let go, while its message is being looked at: from then on nothing can be claimed any more.
type claim struct {
	budget *budget

	mutex   sync.Mutex
	bytes   int64
	holders int
}

func (b *budget) claim() *claim { return &claim{budget: b, holders: 1} }

// take sets the claim to a number of bytes, and says whether there is room for it.
func (c *claim) take(bytes int64) bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.holders == 0 {
		return false
	}
	more := bytes - c.bytes
	if c.budget.used.Add(more) > c.budget.limit && more > 0 {
		c.budget.used.Add(-more)
		return false
	}
	c.bytes = bytes
	return true
}

// add adds to the claim.
func (c *claim) add(bytes int64) bool {
	c.mutex.Lock()
	all := c.bytes + bytes
	c.mutex.Unlock()
	return c.take(all)
}

// share adds a holder, and says whether there still was one.
func (c *claim) share() bool {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.holders == 0 {
		return false
	}
	c.holders++
	return true
}

func (c *claim) drop() {
	c.mutex.Lock()
	defer c.mutex.Unlock()
	if c.holders--; c.holders == 0 {
		c.budget.used.Add(-c.bytes)
	}
}
