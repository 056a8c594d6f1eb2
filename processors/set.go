package processors

import (
	"slices"
	"unsafe"
)

// set is an entity's set of requests, in order, and its place in the cache. A minute's set has a number, a conversation's
// its id.
type set struct {
	service      *service
	number       uint32 // minutes since the epoch
	conversation string // "" for a minute
	members      []Member
	pending      []int32 // rows of the worker's batch that are to be merged
	loaded       bool    // members holds all that is stored
	touched      bool    // to be written by the next flush
	cut          bool    // a conversation with more than MaxTurns turns
	accounted    int     // bytes counted against the budget
	evaluation   *minute // kept while it pays to go on where it stopped

	older, newer *set // least recently touched order
}

// setOverhead is what an entity costs beside its members: the struct and its entry in a map.
const setOverhead = int(unsafe.Sizeof(set{})) + 64

func (s *set) bytes() int {
	return setOverhead + cap(s.members)*int(unsafe.Sizeof(Member{})) + cap(s.pending)*4 + len(s.conversation)
}

// merge adds the pending rows of batch to the members. It says which rows were new by calling added, and the index of
// the first member that changed place, len(members) before the merge where all came after.
func (s *set) merge(batch []Member, added func(row int32)) (from int) {
	from = len(s.members)
	var late []int32
	for _, row := range s.pending {
		m := &batch[row]
		if n := len(s.members); n > 0 {
			switch order := m.compare(&s.members[n-1]); {
			case order == 0:
				continue
			case order < 0:
				late = append(late, row)
				continue
			}
		}
		s.members = append(s.members, *m)
		added(row)
	}
	s.pending = s.pending[:0]
	if len(late) > 0 {
		from = min(from, s.insert(batch, late, added))
	}
	return from
}

// insert adds members that come before the last one: from the back, so that only what lies behind the first of them
// moves.
func (s *set) insert(batch []Member, late []int32, added func(row int32)) (from int) {
	slices.SortFunc(late, func(a, b int32) int { return batch[a].compare(&batch[b]) })
	// Drop what is there already, from the members or twice among the late ones.
	fresh := late[:0]
	from = len(s.members)
	for i, row := range late {
		if i > 0 && batch[row].compare(&batch[late[i-1]]) == 0 {
			continue
		}
		at, found := slices.BinarySearchFunc(s.members, &batch[row], func(m Member, o *Member) int { return m.compare(o) })
		if !found {
			from = min(from, at)
			fresh = append(fresh, row)
		}
	}
	if len(fresh) == 0 {
		return from
	}
	n := len(s.members)
	s.members = slices.Grow(s.members, len(fresh))[:n+len(fresh)]
	to, i := len(s.members)-1, n-1
	for k := len(fresh) - 1; k >= 0; to-- {
		m := &batch[fresh[k]]
		if i >= 0 && s.members[i].compare(m) > 0 {
			s.members[to] = s.members[i]
			i--
			continue
		}
		s.members[to] = *m
		k--
	}
	for _, row := range fresh {
		added(row)
	}
	return from
}

// cache keeps sets in the order of their last touch.
type cache struct {
	oldest, newest *set
	bytes          int
}

func (c *cache) account(s *set) {
	b := s.bytes()
	c.bytes += b - s.accounted
	s.accounted = b
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
	c.bytes -= s.accounted
	s.accounted = 0
}
