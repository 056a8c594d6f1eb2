package report

import "tidegauge/stats"

// Arrivals is METRICS 1: when the requests of a stream came, and how bursty that was.
type Arrivals struct {
	Rate             Number   `json:"rate"` // requests a second
	Gaps             int64    `json:"gaps"`
	GapMean          Number   `json:"gap_mean"` // seconds
	GapCV            Number   `json:"gap_cv"`
	GammaShape       Number   `json:"gamma_shape"`
	GammaScale       Number   `json:"gamma_scale"` // seconds
	GammaShapeMLE    Number   `json:"gamma_shape_mle"`
	GammaScaleMLE    Number   `json:"gamma_scale_mle"` // seconds
	ZeroGapShare     Number   `json:"zero_gap_share"`
	Burstiness       Number   `json:"burstiness"`
	BurstinessFinite Number   `json:"burstiness_finite"`
	Memory           Number   `json:"memory"`
	IDC              ByWidth  `json:"idc"`
	PeakToMean       ByWidth  `json:"peak_to_mean"`
	InFlightMean     Number   `json:"in_flight_mean"`
	InFlightPeak     Number   `json:"in_flight_peak"` // a count, null where no request knows its elapsed
	Windows          Windows  `json:"windows"`
	Families         Families `json:"families"`
	// BestFamily is the family with the least AIC, null where they are not fitted.
	BestFamily *string `json:"best_family"`
}

// ByWidth holds a number for each width of bins.
type ByWidth struct {
	S1  Number `json:"1"` // bins of 1 s
	S10 Number `json:"10"`
	S60 Number `json:"60"`
}

// Windows holds the statistics of aligned windows for each standard width.
type Windows struct {
	S300  Window `json:"300"` // windows of 300 s
	S1200 Window `json:"1200"`
}

// Window says how gap_cv is distributed over a stream's windows of one width with at least 10 gaps.
type Window struct {
	Windows     int64   `json:"windows"`
	GapCV       Spread3 `json:"gap_cv"`
	ShareBursty Number  `json:"share_bursty"` // of the windows, those with gap_cv > 1
}

// Spread3 is the middle and the outer deciles of a distribution.
type Spread3 struct {
	P10 Number `json:"p10"`
	P50 Number `json:"p50"`
	P90 Number `json:"p90"`
}

// Families holds the maximum-likelihood fits to the positive gaps, in seconds.
type Families struct {
	Exponential Fit[ExponentialParams] `json:"exponential"`
	Gamma       Fit[GammaParams]       `json:"gamma"`
	Weibull     Fit[WeibullParams]     `json:"weibull"`
	Lognormal   Fit[LognormalParams]   `json:"lognormal"`
}

// Fit is one family: Akaike's criterion, the Kolmogorov-Smirnov distance, the parameters.
type Fit[P any] struct {
	AIC    Number `json:"aic"`
	KS     Number `json:"ks"`
	Params P      `json:"params"`
}

// ExponentialParams: Rate is a second's gaps.
type ExponentialParams struct {
	Rate Number `json:"rate"`
}

// GammaParams: Scale is in seconds.
type GammaParams struct {
	Shape Number `json:"shape"`
	Scale Number `json:"scale"`
}

// WeibullParams: Lambda is in seconds.
type WeibullParams struct {
	K      Number `json:"k"`
	Lambda Number `json:"lambda"`
}

// LognormalParams are the mean and standard deviation of ln(gap in seconds).
type LognormalParams struct {
	Mu    Number `json:"mu"`
	Sigma Number `json:"sigma"`
}

// SetFamilies fills in the fits, the best of them, and the gamma's parameters for gamma_shape_mle and gamma_scale_mle.
func (a *Arrivals) SetFamilies(f stats.Families) {
	a.GammaShapeMLE, a.GammaScaleMLE = Number(f.Gamma.Shape), Number(f.Gamma.Scale)
	a.BestFamily = nil
	if best := string(f.Best); best != "" {
		a.BestFamily = &best
	}
	a.Families = Families{
		Exponential: Fit[ExponentialParams]{Number(f.Exponential.AIC), Number(f.Exponential.KS),
			ExponentialParams{Number(f.Exponential.Rate)}},
		Gamma: Fit[GammaParams]{Number(f.Gamma.AIC), Number(f.Gamma.KS),
			GammaParams{Number(f.Gamma.Shape), Number(f.Gamma.Scale)}},
		Weibull: Fit[WeibullParams]{Number(f.Weibull.AIC), Number(f.Weibull.KS),
			WeibullParams{Number(f.Weibull.K), Number(f.Weibull.Lambda)}},
		Lognormal: Fit[LognormalParams]{Number(f.Lognormal.AIC), Number(f.Lognormal.KS),
			LognormalParams{Number(f.Lognormal.Mu), Number(f.Lognormal.Sigma)}},
	}
}

// SetMoments fills in what follows from the mean of the gaps (seconds) and their coefficient of variation: gap_mean,
// gap_cv, the gamma's moment estimates and both burstinesses. NaN where undefined. Gaps must be set.
func (a *Arrivals) SetMoments(mean, cv float64) {
	a.GapMean, a.GapCV = Number(mean), Number(cv)
	a.GammaShape, a.GammaScale = Number(stats.GammaShape(cv)), Number(stats.GammaScale(cv, mean))
	a.Burstiness, a.BurstinessFinite = Number(stats.Burstiness(cv)), Number(stats.BurstinessFinite(cv, uint64(a.Gaps)))
}
