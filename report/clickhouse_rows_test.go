package report_test

import (
	"context"
	"math"
	"reflect"
	"testing"

	"tidegauge/report"
	"tidegauge/schemas"
	"tidegauge/storage"
)

// row is a row of a view: numbers as float64 (NULL is NaN), texts as they are.
type row map[string]any

func (r row) number(t testing.TB, name string) float64 {
	t.Helper()
	v, ok := r[name].(float64)
	if !ok {
		t.Fatalf("column %s is %T", name, r[name])
	}
	return v
}

// rowsOf reads a query's answer.
func rowsOf(t testing.TB, ctx context.Context, db *storage.DB, sql string) (out []row) {
	t.Helper()
	rows, err := db.Query(ctx, sql)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer rows.Close()
	for rows.Next() {
		targets := make([]any, len(rows.Columns()))
		for i, c := range rows.ColumnTypes() {
			targets[i] = reflect.New(c.ScanType()).Interface()
		}
		if err := rows.Scan(targets...); err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		r := row{}
		for i, name := range rows.Columns() {
			v := reflect.ValueOf(targets[i]).Elem()
			if v.Kind() == reflect.Pointer {
				if v.IsNil() {
					r[name] = math.NaN()
					continue
				}
				v = v.Elem()
			}
			switch {
			case v.CanInt():
				r[name] = float64(v.Int())
			case v.CanUint():
				r[name] = float64(v.Uint())
			default:
				r[name] = v.Interface()
			}
		}
		out = append(out, r)
	}
	if err := rows.Err(); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return out
}

// check is a column, what it should be, and how far it may be off, relatively and from what size on.
type check struct {
	column    string
	want      report.Number
	tolerance float64
	least     float64
}

func exact[T int64 | float64 | report.Number](column string, want T) check {
	return check{column, report.Number(want), 1e-9, 0}
}
func zero(column string, want report.Number) check   { return check{column, want, 1e-9, 1} } // may pass through zero
func sketch(column string, want report.Number) check { return check{column, want, 0.01, 1e-6} }
func fit(column string, want report.Number) check    { return check{column, want, 1e-6, 0} }

func checkRow(t testing.TB, what string, r row, checks []check) {
	t.Helper()
	for _, c := range checks {
		got, want := r.number(t, c.column), float64(c.want)
		if math.IsNaN(got) != math.IsNaN(want) || math.Abs(got-want) > c.tolerance*(1+1e-9)*max(math.Abs(want), c.least) {
			t.Errorf("%s: %s is %v, want %v", what, c.column, got, want)
		}
	}
}

// viewChecks are the columns of the views of a window, by view, that are what the window's requests come to by themselves.
func viewChecks(s *report.Stream) map[string][]check {
	a, l, f := &s.Arrivals, &s.Lengths, &s.Failures
	checks := map[string][]check{
		"arrivals": {exact("requests", s.Requests), exact("gaps", a.Gaps), exact("gap_mean", a.GapMean), exact("gap_cv", a.GapCV),
			exact("gamma_shape", a.GammaShape), exact("gamma_scale", a.GammaScale), fit("gamma_shape_mle", a.GammaShapeMLE),
			fit("gamma_scale_mle", a.GammaScaleMLE), exact("zero_gap_share", a.ZeroGapShare), zero("burstiness", a.Burstiness),
			zero("burstiness_finite", a.BurstinessFinite), zero("memory", a.Memory), exact("idc_1", a.IDC.S1), exact("idc_10", a.IDC.S10),
			exact("idc_60", a.IDC.S60), exact("peak_to_mean_1", a.PeakToMean.S1), exact("peak_to_mean_10", a.PeakToMean.S10),
			exact("peak_to_mean_60", a.PeakToMean.S60)},
		"lengths": {exact("n", l.N), zero("slope", l.Slope), zero("intercept", l.Intercept), zero("r2", l.R2), zero("pearson", l.Pearson),
			check{"bimodality", l.Response.Bimodality, 1e-6, 0}, // fourth powers about a fixed point leave fewer digits of a narrow window
			exact("request_tokens", l.RequestTokens),
			exact("response_tokens", l.ResponseTokens)},
		"outcomes": {exact("requests", s.Requests), exact("failures", f.Failures), exact("failure_rate", f.FailureRate),
			exact("wilson_low", f.Wilson.Low), exact("wilson_high", f.Wilson.High), exact("faults", f.Faults), exact("fault_rate", f.FaultRate),
			exact("failure_run_p50", f.FailureRun.P50), exact("failure_run_p99", f.FailureRun.P99), exact("failure_run_max", f.FailureRun.Max),
			exact("failure_after_failure", f.FailureAfterFailure)},
	}
	for o := schemas.OK; int(o) < schemas.Outcomes; o++ {
		checks["outcomes"] = append(checks["outcomes"], exact(o.String(), f.Outcomes[o.String()]))
	}
	for prefix, v := range map[string]report.Tokens{"request": l.Request.Tokens, "response": l.Response.Tokens} {
		checks["lengths"] = append(checks["lengths"], exact(prefix+"_mean", v.Mean), exact(prefix+"_cv", v.CV), exact(prefix+"_max", v.Max),
			zero(prefix+"_lognormal_mu", v.LognormalMu), check{prefix + "_lognormal_sigma", v.LognormalSigma, 1e-9, 1e-3},
			sketch(prefix+"_p5", v.P5), sketch(prefix+"_p25", v.P25), sketch(prefix+"_p50", v.P50), sketch(prefix+"_p75", v.P75),
			sketch(prefix+"_p90", v.P90), sketch(prefix+"_p95", v.P95), sketch(prefix+"_p99", v.P99))
	}
	for prefix, v := range map[string]report.Seconds{"elapsed": s.Latency.Elapsed, "ttft": s.Latency.TTFT, "tpot": s.Latency.TPOT} {
		checks["latency"] = append(checks["latency"], exact(prefix+"_n", v.N), exact(prefix+"_mean", v.Mean), exact(prefix+"_max", v.Max),
			sketch(prefix+"_p50", v.P50), sketch(prefix+"_p90", v.P90), sketch(prefix+"_p95", v.P95), sketch(prefix+"_p99", v.P99))
	}
	return checks
}
