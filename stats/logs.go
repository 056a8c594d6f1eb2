package stats

import "math"

// LogSums are the sums of the first four powers of logarithms, each less a
// constant: what the lognormal's moments and Sarle's coefficient are computed
// from. A shift near the mean keeps the digits; sums merge if they have the
// same shift. Floating-point sums of equal logarithms leave a rest that looks
// like spread, so whether there is any is carried beside them.
type LogSums struct {
	N              uint64  // how many values
	Shift          float64 // what was subtracted from each ln v
	S1, S2, S3, S4 float64 // the sums of (ln v - Shift)^k
	Spread         bool    // the smallest value is below the largest; set by whoever calls Add
}

// Add adds a value by its logarithm, from which it subtracts the shift.
func (l *LogSums) Add(logV float64) {
	d := logV - l.Shift
	l.N++
	l.S1 += d
	l.S2 += d * d
	l.S3 += d * d * d
	l.S4 += d * d * d * d
}

// Merge adds the values of o, which has the same shift. Two sets without spread
// of their own have it together if their values differ, which sums cannot tell:
// the caller, who knows the minima and maxima, sets Spread.
func (l *LogSums) Merge(o LogSums) {
	l.N += o.N
	l.S1 += o.S1
	l.S2 += o.S2
	l.S3 += o.S3
	l.S4 += o.S4
	l.Spread = l.Spread || o.Spread
}

// Mu returns the mean logarithm, NaN without values.
func (l LogSums) Mu() float64 {
	if l.N == 0 {
		return math.NaN()
	}
	return l.Shift + l.S1/float64(l.N)
}

// Sigma returns the population standard deviation of the logarithms: exactly 0
// without spread, NaN without values.
func (l LogSums) Sigma() float64 {
	if l.N == 0 {
		return math.NaN()
	}
	if !l.Spread {
		return 0
	}
	n := float64(l.N)
	d := l.S1 / n
	return math.Sqrt(max(l.S2/n-d*d, 0))
}

// Bimodality returns Sarle's coefficient (g^2+1)/k of the logarithms, g their
// skewness and k their kurtosis (3 for a normal distribution), population
// moments: 5/9 for a uniform distribution, above it where two modes are likely.
// NaN with fewer than 2 values or without spread.
func (l LogSums) Bimodality() float64 {
	if l.N < 2 || !l.Spread {
		return math.NaN()
	}
	n := float64(l.N)
	d, s2, s3, s4 := l.S1/n, l.S2/n, l.S3/n, l.S4/n
	m2 := s2 - d*d
	m3 := s3 - 3*d*s2 + 2*d*d*d
	m4 := s4 - 4*d*s3 + 6*d*d*s2 - 3*d*d*d*d
	if !(m2 > 0) {
		return math.NaN()
	}
	return (m3*m3/(m2*m2*m2) + 1) * m2 * m2 / m4
}

// SumLogs returns the sums over those values that are above 0, each counted as
// often as counts says (nil: once). The shift is the logarithm of their mean.
// Ascending values with ties cost one logarithm a tie.
func SumLogs[T Number](values []T, counts []uint64) LogSums {
	sum, n := sumPositive(values, counts)
	if n == 0 {
		return LogSums{}
	}
	l := LogSums{N: n, Shift: math.Log(sum / float64(n))}
	var last T // no value above 0 equals it yet
	var d float64
	distinct := 0
	for i, v := range values {
		if !(v > 0) {
			continue
		}
		if v != last {
			last, d = v, math.Log(float64(v))-l.Shift
			distinct++
		}
		w := 1.0
		if counts != nil {
			w = float64(counts[i])
		}
		dd := d * d
		l.S1 += w * d
		l.S2 += w * dd
		l.S3 += w * dd * d
		l.S4 += w * dd * dd
	}
	l.Spread = distinct > 1
	return l
}

// sumPositive returns the sum and the number of the values above 0.
func sumPositive[T Number](values []T, counts []uint64) (sum float64, n uint64) {
	for i, v := range values {
		if !(v > 0) {
			continue
		}
		w := uint64(1)
		if counts != nil {
			w = counts[i]
		}
		sum += float64(v) * float64(w)
		n += w
	}
	return sum, n
}
