package stats

import (
	"math/bits"
	"slices"
)

// digitBits a pass: counters for 2^11 digits stay in the first-level cache.
const digitBits = 11

// radixFrom is the length from which counting digits beats comparing.
const radixFrom = 1024

// SortInts sorts integers ascending. Long slices are sorted digit by digit in
// the caller's scratch space, which it returns, grown if it was too short, for
// the next call: several times as fast as comparing.
func SortInts(values, scratch []int64) []int64 {
	if len(values) < radixFrom {
		slices.Sort(values)
		return scratch
	}
	low, high, sorted := values[0], values[0], true
	last := values[0]
	for _, v := range values {
		sorted = sorted && last <= v
		last = v
		low, high = min(low, v), max(high, v)
	}
	if sorted {
		return scratch
	}
	if cap(scratch) < len(values) {
		scratch = make([]int64, len(values))
	}
	from, to := values, scratch[:len(values)]
	for shift := 0; shift < bits.Len64(uint64(high)-uint64(low)); shift += digitBits {
		var next [1 << digitBits]int
		for _, v := range from {
			next[digit(v, low, shift)]++
		}
		start := 0
		for d, count := range next {
			next[d], start = start, start+count
		}
		for _, v := range from {
			d := digit(v, low, shift)
			to[next[d]] = v
			next[d]++
		}
		from, to = to, from
	}
	if &from[0] != &values[0] {
		copy(values, from)
	}
	return scratch
}

// digit returns the digit of v - low, which as unsigned cannot overflow.
func digit(v, low int64, shift int) uint64 {
	return (uint64(v) - uint64(low)) >> (shift & 63) & (1<<digitBits - 1)
}
