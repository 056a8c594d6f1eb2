package processors

import (
	"math/bits"
	"slices"
)

// counter counts small keys: the buckets of a sketch, the cells of the joint grid. Most minutes fill few of the
// thousands that there could be, so a small open-addressing table beats a dense array in memory and in the time to
// empty it, and a map in the time to count. The zero counter is ready.
type counter struct {
	keys   []uint16
	counts []uint32 // 0: the slot is free
	used   int
	sorted []uint64 // scratch: key << 32 | slot
}

const minCounter = 32 // slots of the smallest table; a power of two

func (c *counter) reset() {
	clear(c.counts)
	c.used = 0
}

func (c *counter) slot(key uint16) int {
	// Fibonacci hashing: neighbouring buckets, which are what comes, spread over the table.
	shift := 32 - bits.TrailingZeros(uint(len(c.counts)))
	i := int(uint32(key) * 2654435769 >> shift)
	for c.counts[i] != 0 && c.keys[i] != key {
		i = (i + 1) & (len(c.counts) - 1)
	}
	return i
}

func (c *counter) add(key uint16) {
	if c.used*2 >= len(c.counts) {
		c.grow()
	}
	i := c.slot(key)
	if c.counts[i] == 0 {
		c.keys[i] = key
		c.used++
	}
	c.counts[i]++
}

func (c *counter) grow() {
	keys, counts := c.keys, c.counts
	n := max(minCounter, 2*len(counts))
	c.keys, c.counts = make([]uint16, n), make([]uint32, n)
	for i, count := range counts {
		if count != 0 {
			to := c.slot(keys[i])
			c.keys[to], c.counts[to] = keys[i], count
		}
	}
}

// addBucket counts a bucket of a sketch. Buckets may be negative; flipping the sign bit keeps their order as keys.
func (c *counter) addBucket(bucket int16) { c.add(uint16(bucket) ^ 0x8000) }

// inOrder gives the keys that were counted, ascending, each with its slot below it. The slice is the counter's own until its next use.
func (c *counter) inOrder() []uint64 {
	c.sorted = c.sorted[:0]
	for i, count := range c.counts {
		if count != 0 {
			c.sorted = append(c.sorted, uint64(c.keys[i])<<32|uint64(i))
		}
	}
	slices.Sort(c.sorted)
	return c.sorted
}

// memory hands out the arrays of rows from large chunks, so that a row's arrays cost no allocation each. What was handed
// out stays valid until reset, and beyond it only until the next flush that uses the same memory.
type memory struct {
	buckets []int16
	cells   []uint16
	counts  []uint64
}

func (m *memory) reset() {
	m.buckets, m.cells, m.counts = m.buckets[:0], m.cells[:0], m.counts[:0]
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

// histogram gives a sketch's buckets and counts as parallel arrays, ascending.
func (m *memory) histogram(c *counter) ([]int16, []uint64) {
	slots := c.inOrder()
	buckets, counts := take(&m.buckets, len(slots)), take(&m.counts, len(slots))
	for i, s := range slots {
		buckets[i] = int16(uint16(s>>32) ^ 0x8000)
		counts[i] = uint64(c.counts[uint32(s)])
	}
	return buckets, counts
}

// grid gives a grid's cells and counts as parallel arrays, ascending.
func (m *memory) grid(c *counter) ([]uint16, []uint64) {
	slots := c.inOrder()
	cells, counts := take(&m.cells, len(slots)), take(&m.counts, len(slots))
	for i, s := range slots {
		cells[i] = uint16(s >> 32)
		counts[i] = uint64(c.counts[uint32(s)])
	}
	return cells, counts
}
