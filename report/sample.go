package report

import (
	"math"
	"math/bits"
	"slices"
	"sort"

	"tidegauge/stats"
)

// list is a sorted multiset, not empty. Without upTo every value is one member; with it, values are distinct and
// upTo[i] is how many members are <= values[i].
type list struct {
	values []int64
	upTo   []uint64
}

func (l list) n() uint64 {
	if l.upTo == nil {
		return uint64(len(l.values))
	}
	return l.upTo[len(l.upTo)-1]
}

// atMost counts the members <= v.
func (l list) atMost(v int64) uint64 {
	i := sort.Search(len(l.values), func(i int) bool { return l.values[i] > v })
	if i == 0 || l.upTo == nil {
		return uint64(i)
	}
	return l.upTo[i-1]
}

// sample is a multiset of numbers >= 0 in several lists, none of them empty. A stream's sample is just the lists of its
// leaves, so that values are sorted once however many streams they belong to.
type sample []list

func (s sample) n() (n uint64) {
	for _, l := range s {
		n += l.n()
	}
	return n
}

// each calls f with every value of every list and how often that list has it; values may come more than once.
func (s sample) each(f func(v int64, n uint64)) {
	for _, l := range s {
		var before uint64
		for i, v := range l.values {
			n := uint64(1)
			if l.upTo != nil {
				n, before = l.upTo[i]-before, l.upTo[i]
			}
			f(v, n)
		}
	}
}

func (s sample) largest() (v int64) {
	for _, l := range s {
		v = max(v, l.values[len(l.values)-1])
	}
	return v
}

// at gives the k-th smallest member, from 0: the smallest value that more than k members do not exceed.
func (s sample) at(k uint64) int64 {
	if len(s) == 1 {
		if l := s[0]; l.upTo == nil {
			return l.values[k]
		} else {
			return l.values[sort.Search(len(l.upTo), func(i int) bool { return l.upTo[i] > k })]
		}
	}
	low, high := int64(math.MaxInt64), s.largest()
	for _, l := range s {
		low = min(low, l.values[0])
	}
	for low < high {
		middle, n := low+(high-low)/2, uint64(0)
		for _, l := range s {
			n += l.atMost(middle)
		}
		if n > k {
			high = middle
		} else {
			low = middle + 1
		}
	}
	return low
}

// quantile is Hyndman and Fan's type 7, numpy's default: linear between two order statistics. real says what number a
// value stands for. Null without members.
func (s sample) quantile(q float64, real func(int64) float64) Number {
	n := s.n()
	if n == 0 {
		return Null
	}
	at := q * float64(n-1)
	k := uint64(at)
	a := real(s.at(k))
	if at == float64(k) {
		return Number(a)
	}
	b := real(s.at(k + 1))
	return Number(a + (b-a)*(at-float64(k)))
}

// counter collects values into lists: small ones by counting, which sorts them on the way, large ones as they are.
// It is empty, and ready for use, after take.
type counter struct {
	counts []uint32 // by value
	top    int64    // no count beyond it
	large  []int64
	spare  []int64
}

// dense is how many values are counted. Their counts fill a quarter of a core's second-level cache.
const dense = 1 << 16

func (c *counter) ready() *counter {
	if c.counts == nil {
		c.counts = make([]uint32, dense)
	}
	return c
}

func (c *counter) add(v int64) {
	if uint64(v) < dense {
		c.counts[v]++
		c.top = max(c.top, v)
	} else {
		c.large = append(c.large, v)
	}
}

// take moves what was counted, each value times unit, into lists.
func (c *counter) take(s sample, unit int64) sample {
	var l list
	var n uint64
	for v, count := range c.counts[:c.top+1] {
		if count > 0 {
			n += uint64(count)
			l.values, l.upTo = append(l.values, int64(v)*unit), append(l.upTo, n)
		}
	}
	clear(c.counts[:c.top+1])
	c.top = 0
	if n > 0 {
		s = append(s, l)
	}
	if len(c.large) > 0 {
		c.spare = stats.SortInts(c.large, c.spare)
		large := slices.Clone(c.large)
		if unit != 1 {
			for i := range large {
				large[i] *= unit
			}
		}
		s = append(s, list{values: large})
		c.large = c.large[:0]
	}
	return s
}

// divider divides multiples of a number by it, with a shift and a multiplication: by an odd number exactly means times
// its inverse modulo 2^64.
type divider struct {
	shift   uint
	inverse uint64
}

func exactly(by int64) divider {
	d := divider{shift: uint(bits.TrailingZeros64(uint64(by)))}
	odd := uint64(by) >> d.shift
	d.inverse = odd // correct to 3 bits; each step doubles that
	for range 5 {
		d.inverse *= 2 - odd*d.inverse
	}
	return d
}

func (d divider) divide(v int64) int64 { return int64(uint64(v) >> d.shift * d.inverse) }
