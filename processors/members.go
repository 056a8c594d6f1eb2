package processors

import (
	"slices"
	"unsafe"
)

// members are a set's requests in order. Most sets are small and one slice; a minute of a busy service has hundreds of
// thousands, and is kept in chunks, so that a request that comes late moves a chunk's members and not the minute's.
type members struct {
	few  []Member
	many *[][]Member // in place of few once there are more than chunkMembers; no chunk is empty
	n    int
}

// chunkMembers is the most members a chunk holds: 12 KiB of them.
const chunkMembers = 256

const memberSize = int(unsafe.Sizeof(Member{}))

// chunks gives the members as slices that follow each other.
func (l *members) chunks() [][]Member {
	if l.many != nil {
		return *l.many
	}
	return unsafe.Slice(&l.few, 1)
}

// bytes is the memory that the members take.
func (l *members) bytes() int {
	if l.many != nil {
		return cap(*l.many)*int(unsafe.Sizeof(l.few)) + len(*l.many)*chunkMembers*memberSize
	}
	return cap(l.few) * memberSize
}

func (l *members) last() *Member {
	chunks := l.chunks()
	chunk := chunks[len(chunks)-1]
	return &chunk[len(chunk)-1]
}

// place is where a member lies.
type place struct {
	chunks   [][]Member
	chunk, i int
}

func (p place) member() *Member { return &p.chunks[p.chunk][p.i] }

// back and on move to the neighbour before and after; they say whether there is one.
func (p *place) back() bool {
	if p.i > 0 {
		p.i--
		return true
	}
	if p.chunk == 0 {
		return false
	}
	p.chunk--
	p.i = len(p.chunks[p.chunk]) - 1
	return true
}

func (p *place) on() bool {
	if p.i++; p.i < len(p.chunks[p.chunk]) {
		return true
	}
	p.chunk, p.i = p.chunk+1, 0
	return p.chunk < len(p.chunks)
}

// add puts a member in its place. It is not fresh where it was there already; it is last where none comes after it.
func (l *members) add(m *Member) (at place, fresh, last bool) {
	if l.n == 0 || m.compare(l.last()) > 0 {
		return l.append(m), true, true
	}
	at, found := l.find(m)
	if found {
		return at, false, false
	}
	return l.insert(at, m), true, false
}

func (l *members) append(m *Member) place {
	l.n++
	if l.many == nil {
		if len(l.few) < chunkMembers {
			l.few = append(l.few, *m)
			return place{l.chunks(), 0, len(l.few) - 1}
		}
		l.divide()
	}
	chunks := *l.many
	k := len(chunks) - 1
	if len(chunks[k]) == chunkMembers {
		chunks = append(chunks, make([]Member, 0, chunkMembers))
		k++
	}
	chunks[k] = append(chunks[k], *m)
	*l.many = chunks
	return place{chunks, k, len(chunks[k]) - 1}
}

// divide goes over to chunks.
func (l *members) divide() {
	l.many = &[][]Member{append(make([]Member, 0, chunkMembers), l.few...)}
	l.few = nil
}

// find gives the place of a member, or of the first one after it; there is one.
func (l *members) find(m *Member) (at place, found bool) {
	chunks := l.chunks()
	// The first chunk whose last member is not before m.
	k, _ := slices.BinarySearchFunc(chunks, m, func(chunk []Member, m *Member) int { return chunk[len(chunk)-1].compare(m) })
	i, found := slices.BinarySearchFunc(chunks[k], m, func(o Member, m *Member) int { return o.compare(m) })
	return place{chunks, k, i}, found
}

func (l *members) insert(at place, m *Member) place {
	l.n++
	if l.many == nil {
		if len(l.few) < chunkMembers {
			l.few = slices.Insert(l.few, at.i, *m)
			return place{l.chunks(), 0, at.i}
		}
		l.divide()
		at.chunks = *l.many
	}
	if len(at.chunks[at.chunk]) == chunkMembers {
		at = l.split(at)
	}
	at.chunks[at.chunk] = slices.Insert(at.chunks[at.chunk], at.i, *m)
	return at
}

// split makes two chunks of a full one and says where in them a place has come to.
func (l *members) split(at place) place {
	full := at.chunks[at.chunk]
	upper := append(make([]Member, 0, chunkMembers), full[chunkMembers/2:]...)
	at.chunks[at.chunk] = full[:chunkMembers/2]
	*l.many = slices.Insert(at.chunks, at.chunk+1, upper)
	at.chunks = *l.many
	if at.i > chunkMembers/2 {
		at.chunk, at.i = at.chunk+1, at.i-chunkMembers/2
	}
	return at
}

// fill makes members, in any order and with repetitions, the members. They may be sorted in place.
func (l *members) fill(from []Member) {
	*l = members{}
	slices.SortFunc(from, func(a, b Member) int { return a.compare(&b) })
	from = slices.CompactFunc(from, func(a, b Member) bool { return a.compare(&b) == 0 })
	if len(from) <= chunkMembers {
		l.few = make([]Member, 0, len(from))
	}
	for i := range from {
		l.append(&from[i])
	}
}

// truncate keeps the first n members; there are no more than chunkMembers after them.
func (l *members) truncate(n int) {
	for l.n > n {
		chunks := l.chunks()
		k := len(chunks) - 1
		drop := min(l.n-n, len(chunks[k]))
		chunks[k] = chunks[k][:len(chunks[k])-drop]
		l.n -= drop
		if len(chunks[k]) == 0 && l.many != nil {
			*l.many = chunks[:k]
		}
	}
}
