package workload

import (
	"context"
	"flag"
	"fmt"
	"iter"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"testing"

	"tidegauge/schemas"
)

var updateShipped = flag.Bool("update-shipped", false, "make the shipped profiles again, of the figures below")

// The shipped profiles are made of published figures: a simulation draws a log from them, and Fit describes the log. So they
// are of the same form as any other. TestShipped holds what is generated from them to the figures.

// quantiles is a distribution by published quantiles; between them it is log-linear.
type quantiles struct{ p, v []float64 }

func (q quantiles) at(u float64) float64 {
	i := 1
	for i < len(q.p)-1 && u > q.p[i] {
		i++
	}
	part := (u - q.p[i-1]) / (q.p[i] - q.p[i-1])
	return math.Exp(math.Log(q.v[i-1]) + part*(math.Log(q.v[i])-math.Log(q.v[i-1])))
}

func phi(z float64) float64 { return 0.5 * math.Erfc(-z/math.Sqrt2) }

// simulated is a flow to simulate.
type simulated struct {
	service, logType string
	models           []string
	shares           []float64
	run              float64 // requests of one model in a row, on average
	starts           func(r *rand.Rand, days float64) []float64
	turns            func(r *rand.Rand, turn int) bool // whether another turn follows
	pause            func(r *rand.Rand) float64
	request          []quantiles // by model
	response         []quantiles
	first            *quantiles // of a conversation's first request
	carried          float64    // share of follow-ups that carry the history
	said             quantiles
	joint            float64 // correlation of request and response (normal scores)
	memory           float64 // correlation of neighbouring responses, and requests (normal scores)
	failure          float64
	failureRun       float64 // failures in a row, on average
	elapsed          func(r *rand.Rand, response float64) float64
	reasoning        *quantiles // share of the response
	tick             float64
}

// log draws the flow's requests.
func (s *simulated) log(seed uint64, days float64) []schemas.Request {
	r := rand.New(rand.NewPCG(seed, 7))
	begin := float64(1_767_571_200) // Monday, 2026-01-05
	var all []schemas.Request
	model, left, failing := 0, 0.0, 0.0
	zx, zy := r.NormFloat64(), r.NormFloat64()
	conversation := 0
	type due struct {
		at    float64
		talk  int
		turn  int
		x, y  int64
		model int
	}
	var plan []due
	for _, at := range s.starts(r, days) {
		plan = append(plan, due{at: at, talk: -1, turn: 1, model: -1})
	}
	end := days * 86400
	for i := 0; i < len(plan); i++ {
		d := plan[i]
		if d.model < 0 {
			if left < 1 {
				u := r.Float64()
				for model = 0; model < len(s.models)-1 && u > s.shares[model]; model++ {
					u -= s.shares[model]
				}
				left = 1 + r.ExpFloat64()*(s.run-1)
			}
			left--
			d.model = model
		}
		var q schemas.Request
		q.Reset()
		q.Service, q.LogType, q.Model, q.Outcome = s.service, s.logType, s.models[d.model], schemas.OK
		at := d.at
		if s.tick > 0 {
			at = math.Floor(at/s.tick) * s.tick
		}
		q.ArrivalUS = int64((begin + at) * 1e6)
		keep := math.Sqrt(1 - s.memory*s.memory)
		zx = s.memory*zx + keep*r.NormFloat64()
		zy = s.memory*zy + keep*r.NormFloat64()
		z := s.joint*zx + math.Sqrt(1-s.joint*s.joint)*zy
		x := s.request[d.model].at(phi(zx))
		switch {
		case d.turn == 1 && s.first != nil:
			x = s.first.at(phi(zx))
		case d.turn > 1 && r.Float64() < s.carried:
			x = float64(d.x+d.y) + s.said.at(r.Float64())
		case d.turn > 1:
			x = float64(d.x+d.y) * (0.3 + 0.6*r.Float64())
		}
		q.RequestTokens = max(1, int64(x))
		q.ResponseTokens = max(1, int64(s.response[d.model].at(phi(z))))
		if failing < 1 && s.failure > 0 && r.Float64() < s.failure/s.failureRun {
			failing = 1 + r.ExpFloat64()*(s.failureRun-1)
		}
		if failing >= 1 {
			failing--
			q.Outcome, q.ResponseTokens = schemas.Empty, 0
		}
		if s.elapsed != nil {
			q.ElapsedUS = int64(s.elapsed(r, float64(q.ResponseTokens)) * 1e6)
			if s.tick > 0 {
				q.ElapsedUS -= q.ElapsedUS % int64(s.tick*1e6)
			}
		}
		if s.reasoning != nil && q.ResponseTokens > 0 {
			q.ReasoningTokens = int64(math.Min(s.reasoning.at(r.Float64()), 1) * float64(q.ResponseTokens))
		}
		if s.turns != nil {
			if d.talk < 0 {
				conversation++
				d.talk = conversation
			}
			q.Conversation = fmt.Sprint(s.logType, d.talk)
			if next := d.at + s.pause(r) + max(float64(q.ElapsedUS)/1e6, 0); s.turns(r, d.turn) && next < end {
				plan = append(plan, due{next, d.talk, d.turn + 1, q.RequestTokens, q.ResponseTokens, d.model})
			}
		}
		all = append(all, q)
	}
	return all
}

