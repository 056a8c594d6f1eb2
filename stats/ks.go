package stats

// distanceError is how much too small a large sample's distance may be: a four
// hundredth of METRICS' tolerance. A model that fits to the last digit costs
// about 2/distanceError evaluations, others far fewer.
const distanceError = 5e-5

// sample is a list of ascending values above 0.
type sample interface {
	size() int
	value(i int) float64
	before(i int) float64 // how many of the sample's members items 0 to i-1 stand for
}

// sortedSample is integers, each one member, divided by a unit.
type sortedSample struct {
	values []int64
	unit   float64
}

func (s sortedSample) size() int            { return len(s.values) }
func (s sortedSample) value(i int) float64  { return float64(s.values[i]) / s.unit }
func (s sortedSample) before(i int) float64 { return float64(i) }

// weightedSample is values that stand for several members each.
type weightedSample struct {
	values []float64
	counts []float64 // running totals, one more than values
}

func newWeightedSample(values []float64, counts []uint64) weightedSample {
	running := make([]float64, len(values)+1)
	for i, count := range counts {
		running[i+1] = running[i] + float64(count)
	}
	return weightedSample{values: values, counts: running}
}

func (s weightedSample) size() int            { return len(s.values) }
func (s weightedSample) value(i int) float64  { return s.values[i] }
func (s weightedSample) before(i int) float64 { return s.counts[i] }

// distance returns the two-sided Kolmogorov-Smirnov distance between a sample
// and a distribution function: the largest difference at a value, or just below
// it.
//
// Both rise, so between two items no difference exceeds the later one's share
// less the earlier one's probability, or the later one's probability less the
// earlier one's share. Intervals where that is no more than distanceError above
// the largest difference found are done; the others are halved. Of millions of
// values a few thousand are evaluated, and no smoothness is assumed.
func distance(s sample, cdf func(float64) float64) float64 {
	n := s.before(s.size())
	most := 0.0
	at := func(i int) float64 {
		p := cdf(s.value(i))
		most = max(most, s.before(i+1)/n-p, p-s.before(i)/n)
		return p
	}
	if s.size() <= exactUpTo {
		for i := range s.size() {
			at(i)
		}
		return most
	}
	type interval struct {
		first, last         int
		probFirst, probLast float64
	}
	last := s.size() - 1
	open := []interval{{0, last, at(0), at(last)}}
	var halves []interval
	for len(open) > 0 {
		halves = halves[:0]
		for _, o := range open {
			bound := max(s.before(o.last)/n-o.probFirst, o.probLast-s.before(o.first+1)/n)
			if o.last-o.first < 2 || bound <= most+distanceError {
				continue
			}
			middle := o.first + (o.last-o.first)/2
			p := at(middle)
			halves = append(halves, interval{o.first, middle, o.probFirst, p}, interval{middle, o.last, p, o.probLast})
		}
		open, halves = halves, open
	}
	return most
}

// point is a place where an empirical distribution is known: the share of its
// members just below, and of those up to it.
type point struct{ value, below, at float64 }

// farthest returns the largest difference between points and a distribution
// function.
func farthest(points []point, cdf func(float64) float64) float64 {
	most := 0.0
	for _, p := range points {
		f := cdf(p.value)
		most = max(most, p.at-f, f-p.below)
	}
	return most
}

// histogramPoints returns where a histogram's values may be farthest from a
// distribution function. At the buckets' limits the shares are known exactly.
// Inside, a bucket of a smooth distribution has its values all over its width,
// as its neighbours do, while a coarse clock's ties are alone in theirs: what a
// bucket has beyond its larger neighbour is taken as one tie at the bucket's
// value, where the share jumps, and the rest as spread evenly on both sides,
// but for one value, as a single one is always a jump. To take everything for a
// tie would add half a bucket's share to every smooth distance; to take nothing
// for one would miss half of a whole-second clock's.
func histogramPoints(h Histogram, unit float64) []point {
	n := float64(h.Total() - h.Zeros)
	count := func(i int, b int16) uint64 {
		if i < 0 || i >= len(h.Buckets) || h.Buckets[i] != b {
			return 0
		}
		return h.Counts[i]
	}
	points := make([]point, 0, 3*len(h.Buckets))
	running := uint64(0)
	for i, b := range h.Buckets {
		neighbour := max(count(i-1, b-1), count(i+1, b+1))
		smooth := float64(max(min(h.Counts[i], neighbour), 1)-1) / n
		below := float64(running) / n
		running += h.Counts[i]
		at := float64(running) / n
		points = append(points,
			point{bucketLimit(b-1) / unit, below, below},
			point{BucketValue(b) / unit, below + smooth/2, at - smooth/2},
			point{bucketLimit(b) / unit, at, at})
	}
	return points
}
