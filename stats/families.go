package stats

import (
	"math"
	"sort"

	"gonum.org/v1/gonum/mathext"
)

// Family names a distribution that gaps are fitted to.
type Family string

// The families, in the order in which the first of equal AICs is the best.
const (
	Exponential Family = "exponential"
	Gamma       Family = "gamma"
	Weibull     Family = "weibull"
	Lognormal   Family = "lognormal"
)

// minS is METRICS' least ln(mean) - mean(ln): below it values are equal as far
// as sums can tell.
const minS = 1e-6

// Families are the four maximum-likelihood fits to positive gaps. AIC is 2k - 2
// ln L with k parameters, KS the two-sided Kolmogorov-Smirnov distance. All
// NaN, and Best empty, with fewer than 2 gaps or where they are equal.
type Families struct {
	Exponential ExponentialFit
	Gamma       GammaFit
	Weibull     WeibullFit
	Lognormal   LognormalFit
	Best        Family // the one with the least AIC
}

// ExponentialFit has the density Rate exp(-Rate x).
type ExponentialFit struct{ Rate, AIC, KS float64 }

// GammaFit has the density x^(Shape-1) exp(-x/Scale) / (Gamma(Shape)
// Scale^Shape).
type GammaFit struct{ Shape, Scale, AIC, KS float64 }

// WeibullFit has the distribution function 1 - exp(-(x/Lambda)^K).
type WeibullFit struct{ K, Lambda, AIC, KS float64 }

// LognormalFit is the normal distribution (Mu, Sigma) of ln x.
type LognormalFit struct{ Mu, Sigma, AIC, KS float64 }

// FitMoments are what the exponential, Gamma and lognormal fits depend on: of
// positive values, in the unit of the fit.
type FitMoments struct {
	N        uint64
	Mean     float64
	MeanLog  float64 // the mean of ln v
	SigmaLog float64 // its population standard deviation
	S        float64 // ln(Mean) - MeanLog, at least 0
}

// MomentsFromSums returns the moments of positive values from their sum and the
// sums of their logarithms; the fit's unit is unit of theirs (1e6 for values in
// microseconds and a fit in seconds).
func MomentsFromSums(sum float64, logs LogSums, unit float64) FitMoments {
	n := float64(logs.N)
	return FitMoments{
		N:        logs.N,
		Mean:     sum / n / unit,
		MeanLog:  logs.Mu() - math.Log(unit),
		SigmaLog: logs.Sigma(),
		S:        math.Log(sum/n) - logs.Shift - logs.S1/n,
	}
}

// MomentsOf returns the moments of those values that are above 0, divided by
// unit, each counted as often as counts says (nil: once).
func MomentsOf[T Number](values []T, counts []uint64, unit float64) FitMoments {
	sum, _ := sumPositive(values, counts)
	return MomentsFromSums(sum, SumLogs(values, counts), unit)
}

// FitSorted fits ascending integers, each divided by unit; those up to 0 are
// left out, and m are the moments of the rest. Up to 4,096 values everything is
// exact; beyond, Weibull's parameters are within 1e-4 and distances at most
// 5e-5 too small, for a few milliseconds however many there are.
func FitSorted(sorted []int64, unit float64, m FitMoments) Families {
	positive := sort.Search(len(sorted), func(i int) bool { return sorted[i] > 0 })
	s := sortedSample{values: sorted[positive:], unit: unit}
	return fit(m, func() []group { return groups(s, m) },
		func(cdf func(float64) float64) float64 { return distance(s, cdf) })
}

// FitValues fits ascending distinct values above 0, each counted as often as
// counts says; m are their moments. As exact as [FitSorted].
func FitValues(values []float64, counts []uint64, m FitMoments) Families {
	s := newWeightedSample(values, counts)
	return fit(m, func() []group { return groups(s, m) },
		func(cdf func(float64) float64) float64 { return distance(s, cdf) })
}

