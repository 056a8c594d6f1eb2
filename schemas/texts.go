package schemas

import "unsafe"

// Texts is a column of texts: their bytes one after the other, and where each ends. A slice of strings would have a
// pointer for each, and the garbage collector would follow all of a batch's again and again: that was a fifth of a
// processor's time. The zero Texts is empty and ready.
type Texts struct {
	bytes []byte
	start uint32 // of the first
	ends  []uint32
}

// Append adds a copy of s.
func (t *Texts) Append(s string) {
	t.bytes = append(t.bytes, s...)
	t.ends = append(t.ends, uint32(len(t.bytes)))
}

// Len is the number of texts.
func (t Texts) Len() int { return len(t.ends) }

// Bytes is how long the texts are together.
func (t Texts) Bytes() int {
	if t.Len() == 0 {
		return 0
	}
	return int(t.ends[t.Len()-1] - t.start)
}

// At gives text i, which is valid until Reset.
func (t Texts) At(i int) string {
	from := t.start
	if i > 0 {
		from = t.ends[i-1]
	}
	return unsafe.String(unsafe.SliceData(t.bytes[from:]), t.ends[i]-from)
}

// Slice gives texts from to to of t, which share its memory.
func (t Texts) Slice(from, to int) Texts {
	start := t.start
	if from > 0 {
		start = t.ends[from-1]
	}
	return Texts{t.bytes, start, t.ends[from:to]}
}

// Reset empties t and keeps its memory.
func (t *Texts) Reset() { t.bytes, t.ends = t.bytes[:0], t.ends[:0] }

// empty says that all texts are.
func (t Texts) empty() bool { return t.Bytes() == 0 }

// grow makes room for n texts of some bytes each.
func (t *Texts) grow(n, each int) {
	if cap(t.ends) < n {
		t.ends = append(make([]uint32, 0, n), t.ends...)
	}
	if cap(t.bytes) < n*each {
		t.bytes = append(make([]byte, 0, n*each), t.bytes...)
	}
}
