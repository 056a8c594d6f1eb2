package workload

import (
	"bytes"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"tidegauge/schemas"
)

// asked is a request of a log that is made for a test: a second after the one before.
type asked struct {
	request, response int64
	conversation      string
}

// asLog gives requests of a second each.
func asLog(all []asked) iter.Seq[*schemas.Request] {
	return func(yield func(*schemas.Request) bool) {
		for i, a := range all {
			var r schemas.Request
			r.Reset()
			r.Service, r.Model, r.Outcome, r.ArrivalUS = "s", "m", schemas.OK, 1_767_571_200_000_000+int64(i)*secondUS
			r.RequestTokens, r.ResponseTokens, r.Conversation = a.request, a.response, a.conversation
			if !yield(&r) {
				return
			}
		}
	}
}

// made gives about as many requests as are wanted of what is fitted to a log.
func made(t testing.TB, log []asked, n int, seed uint64) ([]asked, *Profile) {
	t.Helper()
	p := fitted(t, asLog(log), FitOptions{})
	o := options(time.Duration(float64(n)/p.Rate())*time.Second, seed)
	var all []asked
	for r := range generated(t, p, o) {
		all = append(all, asked{r.RequestTokens, r.ResponseTokens, r.Conversation})
	}
	return all, p
}

func requestsOf(all []asked) []int64 {
	var v []int64
	for _, a := range all {
		v = append(v, a.request)
	}
	return v
}

func responsesOf(all []asked) []int64 {
	var v []int64
	for _, a := range all {
		v = append(v, a.response)
	}
	return v
}

// farApart is the largest difference of the shares that two lists have up to a value (Kolmogorov and Smirnov's distance).
func farApart(a, b []int64) float64 {
	slices.Sort(a)
	slices.Sort(b)
	most := 0.0
	for i, j := 0, 0; i < len(a) && j < len(b); {
		v := min(a[i], b[j])
		for i < len(a) && a[i] == v {
			i++
		}
		for j < len(b) && b[j] == v {
			j++
		}
		most = max(most, math.Abs(float64(i)/float64(len(a))-float64(j)/float64(len(b))))
	}
	return most
}

// TestMarginals fits logs of many kinds, and holds the lengths that are generated to those of the log: nothing may be further off than the
// values that are told together, and what is left of chance.
func TestMarginals(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing in it races")
	}
	for seed := range uint64(6) {
		r := rand.New(rand.NewPCG(seed, 1))
		n := []int{600, 2000, 8000}[seed%3]
		// A mixture: small whole numbers, a long tail, a limit that many reach.
		draw := func() int64 {
			switch u := r.Float64(); {
			case u < 0.3:
				return 1 + int64(r.ExpFloat64()*8)
			case u < 0.35:
				return 4096
			default:
				return 1 + int64(math.Exp(5+1.3*r.NormFloat64()))
			}
		}
		log := make([]asked, n)
		for i := range log {
			log[i] = asked{request: draw(), response: draw()}
			if seed >= 3 && i > 0 && r.Float64() < 0.5 { // neighbours are alike
				log[i].request = log[i-1].request
			}
		}
		again, p := made(t, log, 12_000, seed)
		allowed := float64(MinBucket)/float64(n) + 2/math.Sqrt(float64(len(again)))
		if seed >= 3 {
			allowed *= 1.5
		}
		if d := farApart(requestsOf(log), requestsOf(again)); d > allowed {
			t.Errorf("seed %d: requests of %d are %.4f from the log's, more than %.4f", seed, n, d, allowed)
		}
		if d := farApart(responsesOf(log), responsesOf(again)); d > allowed {
			t.Errorf("seed %d: responses of %d are %.4f from the log's, more than %.4f", seed, n, d, allowed)
		}
		if topics := len(p.Services[0].Flows[0].Models[0].Lengths.Topics); seed < 3 && topics != 1 {
			t.Errorf("seed %d: independent requests have %d topics", seed, topics)
		}
	}
}

// TestSmallValues holds what many share to its own share: no value that is not in the log comes between.
func TestSmallValues(t *testing.T) {
	var log []asked
	for i := range 4000 {
		log = append(log, asked{request: int64(2 + i*7919%4000*i%11*2), response: int64(3 + 5*(i*2741%13))})
	}
	again, _ := made(t, log, 20_000, 1)
	count := func(values []int64) map[int64]float64 {
		c := map[int64]float64{}
		for _, v := range values {
			c[v] += 1 / float64(len(values))
		}
		return c
	}
	for _, of := range []func([]asked) []int64{requestsOf, responsesOf} {
		want, got := count(of(log)), count(of(again))
		for v, share := range got {
			if math.Abs(share-want[v]) > 0.004 {
				t.Errorf("%d has a share of %.4f, and had %.4f", v, share, want[v])
			}
		}
	}
}

