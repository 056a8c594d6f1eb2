package contrast

import (
	"math"
	"slices"

	"tidegauge/schemas"
	"tidegauge/stats"
)

// sample numbers the distributions that are compared.
type sample int

// The distributions. Seconds for times, tokens for lengths.
const (
	gapShapes sample = iota // gaps, in units of the stream's mean gap
	gaps
	windowCVs // gap_cv of the windows of 300 s that count (docs/metrics.md)
	minutes   // requests in each of the inner minutes
	requestTokens
	responseTokens
	turns
	intervals
	elapsed
	ttft
	tpot
	samples // how many
)

// dated is a value and when it belongs to: gaps to the arrival that ends them, conversations to their first turn.
type dated struct {
	us    int64
	value float64
}

// values gives a stream's values of a distribution. They are made when they are needed, one distribution after the
// other: all at once would be several times the log.
func (s *stream) values(which sample) []dated {
	switch which {
	case gapShapes:
		return s.gaps(float64(s.t[len(s.t)-1]-s.t[0]) / float64(len(s.t)-1))
	case gaps:
		return s.gaps(schemas.SecondUS)
	case windowCVs:
		return s.windowCVs()
	case minutes:
		return s.minuteCounts()
	case turns, intervals:
		t, i := s.conversations()
		if which == turns {
			return t
		}
		return i
	}
	var out []dated
	for i, t := range s.t {
		if s.outcome[i] == schemas.OK {
			if v := s.answered(which, i); v >= 0 {
				out = append(out, dated{t, v})
			}
		}
	}
	return out
}

// answered gives a value of a successful request, below 0 where it has none.
func (s *stream) answered(which sample, i int) float64 {
	x, y := s.request[i], s.response[i]
	e, f := at(s.elapsed, i), at(s.ttft, i)
	switch {
	case which == requestTokens && x >= 0 && y > 0:
		return float64(x)
	case which == responseTokens && x >= 0 && y > 0:
		return float64(y)
	case which == elapsed && e >= 0:
		return float64(e) / schemas.SecondUS
	case which == ttft && f >= 0:
		return float64(f) / schemas.SecondUS
	case which == tpot && f >= 0 && e >= f && y > 1:
		return float64(e-f) / float64(y-1) / schemas.SecondUS
	}
	return -1
}

// gaps gives the gaps in units of that many microseconds; none where there is no unit, all arrivals being at once.
func (s *stream) gaps(unit float64) []dated {
	if !(unit > 0) {
		return nil
	}
	out := make([]dated, 0, len(s.t)-1)
	for i := 1; i < len(s.t); i++ {
		out = append(out, dated{s.t[i], float64(s.t[i]-s.t[i-1]) / unit})
	}
	return out
}

func at(column []int64, i int) int64 {
	if column == nil {
		return schemas.Unknown
	}
	return column[i]
}

const (
	windowUS = 300 * schemas.SecondUS
	// busyGaps is how many gaps a window must have to count.
	busyGaps = 10
)

func (s *stream) windowCVs() (out []dated) {
	for i := 0; i < len(s.t); {
		window := s.t[i] / windowUS
		var sums stats.PowerSums
		for i++; i < len(s.t) && s.t[i]/windowUS == window; i++ {
			sums.Add(s.t[i] - s.t[i-1])
		}
		if cv := sums.CV(); sums.N >= busyGaps && !math.IsNaN(cv) {
			out = append(out, dated{window * windowUS, cv})
		}
	}
	return out
}

// conversations gives the turns of each conversation and the intervals between turns.
func (s *stream) conversations() (turns, intervals []dated) {
	if s.conversation == nil {
		return nil, nil
	}
	type open struct {
		first, last int64
		turns       int
	}
	most := slices.Max(s.conversation)
	all := make([]open, most+1)
	for i, c := range s.conversation {
		if c == 0 {
			continue
		}
		o := &all[c]
		if o.turns == 0 {
			o.first = s.t[i]
		} else {
			intervals = append(intervals, dated{s.t[i], float64(s.t[i]-o.last) / schemas.SecondUS})
		}
		o.last = s.t[i]
		o.turns++
	}
	for _, o := range all {
		if o.turns > 0 {
			turns = append(turns, dated{o.first, float64(o.turns)})
		}
	}
	return turns, intervals
}

// mostMinutes is up to how many minutes, two years, there are series of counts. A log may have an arrival in 1970 beside
// those of today.
const mostMinutes = 1 << 20

// counts gives the requests in each second of the minutes strictly between the first and the last that have any, which
// is what docs/metrics.md takes idc over, and where they begin.
func (s *stream) counts() (firstUS int64, seconds []uint32) {
	if s.counted == nil {
		s.counted = &counted{}
		s.counted.firstUS, s.counted.seconds = s.count()
	}
	return s.counted.firstUS, s.counted.seconds
}

type counted struct {
	firstUS int64
	seconds []uint32
}

func (s *stream) count() (firstUS int64, seconds []uint32) {
	first, last := s.t[0]/schemas.MinuteUS+1, s.t[len(s.t)-1]/schemas.MinuteUS
	firstUS = first * schemas.MinuteUS
	if last <= first || last-first > mostMinutes {
		return firstUS, nil
	}
	seconds = make([]uint32, 60*(last-first))
	for _, t := range s.t {
		if second := (t - firstUS) / schemas.SecondUS; t >= firstUS && second < int64(len(seconds)) {
			seconds[second]++
		}
	}
	return firstUS, seconds
}

// wider gives the counts in bins of so many of the given ones.
func wider(counts []uint32, n int) []uint32 {
	if n == 1 {
		return counts
	}
	out := make([]uint32, len(counts)/n)
	for i := range out {
		for _, c := range counts[i*n : (i+1)*n] {
			out[i] += c
		}
	}
	return out
}

func (s *stream) minuteCounts() []dated {
	firstUS, seconds := s.counts()
	var out []dated
	for i, n := range wider(seconds, 60) {
		out = append(out, dated{firstUS + int64(i)*schemas.MinuteUS, float64(n)})
	}
	return out
}

// sorted gives the values alone, ascending. None is below 0, and then the bits stand in the numbers' order: digits are
// sorted several times as fast as floats are compared.
func sorted(values []dated) []float64 {
	bits := make([]int64, len(values))
	for i, v := range values {
		bits[i] = int64(math.Float64bits(v.value))
	}
	stats.SortInts(bits, nil)
	out := make([]float64, len(values))
	for i, b := range bits {
		out[i] = math.Float64frombits(uint64(b))
	}
	return out
}
