package stats

// RunLengths appends the lengths of the unbroken runs of true, in order, to
// dst. The last run counts though it may be going on.
func RunLengths(dst []uint64, flags []bool) []uint64 {
	run := uint64(0)
	for _, flag := range flags {
		if flag {
			run++
			continue
		}
		if run > 0 {
			dst = append(dst, run)
		}
		run = 0
	}
	if run > 0 {
		dst = append(dst, run)
	}
	return dst
}
