package fidelity

import (
	"context"
	"math"
	"os"
	"reflect"
	"slices"
	"testing"

	"tidegauge/stats"
)

// renewalTrace makes requests with gaps of the given distribution (mean 1), a request a second on average.
func renewalTrace(t *testing.T, n int, seed uint64, gap func(draw drawer) float64) *trace {
	t.Helper()
	random := newRandom(seed, "test")
	lengths := newZipf(1.3, 1000)
	var rows []row
	at := 1_000_000 * float64(second)
	for range n {
		at += gap(drawer{random.ExpFloat64, func(shape float64) float64 { return gamma(random, shape) }}) * second
		rows = append(rows, success(int64(at), 0, lengths.draw(random), 10+lengths.draw(random)))
	}
	made, err := newTrace(rows, &names{kinds: []kind{{"m", ""}}})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// drawer draws random numbers.
type drawer struct {
	exponential func() float64
	gamma       func(shape float64) float64
}

func exponential(d drawer) float64 { return d.exponential() }

// TestSame: a trace is not told from itself by any number, and the classifier is at one half.
func TestSame(t *testing.T) {
	same := renewalTrace(t, 30_000, 1, exponential)
	j := judge{server: newServer(same), real: looks(same)}
	a, err := j.measure(same)
	if err != nil {
		t.Fatal(err)
	}
	judged := 0
	for _, c := range cells() {
		v := c.value(&a[0])
		if math.IsNaN(v) {
			continue
		}
		judged++
		if c.name == "classifier's AUC" {
			if v != 0.5 {
				t.Errorf("AUC %g of a trace and itself", v)
			}
		} else if e := c.error(v, v); e != 0 {
			t.Errorf("%s: %g", c.name, e)
		}
	}
	if judged < 25 {
		t.Errorf("only %d cells have a number", judged)
	}
}

// TestTellApart: another trace of the same kind is not told apart, one that comes in bursts is.
func TestTellApart(t *testing.T) {
	real := looks(renewalTrace(t, 60_000, 1, exponential))
	if auc := tellApart(real, looks(renewalTrace(t, 60_000, 2, exponential))); math.Abs(auc-0.5) > 0.1 {
		t.Errorf("AUC %.3f of two Poisson processes of the same rate", auc)
	}
	if auc := tellApart(real, looks(renewalTrace(t, 60_000, 3, func(d drawer) float64 { return d.gamma(0.3) / 0.3 }))); auc < 0.95 {
		t.Errorf("AUC %.3f of a Poisson process and Gamma gaps of shape 0.3", auc)
	}
	if auc := tellApart(real[:5], real[5:]); !math.IsNaN(auc) {
		t.Errorf("AUC %g of five windows", auc)
	}
}

// TestErrors: factors are the same both ways, what a model lacks is as wrong as can be.
func TestErrors(t *testing.T) {
	factor, difference := cell{scale: byFactor, least: 1}, cell{scale: byDifference}
	for _, c := range []struct {
		cell              cell
		value, real, want float64
	}{
		{factor, 20, 10, math.Ln2}, {factor, 5, 10, math.Ln2}, {factor, 0, 1, 0},
		{difference, 0.2, -0.1, 0.3}, {factor, math.NaN(), 1, math.Inf(1)},
	} {
		if got := c.cell.error(c.value, c.real); got != c.want && !(math.Abs(got-c.want) < 1e-12) {
			t.Errorf("error of %g instead of %g: %g, not %g", c.value, c.real, got, c.want)
		}
	}
}

// TestWaits: by hand. Room for 10 tokens; a token read takes 1 s, one written 2 s.
//
//	at 0: 2 read, 4 written: held until 10, 6 tokens
//	at 1: 4 read: fits, until 5
//	at 2: 3 written: does not fit before 5 (6 + 3 tokens then), until 11: waits 3 s
//	at 3: 1 read: fits (10 tokens), but only after the one before it: at 5, until 6: waits 2 s
//	at 20: 50 read: more than there is room for, alone all the same
func TestWaits(t *testing.T) {
	s := server{budget: 10, readToken: second, writeToken: 2 * second}
	rows := []row{success(0, 0, 2, 4), success(1*second, 0, 4, 0), success(2*second, 0, 0, 3), success(3*second, 0, 1, 0), success(20*second, 0, 50, 0)}
	if got, want := s.waits(rows), []float64{0, 0, 3, 2, 0}; !slices.Equal(got, want) {
		t.Errorf("waits %v, not %v", got, want)
	}
}

// TestServer: it has room for sixteen average requests, and is nearly full under the load that it was made for.
func TestServer(t *testing.T) {
	made := renewalTrace(t, 20_000, 4, exponential)
	for i := range made.rows {
		made.rows[i].request, made.rows[i].response = 100, int32(5+i%20)
	}
	s := newServer(made)
	var tokens, load float64
	for i := range made.rows {
		n, takes := s.of(&made.rows[i])
		tokens += float64(n)
		load += float64(n) * takes
	}
	if ratio := float64(s.budget) * float64(len(made.rows)) / tokens; math.Abs(ratio-serverRequests) > 0.5 {
		t.Errorf("room for %.2f average requests", ratio)
	}
	if load /= float64(made.to-made.from) * float64(s.budget); load < 0.5 || load > serverLoad {
		t.Errorf("a load of %.2f", load)
	}
}

// TestBurstGPTRecovers: the shape of the gaps and the exponents of the lengths come back from what was made with them,
// and every window has its rate.
func TestBurstGPTRecovers(t *testing.T) {
	const shape = 0.4
	half := renewalTrace(t, 40_000, 5, func(d drawer) float64 { return d.gamma(shape) / shape })
	generate, err := fitBurstGPT(context.Background(), half)
	if err != nil {
		t.Fatal(err)
	}
	made, err := generate(1, half.to, half.to+20_000*second)
	if err != nil {
		t.Fatal(err)
	}
	if n := len(made.rows); n < 19_000 || n > 21_000 {
		t.Errorf("%d requests in 20,000 s at one a second", n)
	}
	if cv, want := gapCV(made.rows), 1/math.Sqrt(shape); math.Abs(cv-want) > 0.1 {
		t.Errorf("gap_cv %.3f, not %.3f", cv, want)
	}
	var sum float64
	for _, r := range made.rows {
		sum += math.Log(float64(r.request))
	}
	if got := zipfExponent(sum/float64(len(made.rows)), 1000); math.Abs(got-1.3) > 0.05 {
		t.Errorf("exponent %.3f of the lengths, not 1.3", got)
	}
}

// TestPool: by hand. What is sent is of the nearest request length, and of these of the nearest response length.
func TestPool(t *testing.T) {
	failed := success(0, 0, 11, 0)
	p := newPool([][]row{{success(0, 0, 10, 50), success(0, 0, 10, 5), success(0, 0, 20, 7)}, {success(0, 0, 10, 30), failed}})
	for _, c := range []struct{ request, response, wantRequest, wantResponse int32 }{
		{1, 1, 10, 5},      // before the first
		{900, 900, 20, 7},  // after the last
		{10, 44, 10, 50},   // 50 is nearer than 30
		{10, 40, 10, 30},   // as near: the smaller
		{15, 30, 10, 30},   // as near: the smaller
		{16, 30, 20, 7},    // the request's length comes first
		{11, 1000, 10, 50}, // what has no response is no prompt to send
	} {
		if x, y := p.nearest(c.request, c.response); x != c.wantRequest || y != c.wantResponse {
			t.Errorf("%d, %d: %d, %d sent, not %d, %d", c.request, c.response, x, y, c.wantRequest, c.wantResponse)
		}
	}
	if x, y := newPool(nil).nearest(3, 4); x != 3 || y != 4 {
		t.Errorf("without a pool: %d, %d sent", x, y)
	}
}

// TestServeGenRecovers: Gamma gaps are taken for Gamma's, Weibull's for Weibull's, of their shape, and each window has as
// many requests as the one it is made after.
func TestServeGenRecovers(t *testing.T) {
	const k = 0.6
	for pattern, gap := range map[stats.Family]func(drawer) float64{
		stats.Gamma:   func(d drawer) float64 { return d.gamma(k) / k },
		stats.Weibull: func(d drawer) float64 { return math.Pow(d.exponential(), 1/k) / math.Gamma(1+1/k) },
	} {
		half := renewalTrace(t, 50_000, 6, gap)
		f := flows(half)[0]
		window := newClientWindow(f, f.rows, 1, newRandom(0, ""))
		if window.pattern != pattern || math.Abs(window.shape-k) > 0.02 {
			t.Errorf("%s of shape %.3f, not %s of %g", window.pattern, window.shape, pattern, k)
		}
		generate, err := fitServeGen(context.Background(), half)
		if err != nil {
			t.Fatal(err)
		}
		made, err := generate(1, half.to, half.to+(half.to-half.from))
		if err != nil {
			t.Fatal(err)
		}
		want, got := counts(half.rows, half, serveGenStep), counts(made.rows, made, serveGenStep)
		for i := range want {
			if math.Abs(want[i]-got[i]) > 1 { // the last may fall on the border
				t.Errorf("window %d has %g requests, not %g", i, got[i], want[i])
				break
			}
		}
	}
}

// TestPoissonRecovers: the rate, and gaps without bursts.
func TestPoissonRecovers(t *testing.T) {
	half := renewalTrace(t, 20_000, 7, func(d drawer) float64 { return d.gamma(0.2) / 0.2 })
	generate, err := fitPoisson(context.Background(), half)
	if err != nil {
		t.Fatal(err)
	}
	made, err := generate(1, half.to, half.to+(half.to-half.from))
	if err != nil {
		t.Fatal(err)
	}
	if ratio := float64(len(made.rows)) / 20_000; math.Abs(ratio-1) > 0.03 {
		t.Errorf("%.3f times as many requests", ratio)
	}
	if cv := gapCV(made.rows); math.Abs(cv-1) > 0.05 {
		t.Errorf("gap_cv %.3f", cv)
	}
}

// TestEarlier: later times take the same hour of the week, or of the day, or the half's end again and again.
func TestEarlier(t *testing.T) {
	for _, c := range []struct{ length, later, at, want int64 }{
		{3 * week, week, 0, 2 * week},          // the last week
		{3 * week, week + 1, 0, week},          // what is longer than a week: two weeks earlier
		{20 * day, 20 * day, 0, -1*day + week}, // three weeks earlier is before the half
		{36 * 60 * minute, day, 5, 12*60*minute + 5},
		{60 * minute, 20 * minute, 7, 40*minute + 7},
		{60 * minute, 90 * minute, 70 * minute, 10 * minute},
	} {
		half := &trace{from: 0, to: c.length}
		if got := half.earlier(c.length, c.length+c.later)(c.length + c.at); got != c.want {
			t.Errorf("%+v: %d", c, got)
		}
	}
}

// TestDeal: every block goes to one half, a conversation whole.
func TestDeal(t *testing.T) {
	var rows []row
	for i := range int64(20 * 300) { // twenty blocks of five minutes
		r := success(i*second, 0, int32(i), 1)
		if i < 400 {
			r.conversation = 7 // of two blocks
		}
		rows = append(rows, r)
	}
	whole := &trace{to: 20 * 5 * minute, rows: rows, names: &names{kinds: []kind{{"m", ""}}}, tick: second}
	a, b := whole.deal(newRandom(1, "deal"))
	seen := map[int32]bool{}
	of := [2]int{}
	for half, part := range []*trace{a, b} {
		if part.to-part.from != 50*minute {
			t.Errorf("half of %d s", (part.to-part.from)/second)
		}
		for _, r := range part.rows {
			if seen[r.request] {
				t.Fatalf("request %d twice", r.request)
			}
			seen[r.request] = true
			if r.conversation == 7 {
				of[half]++
			}
		}
	}
	if min(of[0], of[1]) != 0 || len(seen) < 5_900 {
		t.Errorf("%d requests; the conversation's %v", len(seen), of)
	}
}

// TestTally: cells count where models differ by more than the sampling error, and only then.
func TestTally(t *testing.T) {
	inf, nan := math.Inf(1), math.NaN()
	r := Result{Cells: []Cell{
		{Errors: []float64{0.1, 0.9, 0.3}, Dealt: 0.1, Halves: 0.15}, // lowest, by more than the sampling error
		{Errors: []float64{0.1, 0.9, 0.05}, Dealt: 0.1, Halves: nan}, // not lowest, but within it
		{Errors: []float64{0.5, 0.9, 0.1}, Dealt: 0.1, Halves: 0.3},  // lost
		{Errors: []float64{0.1, 0.2, 0.1}, Dealt: 0.1, Halves: 0.3},  // no difference
		{Errors: []float64{0.1, inf, inf}, Dealt: 0.1, Halves: 0.3},  // that no rival has
		{Errors: []float64{0.1, 0.2, 0.1}, Dealt: nan, Halves: inf},  // of which nothing is known
	}}
	r.compare()
	want := Tally{Cells: 4, Lowest: []int{2, 0, 2}, Close: []int{3, 0, 2}, Won: 2, Lost: 1, Same: 1}
	if !reflect.DeepEqual(r.Tally, want) {
		t.Errorf("%+v, not %+v", r.Tally, want)
	}
	if !r.Cells[4].onlyOurs() || r.Cells[0].onlyOurs() {
		t.Error("which cells no rival has a number for is wrong")
	}
}

// TestAzure: the whole way, on the shortest of the real traces.
func TestAzure(t *testing.T) {
	data := os.Getenv("TIDEGAUGE_TEST_DATA")
	if data == "" {
		t.Skip("TIDEGAUGE_TEST_DATA is not set")
	}
	result, err := Judge(context.Background(), Options{Trace: Sources(data, "")[0], Seeds: 2, Deals: 2, Log: t.Logf})
	if err != nil {
		t.Fatal(err)
	}
	if err := result.Write(t.Output()); err != nil {
		t.Fatal(err)
	}
	for _, c := range result.Cells {
		if c.Name != "gap_cv" {
			continue
		}
		// Poisson has 1, the trace 12.
		if poisson := math.Exp(c.Errors[1]); poisson < 8 || poisson > 18 {
			t.Errorf("a Poisson process is %.1f times off", poisson)
		}
	}
}
