package workload

import (
	"math"
	"math/bits"
	"math/rand/v2"
)

// Everything here rounds alike on every machine: integers, and floating point with + - * / and square roots, which IEEE
// 754 defines to the last bit. Each product is converted, which keeps a compiler from fusing it with a sum.

// source is a stream of random numbers of its own.
type source struct{ pcg *rand.PCG }

func newSource(seed uint64, path ...uint64) source {
	// The path is mixed in as splitmix64 mixes, so that neighbouring numbers have nothing in common.
	h := seed ^ 0x7469646567617567
	for _, p := range path {
		h += p*0x9e3779b97f4a7c15 + 0x632be59bd9b4e019
		h = (h ^ h>>30) * 0xbf58476d1ce4e5b9
		h = (h ^ h>>27) * 0x94d049bb133111eb
		h ^= h >> 31
	}
	return source{rand.NewPCG(h, seed)}
}

// again gives a source that draws the same numbers from here on.
func (s source) again() source {
	pcg := *s.pcg
	return source{&pcg}
}

// below draws from 0 … n-1. Its bias is n/2^64.
func (s source) below(n uint64) uint64 {
	high, _ := bits.Mul64(s.pcg.Uint64(), n)
	return high
}

// chance is true in p of One.
func (s source) chance(p int) bool { return p > 0 && (p >= One || int(s.below(One)) < p) }

// float draws from [0, 1).
func (s source) float() float64 { return float64(s.pcg.Uint64()>>11) * (1.0 / (1 << 53)) }

// The normal distribution on a grid of 1/64 between -5 and 5.
const (
	normalSteps = 64
	normalEnd   = 5
	normalSize  = 2*normalEnd*normalSteps + 1
)

var normalCDF = makeNormalCDF()

// makeNormalCDF integrates the density by Simpson's rule.
func makeNormalCDF() [normalSize]float64 {
	var cdf [normalSize]float64
	const h = 1.0 / normalSteps
	density := func(z float64) float64 { return exponential(float64(z*z) / 2) }
	sum := 0.0
	for i := 1; i < normalSize; i++ {
		z := float64(float64(i)*h) - normalEnd
		between := density(z - h/2)
		part := density(z-h) + float64(4*between) + density(z)
		sum += float64(part * (h / 6))
		cdf[i] = sum
	}
	for i := range cdf {
		cdf[i] /= sum
	}
	return cdf
}

// exponential is e^-x for x >= 0, to about twelve digits.
func exponential(x float64) float64 {
	squarings := 0
	for x > 1.0/16 {
		x /= 2
		squarings++
	}
	// 1 - x + x^2/2 - …, by Horner's rule.
	y := 1.0
	for k := 9; k >= 1; k-- {
		y = 1 - float64(x*y)/float64(k)
	}
	for range squarings {
		y = float64(y * y)
	}
	return y
}

// unit is a rank of 2^64 as a number of (0, 1).
func unit(rank uint64) float64 { return (float64(rank>>12) + 0.5) * (1.0 / (1 << 52)) }

// ln2 is the logarithm of 2.
const ln2 = 0.693147180559945309417232121458

// minusLog is -ln x for x of (0, 1), to about ten digits.
func minusLog(x float64) float64 {
	sum := 0.0
	for x < 0.5 {
		x *= 2
		sum += ln2
	}
	// -ln x = 2 (z + z^3/3 + z^5/5 + …) with z = (1-x) / (1+x), at most a third, by Horner's rule.
	z := (1 - x) / (1 + x)
	square, series := float64(z*z), 0.0
	for k := 19; k >= 1; k -= 2 {
		series = 1/float64(k) + float64(square*series)
	}
	return sum + float64(2*z*series)
}

// normal draws a standard normal number.
func (s source) normal() float64 { return normalQuantile(s.float()) }

func normalQuantile(u float64) float64 {
	low, high := 0, normalSize-1
	for high-low > 1 {
		if middle := (low + high) / 2; normalCDF[middle] <= u {
			low = middle
		} else {
			high = middle
		}
	}
	part := (u - normalCDF[low]) / (normalCDF[high] - normalCDF[low])
	return float64((float64(low)+part)*(1.0/normalSteps)) - normalEnd
}

// normalProbability is the share of standard normal numbers below z.
func normalProbability(z float64) float64 {
	x := float64((z + normalEnd) * normalSteps)
	if x <= 0 {
		return 0
	}
	if x >= normalSize-1 {
		return 1
	}
	i := int(x)
	return normalCDF[i] + float64((normalCDF[i+1]-normalCDF[i])*(x-float64(i)))
}

// poisson draws a Poisson number of the given mean. Above 64 a rounded normal one is within the error of anything fitted.
func (s source) poisson(mean float64) int {
	if !(mean > 0) {
		return 0
	}
	if mean > 64 {
		n := mean + float64(math.Sqrt(mean)*s.normal())
		if n < 0 {
			return 0
		}
		return int(n + 0.5)
	}
	u, p, n := s.float(), exponential(mean), 0
	for u >= p && n < 1000 {
		u -= p
		n++
		p = float64(p*mean) / float64(n)
	}
	return n
}

// draw gives one of the distribution's values.
func (v *Values) draw(s source) int64 { return v.at(s.pcg.Uint64()) }

// at gives the value at a probability of u/2^64.
func (v *Values) at(u uint64) int64 {
	if len(v.Knots) == 1 {
		return v.Knots[0]
	}
	high, low := bits.Mul64(u, uint64(len(v.Knots)-1))
	from, to := v.Knots[high], v.Knots[high+1]
	if len(v.Tail) > 0 && int(high) == len(v.Knots)-2 {
		for _, cut := range v.Tail {
			if low < 1<<63 {
				return between(from, cut, low<<1)
			}
			from, low = cut, low<<1
		}
	}
	return between(from, to, low)
}

// between is the whole number nearest to the point part/2^64 of the way between two.
func between(from, to int64, part uint64) int64 {
	if from == to {
		return from
	}
	span, sign := uint64(to-from), int64(1)
	if to < from {
		span, sign = uint64(from-to), -1
	}
	high, low := bits.Mul64(part, span)
	return from + sign*int64(high+low>>63)
}

// pick draws an index from weights of One, made cumulative.
type picker struct{ upto []uint32 }

func newPicker(weights []int) picker {
	total := 0
	for _, w := range weights {
		total += w
	}
	p := picker{make([]uint32, len(weights))}
	sum := 0
	for i, w := range weights {
		sum += w
		if total > 0 {
			p.upto[i] = uint32(uint64(sum) * (1 << 31) / uint64(total))
		}
	}
	return p
}

func (p picker) empty() bool { return len(p.upto) == 0 || p.upto[len(p.upto)-1] == 0 }

func pickers(rows [][]int) []picker {
	p := make([]picker, len(rows))
	for i, w := range rows {
		p[i] = newPicker(w)
	}
	return p
}

func (p picker) pick(s source) int { return p.at(s.pcg.Uint64()) }

// at gives the index at a probability of rank/2^64.
func (p picker) at(rank uint64) int {
	u := uint32(rank >> 33)
	for i, t := range p.upto {
		if u < t {
			return i
		}
	}
	return len(p.upto) - 1
}
