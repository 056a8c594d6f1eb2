package processors

import (
	"math/bits"
	"unsafe"

	"tidegauge/schemas"
	"tidegauge/stats"
)

// counter counts small keys: the buckets of a sketch, the cells of the joint grid. Of the thousands that there could be
// most minutes meet few, which lie together; so counts are kept in pages of one cache line, made when the first of their
// keys is met. Counting is two look-ups, reading in order needs no sorting, and emptying clears what was used. The zero
// counter is ready.
type counter struct {
	pages []page
	index []uint16 // by page of keys: its place in pages + 1, 0 where there is none
	used  []uint64 // a bit by page of keys: it has a place
}

const pageKeys = 16

type page [pageKeys]uint32

func (c *counter) reset() {
	c.each(func(k int, _ *page) { c.index[k] = 0 })
	clear(c.used)
	c.pages = c.pages[:0]
}

func (c *counter) page(k int) *page {
	if k < len(c.index) {
		if i := c.index[k]; i != 0 {
			return &c.pages[i-1]
		}
	}
	return c.newPage(k)
}

func (c *counter) newPage(k int) *page {
	for k >= len(c.index) {
		c.index = append(c.index, make([]uint16, 64)...)
		c.used = append(c.used, 0)
	}
	c.pages = append(c.pages, page{})
	c.index[k] = uint16(len(c.pages))
	c.used[k/64] |= 1 << (k % 64)
	return &c.pages[len(c.pages)-1]
}

// each calls do with the pages in use, in the order of their keys.
func (c *counter) each(do func(k int, p *page)) {
	for w, word := range c.used {
		for ; word != 0; word &= word - 1 {
			k := w*64 + bits.TrailingZeros64(word)
			do(k, &c.pages[c.index[k]-1])
		}
	}
}

func (c *counter) add(key uint16)    { c.page(int(key / pageKeys))[key%pageKeys]++ }
func (c *counter) remove(key uint16) { c.page(int(key / pageKeys))[key%pageKeys]-- }

// merge adds what another counter has counted.
func (c *counter) merge(o *counter) {
	o.each(func(k int, from *page) {
		to := c.page(k)
		for i, n := range from {
			to[i] += n
		}
	})
}

// bytes is the memory that c takes.
func (c *counter) bytes() int {
	return cap(c.pages)*int(unsafe.Sizeof(page{})) + cap(c.index)*2 + cap(c.used)*8
}

// Buckets of a sketch may be negative; as keys they are moved.
func bucketKey(bucket int16) uint16 { return uint16(bucket + schemas.SketchBase) }

// The smallest bucket's key is 0.
var _ = [1]struct{}{}[stats.MinBucket+schemas.SketchBase]

// memory hands out the arrays of rows from large chunks, so that a row's arrays cost no allocation each. What was handed
// out stays valid until reset, and beyond it only until the next flush that uses the same memory.
type memory struct {
	cells   []uint16
	entries []uint32
	counts  []uint64
	int64s  []int64
	int32s  []int32
	int8s   []int8
}

func (m *memory) reset() {
	m.cells, m.entries, m.counts = m.cells[:0], m.entries[:0], m.counts[:0]
	m.int64s, m.int32s, m.int8s = m.int64s[:0], m.int32s[:0], m.int8s[:0]
}

// take extends s by n elements and returns them with no room to grow into their neighbours. A chunk that is full is
// left to the rows that hold parts of it.
func take[T any](s *[]T, n int) []T {
	if cap(*s)-len(*s) < n {
		*s = make([]T, 0, max(2*cap(*s), n, 1024))
	}
	start := len(*s)
	*s = (*s)[:start+n]
	return (*s)[start : start+n : start+n]
}

// giveBack returns what was taken last but for its first n elements, and these.
func giveBack[T any](s *[]T, taken []T, n int) []T {
	*s = (*s)[:len(*s)-len(taken)+n]
	return taken[:n:n]
}

// sketch gives a counter's keys and counts as the table keeps them (schemas.EntryShift).
func (m *memory) sketch(c *counter) []uint32 {
	most := len(c.pages) * pageKeys
	for i := range c.pages {
		for _, count := range c.pages[i] {
			most += int(count / schemas.MaxEntry) // of what takes more than one entry
		}
	}
	entries, i := take(&m.entries, most), 0
	c.each(func(page int, p *page) {
		for j, count := range p {
			for key := uint32(page*pageKeys+j) << schemas.EntryShift; count != 0; i++ {
				n := min(count, schemas.MaxEntry)
				entries[i] = key | n
				count -= n
			}
		}
	})
	return giveBack(&m.entries, entries, i)
}
