package stats

import (
	"math"

	"gonum.org/v1/gonum/mathext"
)

// GammaMLE returns the Gamma distribution's maximum-likelihood shape and scale,
// which depend on the mean and on s = ln(mean) - mean(ln) alone (Minka 2002,
// "Estimating a Gamma distribution": the generalised Newton iteration, from
// 1/(2s), to 1e-10). NaN with fewer than 2 values or s below 1e-6.
func GammaMLE(m FitMoments) (shape, scale float64) {
	if m.N < 2 || !(m.S >= minS) {
		return math.NaN(), math.NaN()
	}
	shape = 0.5 / m.S
	for range 100 {
		slope := 1/shape - mathext.Zeta(2, shape) // trigamma is Hurwitz's zeta(2, .)
		next := 1 / (1/shape + (logMinusDigamma(shape)-m.S)/(shape*shape*slope))
		done := math.Abs(next-shape) <= 1e-10*next
		shape = next
		if done {
			break
		}
	}
	return shape, m.Mean / shape
}

// logMinusDigamma returns ln(a) - digamma(a) for a > 0 in nearly full
// precision. The difference itself loses its digits for large a, and gonum's
// digamma is off by 5e-11.
func logMinusDigamma(a float64) float64 {
	// digamma(a) = digamma(a+1) - 1/a up to where the asymptotic series holds.
	const large = 12
	start, sum := a, 0.0
	for a < large {
		sum += 1 / a
		a++
	}
	if a != start {
		sum += math.Log(start / a)
	}
	// ln(a) - digamma(a) = 1/(2a) + sum of B_2k / (2k a^2k)
	z := 1 / (a * a)
	return sum + 0.5/a + z*(1./12-z*(1./120-z*(1./252-z*(1./240-z*(1./132-z*(691./32760-z/12))))))
}
