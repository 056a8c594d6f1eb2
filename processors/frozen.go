package processors

import (
	"bytes"
	"encoding/binary"

	"github.com/cespare/xxhash/v2"
)

// frozen keeps sets that no flush has touched lately as bytes: they take half the memory, or a quarter where they are
// small, and are nothing that the garbage collector has to look through. A set is taken out before anything is added to
// it, and put back once it is left alone again.
//
// Sets are written one behind the other into segments. So the oldest segment holds the sets touched least recently, and is
// dropped as a whole. What was taken out leaves a hole in its segment; one that is more than half holes is rewritten.
type frozen struct {
	packer   packer
	index    map[uint64]location // by XXH64 of the key
	segments []*segment          // oldest first; nil where it has been given up
	first    uint64              // the number of segments[0]
	open     *segment            // that is written to
	held     int                 // bytes of the segments
	entry    []byte              // being written
	key      []byte              // being looked up

	// gone is told of each set that is not here any more though nobody took it, by its key.
	gone func(key []byte)
}

// location is where an entry lies: the segment's number << 32 | the offset in it.
type location uint64

type segment struct {
	number uint64
	data   []byte // entries: length of what follows, key, whether a conversation was cut, members
	live   int    // bytes of entries that the index has
}

const (
	// mostSegment bounds a segment: it should hold many conversations, and be a small part of any budget, as it is evicted
	// as a whole and each partition has one that is not full. A set that is not small has a segment of its own.
	mostSegment  = 64 << 10
	leastSegment = 4 << 10
	ownSegment   = mostSegment / 4
	// indexEntry is what a set takes in the index: 17 bytes a slot of Go's map, of which two thirds are in use.
	indexEntry = 26
)

// bytes is the memory that the sets take, holes and room for more included.
func (f *frozen) bytes() int { return f.held + len(f.index)*indexEntry }

// appendKey writes what tells sets apart; no key is the beginning of another.
func appendKey(to []byte, s *set) []byte {
	if s.conversation == "" {
		to = binary.AppendUvarint(to, uint64(s.service.index)<<1)
		return binary.AppendUvarint(to, uint64(s.number))
	}
	to = binary.AppendUvarint(to, uint64(s.service.index)<<1|1)
	to = binary.AppendUvarint(to, uint64(len(s.conversation)))
	return append(to, s.conversation...)
}

// readKey reads the key that an entry begins with: a conversation's id, nil for a minute.
func readKey(entry []byte) (service int, conversation []byte, length int) {
	kind, n := binary.Uvarint(entry)
	v, m := binary.Uvarint(entry[n:])
	length = n + m
	if kind&1 == 1 {
		conversation = entry[length : length+int(v)]
		length += int(v)
	}
	return int(kind >> 1), conversation, length
}

func keyOf(entry []byte) []byte {
	_, _, length := readKey(entry)
	return entry[:length]
}

// put writes a set.
func (f *frozen) put(s *set) {
	f.entry = appendKey(f.entry[:0], s)
	hash := xxhash.Sum64(f.entry)
	turns := s.conversation != ""
	if turns {
		var cut byte
		if s.cut {
			cut = 1
		}
		f.entry = append(f.entry, cut)
	}
	f.entry = f.packer.append(f.entry, &s.members, turns)
	f.write(hash, f.entry)
	if cap(f.entry) > mostSegment {
		f.entry = nil
	}
}

func (f *frozen) write(hash uint64, entry []byte) {
	if old, ok := f.index[hash]; ok { // another set with the same hash: rather read back than mixed up
		_, another, _ := f.at(old)
		f.gone(keyOf(another))
		f.forget(hash, old)
	}
	var length [binary.MaxVarintLen64]byte
	n := binary.PutUvarint(length[:], uint64(len(entry)))
	g := f.room(n + len(entry))
	if f.index == nil {
		f.index = make(map[uint64]location)
	}
	f.index[hash] = location(g.number<<32 | uint64(len(g.data)))
	g.data = append(append(g.data, length[:n]...), entry...)
	g.live += n + len(entry)
}

// room gives a segment with room for n bytes.
func (f *frozen) room(n int) *segment {
	if n > ownSegment {
		return f.segment(n)
	}
	if f.open == nil || len(f.open.data)+n > mostSegment {
		f.open = f.segment(max(leastSegment, n))
	}
	if g := f.open; cap(g.data)-len(g.data) < n {
		grown := make([]byte, len(g.data), min(mostSegment, max(2*cap(g.data), len(g.data)+n)))
		copy(grown, g.data)
		f.held += cap(grown) - cap(g.data)
		g.data = grown
	}
	return f.open
}

func (f *frozen) segment(n int) *segment {
	const page = 8 << 10 // in which Go gives out what is larger than 32 KiB
	if n > 32<<10 {
		n = (n + page - 1) / page * page
	}
	g := &segment{number: f.first + uint64(len(f.segments)), data: make([]byte, 0, n)}
	f.segments = append(f.segments, g)
	f.held += n
	return g
}

// at gives an entry, and the bytes that it takes with its length.
func (f *frozen) at(l location) (g *segment, entry []byte, size int) {
	g = f.segments[uint64(l)>>32-f.first]
	data := g.data[uint32(l):]
	length, n := binary.Uvarint(data)
	return g, data[n : n+int(length)], n + int(length)
}

// take takes a set out: its members, and whether it was cut. False where it is not here.
func (f *frozen) take(s *set) bool {
	if len(f.index) == 0 {
		return false
	}
	f.key = appendKey(f.key[:0], s)
	hash := xxhash.Sum64(f.key)
	l, ok := f.index[hash]
	if !ok {
		return false
	}
	_, entry, _ := f.at(l)
	packed, ok := bytes.CutPrefix(entry, f.key)
	if !ok { // another set's, with the same hash
		return false
	}
	turns := s.conversation != ""
	if turns {
		s.cut = packed[0] == 1
		packed = packed[1:]
	}
	s.members = f.packer.read(packed, turns)
	f.forget(hash, l)
	return true
}

// forget makes an entry a hole.
func (f *frozen) forget(hash uint64, l location) {
	g, _, size := f.at(l)
	delete(f.index, hash)
	g.live -= size
	switch {
	case g == f.open:
	case g.live == 0:
		f.drop(g)
	case g.live < len(g.data)/2:
		f.drop(g)
		f.living(g, func(hash uint64, entry []byte) { f.write(hash, entry) })
	}
}

// living calls each with the entries of a segment that the index has, which it has no more.
func (f *frozen) living(g *segment, each func(hash uint64, entry []byte)) {
	for offset := 0; offset < len(g.data); {
		length, n := binary.Uvarint(g.data[offset:])
		entry := g.data[offset+n : offset+n+int(length)]
		hash := xxhash.Sum64(keyOf(entry))
		if f.index[hash] == location(g.number<<32|uint64(offset)) {
			delete(f.index, hash)
			each(hash, entry)
		}
		offset += n + int(length)
	}
}

// drop gives a segment up.
func (f *frozen) drop(g *segment) {
	if g == f.open {
		f.open = nil
	}
	f.held -= cap(g.data)
	f.segments[g.number-f.first] = nil
	for len(f.segments) > 0 && f.segments[0] == nil {
		f.segments = f.segments[1:]
		f.first++
	}
}

// evict drops the oldest segment. It says whether there was one.
func (f *frozen) evict() bool {
	if len(f.segments) == 0 {
		return false
	}
	g := f.segments[0]
	f.living(g, func(_ uint64, entry []byte) { f.gone(keyOf(entry)) })
	f.drop(g)
	return true
}