// dayShape is a day with a peak and a trough: exp of a cosine, the trough at 4 o'clock UTC, ratio peak/trough.
func dayShape(ratio float64) func(t float64) float64 {
	return func(t float64) float64 {
		return math.Exp(math.Log(ratio) / 2 * -math.Cos(2*math.Pi*(t/86400-4.0/24)))
	}
}

// gammaArrivals are gaps of a Gamma distribution in a time that runs with the rate: the day's shape, a slow drift with a
// spread and a time constant of its own (s), and a shape of the Gamma that drifts too.
func gammaArrivals(rate float64, day func(float64) float64, spread, constant, shapeMedian, shapeSpread float64) func(*rand.Rand, float64) []float64 {
	return func(r *rand.Rand, days float64) []float64 {
		const step = 30.0
		var times []float64
		drift, form := r.NormFloat64(), r.NormFloat64()
		keep, keepForm := math.Exp(-step/constant), math.Exp(-step/3600)
		work := 0.0
		sum := 0.0
		for t := 0.0; t < 86400; t += step {
			sum += day(t) * step / 86400
		}
		next := gamma(r, shapeMedian)
		for t := 0.0; t < days*86400; t += step {
			drift = keep*drift + math.Sqrt(1-keep*keep)*r.NormFloat64()
			form = keepForm*form + math.Sqrt(1-keepForm*keepForm)*r.NormFloat64()
			speed := rate * day(t) / sum * math.Exp(spread*drift-spread*spread/2)
			at := t
			for work+speed*(t+step-at) >= next {
				at += (next - work) / speed
				work = next
				times = append(times, at)
				shape := shapeMedian * math.Exp(shapeSpread*form)
				next += gamma(r, shape)
			}
			work += speed * (t + step - at)
		}
		return times
	}
}

// clusterArrivals are bursts: Poisson beginnings, geometric numbers, exponential gaps within.
func clusterArrivals(rate float64, day func(float64) float64, size, gap float64) func(*rand.Rand, float64) []float64 {
	begin := gammaArrivals(rate/size, day, 0.5, 600, 1, 0)
	return func(r *rand.Rand, days float64) []float64 {
		var times []float64
		for _, at := range begin(r, days) {
			for {
				times = append(times, at)
				if r.Float64() < 1/size {
					break
				}
				at += r.ExpFloat64() * gap
			}
		}
		slices.Sort(times)
		return times
	}
}

// gamma draws a Gamma number of mean 1 (Marsaglia & Tsang 2000).
func gamma(r *rand.Rand, shape float64) float64 {
	a, boost := shape, 1.0
	if a < 1 {
		boost = math.Pow(r.Float64(), 1/a)
		a++
	}
	d := a - 1.0/3
	for {
		x := r.NormFloat64()
		v := math.Pow(1+x/math.Sqrt(9*d), 3)
		if v > 0 && math.Log(r.Float64()) < 0.5*x*x+d-d*v+d*math.Log(v) {
			return d * v * boost / shape
		}
	}
}

// burstTurns are BurstGPT's published shares of conversations by turns, as chances to go on, and a tail that reaches p99 = 31.
func burstTurns(r *rand.Rand, turn int) bool {
	shares := []float64{.355, .204, .119, .076, .051, .037, .028, .021, .018, .013}
	left := 1.0
	for k, s := range shares {
		if turn == k+1 {
			return r.Float64() > s/left
		}
		left -= s
	}
	return r.Float64() < 0.908
}

func lognormal(mu, sigma, least, most float64) func(*rand.Rand) float64 {
	return func(r *rand.Rand) float64 { return math.Max(least, math.Min(math.Exp(mu+sigma*r.NormFloat64()), most)) }
}

