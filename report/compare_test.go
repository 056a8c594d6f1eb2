package report

import (
	"strings"
	"testing"

	"tidegauge/schemas"
)

// TestCompare changes one number at a time, by less and by more than is allowed.
func TestCompare(t *testing.T) {
	make := func() *Summary {
		c := NewCollector(Options{})
		var r schemas.Request
		for i := range int64(300) {
			r.Reset()
			r.Service, r.Model, r.Outcome, r.ArrivalUS = "s", "m", schemas.OK, i*i*77_777%9_000_000_000
			r.Seq, r.RequestTokens, r.ResponseTokens, r.ElapsedUS = i, 1+i%50, 1+i%7, i*10_000
			r.Conversation = string(rune('a' + i%20))
			c.Add(&r)
		}
		s, err := c.Summary()
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	if d := Compare(make(), make()); len(d) != 0 {
		t.Fatalf("a summary differs from itself: %v", d)
	}
	for name, c := range map[string]struct {
		change func(s *Summary, by float64)
		by     [2]float64 // within and beyond
		path   string
	}{
		"a sum":        {func(s *Summary, by float64) { s.Services[0].Streams[0].Arrivals.GapCV *= Number(1 + by) }, [2]float64{1e-10, 1e-8}, "gap_cv"},
		"a quantile":   {func(s *Summary, by float64) { s.Services[0].Streams[0].Lengths.Request.P50 *= Number(1 + by) }, [2]float64{.009, .012}, "p50"},
		"a fit":        {func(s *Summary, by float64) { s.Services[0].Streams[0].Arrivals.GammaShapeMLE *= Number(1 + by) }, [2]float64{1e-7, 1e-5}, "gamma_shape_mle"},
		"a distance":   {func(s *Summary, by float64) { s.Services[0].Streams[0].Arrivals.Families.Gamma.KS += Number(by) }, [2]float64{.01, .03}, "ks"},
		"through zero": {func(s *Summary, by float64) { s.Services[0].Streams[0].Lengths.Pearson += Number(by) }, [2]float64{1e-10, 1e-8}, "pearson"},
		"a count":      {func(s *Summary, by float64) { s.Services[0].Streams[0].Requests += int64(by) }, [2]float64{0, 1}, "requests"},
		"undefined": {func(s *Summary, by float64) {
			if by > 0 {
				s.Services[0].Streams[0].Arrivals.Memory = Null
			}
		}, [2]float64{0, 1}, "memory"},
		"a name": {func(s *Summary, by float64) {
			if by > 0 {
				s.Services[0].Service = "t"
			}
		}, [2]float64{0, 1}, "services"},
		"a warning": {func(s *Summary, _ float64) { s.Warnings = nil }, [2]float64{0, 0}, ""},
	} {
		within, beyond := make(), make()
		c.change(within, c.by[0])
		if d := Compare(make(), within); len(d) != 0 {
			t.Errorf("%s: %v", name, d)
		}
		c.change(beyond, c.by[1])
		d := Compare(make(), beyond)
		if (len(d) == 0) != (c.path == "") || len(d) > 0 && !strings.Contains(d[0].Path, c.path) {
			t.Errorf("%s: %v, want a difference at %q", name, d, c.path)
		}
	}
}
