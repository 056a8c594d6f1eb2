package fidelity

import (
	"cmp"
	"context"
	"math"
	"math/rand/v2"
	"slices"
)

// burstStep is how long BurstGPT's parameters hold.
const burstStep = 20 * minute

// burstWindow is the Gamma distribution of a window's gaps.
type burstWindow struct {
	rate  float64 // arrivals a microsecond
	shape float64
}

// fitBurstGPT is BurstGPT-Perf, the generator of "BurstGPT: A Real-world Workload Dataset to Optimize LLM Serving
// Systems" (Wang et al., arXiv 2401.17644, section 5) as github.com/HPMLL/BurstGPT has it in
// example/profile_server/server.py (commit f5ed893, ServerOnline._Query.get_query) and example/src/burstgpt/workload.py:
//
//   - gaps of a Gamma distribution whose shape and scale are a list's, by 20 minutes; shape = 1/CV^2, which is the paper's
//     own relation (and does without logarithms, which a clock of whole seconds does not allow), by log type ("conv_or_api");
//   - request and response lengths, each for itself, of a Zipf distribution, drawn again while beyond the longest;
//   - what is sent is not what was drawn, but the prompt nearest to it in a pool (_Query.get_prefill_idx; later
//     example/src/burstgpt/prompts.py, PromptMatcher.match): of the nearest request length, and of those of the nearest response
//     length. The pool is the half's requests here, ShareGPT's conversations there.
//
// A response is as long as the model makes it there, up to 1,024 tokens: the length of the pool's own answer to that prompt stands
// for it. (The later code takes the length drawn as the most. This serves the rival better on balance, not everywhere: on Azure's
// coding service responses' p90 is 1.1 times off instead of 8.5 and the median wait 7.5 times instead of 160, on its chat
// service the waits and responses' p5 and p99 come closer, but p25, p75, p90 and the correlation of lengths do not.)
//
// Tuned on the half: shape and rate of every window; the Zipf exponents by maximum likelihood, where the code has 1.1, and
// the longest length, where it has 1,024. The code takes the next parameters at the first request after a window's end; here
// a gap that crosses the end goes on at the next window's rate, so that every window has the rate that it is to have.
func fitBurstGPT(_ context.Context, half *trace) (generator, error) {
	type part struct {
		*flow
		windows           []burstWindow
		request, response *zipf
		pool              pool
	}
	var parts []part
	for _, f := range flows(half) {
		p := part{flow: f}
		starts := windowStarts(f.rows, half, burstStep)
		for w := range len(starts) - 1 {
			rows := f.rows[starts[w]:starts[w+1]]
			length := min(burstStep, half.to-half.from-int64(w)*burstStep)
			window := burstWindow{rate: float64(len(rows)) / float64(length), shape: 1}
			if cv := gapCV(rows); cv > 0 {
				window.shape = min(max(1/(cv*cv), 1e-3), 1e3)
			}
			p.windows = append(p.windows, window)
		}
		p.request = fitZipf(f.okay, func(r *row) int32 { return r.request })
		p.response = fitZipf(f.okay, func(r *row) int32 { return r.response })
		p.pool = newPool(f.okay)
		parts = append(parts, p)
	}
	return func(seed uint64, from, to int64) (*trace, error) {
		random := newRandom(seed, "burstgpt")
		var rows []row
		for _, p := range parts {
			renew(random, half, p.windows, from, to, func(at int64) {
				r, failed := p.fails(at, random)
				if !failed {
					x, y := p.pool.nearest(p.request.draw(random), p.response.draw(random))
					r = success(at, p.kinds[p.anyKind(random)], x, y)
				}
				rows = append(rows, r)
			})
		}
		return half.made(rows, from, to), nil
	}, nil
}

