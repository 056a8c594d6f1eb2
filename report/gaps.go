package report

import (
	"math"
	"math/bits"

	"tidegauge/schemas"
	"tidegauge/stats"
)

// window is an aligned window of 300 s with at least one request.
type window struct {
	number      int64   // arrival / 300 s
	first, last int     // its rows: first included, last excluded
	cv          float64 // gap_cv over its gaps, NaN where undefined
}

const (
	windowUS     = 300 * schemas.SecondUS
	longWindowUS = 4 * windowUS // 1,200 s
	// busyGaps is how many gaps a window must have for window_cv.
	busyGaps = 10
)

// gapSums are what one pass over a stream's arrivals adds up. All are integers, so nothing depends on the order of
// adding.
type gapSums struct {
	pairs   stats.PairSums // of consecutive gaps; XX lacks the last gap, YY the first
	squares stats.Int128   // of all gaps
	seconds counts         // requests in aligned bins, over the inner minutes
	tens    counts
	minutes counts
	inner   uint64 // requests in the inner minutes
	windows []window
	shortCV []float64 // gap_cv of the windows that count, 300 s and 1,200 s
	longCV  []float64
	first   int64 // minute of the first arrival
	last    int64
}

// counts describes the requests in bins of one width.
type counts struct {
	squares stats.Int128
	peak    uint64
}

// passGaps goes through arrivals in order, once. The gaps, in steps of the clock, are left in s.gaps.
//
// The loop nest follows the clock: minutes outside, because bins never straddle one and idc leaves out the first and
// last; the rows of a minute inside. Products of two gaps that lie in one window of 1,200 s fit 64 bits, since their
// sum is at most (1.2e9 us)^2 = 1.44e18; only gaps that enter a window go through 128 bits.
func passGaps(t []int64, clock int64, s *scratch) gapSums {
	g := gapSums{windows: s.windows[:0], shortCV: s.shortCV[:0], longCV: s.longCV[:0]}
	n := len(t)
	g.first, g.last = t[0]/schemas.MinuteUS, t[n-1]/schemas.MinuteUS
	gaps, step := s.gaps.ready(), exactly(clock)
	var long longWindow
	var squares, products uint64 // of the open window's inner gaps
	open := 0                    // its first row
	number := t[0] / windowUS
	for i := 0; i < n; {
		minute := t[i] / schemas.MinuteUS
		begin, end := minute*schemas.MinuteUS, (minute+1)*schemas.MinuteUS
		var before uint64 // the gap before, if it too is inside the window
		switch {
		case i == 0:
		case minute/5 != number:
			g.closeWindow(t, number, open, i, squares, products, &long)
			number, open, squares, products = minute/5, i, 0, 0
			gaps.add(step.divide(t[i] - t[i-1]))
		default:
			gap := uint64(t[i] - t[i-1])
			gaps.add(step.divide(int64(gap)))
			if i > open+1 {
				products += gap * uint64(t[i-1]-t[i-2])
			}
			squares += gap * gap
			before = gap
		}

		from, previous := i, t[i]
		second := uint32(previous-begin) / schemas.SecondUS
		ten := second / 10
		inSecond, inTen := uint64(1), uint64(1)
		secondSquares, tenSquares, secondPeak, tenPeak := uint64(1), uint64(1), uint64(1), uint64(1)
		for i++; i < n && t[i] < end; i++ {
			gap := uint64(t[i] - previous)
			previous = t[i]
			gaps.add(step.divide(int64(gap)))
			squares += gap * gap
			products += gap * before
			before = gap
			// A bin that holds k requests contributes 1 + 3 + … + (2k-1) = k^2.
			here := uint32(previous-begin) / schemas.SecondUS
			hereTen := here / 10
			if here != second {
				inSecond = 0
			}
			if hereTen != ten {
				inTen = 0
			}
			inSecond++
			inTen++
			second, ten = here, hereTen
			secondSquares += 2*inSecond - 1
			tenSquares += 2*inTen - 1
			secondPeak = max(secondPeak, inSecond)
			tenPeak = max(tenPeak, inTen)
		}
		if minute != g.first && minute != g.last {
			requests := uint64(i - from)
			g.inner += requests
			g.seconds.add(secondSquares, secondPeak)
			g.tens.add(tenSquares, tenPeak)
			g.minutes.add(requests*requests, requests)
		}
	}
	g.closeWindow(t, number, open, n, squares, products, &long)
	long.close(&g)
	if n > 2 {
		g.pairs.N = uint64(n - 2)
		firstGap, lastGap := t[1]-t[0], t[n-1]-t[n-2]
		g.pairs.X.AddInt(t[n-2] - t[0])
		g.pairs.Y.AddInt(t[n-1] - t[1])
		g.pairs.XX.Add(g.squares)
		g.pairs.XX.AddProduct(-lastGap, lastGap)
		g.pairs.YY.Add(g.squares)
		g.pairs.YY.AddProduct(-firstGap, firstGap)
	}
	s.windows, s.shortCV, s.longCV = g.windows, g.shortCV, g.longCV
	return g
}

func (c *counts) add(squares, peak uint64) {
	c.squares.AddUint(squares)
	c.peak = max(c.peak, peak)
}

// closeWindow takes in a window of 300 s, rows first to last, whose inner gaps have the given sums of squares and of
// products of neighbours. The gap that enters the window is added here.
func (g *gapSums) closeWindow(t []int64, number int64, first, last int, squares, products uint64, long *longWindow) {
	g.squares.AddUint(squares)
	g.pairs.XY.AddUint(products)
	entry := int64(0)
	if first > 0 {
		entry = t[first] - t[first-1]
		g.squares.AddProduct(entry, entry)
		if first > 1 {
			g.pairs.XY.AddProduct(entry, t[first-1]-t[first-2])
		}
		if first+1 < last {
			g.pairs.XY.AddProduct(t[first+1]-t[first], entry)
		}
	}
	cv := variation(uint64(last-first-1), uint64(t[last-1]-t[first]), squares)
	g.windows = append(g.windows, window{number, first, last, cv})
	if last-first > busyGaps && !math.IsNaN(cv) {
		g.shortCV = append(g.shortCV, cv)
	}

	if !long.open || number/4 != long.number {
		long.close(g)
		*long = longWindow{number: number / 4, open: true}
	} else {
		long.gaps++
		long.sum += uint64(entry)
		long.squares += uint64(entry) * uint64(entry)
	}
	long.gaps += int64(last - first - 1)
	long.sum += uint64(t[last-1] - t[first])
	long.squares += squares
}

// longWindow is a window of 1,200 s while its parts come in.
type longWindow struct {
	open         bool
	number, gaps int64
	sum, squares uint64
}

func (l *longWindow) close(g *gapSums) {
	if cv := variation(uint64(l.gaps), l.sum, l.squares); l.open && l.gaps >= busyGaps && !math.IsNaN(cv) {
		g.longCV = append(g.longCV, cv)
	}
}

// variation is sigma / mu of n values from their sum and sum of squares, exact up to the last division; NaN with fewer
// than 2 values or a mean of 0. n x squares must fit 128 bits and sum x sum too, as they do within a window.
func variation(n, sum, squares uint64) float64 {
	if n < 2 || sum == 0 {
		return math.NaN()
	}
	high, low := bits.Mul64(n, squares)
	sumHigh, sumLow := bits.Mul64(sum, sum)
	low, borrow := bits.Sub64(low, sumLow, 0)
	high, _ = bits.Sub64(high, sumHigh, borrow)
	return math.Sqrt(float64(high)*0x1p64+float64(low)) / float64(sum)
}
