package fidelity

import (
	"math"
	"slices"

	"tidegauge/stats"
)

// A classifier is to tell real windows of five minutes from synthetic ones by their features. If it cannot (an area under
// the curve of one half), nothing that these features show gives a synthetic trace away.

const (
	classifierWindow = 5 * minute
	// fewestInWindow is how many requests a window needs.
	fewestInWindow = 5
	// A trace of fewer than fewestWindows has windows that overlap, one every slide; of a longer one than mostWindows, evenly
	// spaced ones are looked at.
	fewestWindows, mostWindows = 60, 3_000
	slide                      = 30 * second
	folds                      = 5
	ridge                      = 1.0 // the penalty on squared weights of standardized features
)

// featureNames are what is looked at.
var featureNames = []string{
	"requests", "gap_cv", "zero gaps", "gap memory", "median gap", "idc 1 s", "idc 10 s", "peak 10 s",
	"request mean", "request sigma", "response mean", "response sigma", "correlation", "request lag 1", "response lag 1",
	"failures", "failures' lag 1",
}

// look is a window's features.
type look struct {
	from     int64
	features []float64
}

// looks gives the features of the windows with enough requests, in order of time.
func looks(t *trace) []look {
	step := int64(classifierWindow)
	if t.to-t.from < fewestWindows*classifierWindow {
		step = slide
	}
	var all []look
	for from, i, j := t.from, 0, 0; from+classifierWindow <= t.to; from += step {
		for i < len(t.rows) && t.rows[i].at < from {
			i++
		}
		for j < len(t.rows) && t.rows[j].at < from+classifierWindow {
			j++
		}
		if j-i >= fewestInWindow {
			all = append(all, look{from, windowFeatures(t.rows[i:j], from)})
		}
	}
	if every := (len(all) + mostWindows - 1) / mostWindows; every > 1 {
		some := all[:0]
		for i := 0; i < len(all); i += every {
			some = append(some, all[i])
		}
		all = some
	}
	return all
}

func windowFeatures(rows []row, from int64) []float64 {
	n := float64(len(rows))
	gaps := make([]float64, len(rows)-1)
	zeros := 0.0
	for i := range gaps {
		gaps[i] = float64(rows[i+1].at-rows[i].at) / 1e6
		if gaps[i] == 0 {
			zeros++
		}
	}
	sorted := slices.Clone(gaps)
	slices.Sort(sorted)
	counts := func(width int64) (dispersion, peak float64) {
		bins := make([]float64, classifierWindow/width)
		for i := range rows {
			bins[(rows[i].at-from)/width]++
		}
		mean, sigma := spread(bins)
		return sigma * sigma / mean, slices.Max(bins) / mean
	}
	idc1, _ := counts(second)
	idc10, peak10 := counts(10 * second)

	var x, y, failed []float64
	for i := range rows {
		r := &rows[i]
		if r.failed() {
			failed = append(failed, 1)
			continue
		}
		failed = append(failed, 0)
		if r.response > 0 && r.request >= 0 {
			x, y = append(x, math.Log1p(float64(r.request))), append(y, math.Log1p(float64(r.response)))
		}
	}
	failures := 0.0
	for _, f := range failed {
		failures += f
	}
	xMean, xSigma := spread(x)
	yMean, ySigma := spread(y)
	return []float64{
		math.Log(n), math.Log(0.05 + gapCV(rows)), zeros / n, lag1(gaps), math.Log(1e-4 + stats.Quantile(sorted, 0.5)),
		math.Log(0.05 + idc1), math.Log(0.05 + idc10), math.Log(peak10),
		xMean, xSigma, yMean, ySigma, orZero(stats.Pearson(x, y)), lag1(x), lag1(y),
		failures / n, lag1(failed),
	}
}

// lag1 is the correlation of neighbours, 0 where there is none.
func lag1(v []float64) float64 {
	if len(v) < 3 {
		return 0
	}
	return orZero(stats.Pearson(v[:len(v)-1], v[1:]))
}

func orZero(v float64) float64 {
	if math.IsNaN(v) {
		return 0
	}
	return v
}

// spread gives mean and population standard deviation, 0 of nothing.
func spread(v []float64) (mean, sigma float64) {
	if len(v) == 0 {
		return 0, 0
	}
	for _, x := range v {
		mean += x
	}
	mean /= float64(len(v))
	for _, x := range v {
		sigma += (x - mean) * (x - mean)
	}
	return mean, math.Sqrt(sigma / float64(len(v)))
}

