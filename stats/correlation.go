package stats

import "math"

// noSpread is METRICS' limit below which a variance, as a part of the mean
// square, is what rounding leaves of none.
const noSpread = 1e-12

// PairSums are the exact sums of pairs of integers: request and response
// tokens, a gap and the gap before it. They merge by adding. The zero value is
// empty.
type PairSums struct {
	N          uint64 // how many pairs
	X, Y       Int128 // the sums of x and of y
	XX, YY, XY Int128 // of x^2, y^2 and x y
}

// Add adds a pair.
func (s *PairSums) Add(x, y int64) {
	s.N++
	s.X.AddInt(x)
	s.Y.AddInt(y)
	s.XX.AddProduct(x, x)
	s.YY.AddProduct(y, y)
	s.XY.AddProduct(x, y)
}

// Merge adds the pairs of o.
func (s *PairSums) Merge(o PairSums) {
	s.N += o.N
	s.X.Add(o.X)
	s.Y.Add(o.Y)
	s.XX.Add(o.XX)
	s.YY.Add(o.YY)
	s.XY.Add(o.XY)
}

// Pearson returns Pearson's correlation coefficient. NaN with fewer than 2
// pairs, or where x's or y's variance is at most 1e-12 of its mean square.
func (s PairSums) Pearson() float64 {
	xx, yy, xy := s.scatter()
	n := float64(s.N)
	return correlate(s.N, xx, yy, xy, n*s.XX.Float64(), n*s.YY.Float64())
}

// Line returns the least-squares line y = slope x + intercept and the share r2
// of y's variance it explains. All NaN where [PairSums.Pearson] is.
func (s PairSums) Line() (slope, intercept, r2 float64) {
	r := s.Pearson()
	if math.IsNaN(r) {
		return math.NaN(), math.NaN(), math.NaN()
	}
	xx, _, xy := s.scatter()
	// (Sy Sxx - Sx Sxy) / (n Sxx - Sx^2) is the mean of y minus slope times the
	// mean of x without the cancellation.
	slope = xy / xx
	intercept = product(s.Y, s.XX).minus(product(s.X, s.XY)).float() / xx
	return slope, intercept, r * r
}

// scatter returns n times the centred sums of squares and products.
func (s PairSums) scatter() (xx, yy, xy float64) {
	n := Uint(s.N)
	return product(n, s.XX).minus(product(s.X, s.X)).float(),
		product(n, s.YY).minus(product(s.Y, s.Y)).float(),
		product(n, s.XY).minus(product(s.X, s.Y)).float()
}

// FloatPairSums are the sums of pairs of reals, each less a constant: the
// logarithm of a response's length and that of the one before (lag1). A shift
// near the mean keeps the digits; sums merge if they have the same shift.
type FloatPairSums struct {
	N          uint64  // how many pairs
	Shift      float64 // what was subtracted from each a and b
	X, Y       float64 // the sums of a - Shift and of b - Shift
	XX, YY, XY float64 // of their squares and products
}

// Add adds the pair (a, b), from which it subtracts the shift.
func (s *FloatPairSums) Add(a, b float64) {
	a, b = a-s.Shift, b-s.Shift
	s.N++
	s.X += a
	s.Y += b
	s.XX += a * a
	s.YY += b * b
	s.XY += a * b
}

// Merge adds the pairs of o, which has the same shift.
func (s *FloatPairSums) Merge(o FloatPairSums) {
	s.N += o.N
	s.X += o.X
	s.Y += o.Y
	s.XX += o.XX
	s.YY += o.YY
	s.XY += o.XY
}

// Pearson is [PairSums.Pearson]. The mean square that a variance is compared with
// is that of a (or b) itself or that of a - Shift, whichever is larger: where all a
// are 0, as logarithms of 1 are, the first is 0 and the variance is the rounding
// of the second.
func (s FloatPairSums) Pearson() float64 {
	if s.N == 0 {
		return math.NaN()
	}
	n, c := float64(s.N), s.Shift
	return correlate(s.N, s.XX-s.X*s.X/n, s.YY-s.Y*s.Y/n, s.XY-s.X*s.Y/n,
		max(s.XX, s.XX+2*c*s.X+n*c*c), max(s.YY, s.YY+2*c*s.Y+n*c*c))
}

// Pearson returns the correlation of two slices of equal length, in two passes.
// Undefined as [PairSums.Pearson].
func Pearson(a, b []float64) float64 {
	n := float64(len(a))
	var meanA, meanB float64
	for i := range a {
		meanA += a[i]
		meanB += b[i]
	}
	meanA, meanB = meanA/n, meanB/n
	var aa, bb, ab, squareA, squareB float64
	for i := range a {
		da, db := a[i]-meanA, b[i]-meanB
		aa += da * da
		bb += db * db
		ab += da * db
		squareA += a[i] * a[i]
		squareB += b[i] * b[i]
	}
	return correlate(uint64(len(a)), aa, bb, ab, squareA, squareB)
}

// correlate returns xy / sqrt(xx yy) from centred sums, unless there is no
// spread: xx or yy at most noSpread of the sum of squares that was not centred.
func correlate(n uint64, xx, yy, xy, squareX, squareY float64) float64 {
	if n < 2 || !(xx > noSpread*squareX && yy > noSpread*squareY) {
		return math.NaN()
	}
	return min(max(xy/math.Sqrt(xx*yy), -1), 1)
}
