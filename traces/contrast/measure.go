package contrast

import "math"

// The sections of a comparison.
const (
	Load          = "load"          // how much comes
	Burstiness    = "burstiness"    // how unevenly it comes
	Conversations = "conversations" //
	Lengths       = "lengths"       //
	Failures      = "failures"      //
	Latency       = "latency"       //
)

// SectionNames lists the sections in the order in which they are shown.
func SectionNames() []string {
	return []string{Load, Burstiness, Conversations, Lengths, Failures, Latency}
}

// Kind says how a measure tells how far two sides are apart.
type Kind string

// The kinds. Distances of all kinds are 0 where nothing differs.
const (
	Ratio       Kind = "ratio"       // the larger of two numbers over the smaller, less 1
	Difference  Kind = "difference"  // of two numbers
	Shape       Kind = "ks"          // the Kolmogorov-Smirnov distance of two distributions
	Area        Kind = "wasserstein" // the Wasserstein-1 distance of two distributions, over the mean of their medians
	noQuantile       = -1
	noneOf           = sample(-1)
	leastValues      = 100 // of which half are 50: the least for a distribution's shape
)

// measure is one number that decides.
type measure struct {
	section, name string
	// title is what it is called for people.
	title string
	kind  Kind
	// key: without it nothing can be said of the section.
	key bool
	// tolerance is the distance from which on it matters for a load test.
	tolerance float64
	// of is the distribution that it is about, quantile the one of its quantiles that is compared.
	of       sample
	quantile float64
	// least is how many values it takes on either side.
	least float64
	// value is the number, where it is no quantile, and n how many values that is of.
	value func(part) float64
	n     func(part) float64
	// lagged is 1 + the index of lags that it is about, 0 for none.
	lagged int
	unit   string // of the two values: "", "s", "tokens", "1/s", "share"
}

// measures are what decides, in the order in which they are shown. Tolerances are choices, explained in docs/traces.md:
// what a capacity plan can bear, not what a test can find.
func measures() []measure {
	sum := func(i int) func(part) float64 { return func(p part) float64 { return p[i] } }
	over := func(a, b int) func(part) float64 { return func(p part) float64 { return ratio(p[a], p[b]) } }
	ks := func(section, name, title string, of sample, key bool) measure {
		return measure{section: section, name: name, title: title, kind: Shape, key: key, tolerance: 0.05, of: of,
			quantile: noQuantile, least: leastValues}
	}
	quantile := func(section, name, title string, of sample, q float64, unit string) measure {
		return measure{section: section, name: name, title: title, kind: Ratio, tolerance: 0.15, of: of, quantile: q,
			least: 10 / (1 - q), unit: unit}
	}
	number := func(section, name, title string, kind Kind, tolerance float64, value func(part) float64, n int, least float64, unit string) measure {
		return measure{section: section, name: name, title: title, kind: kind, tolerance: tolerance, of: noneOf,
			quantile: noQuantile, least: least, value: value, n: sum(n), unit: unit}
	}
	key := func(m measure) measure { m.key = true; return m }
	idc := func(width int, name, title string) measure {
		return number(Burstiness, name, title, Ratio, 0.25, func(p part) float64 { return p.idc(width) }, binSums+3*width, 10, "")
	}
	later := func(which int, name, title string) measure {
		m := number(Burstiness, name, title, Difference, 0.1, func(p part) float64 { return p.autocorrelation(which) }, lagSums+4*which, 10, "")
		m.lagged = which + 1
		return m
	}
	cvs := ks(Burstiness, "arrivals.windows.300.gap_cv", "windows' gap_cv", windowCVs, false)
	cvs.kind, cvs.tolerance, cvs.least = Area, 0.1, 6
	busy := quantile(Load, "requests_per_minute.p95", "busy minutes (p95)", minutes, 0.95, "1/min")
	busy.least = 20
	return []measure{
		key(number(Load, "arrivals.rate", "rate", Ratio, 0.1, over(requests, seconds), requests, leastValues, "1/s")),
		number(Load, "tokens_per_second", "tokens a second", Ratio, 0.1, over(tokens, seconds), requests, leastValues, "tokens/s"),
		busy,

		key(number(Burstiness, "arrivals.gap_cv", "gap_cv", Ratio, 0.1, part.gapCV, gapN, leastValues, "")),
		ks(Burstiness, "gap_shape", "gaps' shape", gapShapes, true),
		cvs,
		idc(0, "arrivals.idc.1", "idc at 1 s"),
		idc(1, "arrivals.idc.10", "idc at 10 s"),
		idc(2, "arrivals.idc.60", "idc at 60 s"),
		later(0, "autocorrelation.1", "autocorrelation at 1 s"),
		later(1, "autocorrelation.10", "autocorrelation at 10 s"),
		later(2, "autocorrelation.60", "autocorrelation at 1 min"),
		later(3, "autocorrelation.300", "autocorrelation at 5 min"),

		ks(Conversations, "turns", "turns", turns, true),
		number(Conversations, "conversations.turns_per_conversation.mean", "turns, mean", Ratio, 0.1, over(turnsSum, turnsN), turnsN, leastValues, ""),
		ks(Conversations, "conversations.interval", "intervals", intervals, true),

		ks(Lengths, "lengths.request", "request tokens", requestTokens, true),
		number(Lengths, "lengths.request.mean", "request tokens, mean", Ratio, 0.1, over(lengthX, lengthN), lengthN, leastValues, "tokens"),
		quantile(Lengths, "lengths.request.p99", "request tokens, p99", requestTokens, 0.99, "tokens"),
		ks(Lengths, "lengths.response", "response tokens", responseTokens, true),
		number(Lengths, "lengths.response.mean", "response tokens, mean", Ratio, 0.1, over(lengthY, lengthN), lengthN, leastValues, "tokens"),
		quantile(Lengths, "lengths.response.p99", "response tokens, p99", responseTokens, 0.99, "tokens"),
		number(Lengths, "lengths.pearson", "request against response", Difference, 0.1, part.pearson, lengthN, leastValues, ""),

		key(number(Failures, "failures.failure_rate", "failure rate", Difference, 0.01, over(failed, requests), requests, leastValues, "share")),
		number(Failures, "failures.failure_after_failure", "failure after failure", Difference, 0.15, over(failedAgain, afterFailed), afterFailed, 30, "share"),

		ks(Latency, "latency.elapsed", "elapsed", elapsed, true),
		quantile(Latency, "latency.elapsed.p99", "elapsed, p99", elapsed, 0.99, "s"),
		ks(Latency, "latency.ttft", "time to first token", ttft, false),
		ks(Latency, "latency.tpot", "time per output token", tpot, false),
	}
}

