package report

import (
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// Difference is one number in which two summaries differ by more than METRICS' exactness allows.
type Difference struct {
	// Path leads to the number: keys, and for entries of lists what names them.
	Path string
	// Want and Got are the two values as JSON, or "(missing)".
	Want, Got string
	// Allowed is how far apart two numbers may be there.
	Allowed float64
}

// String says it in a line.
func (d Difference) String() string {
	return fmt.Sprintf("%s: %s and %s, allowed %.3g apart", d.Path, d.Want, d.Got, d.Allowed)
}

// Compare holds got against want and gives the differences beyond docs/metrics.md's tolerances: counts, texts and maxima
// are equal; sums and what is derived from them agree within 1e-9; quantiles, which may come from sketches, within 1 %;
// fits within 1e-6 where they come from sums, 2 % where they come from sketches; KS distances within 0.02. What stands
// beside the numbers (generated_by, range, warnings) is not compared.
func Compare(want, got *Summary) []Difference {
	c := comparison{}
	a, b := document(want), document(got)
	for _, key := range []string{"generated_by", "range", "warnings"} {
		delete(a, key)
		delete(b, key)
	}
	c.value(nil, a, b, 0, nil)
	return c.differences
}

// document gives a summary as decoded JSON. Marshalling it cannot fail: it holds nothing but numbers and texts.
func document(s *Summary) map[string]any {
	var v map[string]any
	text, err := json.Marshal(s)
	if err == nil {
		err = json.Unmarshal(text, &v)
	}
	if err != nil {
		panic(fmt.Sprintf("report: a summary that is no JSON: %v", err))
	}
	return v
}

type comparison struct{ differences []Difference }

const missing = "(missing)"

func (c *comparison) differ(path []string, want, got any, allowed float64) {
	c.differences = append(c.differences, Difference{strings.Join(path, " / "), inJSON(want), inJSON(got), allowed})
}

func inJSON(v any) string {
	if v == missing {
		return missing
	}
	text, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return string(text)
}

// value compares two values at a path. gaps and families are those of the stream they are in.
func (c *comparison) value(path []string, want, got any, gaps float64, families map[string]any) {
	if a, ok := want.([]any); ok {
		if b, ok := got.([]any); ok {
			c.list(path, a, b, gaps, families)
			return
		}
	}
	a, isObject := want.(map[string]any)
	b, both := got.(map[string]any)
	if isObject && both {
		if n, ok := a["gaps"].(float64); ok {
			gaps = n
		}
		if f, ok := a["families"].(map[string]any); ok {
			families = f
		}
		c.object(path, a, b, gaps, families)
		return
	}
	x, isNumber := want.(float64)
	y, both := got.(float64)
	switch {
	case isNumber && both:
		allowed := tolerance(path, x, gaps)
		if x == math.Trunc(x) && y == math.Trunc(y) && !quantileName.MatchString(path[len(path)-1]) {
			allowed = min(allowed, 0.5) // counts, however large
		}
		if math.Abs(x-y) > allowed {
			c.differ(path, want, got, allowed)
		}
	case want != got:
		if len(path) > 0 && path[len(path)-1] == "best_family" && sameFit(want, got, families, gaps) {
			return
		}
		c.differ(path, want, got, 0)
	}
}

func (c *comparison) object(path []string, a, b map[string]any, gaps float64, families map[string]any) {
	for _, key := range slices.Sorted(maps.Keys(a)) {
		here := append(slices.Clip(path), key)
		if v, ok := b[key]; ok {
			c.value(here, a[key], v, gaps, families)
		} else {
			c.differ(here, a[key], missing, 0)
		}
	}
	for _, key := range slices.Sorted(maps.Keys(b)) {
		if _, ok := a[key]; !ok {
			c.differ(append(slices.Clip(path), key), missing, b[key], 0)
		}
	}
}

// list compares lists as objects whose keys are what names an entry, and their order as one more value.
func (c *comparison) list(path []string, want, got []any, gaps float64, families map[string]any) {
	a, orderA := named(want)
	b, orderB := named(got)
	if !slices.Equal(orderA, orderB) {
		c.differ(append(slices.Clip(path), "(order)"), orderA, orderB, 0)
	}
	c.object(path, a, b, gaps, families)
}

func named(entries []any) (map[string]any, []string) {
	all := make(map[string]any, len(entries))
	var order []string
	for i, e := range entries {
		name := strconv.Itoa(i)
		if object, ok := e.(map[string]any); ok {
			var parts []string
			for _, key := range []string{"service", "model", "log_type", "from"} {
				if v, ok := object[key]; ok {
					parts = append(parts, inJSON(v))
				}
			}
			if parts != nil {
				name = strings.Join(parts, "|")
			}
		}
		all[name] = e
		order = append(order, name)
	}
	return all, order
}

var (
	quantileName = regexp.MustCompile(`(^|_)p\d+$`)
	// fromFits are iterated to a tolerance of their own.
	fromFits = []string{"gamma_shape_mle", "gamma_scale_mle", "zipf_alpha", "zipf_alpha_se"}
	// throughZero may be near zero by cancellation: their error is relative to at least 1.
	throughZero = []string{"burstiness", "burstiness_finite", "memory", "lognormal_mu", "mu", "slope", "intercept", "r2", "pearson", "lag1"}
)

// tolerance is how far a number may lie from want.
func tolerance(path []string, want, gaps float64) float64 {
	key, size := path[len(path)-1], math.Abs(want)
	if slices.Contains(throughZero, key) || slices.Contains(path, "load_correlation") {
		size = max(size, 1)
	}
	if slices.Contains(path, "families") {
		relative := 1e-6
		if slices.Contains(path, "weibull") {
			relative = 0.02
		}
		switch key {
		case "ks":
			return 0.02
		case "aic":
			size = max(size, gaps)
		}
		return relative * size
	}
	if quantileName.MatchString(key) {
		allowed := 0.01 * math.Abs(want)
		if slices.Contains(path, "context_growth") {
			allowed = max(allowed, 1)
		}
		return allowed + 1e-9*math.Abs(want)
	}
	if slices.Contains(fromFits, key) {
		return 1e-6 * size
	}
	return 1e-9 * size
}

// sameFit says whether two best families cannot be told apart by their AICs.
func sameFit(want, got any, families map[string]any, gaps float64) bool {
	aic := func(name any) (float64, float64, bool) {
		n, ok := name.(string)
		if !ok {
			return 0, 0, false
		}
		f, ok := families[n].(map[string]any)
		if !ok {
			return 0, 0, false
		}
		v, ok := f["aic"].(float64)
		return v, tolerance([]string{"families", n, "aic"}, v, gaps), ok
	}
	a, allowedA, okA := aic(want)
	b, allowedB, okB := aic(got)
	return okA && okB && math.Abs(a-b) <= allowedA+allowedB
}
