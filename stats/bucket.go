package stats

import (
	"math"
	"math/bits"
)

// Growth is the ratio g between neighbouring bucket limits. A bucket's value
// lies within (g-1)/(g+1) < 1 % of everything in it.
const Growth = 1.02

// MinBucket and MaxBucket are the buckets of 2^-64 and 2^64: every uint64 has
// its bucket, and so has any ratio of counts that a log may hold.
const (
	MinBucket int16 = -2240
	MaxBucket int16 = 2241
)

// cellBits mantissa bits below the leading one tell a value's cell. Within a
// cell values differ by a factor below 1+1/64 < g, so that a cell holds at most
// one bucket limit and one comparison is enough.
const cellBits = 6

// minExponent is the binary exponent of the smallest floats that have a cell.
const minExponent = -64

var (
	// integerLimits[b] = floor(g^b), the largest integer in bucket b, as far as
	// a uint64 goes.
	integerLimits [int(MaxBucket) + 1]uint64
	// integerCells[c] is the bucket of the smallest integer in cell c.
	integerCells [(64-cellBits)<<cellBits + 1<<cellBits]int16
	// floatLimits[b-MinBucket] is the largest float64 that is at most g^b.
	floatLimits [int(MaxBucket) - int(MinBucket) + 1]float64
	// floatCells[c] is the bucket of the smallest float in cell c of [2^-64,
	// 2^64).
	floatCells [128 << cellBits]int16
)

func init() {
	fillLimits()
	fillCells()
}

// Bucket returns the smallest b with v <= g^b: METRICS' ceil(ln v / ln g)
// without its rounding errors. Zeros are counted apart: v must be above 0, and
// Bucket(0) means nothing.
func Bucket(v uint64) int16 {
	shift := uint(max(bits.Len64(v), cellBits+1) - (cellBits + 1))
	b := integerCells[uint64(shift<<cellBits)+v>>(shift&63)]
	if v > integerLimits[b] {
		b++
	}
	return b
}

// BucketFloat is [Bucket] for positive reals: up to 1 buckets are 0 or
// negative. Values below 2^-64 count as MinBucket, those from 2^64 up as
// MaxBucket.
func BucketFloat(v float64) int16 {
	cell := int(math.Float64bits(v)>>(52-cellBits)) - (1023+minExponent)<<cellBits
	if uint(cell) >= uint(len(floatCells)) {
		if v < 1 {
			return MinBucket
		}
		return MaxBucket
	}
	b := floatCells[cell]
	if v > floatLimits[int(b)-int(MinBucket)] {
		b++
	}
	return b
}

// BucketValue returns the value that stands for everything in bucket b, 2 g^b /
// (g+1): the point with the same relative distance, below 1 %, from both of the
// bucket's limits.
func BucketValue(b int16) float64 {
	return 2 * bucketLimit(b) / (Growth + 1)
}

// bucketLimit returns g^b, the largest real in bucket b.
func bucketLimit(b int16) float64 {
	if b < MinBucket || b > MaxBucket {
		return math.Pow(Growth, float64(b))
	}
	return floatLimits[int(b)-int(MinBucket)]
}

// fillLimits computes the powers of g in fixed point, because floating point
// cannot tell on which side of an integer or of a float a power lies. What is
// cut off leaves less than 2^-120 of a power in error; TestLimitsAreExact holds
// every entry against rational arithmetic.
func fillLimits() {
	power := fixedOne
	for b := 0; b <= int(MaxBucket); b++ {
		integerLimits[b] = power.floor()
		floatLimits[b-int(MinBucket)] = power.float()
		power = power.plus(power.over(50)) // 1.02 = 1 + 1/50
	}
	power = fixedOne
	for b := -1; b >= int(MinBucket); b-- {
		power = power.minus(power.over(51)) // 1/1.02 = 1 - 1/51
		floatLimits[b-int(MinBucket)] = power.float()
	}
}

// fillCells notes each cell's first bucket.
func fillCells() {
	b := int16(0)
	for cell := range integerCells {
		shift := max(cell>>cellBits-1, 0)
		first := uint64(cell-shift<<cellBits) << shift
		for first > integerLimits[b] {
			b++
		}
		integerCells[cell] = b
	}
	b = MinBucket
	for cell := range floatCells {
		first := math.Float64frombits(uint64(cell+(1023+minExponent)<<cellBits) << (52 - cellBits))
		for first > floatLimits[int(b)-int(MinBucket)] {
			b++
		}
		floatCells[cell] = b
	}
}

// fixed is a non-negative number of 128 integer and 192 fraction bits, the most
// significant word first.
type fixed [5]uint64

var fixedOne = fixed{0, 1}

// plus returns x + y.
func (x fixed) plus(y fixed) fixed {
	var carry uint64
	for i := len(x) - 1; i >= 0; i-- {
		x[i], carry = bits.Add64(x[i], y[i], carry)
	}
	return x
}

// minus returns x - y, y being at most x.
func (x fixed) minus(y fixed) fixed {
	var borrow uint64
	for i := len(x) - 1; i >= 0; i-- {
		x[i], borrow = bits.Sub64(x[i], y[i], borrow)
	}
	return x
}

// over returns x / d, cut off.
func (x fixed) over(d uint64) fixed {
	var rest uint64
	for i := range x {
		x[i], rest = bits.Div64(rest, x[i], d)
	}
	return x
}

// floor returns the integer part, or the largest uint64 above that.
func (x fixed) floor() uint64 {
	if x[0] > 0 {
		return math.MaxUint64
	}
	return x[1]
}

// float returns the largest float64 that is at most x.
func (x fixed) float() float64 {
	word := 0
	for word < len(x)-2 && x[word] == 0 {
		word++
	}
	lead := bits.LeadingZeros64(x[word])
	top := x[word]<<lead | x[word+1]>>(64-lead)
	return math.Ldexp(float64(top>>11), 11-lead+64*(1-word))
}
