package stats

import "math"

// KolmogorovSmirnov returns the two-sample Kolmogorov-Smirnov distance of two
// samples in ascending order: the largest difference between their empirical
// distribution functions, from 0 to 1, whatever the unit. Ties, within a sample
// and between the two, are steps of the functions like any others, so a sample
// against itself is 0 to the bit. NaN if either is empty.
func KolmogorovSmirnov[T Number](a, b []T) float64 {
	most := 0.0
	walk(a, b, func(_ T, difference float64) { most = max(most, difference) })
	return scaled(most, len(a), len(b))
}

// Wasserstein returns the Wasserstein-1 distance of two samples in ascending
// order, in their unit: the area between their empirical distribution functions,
// or the least mean distance by which the one's values have to be moved to become
// the other's (the earth mover's distance). For samples of equal size it is the
// mean of |a[i] - b[i]|. NaN if either is empty.
func Wasserstein[T Number](a, b []T) float64 {
	var area, lost float64 // Neumaier's compensated sum: a million gaps keep their digits
	var from T
	height := 0.0
	walk(a, b, func(v T, difference float64) {
		if height > 0 {
			add := height * (float64(v) - float64(from))
			next := area + add
			lost += (max(area, add) - next) + min(area, add)
			area = next
		}
		from, height = v, difference
	})
	return scaled(area+lost, len(a), len(b))
}

// walk calls step for each distinct value of two samples, ascending, with the
// difference of the two empirical distribution functions from there to the next,
// times both samples' sizes: an integer.
func walk[T Number](a, b []T, step func(value T, difference float64)) {
	n, m := uint64(len(a)), uint64(len(b))
	if n == 0 || m == 0 {
		return
	}
	for i, j := uint64(0), uint64(0); i < n || j < m; {
		var v T
		switch {
		case j == m || (i < n && a[i] <= b[j]):
			v = a[i]
		default:
			v = b[j]
		}
		for i < n && a[i] == v {
			i++
		}
		for j < m && b[j] == v {
			j++
		}
		// Each is below 2^62 for less than two billion values.
		step(v, math.Abs(float64(int64(i*m)-int64(j*n))))
	}
}

// scaled divides by both sizes.
func scaled(v float64, n, m int) float64 {
	if n == 0 || m == 0 {
		return math.NaN()
	}
	return v / float64(n) / float64(m)
}
