package processors

import "unsafe"

// set is an entity's set of requests, in order, and its place in the cache. A minute's set has a number, a conversation's
// its id.
type set struct {
	service      *service
	number       uint32 // minutes since the epoch
	pending      chain  // rows of the worker's batch that are to be added
	conversation string // "" for a minute
	members      members
	loaded       bool   // members holds all that is stored
	touched      bool   // to be written by the next flush
	cut          bool   // a conversation with more than MaxTurns turns
	cached       bool   // in the cache
	flushed      uint64 // the worker's flush that took it last

	older, newer *set // least recently touched order
}

// chain is a list of rows of the worker's batch, linked through an array beside it: a row + 1 each, 0 for none. So what a
// batch brings to its sets takes no memory of theirs.
type chain struct{ first, last uint32 }

func (c *chain) add(row int, next []uint32) {
	if c.last == 0 {
		c.first = uint32(row + 1)
	} else {
		next[c.last-1] = uint32(row + 1)
	}
	c.last = uint32(row + 1)
}

// setOverhead is what an entity costs beside its members: the struct and its entry in a map.
const setOverhead = int(unsafe.Sizeof(set{})) + 48

func (s *set) bytes() int { return setOverhead + s.members.bytes() + len(s.conversation) }

// cache keeps sets in the order of their last touch.
type cache struct {
	oldest, newest *set
	bytes          int
}

// change runs what changes the set's memory, and accounts for it.
func (c *cache) change(s *set, change func()) {
	if s.cached {
		c.bytes -= s.bytes()
	}
	change()
	s.cached = true
	c.bytes += s.bytes()
}

func (c *cache) touch(s *set) {
	if c.newest == s {
		return
	}
	c.unlink(s)
	s.older = c.newest
	if c.newest != nil {
		c.newest.newer = s
	} else {
		c.oldest = s
	}
	c.newest = s
}

func (c *cache) unlink(s *set) {
	if s.older != nil {
		s.older.newer = s.newer
	} else if c.oldest == s {
		c.oldest = s.newer
	}
	if s.newer != nil {
		s.newer.older = s.older
	} else if c.newest == s {
		c.newest = s.older
	}
	s.older, s.newer = nil, nil
}

func (c *cache) remove(s *set) {
	c.unlink(s)
	c.bytes -= s.bytes()
	s.cached = false
}
