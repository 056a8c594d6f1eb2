package report_test

import (
	"math"
	"testing"

	"tidegauge/report"
	"tidegauge/schemas"
)

// at makes successful requests that arrive at the given seconds.
func at(seconds ...float64) (requests []schemas.Request) {
	for i, s := range seconds {
		var r schemas.Request
		r.Reset()
		r.Service, r.Model, r.LogType, r.Outcome = "s", "m", "t", schemas.OK
		r.ArrivalUS, r.Seq = micros(s), int64(i+1)
		requests = append(requests, r)
	}
	return requests
}

// near fails unless two numbers agree within the digits that METRICS' fixture gives.
func near(t *testing.T, what string, got report.Number, want, within float64) {
	t.Helper()
	if !(math.Abs(float64(got)-want) <= within) {
		t.Errorf("%s is %v, want %v", what, float64(got), want)
	}
}

func TestFixtureGaps(t *testing.T) {
	seconds, last := []float64{0}, 0.0
	for _, gap := range []float64{0.1, 0.2, 0.4, 0.8, 1.6, 0.3, 5.0, 0.05, 0.7, 2.5} {
		last += gap
		seconds = append(seconds, last)
	}
	a := summarise(t, at(seconds...)).Services[0].Streams[0].Arrivals
	const digits = 1e-10
	near(t, "gap_mean", a.GapMean, 1.165, digits)
	near(t, "gap_cv", a.GapCV, 1.2635895787, digits)
	near(t, "burstiness", a.Burstiness, .1164476021, digits)
	near(t, "burstiness_finite", a.BurstinessFinite, .2553464680, digits)
	near(t, "gamma_shape_mle", a.GammaShapeMLE, .7372085359, digits)
	near(t, "gamma_scale_mle", a.GammaScaleMLE, 1.5802855545, digits)
	f := a.Families
	near(t, "weibull k", f.Weibull.Params.K, .7993057543, digits)
	near(t, "weibull lambda", f.Weibull.Params.Lambda, 1.0167224489, digits)
	near(t, "lognormal mu", f.Lognormal.Params.Mu, -.6612105037, digits)
	near(t, "lognormal sigma", f.Lognormal.Params.Sigma, 1.3642411388, digits)
	near(t, "aic exponential", f.Exponential.AIC, 25.0544, 1e-4)
	near(t, "aic gamma", f.Gamma.AIC, 26.3636, 1e-4)
	near(t, "aic weibull", f.Weibull.AIC, 26.0913, 1e-4)
	near(t, "aic lognormal", f.Lognormal.AIC, 25.3665, 1e-4)
	near(t, "ks exponential", f.Exponential.KS, .20939, 1e-5)
	near(t, "ks gamma", f.Gamma.KS, .16094, 1e-5)
	near(t, "ks weibull", f.Weibull.KS, .13796, 1e-5)
	near(t, "ks lognormal", f.Lognormal.KS, .09650, 1e-5)
	if *a.BestFamily != "exponential" {
		t.Errorf("the best family is %s", *a.BestFamily)
	}
}

func TestFixtureCounts(t *testing.T) {
	var seconds []float64
	for minute, n := range []int{1, 3, 0, 7, 1, 0, 12, 2, 5, 1} {
		for i := range n {
			seconds = append(seconds, float64(60*minute+i))
		}
	}
	a := summarise(t, at(seconds...)).Services[0].Streams[0].Arrivals
	near(t, "idc 60 s", a.IDC.S60, 3.983333, 1e-6)
}

func TestFixtureTokens(t *testing.T) {
	requests := at(make([]float64, 10)...)
	for i, x := range []int64{1, 1, 1, 2, 2, 3, 5, 8, 13, 40} {
		requests[i].RequestTokens, requests[i].ResponseTokens = x, 1
	}
	near(t, "zipf_alpha", summarise(t, requests).Services[0].Streams[0].Lengths.Request.ZipfAlpha, 1.579293, 1e-6)
}

func TestFixtureLengths(t *testing.T) {
	requests := at(make([]float64, 10)...)
	for i, y := range []int64{100, 120, 95, 300, 110, 105, 98, 130, 102, 115} {
		requests[i].RequestTokens, requests[i].ResponseTokens = 1, y
	}
	y := summarise(t, requests).Services[0].Streams[0].Lengths.Response
	near(t, "mean", y.Mean, 127.5, 1e-12)
	near(t, "std", y.CV*y.Mean, 58.41, 0.005)
	near(t, "p25", y.P25, 100.5, 1e-12)
	near(t, "p50", y.P50, 107.5, 1e-12)
	near(t, "p75", y.P75, 118.75, 1e-12)
	near(t, "p99", y.P99, 284.7, 1e-9)
}
