package stats

import "math"

// group is a part of a sample that lies close together.
type group struct {
	log    float64 // the middle of its logarithms
	weight float64 // how many values it has
}

// eulerGamma is the Euler-Mascheroni constant.
const eulerGamma = 0.57721566490153286

// exactUpTo is the size up to which every value is looked at: an evaluation of
// the Gamma distribution function costs some hundred nanoseconds, so that
// thousands cost what a reader does not notice, and millions do not.
const exactUpTo = 4096

// weibull returns the Weibull distribution's maximum-likelihood k and lambda:
// the root of the profile score
//
//	sum(w v^k ln v) / sum(w v^k) - 1/k - mean(ln v),
//
// which rises with k, by Newton's method kept inside a bracket. Grouping moves
// the logarithms a little, so they are first scaled to the moments that are
// known exactly; what is left is the groups' effect on the higher moments.
func weibull(groups []group, m FitMoments) (k, lambda float64) {
	k = math.Pi / math.Sqrt(6) / m.SigmaLog // by the moment of the logarithms
	if len(groups) < 2 {                    // a sketch of less than 2 % spread tells no more
		return k, math.Exp(m.MeanLog + eulerGamma/k)
	}
	top := matchMoments(groups, m) // v is scaled by its maximum so that no power overflows
	meanLog := m.MeanLog - top
	low, high := 0.0, math.Inf(1)
	for range 200 {
		var p0, p1, p2 float64
		for _, g := range groups {
			p := g.weight * math.Exp(k*g.log)
			p0 += p
			p1 += p * g.log
			p2 += p * g.log * g.log
		}
		score := p1/p0 - 1/k - meanLog
		if score > 0 {
			high = k
		} else {
			low = k
		}
		next := k - score/(p2/p0-(p1/p0)*(p1/p0)+1/(k*k))
		if !(low < next && next < high) {
			next = 2 * k
			if !math.IsInf(high, 1) {
				next = (low + high) / 2
			}
		}
		done := math.Abs(next-k) <= 1e-12*k
		k = next
		if done {
			break
		}
	}
	var p0, n float64
	for _, g := range groups {
		p0 += g.weight * math.Exp(k*g.log)
		n += g.weight
	}
	return k, math.Exp(top + math.Log(p0/n)/k)
}

// matchMoments stretches the groups' logarithms to the mean and sigma of m,
// then subtracts their maximum, which it returns.
func matchMoments(groups []group, m FitMoments) (top float64) {
	var n, mean, square float64
	for _, g := range groups {
		n += g.weight
		mean += g.weight * g.log
	}
	mean /= n
	for _, g := range groups {
		square += g.weight * (g.log - mean) * (g.log - mean)
	}
	stretch := m.SigmaLog / math.Sqrt(square/n)
	top = m.MeanLog + (groups[len(groups)-1].log-mean)*stretch
	for i := range groups {
		groups[i].log = m.MeanLog + (groups[i].log-mean)*stretch - top
	}
	return top
}

// groups divides a sample into ties if it is small, else into ranges that are
// narrow against its spread.
func groups(s sample, m FitMoments) []group {
	width := 0.0
	if s.size() > exactUpTo {
		width = min(1, m.SigmaLog) / 1024
	}
	var out []group
	for i := 0; i < s.size(); {
		limit := s.value(i) * (1 + width)
		// Ranges may be long or single values: steps that double, then halves.
		step := 1
		for i+step < s.size() && s.value(i+step) <= limit {
			step *= 2
		}
		low, high := i+step/2, min(i+step, s.size())
		for high-low > 1 {
			if middle := low + (high-low)/2; s.value(middle) <= limit {
				low = middle
			} else {
				high = middle
			}
		}
		out = append(out, group{
			log:    (math.Log(s.value(i)) + math.Log(s.value(low))) / 2,
			weight: s.before(high) - s.before(i),
		})
		i = high
	}
	return out
}

// histogramGroups returns the buckets.
func histogramGroups(h Histogram, unit float64) []group {
	out := make([]group, len(h.Buckets))
	for i, b := range h.Buckets {
		out[i] = group{log: math.Log(BucketValue(b) / unit), weight: float64(h.Counts[i])}
	}
	return out
}
