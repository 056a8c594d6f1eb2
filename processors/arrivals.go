package processors

import (
	"math"

	"tidegauge/schemas"
	"tidegauge/stats"
)

// lnSecond is ln 10^6: logarithms of gaps are summed in seconds, whose logarithms stand about 0.
var lnSecond = math.Log(schemas.SecondUS)

// arrivals accumulates METRICS 1 of one stream's members in one minute, in order.
type arrivals struct {
	n                 uint64
	first, last       int64
	firstGap, lastGap int64
	squares, products uint64
	zero              uint64
	log, log2         float64
	gaps              counter
	second, ten       bins
	known, flightUS   uint64
	carried           []carried // by minutes after this one, minus 1
}

// carried are the requests that end in one later minute, and their time in flight within it.
type carried struct{ ends, us uint64 }

// bins accumulates the counts of aligned bins: the sum of their squares and the largest.
type bins struct {
	current       int64
	count         uint64
	squares, peak uint64
}

func (b *bins) add(bin int64) {
	if bin != b.current {
		b.current, b.count = bin, 0
	}
	b.squares += 2*b.count + 1 // (count+1)^2 - count^2
	b.count++
	b.peak = max(b.peak, b.count)
}

func (a *arrivals) reset() {
	a.gaps.reset()
	clear(a.carried)
	*a = arrivals{firstGap: schemas.Unknown, lastGap: schemas.Unknown, gaps: a.gaps, carried: a.carried[:0]}
}

func (a *arrivals) add(m *Member) {
	t := m.arrivalUS()
	if a.n == 0 {
		a.first = t
	} else {
		a.gap(t - a.last)
	}
	a.n++
	a.last = t
	a.second.add(t / schemas.SecondUS)
	a.ten.add(t / (10 * schemas.SecondUS))
	if elapsed := m.elapsedUS(); elapsed >= 0 {
		a.flight(t, elapsed)
	}
}

func (a *arrivals) gap(x int64) {
	if a.lastGap >= 0 {
		a.products += uint64(a.lastGap) * uint64(x)
	} else {
		a.firstGap = x
	}
	a.lastGap = x
	if x == 0 {
		a.zero++
		return
	}
	a.squares += uint64(x) * uint64(x)
	ln := math.Log(float64(x)) - lnSecond
	a.log += ln
	a.log2 += ln * ln
	a.gaps.addBucket(stats.Bucket(uint64(x)))
}

func (a *arrivals) flight(t, elapsed int64) {
	a.known++
	minute, end := t/schemas.MinuteUS, t+elapsed
	later := int(end/schemas.MinuteUS - minute)
	if later == 0 {
		a.flightUS += uint64(elapsed)
		return
	}
	a.flightUS += uint64((minute+1)*schemas.MinuteUS - t)
	for len(a.carried) < later {
		a.carried = append(a.carried, carried{})
	}
	c := &a.carried[later-1]
	c.ends++
	c.us += uint64(end % schemas.MinuteUS)
}

func (a *arrivals) row(rows *schemas.Minutes, mem *memory) {
	rows.Requests = append(rows.Requests, a.n)
	rows.FirstUS = append(rows.FirstUS, a.first)
	rows.LastUS = append(rows.LastUS, a.last)
	rows.FirstGapUS = append(rows.FirstGapUS, a.firstGap)
	rows.LastGapUS = append(rows.LastGapUS, a.lastGap)
	rows.GapSquares = append(rows.GapSquares, a.squares)
	rows.GapProducts = append(rows.GapProducts, a.products)
	rows.GapZero = append(rows.GapZero, a.zero)
	rows.GapLog = append(rows.GapLog, a.log)
	rows.GapLog2 = append(rows.GapLog2, a.log2)
	buckets, counts := mem.histogram(&a.gaps)
	rows.GapBuckets = append(rows.GapBuckets, buckets)
	rows.GapCounts = append(rows.GapCounts, counts)
	rows.SecondSquares = append(rows.SecondSquares, a.second.squares)
	rows.SecondPeak = append(rows.SecondPeak, a.second.peak)
	rows.TenSquares = append(rows.TenSquares, a.ten.squares)
	rows.TenPeak = append(rows.TenPeak, a.ten.peak)
	rows.ElapsedKnown = append(rows.ElapsedKnown, a.known)
	rows.FlightUS = append(rows.FlightUS, a.flightUS)

	n := 0
	for _, c := range a.carried {
		if c.ends > 0 {
			n++
		}
	}
	offsets, ends, us := take(&mem.cells, n)[:0], take(&mem.counts, n)[:0], take(&mem.counts, n)[:0]
	for i, c := range a.carried {
		if c.ends > 0 {
			offsets, ends, us = append(offsets, uint16(i+1)), append(ends, c.ends), append(us, c.us)
		}
	}
	rows.FlightOffsets = append(rows.FlightOffsets, offsets)
	rows.FlightEnds = append(rows.FlightEnds, ends)
	rows.FlightEndUS = append(rows.FlightEndUS, us)
}