// FitHistogram fits what h sketches, each value divided by unit; zeros are left
// out. m are the exact moments of the rest, so that only Weibull's parameters
// (within 2 %) and the distances (within 0.02) come from the sketch. That holds
// where the logarithms' sigma is at least 0.25: where a value, or a coarse
// clock's tick, lies in its bucket is not known, and in narrower distributions a
// bucket is a large part. Thousands of gaps on a fine clock even that out down
// to 0.04. More regular gaps than that need the values themselves.
func FitHistogram(h Histogram, unit float64, m FitMoments) Families {
	points := histogramPoints(h, unit)
	return fit(m, func() []group { return histogramGroups(h, unit) },
		func(cdf func(float64) float64) float64 { return farthest(points, cdf) })
}

// fit computes all fits from the moments, the values in groups for Weibull's
// parameters and a function that measures a distribution's distance.
func fit(m FitMoments, grouped func() []group, ks func(cdf func(float64) float64) float64) Families {
	if m.N < 2 || !(m.S >= minS) {
		nan := math.NaN()
		return Families{ExponentialFit{nan, nan, nan}, GammaFit{nan, nan, nan, nan},
			WeibullFit{nan, nan, nan, nan}, LognormalFit{nan, nan, nan, nan}, ""}
	}
	n, mean, mu, sigma := float64(m.N), m.Mean, m.MeanLog, m.SigmaLog
	shape, scale := GammaMLE(m)
	k, lambda := weibull(grouped(), m)
	logGamma, _ := math.Lgamma(shape)
	// Each log likelihood is a value's mean, at the maximum.
	f := Families{
		Exponential: ExponentialFit{
			Rate: 1 / mean,
			AIC:  2 - 2*n*(-math.Log(mean)-1),
			KS:   ks(func(v float64) float64 { return -math.Expm1(-v / mean) }),
		},
		Gamma: GammaFit{
			Shape: shape,
			Scale: scale,
			AIC:   4 - 2*n*((shape-1)*mu-shape-shape*math.Log(scale)-logGamma),
			KS:    ks(GammaFit{Shape: shape, Scale: scale}.CDF),
		},
		Weibull: WeibullFit{
			K:      k,
			Lambda: lambda,
			AIC:    4 - 2*n*(math.Log(k/lambda)+(k-1)*(mu-math.Log(lambda))-1),
			KS:     ks(WeibullFit{K: k, Lambda: lambda}.CDF),
		},
		Lognormal: LognormalFit{
			Mu:    mu,
			Sigma: sigma,
			AIC:   4 - 2*n*(-mu-math.Log(sigma)-0.5*math.Log(2*math.Pi)-0.5),
			KS:    ks(LognormalFit{Mu: mu, Sigma: sigma}.CDF),
		},
	}
	f.Best = f.best()
	return f
}

// best returns the family with the least AIC, of equals the first.
func (f Families) best() Family {
	name, least := Exponential, f.Exponential.AIC
	for _, other := range []struct {
		name Family
		aic  float64
	}{{Gamma, f.Gamma.AIC}, {Weibull, f.Weibull.AIC}, {Lognormal, f.Lognormal.AIC}} {
		if other.aic < least {
			name, least = other.name, other.aic
		}
	}
	return name
}

// CDF is the share of the distribution that is at most x, for x > 0.
func (f ExponentialFit) CDF(x float64) float64 { return -math.Expm1(-x * f.Rate) }

// CDF is the share of the distribution that is at most x, for x > 0.
func (f GammaFit) CDF(x float64) float64 { return mathext.GammaIncReg(f.Shape, x/f.Scale) }

// CDF is the share of the distribution that is at most x, for x > 0.
func (f WeibullFit) CDF(x float64) float64 { return -math.Expm1(-math.Pow(x/f.Lambda, f.K)) }

// CDF is the share of the distribution that is at most x, for x > 0.
func (f LognormalFit) CDF(x float64) float64 {
	return 0.5 * math.Erfc((f.Mu-math.Log(x))/(f.Sigma*math.Sqrt2))
}