// renew calls arrive for every arrival in [from, to).
func renew(random *rand.Rand, half *trace, windows []burstWindow, from, to int64, arrive func(at int64)) {
	at := float64(from)
	earlier := half.earlier(from, to)
	ahead := -1.0 // what is left of the gap, in mean gaps
	for at < float64(to) {
		source := earlier(int64(at))
		index := (source - half.from) / burstStep
		w := windows[index]
		// To the window's end, or where the half ends and other parameters begin.
		end := at + float64(min(half.from+(index+1)*burstStep, half.to)-source)
		if ahead < 0 { // the first is what is left of a gap at any time: a gap drawn by its length, cut anywhere
			ahead = random.Float64() * gamma(random, w.shape+1) / w.shape
		}
		for {
			next := at + ahead/w.rate
			if !(next < end) { // rate may be 0
				ahead = max(0, ahead-(end-at)*w.rate)
				break
			}
			if at = next; at >= float64(to) {
				return
			}
			arrive(int64(at))
			ahead = gamma(random, w.shape) / w.shape
		}
		at = end
	}
}

// windowStarts gives the place of each window's first row, and of the end, windows counting from the half's beginning.
func windowStarts(rows []row, half *trace, width int64) []int {
	n := (half.to - half.from + width - 1) / width
	starts := make([]int, n+1)
	i := 0
	for w := range n {
		for i < len(rows) && rows[i].at < half.from+w*width {
			i++
		}
		starts[w] = i
	}
	starts[n] = len(rows)
	return starts
}

// gapCV is the coefficient of variation of the gaps between rows, 0 where there are fewer than two.
func gapCV(rows []row) float64 {
	n := float64(len(rows) - 1)
	if n < 2 {
		return 0
	}
	mean := float64(rows[len(rows)-1].at-rows[0].at) / n
	if mean == 0 {
		return 0
	}
	sum := 0.0
	for i := 1; i < len(rows); i++ {
		d := float64(rows[i].at-rows[i-1].at) - mean
		sum += d * d
	}
	return math.Sqrt(sum/n) / mean
}

// fitZipf fits lengths from 1 on.
func fitZipf(kinds [][]row, length func(*row) int32) *zipf {
	var sum, n float64
	most := int32(1)
	for _, rows := range kinds {
		for i := range rows {
			if v := length(&rows[i]); v >= 1 {
				sum += math.Log(float64(v))
				n++
				most = max(most, v)
			}
		}
	}
	return newZipf(zipfExponent(sum/max(n, 1), int(most)), int(most))
}

// pool is the prompts that may be sent: the half's requests, by request tokens, those of equal ones by response tokens.
type pool struct {
	requests  []int32 // each once
	responses [][]int32
}

func newPool(kinds [][]row) pool {
	var all []row
	for _, rows := range kinds {
		for _, r := range rows {
			if r.request >= 1 && r.response >= 1 {
				all = append(all, r)
			}
		}
	}
	slices.SortFunc(all, func(a, b row) int {
		return cmp.Or(cmp.Compare(a.request, b.request), cmp.Compare(a.response, b.response))
	})
	var p pool
	for _, r := range all {
		last := len(p.requests) - 1
		if last < 0 || p.requests[last] != r.request {
			p.requests, p.responses = append(p.requests, r.request), append(p.responses, nil)
			last++
		}
		p.responses[last] = append(p.responses[last], r.response)
	}
	return p
}

// nearest gives the prompt of the nearest request length, and of these the one of the nearest response length.
func (p pool) nearest(request, response int32) (x, y int32) {
	if len(p.requests) == 0 {
		return request, response
	}
	i := nearest(p.requests, request)
	return p.requests[i], p.responses[i][nearest(p.responses[i], response)]
}

// nearest is the place of the nearest of ascending values, the smaller of two that are as near.
func nearest(ascending []int32, v int32) int {
	i, _ := slices.BinarySearch(ascending, v)
	if i == len(ascending) || i > 0 && v-ascending[i-1] <= ascending[i]-v {
		i--
	}
	return i
}
