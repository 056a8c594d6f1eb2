package report

import (
	"math"
	"sync"

	"tidegauge/stats"
)

// logarithms is a table of ln v for the values that nearly all token counts have; entry 0 is unused.
var logarithms = sync.OnceValue(func() []float64 {
	table := make([]float64, dense)
	for v := 1; v < dense; v++ {
		table[v] = math.Log(float64(v))
	}
	return table
})

func lnOf(v int64) float64 {
	if table := logarithms(); v < dense {
		return table[v]
	}
	return math.Log(float64(v))
}

func whole(v int64) float64 { return float64(v) }

// merged is the union of leaves' samples.
func merged(leaves []*leaf, of func(*leaf) sample) (s sample) {
	for _, l := range leaves {
		s = append(s, of(l)...)
	}
	return s
}

// lengths adds up the leaves. The logarithms' mean of the response tokens is what lag1 is computed around.
func lengths(leaves []*leaf, answers []uint32) Lengths {
	var pairs stats.PairSums
	l := Lengths{Profile: []Bin{}}
	for _, f := range leaves {
		pairs.Merge(f.pairs)
		l.RequestTokens += f.requestTokens
		l.ResponseTokens += f.responseTokens
	}
	l.N = int64(pairs.N)
	slope, intercept, r2 := pairs.Line()
	l.Slope, l.Intercept, l.R2, l.Pearson = Number(slope), Number(intercept), Number(r2), Number(pairs.Pearson())

	x := merged(leaves, func(l *leaf) sample { return l.request })
	y := merged(leaves, func(l *leaf) sample { return l.response })
	logs, sumLog := logSums(x)
	l.Request.Tokens = tokens(x, stats.PowerSums{N: pairs.N, Sum: pairs.X, Squares: pairs.XX}, logs)
	alpha, e := math.NaN(), math.NaN()
	if logs.N > 0 {
		alpha, e = stats.Zipf(logs.N, sumLog, uint64(x.largest()))
	}
	l.Request.ZipfAlpha, l.Request.ZipfAlphaSE = Number(alpha), Number(e)
	logs, _ = logSums(y)
	l.Response.Tokens = tokens(y, stats.PowerSums{N: pairs.N, Sum: pairs.Y, Squares: pairs.YY}, logs)
	l.Response.Bimodality = Number(logs.Bimodality())
	l.Lag1 = lag1(answers, logs.Shift)

	for b := range profileBins {
		var sum uint64
		var s sample
		for _, f := range leaves {
			sum += f.profile[b].sum
			s = append(s, f.profile[b].sample...)
		}
		if n := int64(s.n()); n > 0 {
			l.Profile = append(l.Profile, Bin{From: profileFrom(b), N: n, Mean: ratio(sum, n), P50: s.quantile(.5, whole)})
		}
	}
	return l
}

func tokens(s sample, sums stats.PowerSums, logs stats.LogSums) Tokens {
	t := Tokens{Mean: Number(sums.Mean()), CV: Number(sums.CV()), Max: Null,
		LognormalMu: Number(logs.Mu()), LognormalSigma: Number(logs.Sigma())}
	if len(s) > 0 {
		t.Max = Number(s.largest())
	}
	for _, q := range []struct {
		to *Number
		q  float64
	}{{&t.P5, .05}, {&t.P25, .25}, {&t.P50, .5}, {&t.P75, .75}, {&t.P90, .9}, {&t.P95, .95}, {&t.P99, .99}} {
		*q.to = s.quantile(q.q, whole)
	}
	return t
}

// logSums adds up the powers of ln v over the values above 0, around ln of their mean, and ln v itself.
func logSums(s sample) (l stats.LogSums, sumLog float64) {
	var sum float64
	smallest, largest := int64(math.MaxInt64), int64(0)
	s.each(func(v int64, n uint64) {
		if v > 0 {
			sum += float64(v) * float64(n)
			l.N += n
			smallest, largest = min(smallest, v), max(largest, v)
		}
	})
	if l.N == 0 {
		return l, 0
	}
	l.Shift, l.Spread = math.Log(sum/float64(l.N)), smallest < largest
	s.each(func(v int64, n uint64) {
		if v > 0 {
			d, w := lnOf(v)-l.Shift, float64(n)
			l.S1 += w * d
			l.S2 += w * d * d
			l.S3 += w * d * d * d
			l.S4 += w * d * d * d * d
		}
	})
	return l, l.S1 + float64(l.N)*l.Shift
}
