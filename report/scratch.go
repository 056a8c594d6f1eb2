package report

// scratch is the memory one worker uses again for each task.
type scratch struct {
	rows, spareRows []uint32
	keys, spareKeys []int64

	// a leaf's
	request, response counter
	ends              endCounter
	bins              []uint8
	answers, sorted   []uint32

	// a stream's columns, where they are not the service's
	t, elapsed []int64
	end        []uint16
	answer     []uint32

	// a stream's passes
	gaps            counter
	values          []float64
	counts          []uint64
	windows         []window
	shortCV, longCV []float64
	ring            []int32
	spill           []int64
	flying, rates   []float64
	runs, spareRuns []int64
	busy, ranks     [4][]float64
}

// identity gives the rows 0 … n-1.
func (s *scratch) identity(n int) []uint32 {
	rows := grow(&s.rows, n)
	for i := range rows {
		rows[i] = uint32(i)
	}
	return rows
}

// gather copies the rows of a column to a buffer, or gives the column itself where rows is nil, which means all.
func gather[T any](buffer *[]T, column []T, rows []uint32) []T {
	if rows == nil || column == nil {
		return column
	}
	out := grow(buffer, len(rows))
	for i, r := range rows {
		out[i] = column[r]
	}
	return out
}

// grow gives a slice of n elements, whose contents are garbage, reusing *buffer's memory where it suffices.
func grow[T any](buffer *[]T, n int) []T {
	if cap(*buffer) < n {
		*buffer = make([]T, n)
	}
	*buffer = (*buffer)[:n]
	return *buffer
}

// packedEnds is how many values packEnd can give.
const packedEnds = 1 << 13

// endCounter counts requests by packed end.
type endCounter struct{ counts []uint32 }

func (c *endCounter) ready() *[packedEnds]uint32 {
	if c.counts == nil {
		c.counts = make([]uint32, packedEnds)
	}
	return (*[packedEnds]uint32)(c.counts)
}

// take moves the counts out.
func (c *endCounter) take() (out []endCount) {
	for end, n := range c.counts {
		if n > 0 {
			out = append(out, endCount{uint16(end), int64(n)})
		}
	}
	clear(c.counts)
	return out
}