const (
	sourceBurst   = "BurstGPT, arXiv 2401.17644 (KDD 2025) and github.com/HPMLL/BurstGPT, release 2: turns (Figure 9), zero-token responses as failures; quantiles of lengths, elapsed, pauses, 5-minute gap_cv and peak/trough as re-measured on the released file BurstGPT_3.csv (CC-BY-4.0)"
	sourceAzure   = "Azure LLM inference trace 2023 (Splitwise, ISCA 2024; github.com/Azure/AzurePublicDataset, CC-BY-4.0): medians of lengths; gap_cv, idc, quantiles and correlation of lengths as computed on the released file"
	sourceDynamo  = "DynamoLLM (HPCA 2025) and the Azure LLM inference trace 2024: peak and trough of the day"
	sourceBailian = "KVCache in the Wild (USENIX ATC 2025; qwen-bailian traces), trace A: pauses between turns (lognormal mu 4.82, sigma 1.25), share of follow-ups"
	sourceServe   = "ServeGen, arXiv 2505.09999 (NSDI 2026) and github.com/alibaba/ServeGen: deepseek-r1's lengths, ratio of reasoning tokens, gap_cv by window, share and pauses of conversations, as published and computed on the released files (weighted by rate)"
	invented      = "Not published anywhere, and chosen here: how long fluctuations last, how failures follow each other, and (but for burstgpt) the rate, which --rate sets"
)

// recipe is a shipped profile: what to simulate, and what to say.
type recipe struct {
	description string
	sources     []string
	days        float64
	flows       []simulated
}

func recipes() map[string]recipe {
	q := func(p, v []float64) quantiles { return quantiles{p, v} }
	return map[string]recipe{
		"chat": {
			description: "People in conversations: calm arrivals, contexts that grow, a mild day. Arrivals like Azure's conversation service, conversations like BurstGPT's and Bailian's. No latencies: none were published",
			sources:     []string{sourceAzure, sourceDynamo, sourceBurst, sourceBailian, invented},
			days:        3,
			flows: []simulated{{
				service: "chat", logType: "conversation", models: []string{"chat-model"}, shares: []float64{1}, run: 1,
				starts: gammaArrivals(0.24, dayShape(3.3), 0.22, 400, 0.95, 0), turns: burstTurns, pause: lognormal(4.82, 1.25, 1, 40_000),
				request:  []quantiles{q([]float64{0, .5, .9, .99, 1}, []float64{20, 1020, 2500, 4200, 8000})},
				response: []quantiles{q([]float64{0, .05, .25, .5, .75, .9, .99, 1}, []float64{8, 38, 84, 129, 390, 424, 601, 1000})},
				first:    &quantiles{[]float64{0, .25, .5, .75, .95, 1}, []float64{5, 35, 90, 210, 600, 2000}},
				carried:  0.6, said: q([]float64{0, .5, .9, 1}, []float64{2, 30, 200, 1500}), joint: 0.07, memory: 0.1,
			}},
		},
		"api": {
			description: "Programs in bursts: some eighty calls within seconds, then nothing; long requests, short answers. Like Azure's code service. No latencies: none were published",
			sources:     []string{sourceAzure, sourceDynamo, invented},
			days:        7,
			flows: []simulated{{
				service: "api", logType: "api", models: []string{"code-model"}, shares: []float64{1}, run: 1,
				starts:   clusterArrivals(2.5, dayShape(9), 60, 0.07),
				request:  []quantiles{q([]float64{0, .05, .25, .5, .9, .99, 1}, []float64{5, 75, 577, 1469, 5188, 7436, 7437})},
				response: []quantiles{q([]float64{0, .05, .25, .5, .75, .9, .99, 1}, []float64{1, 6, 9, 13, 24, 55, 251, 1900})},
				joint:    0, memory: 0,
			}},
		},
		"reasoning": {
			description: "A reasoning model: near Poisson arrivals, answers a hundred times longer than an API's, most of each spent on reasoning; few conversations. Like ServeGen's deepseek-r1. No latencies: none were published",
			sources:     []string{sourceServe, invented},
			days:        3,
			flows: []simulated{
				{
					service: "reasoning", logType: "", models: []string{"reasoning-model"}, shares: []float64{1}, run: 1,
					starts:  gammaArrivals(0.904, dayShape(2), 0.2, 1200, 0.95, 0.1),
					request: []quantiles{reasoningInput}, response: []quantiles{reasoningOutput}, joint: 0.1, memory: 0.05, reasoning: &reasoningShare,
				},
				{
					service: "reasoning", logType: "", models: []string{"reasoning-model"}, shares: []float64{1}, run: 1,
					starts: gammaArrivals(0.0274, dayShape(2), 0.2, 1200, 0.95, 0.1),
					turns:  func(r *rand.Rand, turn int) bool { return turn == 1 || r.Float64() < 0.6 }, pause: lognormal(math.Log(100), 1, 1, 20_000),
					request: []quantiles{reasoningInput}, response: []quantiles{reasoningOutput}, first: &reasoningInput,
					carried: 0.6, said: q([]float64{0, .5, .9, 1}, []float64{2, 40, 400, 3000}), joint: 0.1, memory: 0.05, reasoning: &reasoningShare,
				},
			},
		},
		"burstgpt": {
			description: "A campus and its enterprises: bursty API calls of two models by day and night, conversations by day, whole seconds. Like BurstGPT's second release, in quantiles: its rows are not in it",
			sources:     []string{sourceBurst, invented},
			days:        14,
			flows: []simulated{
				{
					service: "burstgpt", logType: "API log", models: []string{"ChatGPT", "GPT-4"}, shares: []float64{.85, .15}, run: 20, tick: 1,
					starts:   gammaArrivals(0.54, dayShape(3.01), 1.0, 5400, 0.5, 1.1),
					request:  []quantiles{q([]float64{0, .5, .9, .99, 1}, []float64{6, 326, 794, 3141, 30_000}), q([]float64{0, .5, .9, .99, 1}, []float64{6, 326, 794, 3141, 100_000})},
					response: []quantiles{q([]float64{0, .5, .9, .99, 1}, []float64{1, 13, 105, 760, 3000}), q([]float64{0, .3, .5, .9, .99, 1}, []float64{1, 8, 40, 300, 1038, 4000})},
					joint:    0.5, memory: 0.75, failure: 0.08, failureRun: 4,
					elapsed: func(r *rand.Rand, y float64) float64 {
						return 0.3*math.Exp(1.2*r.NormFloat64()) + 0.02*y*math.Exp(0.5*r.NormFloat64())
					},
				},
				{
					service: "burstgpt", logType: "Conversation log", models: []string{"ChatGPT", "GPT-4"}, shares: []float64{.7, .3}, run: 1, tick: 1,
					starts: gammaArrivals(0.006, dayShape(34.8), 0.2, 1800, 0.95, 0), turns: burstTurns, pause: lognormal(4.9, 1.75, 5, 80_000),
					request:  []quantiles{q([]float64{0, .5, .9, .99, 1}, []float64{8, 517, 2354, 5630, 30_000}), q([]float64{0, .5, .9, .99, 1}, []float64{8, 517, 2354, 5630, 70_000})},
					response: []quantiles{q([]float64{0, .5, .9, .99, 1}, []float64{3, 150, 520, 1000, 3000}), q([]float64{0, .5, .9, .99, 1}, []float64{3, 330, 950, 1500, 4000})},
					first:    &quantiles{[]float64{0, .25, .5, .75, .95, 1}, []float64{5, 30, 80, 190, 650, 3000}},
					carried:  0.6, said: q([]float64{0, .5, .9, 1}, []float64{2, 25, 180, 3000}), joint: 0.3, memory: 0.1, failure: 0.0079, failureRun: 1.5,
					elapsed: func(r *rand.Rand, y float64) float64 {
						return 0.6*math.Exp(r.NormFloat64()) + 0.02*y*math.Exp(0.5*r.NormFloat64())
					},
				},
			},
		},
	}
}

