package processors

import (
	"encoding/binary"

	"github.com/bits-and-blooms/bloom/v3"
	"github.com/cespare/xxhash/v2"
)

// filter knows which conversations may be stored that are not in memory: Bloom filters, each twice as large as the one
// before, so that it grows with what it holds. A false alarm costs a look-up, never a wrong row.
type filter struct {
	parts    []*bloom.BloomFilter
	capacity uint // of the last part
	held     uint // by the last part
}

// Sizes of the filter's parts: the first holds filterLeast conversations; each has ten bits a conversation, for one
// false alarm in a hundred.
const (
	filterLeast = 10_000
	filterFalse = 0.01
)

// reserve makes room for n more at once.
func (f *filter) reserve(n uint) {
	if n > f.capacity-f.held {
		f.grow(n)
	}
}

func (f *filter) grow(n uint) {
	f.capacity, f.held = max(filterLeast, 2*f.capacity, n), 0
	f.parts = append(f.parts, bloom.NewWithEstimates(f.capacity, filterFalse))
}

func filterKey(service, conversation uint64) (key [16]byte) {
	binary.LittleEndian.PutUint64(key[:8], service)
	binary.LittleEndian.PutUint64(key[8:], conversation)
	return key
}

// add notes a conversation by the XXH64 of its service's name and of its id.
func (f *filter) add(service, conversation uint64) {
	if f.has(service, conversation) {
		return
	}
	if f.held == f.capacity {
		f.grow(1)
	}
	key := filterKey(service, conversation)
	f.parts[len(f.parts)-1].Add(key[:])
	f.held++
}

// has says whether the conversation may have been added.
func (f *filter) has(service, conversation uint64) bool {
	key := filterKey(service, conversation)
	for _, part := range f.parts {
		if part.Test(key[:]) {
			return true
		}
	}
	return false
}

// bytes is the memory that f takes.
func (f *filter) bytes() int {
	n := 0
	for _, part := range f.parts {
		n += int(part.Cap() / 8)
	}
	return n
}

func nameHash(name string) uint64 { return xxhash.Sum64String(name) }
