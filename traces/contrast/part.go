package contrast

import (
	"math"
	"slices"
	"sort"

	"tidegauge/schemas"
)

// part is what adds up of a stream's requests over some stretches of time, as one row of numbers: parts are added and
// taken from each other by adding and subtracting them. Behind the sums stand the histograms of all distributions.
type part []float64

// The sums at the front of a part.
const (
	seconds = iota
	requests
	tokens                                   // request and response, where known
	gapN                                     // gaps that end here
	gapSum                                   // seconds
	gapSquares                               //
	binSums                                  // for each width of binWidths: bins, requests, their squares
	lagSums     = binSums + 3*len(binWidths) // for each of lags: pairs, sum of products, of earlier, of later counts
	lengthN     = lagSums + 4*(2+2)          // requests that count in lengths
	lengthX     = lengthN + 1                // request tokens, and so on
	lengthY     = lengthN + 2                //
	lengthXX    = lengthN + 3                //
	lengthYY    = lengthN + 4                //
	lengthXY    = lengthN + 5                //
	failed      = lengthN + 6                //
	afterFailed = lengthN + 7                // requests whose previous one failed
	failedAgain = lengthN + 8                // those of them that failed
	turnsN      = lengthN + 9                // conversations that begin here
	turnsSum    = lengthN + 10               // their turns
	sums        = lengthN + 11               // how many
)

// binWidths are the bins of idc, in seconds.
var binWidths = [...]int{1, 10, 60}

// lag is a distance at which counts are correlated, in bins of a width.
type lag struct{ width, lag int }

// lags decide; the distances that are only shown are lagsShown.
var lags = [...]lag{{1, 1}, {1, 10}, {60, 1}, {60, 5}}

// layout says where the histograms stand. The limits of a distribution's bins are quantiles of both sides' values, so
// that no bin holds more than about a 128th of either, unless it is one value.
type layout struct {
	cuts [samples][]float64 // ascending; a bin reaches from above the limit before up to its own
	at   [samples + 1]int   // where a distribution's bins begin
}

const cutsASide = 128

func newLayout() *layout {
	l := &layout{}
	l.at[0] = sums
	return l
}

// cut chooses the bins of the next distribution from both sides' values, ascending.
func (l *layout) cut(which sample, a, b []float64) {
	var cuts []float64
	for _, values := range [][]float64{a, b} {
		for i := range min(cutsASide, len(values)) {
			cuts = append(cuts, values[(len(values)-1)*(i+1)/min(cutsASide, len(values))])
		}
		if len(values) > 0 {
			cuts = append(cuts, values[0], values[len(values)-1])
		}
	}
	slices.Sort(cuts)
	l.cuts[which] = slices.Compact(cuts)
	l.at[which+1] = l.at[which] + len(l.cuts[which])
}

// bin finds the bin of a value, which is none beyond the last limit.
func (l *layout) bin(which sample, v float64) int {
	return l.at[which] + sort.SearchFloat64s(l.cuts[which], v)
}

// bins gives the counts of a distribution.
func (l *layout) bins(p part, which sample) []float64 { return p[l.at[which]:l.at[which+1]] }

func (p part) add(o part) {
	for i, v := range o {
		p[i] += v
	}
}

// less gives what is left of p without o.
func (p part) less(o part) part {
	out := make(part, len(p))
	for i, v := range p {
		out[i] = v - o[i]
	}
	return out
}

func ratio(a, b float64) float64 {
	if b == 0 {
		return math.NaN()
	}
	return a / b
}

func (p part) gapCV() float64 {
	mean := ratio(p[gapSum], p[gapN])
	if p[gapN] < 2 {
		return math.NaN()
	}
	return ratio(math.Sqrt(max(p[gapSquares]/p[gapN]-mean*mean, 0)), mean)
}

func (p part) idc(width int) float64 {
	b := p[binSums+3*width:]
	mean := ratio(b[1], b[0])
	return ratio(b[2]/b[0]-mean*mean, mean)
}

// autocorrelation is stats.Autocorrelation of the counts, but for the pairs whose two counts lie in different blocks:
// what is left is scaled to all.
func (p part) autocorrelation(which int) float64 {
	s, width := p[lagSums+4*which:], slices.Index(binWidths[:], lags[which].width)
	b := p[binSums+3*width:]
	mean := ratio(b[1], b[0])
	variance := b[2]/b[0] - mean*mean
	if !(variance > 1e-12*b[2]/b[0]) || s[0] == 0 {
		return math.NaN()
	}
	return (s[1] - mean*(s[2]+s[3]) + mean*mean*s[0]) / s[0] / variance
}

