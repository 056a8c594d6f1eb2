package contrast

import (
	"math"
	"math/rand/v2"
	"slices"

	"tidegauge/schemas"
	"tidegauge/stats"
)

const (
	// splits is how often a side is divided at random into two halves. The 95 % quantile of 200 distances is known to some
	// percent, which is all that a yardstick needs.
	splits = 200
	// certain is the quantile that is taken.
	certain = 0.95
	// leastBlocks: of six, half can be taken in ten ways.
	leastBlocks = 6
	// enoughBlocks is how many blocks are wanted.
	enoughBlocks = 10
	// mostBlocks is beyond what the widths below give in the two centuries that arrivals may lie in.
	mostBlocks = 4096
	// mostCut is into how many pieces a side is cut: one minute beside forty years is no reason to look at each of theirs.
	mostCut = 1 << 16
	// mostPieces bounds how many pieces as long as a short side are looked at.
	mostPieces = 64
)

// blockWidths are how long blocks may be, in minutes: from what idc needs to a year.
var blockWidths = []int64{364 * 24 * 60, 28 * 24 * 60, 7 * 24 * 60, 24 * 60, 6 * 60, 60, 20, 5, 1}

const (
	hourUS = 60 * schemas.MinuteUS
	dayUS  = 24 * hourUS
	// aDayUS is from when on a trace is taken for one of a whole day.
	aDayUS = 23 * hourUS
)

// blocks says how a stream's time is cut for the yardstick: how long the blocks are and, where the course of the day or
// of the week is no chance, after what time it begins again and how much of it is one hour, so to speak. Blocks of the same
// slot of the course are alike; halves take as many of each.
type blocks struct{ width, period, slot int64 }

// blocksOf chooses them by the shorter of the two sides: an hour has no course, two days and two weeks have.
//
// Otherwise it takes the widest blocks of which the stream has enough. What happens within some minutes of one another
// depends on one another: the longer the blocks, the more of that is kept.
func blocksOf(s, other *stream) blocks {
	covered := s.covered()
	switch both := min(covered, other.covered()); {
	case both >= 14*dayUS && covered > 800*dayUS: // a course of years
	case both >= 14*dayUS && covered > 60*dayUS:
		return blocks{dayUS, 7 * dayUS, dayUS}
	case both >= 14*dayUS:
		return blocks{6 * hourUS, 7 * dayUS, 6 * hourUS}
	case both >= aDayUS && covered >= 2*dayUS:
		return blocks{hourUS, dayUS, hourUS}
	case both >= aDayUS: // the neighbouring hour is what is closest to the same hour of another day
		return blocks{hourUS, dayUS, 2 * hourUS}
	}
	for _, minutes := range blockWidths {
		if width := minutes * schemas.MinuteUS; covered >= enoughBlocks*width {
			return blocks{width: width}
		}
	}
	return blocks{width: schemas.MinuteUS}
}

func (s *stream) covered() int64 { return s.t[len(s.t)-1] - s.t[0] }

// strata lists the blocks of each slot, which is all of them where there is no course.
func (b blocks) strata(c cutting) [][]int {
	if b.period == 0 {
		b.period, b.slot = 1, 1
	}
	out := make([][]int, b.period/b.slot)
	for i := range c.kept() {
		slot := (c.originUS + int64(i*c.step)*c.widthUS) % b.period / b.slot
		out[slot] = append(out[slot], i)
	}
	return out
}

// self is how far parts of one stream are from one another.
type self struct {
	total  part
	blocks int // that hold requests
	width  int64
	// apart is the yardstick, by measure: the 95 % quantile of the distances. NaN where there is none.
	apart []float64
}

// measureSelf divides a stream's blocks into random halves, again and again, and says how far these are apart. Where the
// other side is less than half as long, pieces as long as that one are compared with the rest, too: an hour of a week
// differs from the week by more than random halves of the week do.
func (s *stream) measureSelf(l *layout, ms []measure, other *stream) self {
	b := blocksOf(s, other)
	c := newCutting(s, b.width, mostBlocks)
	parts := s.everyPart(c, l)
	out := self{width: c.widthUS, total: sum(parts, l)}
	for _, p := range parts[:c.kept()] {
		if p[requests] > 0 {
			out.blocks++
		}
	}
	found := newDistances(ms, l)
	random := rand.New(rand.NewPCG(1, 2)) // the same for everybody
	for range splits {
		x, y := make(part, l.at[samples]), make(part, l.at[samples])
		for _, slot := range b.strata(c) {
			random.Shuffle(len(slot), func(i, j int) { slot[i], slot[j] = slot[j], slot[i] })
			for k := range len(slot) / 2 { // of an odd number, one stays out
				x.add(parts[slot[2*k]])
				y.add(parts[slot[2*k+1]])
			}
		}
		found.add(x, y)
	}
	out.apart = found.yardstick(nil)
	if width := max(other.covered()/schemas.MinuteUS, s.covered()/schemas.MinuteUS/mostCut, 1) * schemas.MinuteUS; 2*width < s.covered() {
		c, found := newCutting(s, width, mostPieces), newDistances(ms, l)
		parts := s.everyPart(c, l)
		for _, p := range parts[:c.kept()] {
			found.add(p, out.total.less(p))
		}
		out.apart = found.yardstick(out.apart)
	}
	return out
}

// distances collects, by measure, how far parts are apart.
type distances struct {
	measures []measure
	layout   *layout
	found    [][]float64
}

func newDistances(ms []measure, l *layout) *distances {
	return &distances{ms, l, make([][]float64, len(ms))}
}

func (d *distances) add(a, b part) {
	for i := range d.measures {
		if v := d.measures[i].between(d.layout, a, b); !math.IsNaN(v) {
			d.found[i] = append(d.found[i], v)
		}
	}
}

// yardstick gives the 95 % quantiles, or what is larger of an earlier yardstick.
func (d *distances) yardstick(earlier []float64) []float64 {
	out := make([]float64, len(d.found))
	for i, found := range d.found {
		slices.Sort(found)
		out[i] = stats.Quantile(found, certain)
		if earlier != nil {
			out[i] = larger(out[i], earlier[i])
		}
	}
	return out
}

func sum(parts []part, l *layout) part {
	out := make(part, l.at[samples])
	for _, p := range parts {
		out.add(p)
	}
	return out
}

func (s *stream) everyPart(c cutting, l *layout) []part {
	parts := s.parts(c, l)
	for which := range samples {
		addValues(parts, c, l, which, s.values(which))
	}
	return parts
}