// tellApart is the area under the curve of logistic regressions that tell the windows of real from those of synthetic: each fifth
// of either, in order of time, is judged by one that has seen the others, but for what overlaps with it. NaN where there
// are too few windows.
func tellApart(real, synthetic []look) float64 {
	if len(real) < 2*folds || len(synthetic) < 2*folds {
		return math.NaN()
	}
	var ofReal, ofSynthetic []float64
	// Each fold's scores are ranked among themselves: regressions of different folds have no scale in common.
	var sum, weight float64
	for fold := range folds {
		realTrain, realTest := split(real, fold)
		syntheticTrain, syntheticTest := split(synthetic, fold)
		if len(realTrain) == 0 || len(syntheticTrain) == 0 {
			continue
		}
		score := train(realTrain, syntheticTrain)
		ofReal, ofSynthetic = score(ofReal[:0], realTest), score(ofSynthetic[:0], syntheticTest)
		pairs := float64(len(ofReal) * len(ofSynthetic))
		sum += pairs * areaUnderCurve(ofReal, ofSynthetic)
		weight += pairs
	}
	return sum / weight
}

// split takes a fold out.
func split(windows []look, fold int) (others, taken []look) {
	from, to := fold*len(windows)/folds, (fold+1)*len(windows)/folds
	taken = windows[from:to]
	first, last := taken[0].from, taken[len(taken)-1].from
	for _, w := range slices.Concat(windows[:from], windows[to:]) {
		if w.from+classifierWindow <= first || w.from >= last+classifierWindow {
			others = append(others, w)
		}
	}
	return others, taken
}

// areaUnderCurve is how often a value of positive is above one of negative; equal ones count half.
func areaUnderCurve(positive, negative []float64) float64 {
	ranks := stats.Ranks(nil, slices.Concat(positive, negative))
	sum := 0.0
	for _, r := range ranks[:len(positive)] {
		sum += r
	}
	n, m := float64(len(positive)), float64(len(negative))
	return (sum - n*(n+1)/2) / (n * m)
}

// train gives a logistic regression on the features and their squares, standardized, with a penalty on the weights; by
// Newton's method.
func train(real, synthetic []look) func(dst []float64, windows []look) []float64 {
	all := slices.Concat(real, synthetic)
	n := len(all[0].features)
	mean, sigma := make([]float64, n), make([]float64, n)
	column := make([]float64, len(all))
	for j := range n {
		for i := range all {
			column[i] = all[i].features[j]
		}
		mean[j], sigma[j] = spread(column)
	}
	size := 2*n + 1
	expand := func(dst, window []float64) {
		dst[0] = 1
		for j := range n {
			z := 0.0
			if sigma[j] > 1e-12 {
				z = min(max((window[j]-mean[j])/sigma[j], -4), 4)
			}
			dst[1+j], dst[1+n+j] = z, (z*z-1)/2
		}
	}
	rows := make([][]float64, len(all))
	for i := range all {
		rows[i] = make([]float64, size)
		expand(rows[i], all[i].features)
	}
	weights := make([]float64, size)
	balance := float64(len(real)) / float64(len(synthetic)) // a synthetic window's weight
	for range 15 {
		gradient, hessian := make([]float64, size), make([]float64, size*size)
		for j := 1; j < size; j++ {
			gradient[j], hessian[j*size+j] = -ridge*weights[j], ridge
		}
		hessian[0] = 1e-9
		for i, z := range rows {
			p := 1 / (1 + math.Exp(-dot(weights, z)))
			label, importance := 1.0, 1.0
			if i >= len(real) {
				label, importance = 0, balance
			}
			residual, curvature := importance*(label-p), importance*p*(1-p)
			for j, zj := range z {
				gradient[j] += residual * zj
				c := curvature * zj
				line := hessian[j*size : j*size+j+1]
				for k := range line {
					line[k] += c * z[k]
				}
			}
		}
		step := solve(hessian, gradient)
		largest := 0.0
		for j := range weights {
			weights[j] += step[j]
			largest = max(largest, math.Abs(step[j]))
		}
		if largest < 1e-6 {
			break
		}
	}
	return func(dst []float64, windows []look) []float64 {
		z := make([]float64, size)
		for _, w := range windows {
			expand(z, w.features)
			dst = append(dst, dot(weights, z))
		}
		return dst
	}
}

func dot(a, b []float64) float64 {
	sum := 0.0
	for i := range a {
		sum += a[i] * b[i]
	}
	return sum
}

// solve solves a x = b by Cholesky's decomposition of the positive definite a, whose lower half is given and overwritten.
func solve(a, b []float64) []float64 {
	n := len(b)
	for i := range n {
		for j := range i + 1 {
			sum := a[i*n+j] - dot(a[i*n:i*n+j], a[j*n:j*n+j])
			if i == j {
				a[i*n+i] = math.Sqrt(max(sum, 1e-12))
			} else {
				a[i*n+j] = sum / a[j*n+j]
			}
		}
	}
	x := slices.Clone(b)
	for i := range n {
		x[i] = (x[i] - dot(a[i*n:i*n+i], x[:i])) / a[i*n+i]
	}
	for i := n - 1; i >= 0; i-- {
		for j := i + 1; j < n; j++ {
			x[i] -= a[j*n+i] * x[j]
		}
		x[i] /= a[i*n+i]
	}
	return x
}