func (p part) pearson() float64 {
	n, x, y := p[lengthN], p[lengthX], p[lengthY]
	xx, yy, xy := n*p[lengthXX]-x*x, n*p[lengthYY]-y*y, n*p[lengthXY]-x*y
	if n < 2 || !(xx > 1e-12*n*p[lengthXX] && yy > 1e-12*n*p[lengthYY]) {
		return math.NaN()
	}
	return xy / math.Sqrt(xx*yy)
}

// cutting divides a stream's time into pieces of a width. A stream's pieces begin at its first minute; what is left at
// the end goes to the last piece, unless it is more than half of one. Only every step-th piece is kept apart: the others
// share the last place.
type cutting struct {
	originUS, widthUS, lastUS int64
	pieces, step              int
}

func newCutting(s *stream, widthUS int64, most int) cutting {
	first, last := s.t[0]/schemas.MinuteUS*schemas.MinuteUS, s.t[len(s.t)-1]
	c := cutting{first, widthUS, last, max(int((last-first+widthUS/2)/widthUS), 1), 1}
	c.step = (c.pieces + most - 1) / most
	return c
}

// kept is how many pieces are kept apart.
func (c cutting) kept() int { return (c.pieces + c.step - 1) / c.step }

// of finds the place of what happens at a time.
func (c cutting) of(us int64) int {
	return c.place(min(int(max(us-c.originUS, 0)/c.widthUS), c.pieces-1))
}

func (c cutting) place(piece int) int {
	if piece%c.step != 0 {
		return c.kept()
	}
	return piece / c.step
}

// parts adds up what has no distribution of its own, place by place; the last is that of the pieces not kept apart.
func (s *stream) parts(c cutting, l *layout) []part {
	out := make([]part, c.kept()+1)
	for i := range out {
		out[i] = make(part, l.at[samples])
	}
	for i := range c.pieces {
		begin, end := c.originUS+int64(i)*c.widthUS, c.originUS+int64(i+1)*c.widthUS
		if i == c.pieces-1 {
			end = c.lastUS
		}
		out[c.place(i)][seconds] += float64(min(end, c.lastUS)-max(begin, s.t[0])) / schemas.SecondUS
	}
	failing := false
	for i, t := range s.t {
		p := out[c.of(t)]
		p[requests]++
		x, y := float64(max(s.request[i], 0)), float64(max(s.response[i], 0))
		p[tokens] += x + y
		if i > 0 {
			gap := float64(t-s.t[i-1]) / schemas.SecondUS
			p[gapN]++
			p[gapSum] += gap
			p[gapSquares] += gap * gap
		}
		if s.outcome[i] == schemas.OK && s.request[i] >= 0 && y > 0 {
			p[lengthN]++
			p[lengthX] += x
			p[lengthY] += y
			p[lengthXX] += x * x
			p[lengthYY] += y * y
			p[lengthXY] += x * y
		}
		fails := s.outcome[i].Failed()
		if failing {
			p[afterFailed]++
		}
		if fails {
			p[failed]++
			if failing {
				p[failedAgain]++
			}
		}
		failing = fails
	}
	firstUS, series := s.counts()
	for w, width := range binWidths {
		addCounts(out, c, firstUS, wider(series, width), w)
	}
	return out
}

// addCounts adds up a series of counts, and the products of counts that lie a lag apart in one piece.
func addCounts(out []part, c cutting, firstUS int64, series []uint32, width int) {
	binUS := int64(binWidths[width]) * schemas.SecondUS
	piece := make([]int32, len(series))
	for i, n := range series {
		piece[i] = int32(c.of(firstUS + int64(i)*binUS))
		p := out[piece[i]][binSums+3*width:]
		p[0]++
		p[1] += float64(n)
		p[2] += float64(n) * float64(n)
	}
	for k, lag := range lags {
		if lag.width != binWidths[width] {
			continue
		}
		for i := lag.lag; i < len(series); i++ {
			if here := piece[i]; here == piece[i-lag.lag] {
				earlier, later := float64(series[i-lag.lag]), float64(series[i])
				p := out[here][lagSums+4*k:]
				p[0]++
				p[1] += earlier * later
				p[2] += earlier
				p[3] += later
			}
		}
	}
}

// addValues counts the values of a distribution in the pieces they belong to.
func addValues(out []part, c cutting, l *layout, which sample, values []dated) {
	for _, v := range values {
		p := out[c.of(v.us)]
		p[l.bin(which, v.value)]++
		if which == turns {
			p[turnsN]++
			p[turnsSum] += v.value
		}
	}
}
