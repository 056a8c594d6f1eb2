package stats

import "math"

// maxAlpha is the largest exponent that is looked for; the likelihood of counts
// that a log can hold peaks below it.
const maxAlpha = 64

// Zipf returns the exponent of the discrete power law P(x) = x^-alpha /
// zeta(alpha), x >= 1, by maximum likelihood from n values with the sum of
// their logarithms, and its standard error (alpha-1)/sqrt(n) (Clauset, Shalizi
// & Newman 2009, with xmin = 1). largest is the largest value. NaN without
// values or where all are 1: the likelihood then has no maximum.
func Zipf(n uint64, sumLog float64, largest uint64) (alpha, standardError float64) {
	if n == 0 || largest <= 1 || !(sumLog > 0) {
		return math.NaN(), math.NaN()
	}
	meanLog := sumLog / float64(n)
	// The derivative of -alpha meanLog - ln zeta(alpha) is 0 where -zeta'/zeta,
	// which falls from infinity, is meanLog. Halving needs no second
	// derivative, and 60 steps are microseconds.
	low, high := 1.0, float64(maxAlpha)
	for range 64 {
		alpha = (low + high) / 2
		tail, slope := zeta(alpha)
		if -slope/(1+tail) > meanLog {
			low = alpha
		} else {
			high = alpha
		}
	}
	return alpha, (alpha - 1) / math.Sqrt(float64(n))
}

// zeta returns Riemann's zeta(a) - 1 and its derivative, for a > 1, by Euler
// and Maclaurin's formula: terms up to N-1, the integral from N on, half the
// term at N and six corrections, which leave less than 1e-15 of it for N = 12.
func zeta(a float64) (tail, slope float64) {
	const terms = 12
	for k := 2; k < terms; k++ {
		logK := math.Log(float64(k))
		p := math.Exp(-a * logK)
		tail += p
		slope -= logK * p
	}
	logN := math.Log(terms)
	p := math.Exp(-a * logN)
	integral := terms * p / (a - 1)
	tail += integral + p/2
	slope -= integral*(logN+1/(a-1)) + logN*p/2

	// B_2j/(2j)! a(a+1)...(a+2j-2) N^(-a-2j+1), and its derivative by a.
	factor := a * p / terms
	logDerivative := 1/a - logN
	for j, coefficient := range [...]float64{1. / 12, -1. / 720, 1. / 30240, -1. / 1209600, 1. / 47900160,
		-691. / 1307674368000} {
		tail += coefficient * factor
		slope += coefficient * factor * logDerivative
		m := a + float64(2*j+1)
		factor *= m * (m + 1) / (terms * terms)
		logDerivative += 1/m + 1/(m+1)
	}
	return tail, slope
}