// TestFitSteps looks at what is told of any values.
func TestFitSteps(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for range 300 {
		values := make([]int64, MinBucket+r.IntN(400))
		spread := math.Exp(8 * r.Float64())
		for i := range values {
			values[i] = 1 + int64(r.ExpFloat64()*spread)
		}
		sum, n := 0.0, int64(0)
		for _, v := range values {
			sum += float64(v)
		}
		d := fitSteps(values, 1)
		mean := 0.0
		for i := range d.N {
			if d.N[i] < MinBucket || d.To[i] < d.From[i] || d.From[i] < 1 || i > 0 && d.From[i] < d.From[i-1] {
				t.Fatalf("%v: step %d of %d values from %d to %d", values, i, d.N[i], d.From[i], d.To[i])
			}
			n += d.N[i]
			mean += float64(d.N[i]) * float64(d.From[i]+d.To[i]) / 2
		}
		if n != int64(len(values)) {
			t.Fatalf("%d values in steps, of %d", n, len(values))
		}
		if off := math.Abs(mean-sum) / sum; off > 0.02 && math.Abs(mean-sum) > float64(len(values)) {
			t.Errorf("the mean of %d values is %.3f of itself off: %v", len(values), off, d)
		}
	}
}

// TestEven draws as many ranks as there are parts, and looks for one in each.
func TestEven(t *testing.T) {
	s, e := newSource(1), new(even)
	var sum, squares, products, last float64
	const blocks = 500
	for range blocks {
		seen := map[uint64]bool{}
		for range evenParts {
			u := e.draw(s)
			seen[u>>(64-evenBits)] = true
			x := unit(u) - 0.5
			sum, squares, products, last = sum+x, squares+x*x, products+x*last, x
		}
		if len(seen) != evenParts {
			t.Fatalf("%d of %d parts have been drawn", len(seen), evenParts)
		}
	}
	n := float64(blocks * evenParts)
	if mean := sum / n; math.Abs(mean) > 1e-3 {
		t.Errorf("the mean is %g", mean)
	}
	if v := squares / n * 12; math.Abs(v-1) > 0.01 {
		t.Errorf("the variance is %g of an even one", v)
	}
	if r := products / squares; math.Abs(r) > 0.03 {
		t.Errorf("successive ranks have a correlation of %g", r)
	}
}

// logarithms gives the mean and the spread of ln(1 + value) in windows of so many requests, and the correlation of neighbours.
func logarithms(values []int64, window int) (within, between, lag1 float64) {
	var means []float64
	var all float64
	l := make([]float64, len(values))
	for i, v := range values {
		l[i] = math.Log1p(float64(v))
		all += l[i] / float64(len(values))
	}
	n := 0.0
	for from := 0; from+window <= len(l); from += window {
		_, sigma := meanSigma(l[from : from+window])
		mean, _ := meanSigma(l[from : from+window])
		within, means, n = within+sigma, append(means, mean), n+1
	}
	_, between = meanSigma(means)
	var products, squares float64
	for i := 1; i < len(l); i++ {
		products += (l[i] - all) * (l[i-1] - all)
		squares += (l[i] - all) * (l[i] - all)
	}
	return within / n, between, products / squares
}

func meanSigma(values []float64) (mean, sigma float64) {
	for _, v := range values {
		mean += v / float64(len(values))
	}
	for _, v := range values {
		sigma += (v - mean) * (v - mean) / float64(len(values))
	}
	return mean, math.Sqrt(sigma)
}

// TestTopics fits runs of alike requests: windows must be alike in themselves and differ from each other as in the log, and requests must
// hang together with their neighbours and their responses.
func TestTopics(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing in it races")
	}
	r := rand.New(rand.NewPCG(3, 3))
	var log []asked
	for len(log) < 30_000 {
		level, answer := 3+4*r.Float64(), 3+3*r.Float64()
		for range 1 + int(80*r.ExpFloat64()) {
			log = append(log, asked{request: 1 + int64(math.Exp(level+0.3*r.NormFloat64())), response: 1 + int64(math.Exp(answer+0.5*r.NormFloat64()))})
		}
	}
	again, p := made(t, log, len(log), 1)
	if topics := len(p.Services[0].Flows[0].Models[0].Lengths.Topics); topics < 5 {
		t.Errorf("%d topics were found", topics)
	}
	for name, of := range map[string]func([]asked) []int64{"request": requestsOf, "response": responsesOf} {
		within, between, lag1 := logarithms(of(log), 50)
		within2, between2, lag2 := logarithms(of(again), 50)
		if math.Abs(within2/within-1) > 0.3 || math.Abs(between2/between-1) > 0.2 || math.Abs(lag2-lag1) > 0.1 {
			t.Errorf("%s: sigma %.3f in windows, %.3f between them, lag 1 %.3f; made %.3f, %.3f, %.3f", name, within, between, lag1, within2, between2, lag2)
		}
		if d := farApart(of(log), of(again)); d > 0.04 {
			t.Errorf("%s: %.4f from the log's", name, d)
		}
	}
}

