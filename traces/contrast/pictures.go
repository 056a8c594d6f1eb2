package contrast

import (
	"math"

	"tidegauge/schemas"
)

// Pictures is what the page draws beyond the document's numbers.
type Pictures struct {
	curves [samples]curves
	rate   [2][]point // requests a second over the hours since the first arrival
	idc    [2][]point // by width of bin, seconds
	joint  [2]grid
	both   limits // of both grids
}

type point struct{ x, y float64 }

// curves are two distribution functions.
type curves [2][]point

// mostPoints is how many points a curve has: more than a picture has pixels to show.
const mostPoints = 240

// newCurves draws the distribution functions of two samples, ascending.
func newCurves(x, y []float64) (c curves) {
	for side, values := range [][]float64{x, y} {
		n := len(values)
		for k := range min(mostPoints, n) {
			i := k * (n - 1) / max(min(mostPoints, n)-1, 1)
			for i+1 < n && values[i+1] == values[i] {
				i++ // the last of equal ones: the function's value there
			}
			if last := len(c[side]) - 1; last < 0 || c[side][last].x != values[i] {
				c[side] = append(c[side], point{values[i], float64(i+1) / float64(n)})
			}
		}
	}
	return c
}

func (p *pair) pictures() *Pictures {
	out := &Pictures{curves: p.curves}
	for side, s := range []*stream{p.a, p.b} {
		out.rate[side] = s.rateOverTime()
		out.idc[side] = s.idcByWidth()
		out.both.include(s)
	}
	for side, s := range []*stream{p.a, p.b} {
		out.joint[side] = s.grid(out.both)
	}
	return out
}

// rateBins is how many stretches a trace's time is drawn in.
const rateBins = 180

// rateOverTime is the rate by stretches of equal time, which are whole seconds.
func (s *stream) rateOverTime() (out []point) {
	first, last := s.t[0], s.t[len(s.t)-1]
	width := max((last-first)/rateBins/schemas.SecondUS, 1) * schemas.SecondUS
	counts := make([]float64, (last-first)/width+1)
	for _, t := range s.t {
		counts[(t-first)/width]++
	}
	if len(counts) > 1 && (last-first)%width != 0 {
		counts = counts[:len(counts)-1] // a part of a stretch
	}
	for i, n := range counts {
		out = append(out, point{(float64(i) + 0.5) * float64(width) / schemas.SecondUS, n / float64(width) * schemas.SecondUS})
	}
	return out
}

// idcWidths are the bins for which the index of dispersion is drawn, in seconds.
var idcWidths = []int{1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600}

// leastBins is how many bins it takes to draw one.
const leastBins = 8

func (s *stream) idcByWidth() (out []point) {
	_, seconds := s.counts()
	for _, width := range idcWidths {
		bins := wider(seconds, width)
		var sum, squares float64
		for _, n := range bins {
			sum += float64(n)
			squares += float64(n) * float64(n)
		}
		n := float64(len(bins))
		if len(bins) >= leastBins && sum > 0 {
			out = append(out, point{float64(width), (squares/n - sum/n*sum/n) / (sum / n)})
		}
	}
	return out
}

// cellsAnOctave is how fine the joint grid is: METRICS has 8, a picture is read at 2.
const cellsAnOctave = 2

// limits are the octaves' parts that lengths reach over.
type limits struct {
	set                    bool
	lowX, highX, lowY, top int
}

func octave(v int32) int { return int(math.Floor(cellsAnOctave * math.Log2(float64(max(v, 1))))) }

func (s *stream) eachLength(f func(x, y int32)) {
	for i, o := range s.outcome {
		if o == schemas.OK && s.request[i] >= 0 && s.response[i] > 0 {
			f(s.request[i], s.response[i])
		}
	}
}

func (l *limits) include(s *stream) {
	s.eachLength(func(x, y int32) {
		if !l.set {
			*l = limits{true, octave(x), octave(x), octave(y), octave(y)}
		}
		l.lowX, l.highX = min(l.lowX, octave(x)), max(l.highX, octave(x))
		l.lowY, l.top = min(l.lowY, octave(y)), max(l.top, octave(y))
	})
}

// grid is the shares of requests by request and response tokens.
type grid struct {
	limits
	share [][]float64 // by y, then x
}

func (s *stream) grid(l limits) grid {
	g := grid{limits: l}
	if !l.set {
		return g
	}
	g.share = make([][]float64, l.top-l.lowY+1)
	for i := range g.share {
		g.share[i] = make([]float64, l.highX-l.lowX+1)
	}
	n := 0.0
	s.eachLength(func(x, y int32) {
		g.share[octave(y)-l.lowY][octave(x)-l.lowX]++
		n++
	})
	for _, row := range g.share {
		for i := range row {
			if n > 0 {
				row[i] /= n
			}
		}
	}
	return g
}