var (
	reasoningInput  = quantiles{[]float64{0, .25, .5, .75, .9, .99, 1}, []float64{4, 60, 208, 900, 3200, 16_000, 60_000}}
	reasoningOutput = quantiles{[]float64{0, .25, .5, .75, .9, .99, 1}, []float64{20, 390, 792, 1750, 3500, 12_607, 32_000}}
	// The published histogram's deciles, added up.
	reasoningShare = quantiles{[]float64{0, .0016, .0326, .1526, .2496, .3226, .4116, .5626, .7566, 1}, []float64{.05, .2, .3, .4, .5, .6, .7, .8, .9, 1}}
)

// simulate gives the log of a recipe.
func (r recipe) simulate() iter.Seq2[*schemas.Request, error] {
	return func(yield func(*schemas.Request, error) bool) {
		for i := range r.flows {
			rows := r.flows[i].log(uint64(i+1), r.days)
			for j := range rows {
				if !yield(&rows[j], nil) {
					return
				}
			}
		}
	}
}

func TestMakeShipped(t *testing.T) {
	if !*updateShipped {
		t.Skip("-update-shipped makes them")
	}
	for name, r := range recipes() {
		p, err := Fit(context.Background(), r.simulate(), FitOptions{Name: name, Description: r.description, NoPath: true})
		if err != nil {
			t.Fatal(err)
		}
		p.Fitted, p.Sources = nil, r.sources
		f, err := os.Create("shipped/" + name + ".json")
		if err != nil {
			t.Fatal(err)
		}
		if err := p.Write(f); err != nil {
			t.Fatal(err)
		}
		if err := f.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
