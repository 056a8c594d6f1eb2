package stats

import (
	"math"
	"math/big"
	"math/bits"
)

// Int128 is a signed integer of 128 bits, two's complement: an exact sum of
// squares or products of int64s for hot paths, where big.Int would allocate.
// The squares of all gaps of a 130-year log in microseconds sum to less than
// 2^104, and the squares of 10^12 token counts below 2^40 to less than 2^120,
// so nothing that is summed here overflows. The zero value is 0.
type Int128 struct {
	Hi int64
	Lo uint64
}

// Int returns v as an Int128.
func Int(v int64) Int128 { return Int128{Hi: v >> 63, Lo: uint64(v)} }

// Uint returns v as an Int128.
func Uint(v uint64) Int128 { return Int128{Lo: v} }

// FromBig returns v, as read from a wide column, as an Int128; false where it
// does not fit.
func FromBig(v *big.Int) (Int128, bool) {
	if v.BitLen() > 127 {
		return Int128{}, false
	}
	var words [16]byte
	new(big.Int).Abs(v).FillBytes(words[:])
	var s Int128
	for i, b := range words {
		if i < 8 {
			s.Hi = s.Hi<<8 | int64(b)
		} else {
			s.Lo = s.Lo<<8 | uint64(b)
		}
	}
	if v.Sign() < 0 {
		s = s.negated()
	}
	return s, true
}

// Add adds o.
func (s *Int128) Add(o Int128) {
	lo, carry := bits.Add64(s.Lo, o.Lo, 0)
	s.Lo, s.Hi = lo, s.Hi+o.Hi+int64(carry)
}

// AddInt adds v.
func (s *Int128) AddInt(v int64) { s.Add(Int(v)) }

// AddUint adds v.
func (s *Int128) AddUint(v uint64) { s.Add(Uint(v)) }

// AddProduct adds a * b.
func (s *Int128) AddProduct(a, b int64) {
	hi, lo := bits.Mul64(uint64(a), uint64(b))
	// Read as unsigned, a negative factor was too large by 2^64.
	high := int64(hi) - a>>63&b - b>>63&a
	s.Add(Int128{Hi: high, Lo: lo})
}

// Sign returns -1, 0 or 1.
func (s Int128) Sign() int {
	switch {
	case s.Hi < 0:
		return -1
	case s == Int128{}:
		return 0
	}
	return 1
}

// Big returns s for wide columns.
func (s Int128) Big() *big.Int {
	v := new(big.Int).Lsh(big.NewInt(s.Hi), 64)
	return v.Add(v, new(big.Int).SetUint64(s.Lo))
}

// Float64 returns the nearest float64.
func (s Int128) Float64() float64 { return product(s, Int(1)).float() }

// String returns s in decimal.
func (s Int128) String() string { return s.Big().String() }

func (s Int128) negated() Int128 {
	lo, borrow := bits.Sub64(0, s.Lo, 0)
	return Int128{Lo: lo, Hi: -s.Hi - int64(borrow)}
}

// int256 is a signed integer of 256 bits, two's complement, the least
// significant word first: what a product of two sums needs.
type int256 [4]uint64

// product returns a * b.
func product(a, b Int128) int256 {
	negative := a.Hi < 0 != (b.Hi < 0)
	if a.Hi < 0 {
		a = a.negated()
	}
	if b.Hi < 0 {
		b = b.negated()
	}
	x, y := [2]uint64{a.Lo, uint64(a.Hi)}, [2]uint64{b.Lo, uint64(b.Hi)}
	var p int256
	for i, u := range x {
		var carry uint64
		for j, v := range y {
			hi, lo := bits.Mul64(u, v)
			var c uint64
			lo, c = bits.Add64(lo, carry, 0)
			hi += c
			p[i+j], c = bits.Add64(p[i+j], lo, 0)
			carry = hi + c
		}
		p[i+2] = carry
	}
	if negative {
		p = int256{}.minus(p)
	}
	return p
}

// minus returns x - y.
func (x int256) minus(y int256) int256 {
	var borrow uint64
	for i := range x {
		x[i], borrow = bits.Sub64(x[i], y[i], borrow)
	}
	return x
}

// float returns the nearest float64.
func (x int256) float() float64 {
	if int64(x[3]) < 0 {
		return -int256{}.minus(x).float()
	}
	word := 3
	for word > 0 && x[word] == 0 {
		word--
	}
	if word == 0 {
		return float64(x[0])
	}
	lead := bits.LeadingZeros64(x[word])
	top := x[word]<<lead | x[word-1]>>(64-lead)
	// A sticky bit for all that is below, so that rounding sees what was cut
	// off.
	rest := x[word-1] << lead
	for _, w := range x[:word-1] {
		rest |= w
	}
	if rest != 0 {
		top |= 1
	}
	return math.Ldexp(float64(top), 64*word-lead)
}