// TestDrift fits a log that changes slowly: what is generated changes with it, and begins as it begins.
func TestDrift(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	log := make([]asked, 6000)
	for i := range log {
		log[i] = asked{request: 1 + int64(math.Exp(5+r.NormFloat64())), response: 1 + int64(math.Exp(4+1.5*float64(i)/6000+r.NormFloat64()))}
	}
	again, p := made(t, log, len(log), 1)
	l := &p.Services[0].Flows[0].Models[0].Lengths
	if !l.InTurn || len(l.Topics) < 2 {
		t.Fatalf("in turn: %t, %d topics", l.InTurn, len(l.Topics))
	}
	for third := range 3 {
		a, b := log[third*2000:(third+1)*2000], again[third*len(again)/3:(third+1)*len(again)/3]
		if d := farApart(responsesOf(a), responsesOf(b)); d > 0.1 {
			t.Errorf("third %d: responses are %.3f from the log's", third, d)
		}
	}
}

// TestContexts fits conversations that carry their history up to a window of their own, from which on they are cut and stay near it.
func TestContexts(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing in it races")
	}
	r := rand.New(rand.NewPCG(5, 5))
	var log []asked
	for c := range 3000 {
		window, context := int64(math.Exp(6.5+0.7*r.NormFloat64())), int64(0)
		for turn := 0; turn == 0 || r.Float64() < 0.75; turn++ {
			context += 1 + int64(math.Exp(3+r.NormFloat64()))
			if context > window {
				context = window * int64(60+r.IntN(40)) / 100
			}
			a := asked{request: max(context, 1), response: 1 + int64(math.Exp(4.5+0.9*r.NormFloat64())), conversation: string(appendHex(nil, uint64(c)))}
			log = append(log, a)
			context += a.response
		}
	}
	again, p := made(t, log, len(log), 1)
	if p.Services[0].Flows[0].Models[0].Lengths.Context == nil {
		t.Fatal("no contexts were found")
	}
	type numbers struct {
		growth           []int64
		carried          float64
		requests, answer []int64
	}
	look := func(all []asked) numbers {
		var n numbers
		last := map[string]asked{}
		for _, a := range all {
			if p, ok := last[a.conversation]; ok {
				n.growth = append(n.growth, a.request-p.request)
				if 10*(a.request-p.request) >= 9*p.response {
					n.carried++
				}
			}
			last[a.conversation] = a
		}
		n.carried /= float64(len(n.growth))
		n.requests, n.answer = requestsOf(all), responsesOf(all)
		return n
	}
	a, b := look(log), look(again)
	for name, of := range map[string]func(n numbers) []int64{
		"growth": func(n numbers) []int64 { return n.growth }, "requests": func(n numbers) []int64 { return n.requests }, "responses": func(n numbers) []int64 { return n.answer },
	} {
		if d := farApart(of(a), of(b)); d > 0.05 {
			t.Errorf("%s are %.3f from the log's", name, d)
		}
	}
	if math.Abs(a.carried-b.carried) > 0.05 {
		t.Errorf("%.3f of the turns carry the history, and %.3f did", b.carried, a.carried)
	}
}

// TestAnyLog fits small logs of all sorts, with and without counts of tokens, conversations and failures, and generates of what was fitted.
func TestAnyLog(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing in it races")
	}
	for seed := range uint64(30) {
		r := rand.New(rand.NewPCG(seed, 9))
		n, talks, known := 20+r.IntN(600), r.IntN(3), r.Float64()
		wide := math.Exp(18 * r.Float64())
		tokens := func() int64 {
			if r.Float64() > known {
				return schemas.Unknown
			}
			return min(int64(r.ExpFloat64()*wide), schemas.MaxTokens)
		}
		log := func(yield func(*schemas.Request) bool) {
			for i := range n {
				var q schemas.Request
				q.Reset()
				q.Service, q.Model, q.Outcome, q.ArrivalUS = "s", string(rune('a'+i%(1+talks))), schemas.OK, 1_767_571_200_000_000+int64(i)*secondUS
				q.RequestTokens, q.ResponseTokens = tokens(), tokens()
				if talks > 0 {
					q.Conversation = string(appendHex(nil, uint64(r.IntN(1+n/(1+3*talks)))))
				}
				if r.IntN(5) == 0 {
					q.Outcome, q.ResponseTokens = schemas.Empty, 0
				}
				if !yield(&q) {
					return
				}
			}
		}
		var text bytes.Buffer
		if err := fitted(t, log, FitOptions{}).Write(&text); err != nil {
			t.Fatal(err)
		}
		p, err := Read(&text)
		if err != nil {
			t.Errorf("log %d: %v", seed, err)
			continue
		}
		made := 0
		for q := range generated(t, p, options(time.Hour, seed)) {
			if _, err := q.Validate(); err != nil {
				t.Fatalf("log %d: %v", seed, err)
			}
			if made++; made == 500 {
				break
			}
		}
	}
}
