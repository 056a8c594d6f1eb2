package report

import (
	"cmp"
	"slices"
)

const (
	digitBits = 11
	digits    = 1 << digitBits
	// fewKeys is below what a pass over the digits' counters costs more than comparing.
	fewKeys = 1 << 9
)

// span gives the lowest and the highest bit in which the keys differ.
func span(keys []int64) (low, high int) {
	var differ uint64
	for _, k := range keys {
		differ |= uint64(k) ^ uint64(keys[0])
	}
	if differ == 0 {
		return 0, 0
	}
	for differ>>low&1 == 0 {
		low++
	}
	for high = low; differ>>high != 0; high++ {
	}
	return low, high
}

// sortRows orders rows, stably, by the key >= 0 that each has: by digits, least significant first, leaving out those
// that all keys share. The result lies in rows or in the scratch.
func sortRows(rows []uint32, key []int64, s *scratch) []uint32 {
	if len(rows) < fewKeys {
		slices.SortStableFunc(rows, func(a, b uint32) int { return cmp.Compare(key[a], key[b]) })
		return rows
	}
	low, high := span(key)
	spare := grow(&s.spareRows, len(rows))
	for shift := low; shift < high; shift += digitBits {
		var place [digits]uint32
		for _, k := range key {
			place[k>>shift&(digits-1)]++
		}
		accumulate(&place)
		for _, r := range rows {
			d := key[r] >> shift & (digits - 1)
			spare[place[d]] = r
			place[d]++
		}
		rows, spare = spare, rows
	}
	return rows
}

// accumulate turns counts into the places where each digit's first key goes.
func accumulate(place *[digits]uint32) {
	var sum uint32
	for i, n := range place {
		place[i] = sum
		sum += n
	}
}
