package report

import "math/bits"

// conflicts counts the ids that stand on more than one request, 0 being none.
//
// Ids are hashes, so their upper bits divide them into parts of about a thousand; each part is looked through with a
// table that stays in the first-level cache, which takes a third of the time of sorting.
func conflicts(columns [][]uint64) (n int64) {
	total := 0
	for _, ids := range columns {
		total += len(ids)
	}
	parts := uint64(1)
	for parts < 1<<14 && parts*partIDs < uint64(total) {
		parts *= 2
	}
	shift := 64 - uint(bits.TrailingZeros64(parts))
	begin := make([]int, parts+1)
	for _, ids := range columns {
		for _, id := range ids {
			begin[id>>shift+1]++
		}
	}
	most := 0
	for i := range parts {
		most = max(most, begin[i+1])
		begin[i+1] += begin[i]
	}
	place := append([]int(nil), begin...)
	sorted := make([]uint64, total)
	for _, ids := range columns {
		for _, id := range ids {
			sorted[place[id>>shift]] = id
			place[id>>shift]++
		}
	}
	slots := 1
	for slots < 2*most {
		slots *= 2
	}
	seen, twice := make([]uint64, slots), make([]bool, slots)
	for i := range parts {
		n += repeated(sorted[begin[i]:begin[i+1]], seen, twice)
		clear(seen)
		clear(twice)
	}
	return n
}

// partIDs is how many ids a part has about.
const partIDs = 1024

// repeated counts the distinct ids that come more than once. seen and twice are empty and have room for twice as many.
func repeated(ids, seen []uint64, twice []bool) (n int64) {
	mask := uint64(len(seen) - 1)
	for _, id := range ids {
		if id == 0 {
			continue
		}
		slot := id & mask // the part has the upper bits in common, so the lower ones are the hash
		for seen[slot] != 0 && seen[slot] != id {
			slot = (slot + 1) & mask
		}
		if seen[slot] == id && !twice[slot] {
			twice[slot] = true
			n++
		}
		seen[slot] = id
	}
	return n
}
