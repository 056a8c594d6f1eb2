package fidelity

import (
	"context"
	"math"
	"math/rand/v2"
	"slices"

	"tidegauge/stats"
)

// serveGenStep is how long a client's parameters hold.
const serveGenStep = 10 * minute

// client is one of ServeGen's: what makes requests by itself.
type client struct {
	*flow
	number  int32
	rows    []row
	windows []clientWindow
}

// clientWindow is a line of a client's trace, and its data set.
type clientWindow struct {
	n       int
	length  int64
	pattern stats.Family // Gamma or Weibull
	shape   float64
	kinds   chance
	okay    [][]row // by the flow's kinds
}

// fitServeGen is "ServeGen: Workload Characterization and Generation of Large Language Model Serving in Production"
// (Xiang et al., arXiv 2505.09999) as github.com/alibaba/ServeGen has it in servegen/construct.py (generate_workload,
// _sample_iats, _sample_data_batch):
//
//   - each client by itself, each with a rate, a CV and a pattern (Gamma or Weibull) by 10 minutes: here the distribution of each
//     kind that has the window's CV, and of the two the one that is nearer by Kolmogorov and Smirnov's distance, which is the paper's test.
//     With the distributions of the largest likelihood ServeGen comes out worse in everything that has to do with bursts, up to
//     five times on Azure's coding service;
//   - a window's gaps are drawn from its pattern and scaled so that they fill the window: the number of requests is the window's;
//   - lengths from the client's empirical distributions in that window.
//
// The later times take the half's windows in turn, each its own hour of the week or day where there is a week or a day. Where
// the log knows no clients, each log type is one. What the code does and the paper does not say is left out where it
// does harm: all of a request's lengths are drawn by one random number there, which would make requests and responses rise and fall
// together (here each has one of its own), and of n gaps that fill a window it uses n-1 (here n of n+1). On a clock of
// whole seconds, arrivals are put anywhere within theirs before gaps are looked at.
func fitServeGen(_ context.Context, half *trace) (generator, error) {
	random := newRandom(0, "servegen's clock")
	var clients []*client
	for _, f := range flows(half) {
		of := map[int32]*client{}
		for _, r := range f.rows {
			c := of[r.client]
			if c == nil {
				c = &client{flow: f, number: r.client}
				of[r.client] = c
				clients = append(clients, c)
			}
			c.rows = append(c.rows, r)
		}
	}
	for _, c := range clients {
		starts := windowStarts(c.rows, half, serveGenStep)
		for w := range len(starts) - 1 {
			window := newClientWindow(c.flow, c.rows[starts[w]:starts[w+1]], half.tick, random)
			window.length = min(serveGenStep, half.to-half.from-int64(w)*serveGenStep)
			c.windows = append(c.windows, window)
		}
	}
	return func(seed uint64, from, to int64) (*trace, error) {
		random := newRandom(seed, "servegen")
		var rows []row
		earlier := half.earlier(from, to)
		for at := from; at < to; {
			source := earlier(at)
			index := (source - half.from) / serveGenStep
			until := min(at+min(half.from+(index+1)*serveGenStep, half.to)-source, to)
			for _, c := range clients {
				rows = c.windows[index].draw(rows, c, at, until, random)
			}
			at = until
		}
		return half.made(rows, from, to), nil
	}, nil
}

func newClientWindow(f *flow, rows []row, tick int64, random *rand.Rand) clientWindow {
	w := clientWindow{n: len(rows), pattern: stats.Gamma, shape: 1, okay: make([][]row, len(f.kinds))}
	weights := make([]float64, len(f.kinds))
	for _, r := range rows {
		if k := slices.Index(f.kinds, r.kind); k >= 0 && !r.failed() {
			w.okay[k] = append(w.okay[k], r)
			weights[k]++
		}
	}
	w.kinds = newChance(weights)
	times := make([]int64, len(rows))
	for i := range rows {
		times[i] = rows[i].at
		if tick > 1 {
			times[i] += random.Int64N(tick)
		}
	}
	slices.Sort(times)
	var gaps []int64
	for i := 1; i < len(times); i++ {
		gaps = append(gaps, times[i]-times[i-1])
	}
	slices.Sort(gaps)
	if len(gaps) < 3 {
		return w
	}
	w.match(gaps)
	return w
}

// match takes the Gamma and the Weibull distribution with the gaps' mean and CV, and of the two the one that is nearer.
func (w *clientWindow) match(gaps []int64) {
	positive := make([]float64, len(gaps))
	for i, g := range gaps {
		positive[i] = float64(g)
	}
	mean, sigma := spread(positive)
	cv := min(max(sigma/mean, 0.05), 50)
	shape := 1 / (cv * cv)
	k := weibullOf(cv)
	byGamma := farthest(positive, stats.GammaFit{Shape: shape, Scale: mean / shape}.CDF)
	byWeibull := farthest(positive, stats.WeibullFit{K: k, Lambda: mean / math.Gamma(1+1/k)}.CDF)
	if w.shape = shape; byWeibull < byGamma {
		w.pattern, w.shape = stats.Weibull, k
	}
}

// weibullOf is the shape of the Weibull distribution with that CV.
func weibullOf(cv float64) float64 {
	low, high := 0.1, 30.0
	for range 60 {
		k := (low + high) / 2
		first, _ := math.Lgamma(1 + 1/k)
		next, _ := math.Lgamma(1 + 2/k)
		if math.Exp(next-2*first)-1 > cv*cv {
			low = k
		} else {
			high = k
		}
	}
	return (low + high) / 2
}

// farthest is the Kolmogorov-Smirnov distance of ascending values from a distribution.
func farthest(sorted []float64, cdf func(float64) float64) float64 {
	most, n := 0.0, float64(len(sorted))
	for i, v := range sorted {
		p := cdf(v)
		most = max(most, math.Abs(p-float64(i)/n), math.Abs(p-float64(i+1)/n))
	}
	return most
}

// draw appends a client's requests in [from, until), which is the window or, at the ends, its first part.
func (w *clientWindow) draw(rows []row, c *client, from, until int64, random *rand.Rand) []row {
	if w.n == 0 {
		return rows
	}
	gaps := make([]float64, w.n+1)
	sum := 0.0
	for i := range gaps {
		if w.pattern == stats.Weibull {
			gaps[i] = weibull(random, w.shape)
		} else {
			gaps[i] = gamma(random, w.shape)
		}
		sum += gaps[i]
	}
	scale := float64(w.length) / sum
	t := 0.0
	for _, gap := range gaps[:w.n] {
		t += gap * scale
		at := from + int64(t)
		if at >= until {
			break
		}
		r, failed := c.fails(at, random)
		if !failed {
			kinds, of := w.kinds, w.okay
			if kinds.total() == 0 { // all of the window's failed
				kinds, of = c.weights, c.okay
			}
			k := kinds.draw(random)
			r = success(at, c.kinds[k], of[k][random.IntN(len(of[k]))].request, of[k][random.IntN(len(of[k]))].response)
		}
		r.client = c.number
		rows = append(rows, r)
	}
	return rows
}
