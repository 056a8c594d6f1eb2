package report

// Lengths is METRICS 3, over the requests that succeeded, know their request tokens and have response tokens > 0.
type Lengths struct {
	N         int64           `json:"n"`
	Request   RequestLengths  `json:"request"`
	Response  ResponseLengths `json:"response"`
	Slope     Number          `json:"slope"` // response tokens = slope x request tokens + intercept
	Intercept Number          `json:"intercept"`
	R2        Number          `json:"r2"`
	Pearson   Number          `json:"pearson"`
	Lag1      Number          `json:"lag1"`
	// RequestTokens and ResponseTokens are totals over all requests of the stream.
	RequestTokens  int64 `json:"request_tokens"`
	ResponseTokens int64 `json:"response_tokens"`
	// Profile is response tokens by request tokens, ascending, bins with requests only; empty, never null.
	Profile []Bin `json:"profile"`
}

// Tokens describes a distribution of token counts. Lognormal is over the counts > 0.
type Tokens struct {
	Mean           Number `json:"mean"`
	CV             Number `json:"cv"`
	P5             Number `json:"p5"`
	P25            Number `json:"p25"`
	P50            Number `json:"p50"`
	P75            Number `json:"p75"`
	P90            Number `json:"p90"`
	P95            Number `json:"p95"`
	P99            Number `json:"p99"`
	Max            Number `json:"max"`
	LognormalMu    Number `json:"lognormal_mu"`
	LognormalSigma Number `json:"lognormal_sigma"`
}

// RequestLengths are the request tokens with their Zipf exponent and its standard error.
type RequestLengths struct {
	Tokens
	ZipfAlpha   Number `json:"zipf_alpha"`
	ZipfAlphaSE Number `json:"zipf_alpha_se"`
}

// ResponseLengths are the response tokens with Sarle's bimodality coefficient of their logarithms.
type ResponseLengths struct {
	Tokens
	Bimodality Number `json:"bimodality"`
}

// Bin is response tokens of the requests with From or more request tokens, up to the next bin (see ProfileBin).
type Bin struct {
	From int64  `json:"from"`
	N    int64  `json:"n"`
	Mean Number `json:"mean"`
	P50  Number `json:"p50"`
}

// Failures is METRICS 4.
type Failures struct {
	Failures    int64  `json:"failures"`
	FailureRate Number `json:"failure_rate"`
	Wilson      Bounds `json:"wilson"` // of failure_rate, 95 %
	Faults      int64  `json:"faults"`
	FaultRate   Number `json:"fault_rate"`
	// Outcomes counts requests by outcome; only those that occur.
	Outcomes            map[string]int64 `json:"outcomes"`
	FailureRun          FailureRun       `json:"failure_run"`
	FailureAfterFailure Number           `json:"failure_after_failure"`
	LoadCorrelation     LoadCorrelation  `json:"load_correlation"`
}

// Bounds is an interval.
type Bounds struct {
	Low  Number `json:"low"`
	High Number `json:"high"`
}

// FailureRun describes the lengths, in requests, of unbroken runs of failures.
type FailureRun struct {
	P50 Number `json:"p50"`
	P99 Number `json:"p99"`
	Max Number `json:"max"`
}

// LoadCorrelation is Spearman's correlation of the failure rate with three measures of load, over windows of 300 s.
type LoadCorrelation struct {
	Rate         Number `json:"rate"`
	GapCV        Number `json:"gap_cv"`
	InFlightMean Number `json:"in_flight_mean"`
	Windows      int64  `json:"windows"`
}

// Latency is METRICS 5, over outcome ok, seconds.
type Latency struct {
	Elapsed Seconds `json:"elapsed"`
	TTFT    Seconds `json:"ttft"`
	TPOT    Seconds `json:"tpot"` // seconds a token after the first
}

// Seconds describes a distribution of durations.
type Seconds struct {
	N    int64  `json:"n"`
	Mean Number `json:"mean"`
	P50  Number `json:"p50"`
	P90  Number `json:"p90"`
	P95  Number `json:"p95"`
	P99  Number `json:"p99"`
	Max  Number `json:"max"`
}
