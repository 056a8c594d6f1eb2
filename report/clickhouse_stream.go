package report

import (
	"context"
	"math"
	"slices"

	"tidegauge/schemas"
	"tidegauge/stats"
)

// storedStream is a stream whose numbers are asked of ClickHouse.
type storedStream struct {
	views
	result Stream
	from   *storedStream // a stream with the same requests, whose numbers are this one's too; nil: its own
}

// tasks are the queries of the stream's sections. Each fills in fields that no other does.
func (s *storedStream) tasks() []func(context.Context) error {
	if s.from != nil {
		return nil
	}
	return []func(context.Context) error{
		s.arrivals, s.inFlight, s.inFlightPeak, s.lengths, s.profile, s.failures, s.loadCorrelation, s.latency,
		func(ctx context.Context) error { return s.windows(ctx, 300, &s.result.Arrivals.Windows.S300) },
		func(ctx context.Context) error { return s.windows(ctx, 1200, &s.result.Arrivals.Windows.S1200) },
	}
}

// arrivals reads what merged minutes give, and fits the families: their parameters from the merged sums, Weibull's and
// the distances from the merged sketch.
func (s *storedStream) arrivals(ctx context.Context) error {
	a := &s.result.Arrivals
	var positive int64
	var mean, cv, log, log2 Number
	err := s.one(ctx, "arrivals", wholeRange, []field{
		{"rate", &a.Rate}, {"gaps", &a.Gaps}, {"gap_mean", &mean}, {"gap_cv", &cv}, {"zero_gap_share", &a.ZeroGapShare},
		{"memory", &a.Memory}, {"idc_1", &a.IDC.S1}, {"idc_10", &a.IDC.S10}, {"idc_60", &a.IDC.S60},
		{"peak_to_mean_1", &a.PeakToMean.S1}, {"peak_to_mean_10", &a.PeakToMean.S10}, {"peak_to_mean_60", &a.PeakToMean.S60},
		{"positive_gaps", &positive}, {"gap_log", &log}, {"gap_log2", &log2}}...)
	if err != nil {
		return err
	}
	a.SetMoments(float64(mean), float64(cv))

	var h stats.Histogram
	var bucket Number
	var n int64
	err = s.each(ctx, "gap_histogram", wholeRange, []field{{"bucket", &bucket}, {"count", &n}}, func() {
		if bucket.Defined() { // ascending, zeros first
			h.Buckets, h.Counts = append(h.Buckets, int16(bucket)), append(h.Counts, uint64(n))
		} else {
			h.Zeros = uint64(n)
		}
	})
	if err != nil {
		return err
	}
	// Gaps that all lie in one bucket may all be equal: their logarithms' sums would show rounding as spread, but s,
	// ln(mean) less the mean logarithm, is then below what METRICS takes for spread.
	logs := stats.LogSums{N: uint64(positive), S1: float64(log), S2: float64(log2), Spread: true}
	moments := stats.MomentsFromSums(float64(mean)*float64(a.Gaps), logs, 1)
	a.SetFamilies(stats.FitHistogram(h, schemas.SecondUS, moments))
	return nil
}

func (s *storedStream) inFlight(ctx context.Context) error {
	return s.one(ctx, "in_flight", wholeRange, field{"in_flight_mean", &s.result.Arrivals.InFlightMean})
}

func (s *storedStream) inFlightPeak(ctx context.Context) error {
	return s.one(ctx, "in_flight_peak", wholeRange, field{"in_flight_peak", &s.result.Arrivals.InFlightPeak})
}

func (s *storedStream) windows(ctx context.Context, seconds int, w *Window) error {
	return s.one(ctx, "window_burstiness", seconds, []field{{"windows", &w.Windows},
		{"gap_cv_p10", &w.GapCV.P10}, {"gap_cv_p50", &w.GapCV.P50}, {"gap_cv_p90", &w.GapCV.P90},
		{"share_bursty", &w.ShareBursty}}...)
}

func (s *storedStream) lengths(ctx context.Context) error {
	l := &s.result.Lengths
	var positive int64
	var logs Number
	fields := slices.Concat(tokenFields("request", &l.Request.Tokens), tokenFields("response", &l.Response.Tokens), []field{
		{"n", &l.N}, {"bimodality", &l.Response.Bimodality}, {"slope", &l.Slope}, {"intercept", &l.Intercept}, {"r2", &l.R2},
		{"pearson", &l.Pearson}, {"lag1", &l.Lag1}, {"request_tokens", &l.RequestTokens},
		{"response_tokens", &l.ResponseTokens}, {"request_positive", &positive}, {"request_log_sum", &logs}})
	if err := s.one(ctx, "lengths", wholeRange, fields...); err != nil {
		return err
	}
	alpha, e := math.NaN(), math.NaN()
	if positive > 0 {
		alpha, e = stats.Zipf(uint64(positive), float64(logs), uint64(l.Request.Max))
	}
	l.Request.ZipfAlpha, l.Request.ZipfAlphaSE = Number(alpha), Number(e)
	return nil
}

func (s *storedStream) profile(ctx context.Context) error {
	l := &s.result.Lengths
	l.Profile = []Bin{}
	var b Bin
	return s.each(ctx, "length_profile", wholeRange, []field{{"`from`", &b.From}, {"n", &b.N}, {"mean", &b.Mean}, {"p50", &b.P50}},
		func() { l.Profile = append(l.Profile, b) })
}

func (s *storedStream) failures(ctx context.Context) error {
	f := &s.result.Failures
	fields := []field{
		{"failures", &f.Failures}, {"failure_rate", &f.FailureRate}, {"wilson_low", &f.Wilson.Low},
		{"wilson_high", &f.Wilson.High}, {"faults", &f.Faults}, {"fault_rate", &f.FaultRate},
		{"failure_run_p50", &f.FailureRun.P50}, {"failure_run_p99", &f.FailureRun.P99}, {"failure_run_max", &f.FailureRun.Max},
		{"failure_after_failure", &f.FailureAfterFailure}}
	// A column for each outcome, by its name.
	var counts [schemas.Outcomes]int64
	for o := schemas.OutcomeUnknown + 1; int(o) < schemas.Outcomes; o++ {
		fields = append(fields, field{o.String(), &counts[o]})
	}
	if err := s.one(ctx, "outcomes", wholeRange, fields...); err != nil {
		return err
	}
	f.Outcomes = map[string]int64{}
	for o, n := range counts {
		if n > 0 {
			f.Outcomes[schemas.Outcome(o).String()] = n
		}
	}
	return nil
}

func (s *storedStream) loadCorrelation(ctx context.Context) error {
	l := &s.result.Failures.LoadCorrelation
	return s.one(ctx, "load_correlation", 300, []field{{"rate", &l.Rate}, {"gap_cv", &l.GapCV},
		{"in_flight_mean", &l.InFlightMean}, {"windows", &l.Windows}}...)
}

func (s *storedStream) latency(ctx context.Context) error {
	l := &s.result.Latency
	return s.one(ctx, "latency", wholeRange, slices.Concat(secondsFields("elapsed", &l.Elapsed),
		secondsFields("ttft", &l.TTFT), secondsFields("tpot", &l.TPOT))...)
}
