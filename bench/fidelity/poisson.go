package fidelity

import (
	"context"
)

// fitPoisson is what most load generators do (vLLM's and SGLang's benchmarks with --request-rate, GuideLLM, AIPerf): one
// rate for all time, gaps of an exponential distribution. Requests' and responses' lengths are drawn from the half's,
// of one model and log type, each for itself.
func fitPoisson(_ context.Context, half *trace) (generator, error) {
	fs := flows(half)
	return func(seed uint64, from, to int64) (*trace, error) {
		random := newRandom(seed, "poisson")
		var rows []row
		for _, f := range fs {
			gap := float64(half.to-half.from) / float64(len(f.rows))
			for t := random.ExpFloat64() * gap; t < float64(to-from); t += random.ExpFloat64() * gap {
				at := from + int64(t)
				if r, failed := f.fails(at, random); failed {
					rows = append(rows, r)
					continue
				}
				k := f.anyKind(random)
				of := f.okay[k]
				rows = append(rows, success(at, f.kinds[k], of[random.IntN(len(of))].request, of[random.IntN(len(of))].response))
			}
		}
		return half.made(rows, from, to), nil
	}, nil
}
