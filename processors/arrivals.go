package processors

import (
	"math"

	"tidegauge/schemas"
	"tidegauge/stats"
)

// lnSecond is ln 10^6: logarithms of gaps are summed in seconds, whose logarithms stand about 0.
var lnSecond = math.Log(schemas.SecondUS)

// minuteSeconds are the seconds of a minute, and the width of the wider bins.
const (
	minuteSeconds = 60
	tenSeconds    = 10
)

// arrivals are the totals of METRICS 1: when requests arrive, whatever lies between them, and how long they stay.
type arrivals struct {
	n               uint64
	seconds         [minuteSeconds]uint32
	known, flightUS uint64
	carried         []carried // by minutes after this one, minus 1
}

// carried are the requests that end in one later minute, and their time in flight within it.
type carried struct{ ends, us uint64 }

func (a *arrivals) reset() {
	clear(a.carried)
	*a = arrivals{carried: a.carried[:0]}
}

func (a *arrivals) add(m *Member) {
	t := m.arrivalUS()
	a.n++
	a.seconds[t/schemas.SecondUS%minuteSeconds]++
	if elapsed := m.elapsedUS(); elapsed >= 0 {
		a.flight(t, elapsed)
	}
}

func (a *arrivals) flight(t, elapsed int64) {
	a.known++
	left := schemas.MinuteUS - t%schemas.MinuteUS // of this minute
	if elapsed < left {
		a.flightUS += uint64(elapsed)
		return
	}
	a.flightUS += uint64(left)
	end := elapsed - left // after the end of this minute
	c := a.later(int(end / schemas.MinuteUS))
	c.ends++
	c.us += uint64(end % schemas.MinuteUS)
}

// later gives the requests that end in the minute i + 1 after this one.
func (a *arrivals) later(i int) *carried {
	for len(a.carried) <= i {
		a.carried = append(a.carried, carried{})
	}
	return &a.carried[i]
}

func (a *arrivals) merge(o *arrivals) {
	a.n += o.n
	for i, n := range o.seconds {
		a.seconds[i] += n
	}
	a.known += o.known
	a.flightUS += o.flightUS
	for i, c := range o.carried {
		to := a.later(i)
		to.ends += c.ends
		to.us += c.us
	}
}

func (a *arrivals) row(rows *schemas.Minutes, mem *memory, copies int) {
	put(&rows.Requests, copies, a.n)
	squares, peak := bins(a.seconds[:])
	put(&rows.SecondSquares, copies, squares)
	put(&rows.SecondPeak, copies, peak)
	var tens [minuteSeconds / tenSeconds]uint32
	for i, n := range a.seconds {
		tens[i/tenSeconds] += n
	}
	squares, peak = bins(tens[:])
	put(&rows.TenSquares, copies, squares)
	put(&rows.TenPeak, copies, peak)
	put(&rows.ElapsedKnown, copies, a.known)
	put(&rows.FlightUS, copies, a.flightUS)
	n := len(a.carried)
	offsets, ends, us, i := take(&mem.cells, n), take(&mem.counts, n), take(&mem.counts, n), 0
	for later, c := range a.carried {
		if c.ends > 0 {
			offsets[i], ends[i], us[i] = uint16(later+1), c.ends, c.us
			i++
		}
	}
	put(&rows.FlightOffsets, copies, offsets[:i:i])
	put(&rows.FlightEnds, copies, ends[:i:i])
	put(&rows.FlightEndUS, copies, us[:i:i])
}

// bins gives the sum of the squares of counts, and the largest.
func bins(counts []uint32) (squares, peak uint64) {
	for _, n := range counts {
		squares += uint64(n) * uint64(n)
		peak = max(peak, uint64(n))
	}
	return squares, peak
}

// gaps are what METRICS 1 asks of the gaps between the requests of one stream in one minute.
type gaps struct {
	n                 uint64 // requests
	first, last       int64
	firstGap, lastGap int64
	squares, products uint64
	zero              uint64
	log, log2         fixed
	sketch            counter
}

func (g *gaps) reset() {
	g.sketch.reset()
	*g = gaps{firstGap: schemas.Unknown, lastGap: schemas.Unknown, sketch: g.sketch}
}

// append adds a request after all others.
func (g *gaps) append(t int64) {
	if g.n == 0 {
		g.first = t
	} else {
		x := t - g.last
		if g.lastGap >= 0 {
			g.products += uint64(g.lastGap) * uint64(x)
		} else {
			g.firstGap = x
		}
		g.lastGap = x
		g.put(x)
	}
	g.n++
	g.last = t
}

// insert adds a request between others: its arrival, and those of the two before and the two after it, none where
// Unknown.
func (g *gaps) insert(t int64, before, after [2]int64) {
	g.n++
	p, pp, q, qq := before[0], before[1], after[0], after[1]
	if p >= 0 && q >= 0 {
		g.take(q - p)
		g.products -= product(pp, p, q) + product(p, q, qq)
	}
	if p >= 0 {
		g.put(t - p)
		g.products += product(pp, p, t)
	}
	if q >= 0 {
		g.put(q - t)
		g.products += product(t, q, qq)
	}
	g.products += product(p, t, q)
	switch {
	case p < 0:
		g.first, g.firstGap = t, gap(t, q)
	case pp < 0:
		g.firstGap = t - p
	}
	switch {
	case q < 0:
		g.last, g.lastGap = t, gap(p, t)
	case qq < 0:
		g.lastGap = q - t
	}
}

// gap is the time from one arrival to the next, Unknown where there is no such pair.
func gap(from, to int64) int64 {
	if from < 0 || to < 0 {
		return schemas.Unknown
	}
	return to - from
}

// product is that of the two gaps between three arrivals, 0 where there are no three.
func product(a, b, c int64) uint64 {
	if a < 0 || b < 0 || c < 0 {
		return 0
	}
	return uint64(b-a) * uint64(c-b)
}

func (g *gaps) put(x int64) {
	if x == 0 {
		g.zero++
		return
	}
	g.squares += uint64(x) * uint64(x)
	ln := math.Log(float64(x)) - lnSecond
	g.log.add(ln)
	g.log2.add(ln * ln)
	g.sketch.add(bucketKey(stats.Bucket(uint64(x))))
}

// take undoes put.
func (g *gaps) take(x int64) {
	if x == 0 {
		g.zero--
		return
	}
	g.squares -= uint64(x) * uint64(x)
	ln := math.Log(float64(x)) - lnSecond
	g.log.sub(ln)
	g.log2.sub(ln * ln)
	g.sketch.remove(bucketKey(stats.Bucket(uint64(x))))
}

func (g *gaps) row(rows *schemas.Minutes, mem *memory, copies int) {
	put(&rows.FirstUS, copies, g.first)
	put(&rows.LastUS, copies, g.last)
	put(&rows.FirstGapUS, copies, g.firstGap)
	put(&rows.LastGapUS, copies, g.lastGap)
	put(&rows.GapSquares, copies, g.squares)
	put(&rows.GapProducts, copies, g.products)
	put(&rows.GapZero, copies, g.zero)
	put(&rows.GapLog, copies, g.log.value())
	put(&rows.GapLog2, copies, g.log2.value())
	put(&rows.GapSketch, copies, mem.sketch(&g.sketch))
}
