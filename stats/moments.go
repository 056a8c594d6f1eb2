package stats

import "math"

// PowerSums are the exact power sums of integers: gaps in microseconds, tokens.
// They merge by adding. The moments are computed from integers up to the last
// division, so a variance keeps its digits even where it is a tiny part of the
// mean square. The zero value is empty.
type PowerSums struct {
	N       uint64 // how many values
	Sum     Int128
	Squares Int128
}

// Add adds a value.
func (s *PowerSums) Add(v int64) {
	s.N++
	s.Sum.AddInt(v)
	s.Squares.AddProduct(v, v)
}

// Merge adds the values of o.
func (s *PowerSums) Merge(o PowerSums) {
	s.N += o.N
	s.Sum.Add(o.Sum)
	s.Squares.Add(o.Squares)
}

// Mean returns the mean, NaN without values.
func (s PowerSums) Mean() float64 {
	if s.N == 0 {
		return math.NaN()
	}
	return s.Sum.Float64() / float64(s.N)
}

// Variance returns the population variance, NaN without values.
func (s PowerSums) Variance() float64 {
	if s.N == 0 {
		return math.NaN()
	}
	n := float64(s.N)
	return s.scatter().float() / n / n
}

// StdDev returns the population standard deviation, NaN without values.
func (s PowerSums) StdDev() float64 { return math.Sqrt(s.Variance()) }

// CV returns the coefficient of variation, population sigma / mean: METRICS'
// gap_cv and the lengths' cv. NaN with fewer than 2 values or a mean of 0.
func (s PowerSums) CV() float64 {
	if s.N < 2 || s.Sum.Sign() == 0 {
		return math.NaN()
	}
	return math.Sqrt(s.scatter().float()) / s.Sum.Float64()
}

// scatter returns n times the sum of squared deviations: n S2 - S1^2.
func (s PowerSums) scatter() int256 {
	return product(Uint(s.N), s.Squares).minus(product(s.Sum, s.Sum))
}
