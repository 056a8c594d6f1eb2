package report

import (
	"math"
	"strconv"
)

// Number is a number of the document that may be undefined. NaN is undefined and becomes null in JSON, as infinities
// do; whole numbers are written without a fraction. Counts that can be undefined (the largest of none) are Numbers too:
// they stay below 2^53, where every integer is exact. The zero value is 0, not null.
type Number float64

// Null is the undefined Number.
var Null = Number(math.NaN())

// Defined says whether n is a number.
func (n Number) Defined() bool { return !math.IsNaN(float64(n)) && !math.IsInf(float64(n), 0) }

// MarshalJSON gives the shortest decimal that reads back as n, or null.
func (n Number) MarshalJSON() ([]byte, error) { return n.append(nil), nil }

// UnmarshalJSON reads what MarshalJSON wrote: null is NaN.
func (n *Number) UnmarshalJSON(data []byte) error {
	if string(data) == "null" {
		*n = Null
		return nil
	}
	v, err := strconv.ParseFloat(string(data), 64)
	*n = Number(v)
	return err
}

// wholeBelow is where whole numbers stop being written digit by digit: 2^53, above which a float64 skips integers.
const wholeBelow = 1 << 53

func (n Number) append(b []byte) []byte {
	v := float64(n)
	switch size := math.Abs(v); {
	case !n.Defined():
		return append(b, "null"...)
	case v == 0:
		return append(b, '0') // never -0
	case v == math.Trunc(v) && size < wholeBelow:
		return strconv.AppendInt(b, int64(v), 10)
	case size < 1e-6 || size >= 1e21:
		return strconv.AppendFloat(b, v, 'e', -1, 64)
	default:
		return strconv.AppendFloat(b, v, 'f', -1, 64)
	}
}

// ratio is a / b, undefined for b = 0.
func ratio[A, B int | int64 | uint64 | float64](a A, b B) Number {
	if b == 0 {
		return Null
	}
	return Number(float64(a) / float64(b))
}
