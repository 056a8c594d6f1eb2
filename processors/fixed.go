package processors

import (
	"math"

	"tidegauge/stats"
)

// fixed is a sum of reals, each rounded to a multiple of 2^-46. Whole numbers add up to the same in whatever order they
// come, and can be taken away again; so a row's sums do not depend on how its requests came together, to the bit. The
// terms are below 2^17, so that each fits into 64 bits, and as fine as that allows: the fourth central moment of ln y may
// be a hundred thousandth of the sums that it is made from.
type fixed struct{ sum stats.Int128 }

const fixedOne = 1 << 46

func (f *fixed) add(v float64)  { f.sum.AddInt(int64(math.RoundToEven(v * fixedOne))) }
func (f *fixed) sub(v float64)  { f.sum.AddInt(-int64(math.RoundToEven(v * fixedOne))) }
func (f *fixed) merge(o fixed)  { f.sum.Add(o.sum) }
func (f *fixed) value() float64 { return f.sum.Float64() / fixedOne }
