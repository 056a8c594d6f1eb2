package report_test

import (
	"fmt"
	"math"
	"math/rand/v2"

	"tidegauge/schemas"
)

// randomLog makes a log with ties, failures of all outcomes and statuses, unknown fields, several services, models and
// log types, conversations, request ids and copies. What the log has at all depends on the seed.
func randomLog(seed uint64) []schemas.Request {
	r := rand.New(rand.NewPCG(seed, 1))
	pick := func(of ...float64) float64 { return of[r.IntN(len(of))] }
	g := generator{
		Rand:     r,
		services: 1 + r.IntN(3), models: 1 + r.IntN(3), types: 1 + r.IntN(3),
		clock:         int64(pick(1, 1000, 100_000, 1_000_000)),
		ids:           pick(0, 0.5, 1, 1),
		conversations: pick(0, 0.3, 0.9), talks: 1 + r.IntN(200),
		elapsed: pick(0, 0.7, 1), ttft: pick(0, 0.5, 1), request: pick(0, 0.8, 1, 1), response: pick(0.8, 1, 1),
		failures: pick(0, 0.05, 0.6), shape: pick(0.2, 1, 3), slow: pick(0.3, 5, 400),
		fewTokens: r.IntN(4) == 0,
	}
	n := []int{1, 2, 3, 12, 300, 3000, 8000}[r.IntN(7)]
	if seed%3 == 0 {
		n = 6000
	}
	mean := pick(0.2, 3, 3, 60) // seconds between requests
	at := float64(r.Int64N(2_000_000_000))
	var log []schemas.Request
	for range n {
		at += mean * gammaVariate(r, g.shape) / g.shape
		if r.IntN(2000) == 0 {
			at += r.ExpFloat64() * 30_000 // a pause
		}
		log = append(log, g.request1(int64(at*1e6), len(log)+1))
		for g.ids > 0 && r.IntN(30) == 0 { // a copy of an earlier request that has an id, or one with an id used before
			again := log[r.IntN(len(log))]
			if again.RequestID == "" {
				break
			}
			if r.IntN(3) == 0 {
				again.ArrivalUS += 1 + r.Int64N(1_000_000)
			}
			log = append(log, again)
		}
	}
	r.Shuffle(len(log)/10, func(i, j int) { log[i], log[j] = log[j], log[i] })
	for i := range log { // lines without an id are numbered by their place, as readers do
		if log[i].RequestID == "" {
			log[i].Seq = int64(i + 1)
		}
	}
	return log
}

type generator struct {
	*rand.Rand
	services, models, types, talks           int
	clock                                    int64
	ids, conversations, elapsed, ttft        float64
	request, response, failures, shape, slow float64
	fewTokens, inOutage                      bool
}

func (g *generator) has(p float64) bool { return g.Float64() < p }

// request1 makes one request; line is its number.
func (g *generator) request1(at int64, line int) (r schemas.Request) {
	r.Reset()
	r.Service, r.Model = fmt.Sprintf("service-%d", g.IntN(g.services)), fmt.Sprintf("model/%c", "Bab"[g.IntN(g.models)])
	r.LogType = []string{"", "api", "Ünicode"}[g.IntN(g.types)]
	r.ArrivalUS = at / g.clock * g.clock
	if g.has(g.ids) {
		r.RequestID = fmt.Sprintf("id-%d", line)
	}
	if g.has(g.conversations) {
		r.Conversation = fmt.Sprintf("talk-%d", g.IntN(g.talks))
	}
	tokens := func(mu, sigma float64) int64 {
		if g.fewTokens {
			return g.Int64N(4)
		}
		return int64(min(math.Exp(mu+sigma*g.NormFloat64()), 200_000))
	}
	if g.has(g.request) {
		r.RequestTokens = tokens(5.5, 1.7)
	}
	if g.has(g.response) {
		r.ResponseTokens = tokens(4.5, 1.2) + int64(g.IntN(2))
	}
	if g.has(g.elapsed) {
		r.ElapsedUS = int64(g.ExpFloat64()*g.slow*1e6) / g.clock * g.clock
	}
	if g.has(g.ttft) {
		r.TTFTUS = int64(g.ExpFloat64() * g.slow * 2e5)
	}
	if g.IntN(80) == 0 {
		g.inOutage = !g.inOutage
	}
	r.Outcome = r.GenerationEnd()
	if g.has(g.failures) || (g.inOutage && g.failures > 0 && g.has(0.5)) {
		r.Outcome = schemas.Empty + schemas.Outcome(g.IntN(schemas.Outcomes-int(schemas.Empty)))
		if r.Outcome == schemas.Empty {
			r.ResponseTokens = 0
		}
		if g.IntN(2) == 0 {
			r.StatusCode = []int32{200, 399, 400, 429, 499, 500, 503}[g.IntN(7)]
		}
	}
	return r
}

// gammaVariate draws from Gamma(shape, 1): Marsaglia and Tsang 2000.
func gammaVariate(r *rand.Rand, shape float64) float64 {
	if shape < 1 {
		return gammaVariate(r, shape+1) * math.Pow(r.Float64(), 1/shape)
	}
	d := shape - 1.0/3
	c := 1 / math.Sqrt(9*d)
	for {
		x := r.NormFloat64()
		v := 1 + c*x
		if v <= 0 {
			continue
		}
		v = v * v * v
		if math.Log(1-r.Float64()) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v
		}
	}
}
