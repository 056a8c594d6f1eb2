package report

import (
	"math"
	"math/bits"
	"slices"

	"tidegauge/schemas"
	"tidegauge/stats"
)

// leaf is what the requests of one model and one log type give that does not depend on their order, so that every
// stream that contains them adds it up instead of computing it again. Every number in it is an exact integer.
type leaf struct {
	ends []endCount // requests by packed outcome and status

	// Lengths
	requestTokens, responseTokens int64
	pairs                         stats.PairSums
	request, response             sample
	profile                       [profileBins]profileBin

	// Latency: microseconds, and the bits of microseconds a token
	elapsed, ttft, tpot         sample
	elapsedSum, ttftSum         stats.Int128
	tpotSum                     float64
	backwards                   int64 // first tokens after the end
	knownElapsed, knownTTFT     bool
	unknownTokens               int64 // requests ok that are not in lengths for want of a count
	knownRequest, knownResponse bool
}

type endCount struct {
	end uint16
	n   int64
}

type profileBin struct {
	sum    uint64
	sample sample
}

// profileBins: 200 of 10 tokens below 2,000; [2,000, 2,048); one an octave up to schemas.MaxTokens.
const profileBins = 201 + 16

func profileIndex(x uint64) int {
	switch {
	case x < 2000:
		return int(uint32(x) / 10)
	case x < 2048:
		return 200
	default:
		return min(201+bits.Len64(x)-12, profileBins-1)
	}
}

func profileFrom(bin int) int64 {
	switch {
	case bin < 200:
		return int64(bin) * 10
	case bin == 200:
		return 2000
	default:
		return 2048 << (bin - 201)
	}
}

// ProfileBin gives the beginning of the profile's bin in which a number of request tokens lies.
func ProfileBin(requestTokens int64) int64 { return profileFrom(profileIndex(uint64(requestTokens))) }

// newLeaf computes a leaf over the given rows of c; nil rows are all.
func newLeaf(c *columns, rows []uint32, s *scratch) *leaf {
	l := &leaf{}
	l.lengths(c, rows, s)
	if c.elapsed != nil || c.ttft != nil {
		l.latency(c, rows, s)
	}
	return l
}

// block is how many products of two token counts (at most 1e16 each) surely add up in 64 bits.
const block = 1024

func (l *leaf) lengths(c *columns, rows []uint32, s *scratch) {
	n := len(c.t)
	if rows != nil {
		n = len(rows)
	}
	ends := s.ends.ready()
	xs, ys := s.request.ready(), s.response.ready()
	bins, answers := grow(&s.bins, n)[:0], grow(&s.answers, n)[:0]
	for from := 0; from < n; from += block {
		var sx, sy, sxx, syy, sxy uint64
		for i := from; i < min(from+block, n); i++ {
			r := i
			if rows != nil {
				r = int(rows[i])
			}
			ends[c.end[r]&(packedEnds-1)]++
			x, y := c.request[r], c.response[r]
			l.requestTokens += int64(max(x, 0))
			l.responseTokens += int64(max(y, 0))
			l.knownRequest = l.knownRequest || x >= 0
			l.knownResponse = l.knownResponse || y >= 0
			if c.answer[r] == 0 {
				if (x < 0 || y < 0) && outcomeOf(c.end[r]) == schemas.OK {
					l.unknownTokens++
				}
				continue
			}
			ux, uy := uint64(x), uint64(y)
			sx += ux
			sy += uy
			sxx += ux * ux
			syy += uy * uy
			sxy += ux * uy
			xs.add(int64(x))
			ys.add(int64(y))
			bins, answers = append(bins, uint8(profileIndex(ux))), append(answers, uint32(y))
		}
		l.pairs.X.AddUint(sx)
		l.pairs.Y.AddUint(sy)
		l.pairs.XX.AddUint(sxx)
		l.pairs.YY.AddUint(syy)
		l.pairs.XY.AddUint(sxy)
	}
	l.ends = s.ends.take()
	l.pairs.N = uint64(len(answers))
	l.request, l.response = xs.take(nil, 1), ys.take(nil, 1)
	l.fillProfile(bins, answers, s)
}

// fillProfile sorts the answers by bin, then each bin's by counting.
func (l *leaf) fillProfile(bins []uint8, answers []uint32, s *scratch) {
	var place [profileBins + 1]int
	for _, b := range bins {
		place[b+1]++
	}
	for b := range profileBins {
		place[b+1] += place[b]
	}
	begin := place
	sorted := grow(&s.sorted, len(answers))
	for i, b := range bins {
		sorted[place[b]] = answers[i]
		place[b]++
	}
	for b := range profileBins {
		part := sorted[begin[b]:begin[b+1]]
		if len(part) == 0 {
			continue
		}
		bin := &l.profile[b]
		for _, y := range part {
			bin.sum += uint64(y)
			s.response.add(int64(y))
		}
		bin.sample = s.response.take(nil, 1)
	}
}

func (l *leaf) latency(c *columns, rows []uint32, s *scratch) {
	n := len(c.t)
	if rows != nil {
		n = len(rows)
	}
	elapsed, ttft, step := s.request.ready(), s.response.ready(), exactly(c.durationStep)
	tpot := s.keys[:0]
	for i := range n {
		r := i
		if rows != nil {
			r = int(rows[i])
		}
		e, f := int64(schemas.Unknown), int64(schemas.Unknown)
		if c.elapsed != nil {
			e = c.elapsed[r]
		}
		if c.ttft != nil {
			f = c.ttft[r]
		}
		l.knownElapsed = l.knownElapsed || e >= 0
		l.knownTTFT = l.knownTTFT || f >= 0
		if outcomeOf(c.end[r]) != schemas.OK {
			continue
		}
		if e >= 0 {
			elapsed.add(step.divide(e))
			l.elapsedSum.AddInt(e)
		}
		if f >= 0 {
			ttft.add(step.divide(f))
			l.ttftSum.AddInt(f)
		}
		if e < 0 || f < 0 {
			continue
		}
		if f > e {
			l.backwards++
		} else if y := c.response[r]; y > 1 {
			v := float64(e-f) / float64(y-1)
			l.tpotSum += v
			tpot = append(tpot, int64(math.Float64bits(v))) // of floats >= 0 the bits stand in the floats' order
		}
	}
	l.elapsed, l.ttft = elapsed.take(nil, c.durationStep), ttft.take(nil, c.durationStep)
	s.keys = tpot
	if len(tpot) > 0 {
		s.spareKeys = stats.SortInts(tpot, s.spareKeys)
		l.tpot = sample{{values: slices.Clone(tpot)}}
	}
}
