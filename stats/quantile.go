package stats

import "math"

// Number is what quantiles are taken of.
type Number interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64 | ~float32 | ~float64
}

// Quantile returns the q-quantile of ascending values, q within [0, 1]: linear
// between the two order statistics around q (n-1) (Hyndman and Fan 1996, type
// 7; numpy's default). NaN without values.
func Quantile[T Number](sorted []T, q float64) float64 {
	low, t, ok := position(uint64(len(sorted)), q)
	if !ok {
		return math.NaN()
	}
	high := min(int(low)+1, len(sorted)-1)
	return lerp(float64(sorted[low]), float64(sorted[high]), t)
}

// Quantiles appends the quantiles of qs to dst.
func Quantiles[T Number](dst []float64, sorted []T, qs ...float64) []float64 {
	for _, q := range qs {
		dst = append(dst, Quantile(sorted, q))
	}
	return dst
}

// position returns where the q-quantile of n values lies: the rank of the order
// statistic below it, counted from 0, and how far it is from there to the next.
func position(n uint64, q float64) (rank uint64, t float64, ok bool) {
	if n == 0 || !(q >= 0 && q <= 1) {
		return 0, 0, false
	}
	at := q * float64(n-1)
	rank = min(uint64(at), n-1)
	return rank, at - float64(rank), true
}

// lerp interpolates as numpy does, from the nearer end, so that equal inputs
// give equal digits. The conversions keep a compiler from fusing the product
// into the sum, which would make the last digit depend on the machine.
func lerp(a, b, t float64) float64 {
	if t < 0.5 {
		return a + float64((b-a)*t)
	}
	return b - float64((b-a)*(1-t))
}