// apart gives the distance of two numbers.
func (m *measure) apart(a, b float64) float64 {
	switch {
	case a == b:
		return 0
	case m.kind == Difference:
		return math.Abs(a - b)
	case a <= 0 || b <= 0: // one of them is 0, and no multiple leads from there to the other
		return math.Inf(1)
	}
	return max(a, b)/min(a, b) - 1
}

// between gives the distance of two parts, from histograms where it is about a distribution.
func (m *measure) between(l *layout, a, b part) float64 {
	if m.of == noneOf {
		return m.apart(m.value(a), m.value(b))
	}
	x, y := l.bins(a, m.of), l.bins(b, m.of)
	switch m.kind {
	case Shape:
		return shapeDistance(x, y)
	case Area:
		middle := quantileOf(l.cuts[m.of], x, 0.5)/2 + quantileOf(l.cuts[m.of], y, 0.5)/2
		return ratio(areaDistance(l.cuts[m.of], x, y), middle)
	default:
		return m.apart(quantileOf(l.cuts[m.of], x, m.quantile), quantileOf(l.cuts[m.of], y, m.quantile))
	}
}

func total(counts []float64) (n float64) {
	for _, c := range counts {
		n += c
	}
	return n
}

// shapeDistance is the Kolmogorov-Smirnov distance at the bins' limits.
func shapeDistance(x, y []float64) float64 {
	n, m := total(x), total(y)
	if n == 0 || m == 0 {
		return math.NaN()
	}
	var a, b, most float64
	for i := range x {
		a, b = a+x[i], b+y[i]
		most = max(most, math.Abs(a/n-b/m))
	}
	return most
}

// areaDistance is the Wasserstein-1 distance, every value standing at the limit of its bin.
func areaDistance(cuts, x, y []float64) float64 {
	n, m := total(x), total(y)
	if n == 0 || m == 0 {
		return math.NaN()
	}
	var a, b, area float64
	for i := range len(cuts) - 1 {
		a, b = a+x[i], b+y[i]
		area += math.Abs(a/n-b/m) * (cuts[i+1] - cuts[i])
	}
	return area
}

// quantileOf is the quantile, values being spread evenly within their bins.
func quantileOf(cuts, counts []float64, q float64) float64 {
	n, sum := total(counts), 0.0
	if n == 0 {
		return math.NaN()
	}
	for i, c := range counts {
		if sum+c >= q*n && c > 0 {
			if i == 0 {
				return cuts[0]
			}
			return cuts[i-1] + (cuts[i]-cuts[i-1])*(q*n-sum)/c
		}
		sum += c
	}
	return cuts[len(cuts)-1]
}
