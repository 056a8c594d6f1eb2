package workload

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"iter"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/santhosh-tekuri/jsonschema/v6"

	"tidegauge/report"
	"tidegauge/schemas"
)

var update = flag.Bool("update", false, "write the golden files again")

// generated are requests of a profile.
func generated(t testing.TB, p *Profile, o GenerateOptions) iter.Seq[*schemas.Request] {
	t.Helper()
	requests, err := Generate(p, o)
	if err != nil {
		t.Fatal(err)
	}
	return requests
}

// fitted is the profile of requests.
func fitted(t testing.TB, requests iter.Seq[*schemas.Request], o FitOptions) *Profile {
	t.Helper()
	p, err := Fit(context.Background(), func(yield func(*schemas.Request, error) bool) {
		for r := range requests {
			if !yield(r, nil) {
				return
			}
		}
	}, o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func shippedProfile(t testing.TB, name string) *Profile {
	t.Helper()
	p, err := Shipped(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func options(duration time.Duration, seed uint64) GenerateOptions {
	o := DefaultGenerateOptions()
	o.Duration, o.Seed = duration, seed
	return o
}

// summary computes the numbers of requests.
func summary(t testing.TB, requests iter.Seq[*schemas.Request]) *report.Service {
	t.Helper()
	c := report.NewCollector(report.Options{Location: time.UTC})
	for r := range requests {
		c.Add(r)
	}
	s, err := c.Summary()
	if err != nil {
		t.Fatal(err)
	}
	return &s.Services[0]
}

func profileSchema(t testing.TB) *jsonschema.Schema {
	t.Helper()
	document, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema))
	if err != nil {
		t.Fatal(err)
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource("profile.schema.json", document); err != nil {
		t.Fatal(err)
	}
	schema, err := compiler.Compile("profile.schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return schema
}

// TestSchema holds profiles to the schema, and what is read to what was written.
func TestSchema(t *testing.T) {
	schema := profileSchema(t)
	profiles := map[string]*Profile{}
	for _, name := range ShippedNames() {
		profiles[name] = shippedProfile(t, name)
	}
	o := options(6*time.Hour, 1)
	profiles["fitted, by client"] = fitted(t, withClients(generated(t, profiles["burstgpt"], o)), FitOptions{Name: "x", Clients: 3})
	for name, p := range profiles {
		var text bytes.Buffer
		if err := p.Write(&text); err != nil {
			t.Fatal(err)
		}
		document, err := jsonschema.UnmarshalJSON(bytes.NewReader(text.Bytes()))
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(document); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		back, err := Read(&text)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !reflect.DeepEqual(p, back) {
			t.Errorf("%s is another when read back:\n%s", name, cmp.Diff(p, back))
		}
	}
}

// withClients names the clients of requests: a few that ask most.
func withClients(requests iter.Seq[*schemas.Request]) iter.Seq[*schemas.Request] {
	return func(yield func(*schemas.Request) bool) {
		n := 0
		for r := range requests {
			n++
			r.Client = fmt.Sprint("secret-client-", n%7*(n%3))
			if !yield(r) {
				return
			}
		}
	}
}

// TestGolden holds generated logs to their hashes: they are the same on every machine, and after every change that does not mean
// to change them. With -update it writes the hashes.
func TestGolden(t *testing.T) {
	var got strings.Builder
	add := func(name string, p *Profile, o GenerateOptions) {
		hash, n := sha256.New(), 0
		var line []byte
		for r := range generated(t, p, o) {
			line = append(schemas.AppendJSON(line[:0], r), '\n')
			hash.Write(line)
			if n++; n == 5000 {
				break
			}
		}
		fmt.Fprintf(&got, "%s %d %s\n", name, n, hex.EncodeToString(hash.Sum(nil)))
	}
	for _, name := range ShippedNames() {
		add(name, shippedProfile(t, name), options(24*time.Hour, 1))
	}
	o := options(time.Hour, 2)
	o.Rate, o.ScaleBy, o.Burstiness, o.ResponseLength, o.ConversationLength, o.FailureRate = 5, ScaleSuperpose, 1.5, 2, 0.5, 2
	o.ModelMix = map[string]float64{"GPT-4": 0.5}
	o.Labels = []schemas.Label{{Key: "synthetic", Value: "true"}}
	add("burstgpt-changed", shippedProfile(t, "burstgpt"), o)
	const path = "testdata/hashes.txt"
	if *update {
		if err := os.WriteFile(path, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got.String()); d != "" {
		t.Errorf("generated logs have changed (-update, if they are meant to):\n%s", d)
	}
}

// TestOrder generates a log and looks at what holds of every log.
func TestOrder(t *testing.T) {
	for _, name := range ShippedNames() {
		o := options(3*time.Hour, 3)
		var last, turns int64
		ids := map[string]bool{}
		for r := range generated(t, shippedProfile(t, name), o) {
			if r.ArrivalUS < last || r.ArrivalUS < o.Start.UnixMicro() || r.ArrivalUS >= o.Start.Add(o.Duration).UnixMicro() {
				t.Fatalf("%s: a request at %d after one at %d", name, r.ArrivalUS, last)
			}
			last = r.ArrivalUS
			if ids[r.RequestID] {
				t.Fatalf("%s: two requests are %s", name, r.RequestID)
			}
			ids[r.RequestID] = true
			if cut, err := r.Validate(); cut > 0 || err != nil {
				t.Fatalf("%s: %+v: %v", name, r, err)
			}
			if r.Conversation != "" {
				turns++
			}
		}
		if len(ids) == 0 || name == "chat" && turns != int64(len(ids)) {
			t.Errorf("%s: %d requests, %d turns", name, len(ids), turns)
		}
	}
}

// TestStable is the round trip: what is generated from a profile that was fitted to what was generated is the same
// workload again, and so is the second profile the first.
func TestStable(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing in it races")
	}
	for name, scale := range map[string]float64{"chat": 0.3, "api": 0.2, "burstgpt": 1} {
		t.Run(name, func(t *testing.T) {
			const duration = 4 * 24 * time.Hour
			begin := options(duration, 1)
			begin.Scale = scale
			first := fitted(t, generated(t, shippedProfile(t, name), begin), FitOptions{})
			log := summary(t, generated(t, first, options(duration, 2)))
			second := fitted(t, generated(t, first, options(duration, 2)), FitOptions{})
			again := summary(t, generated(t, second, options(duration, 3)))
			// What two logs of one profile differ by, at most.
			other := summary(t, generated(t, first, options(duration, 4)))
			within := func(what string, a, b, spread, least float64) {
				t.Helper()
				if allowed := math.Max(2.5*spread, least*math.Abs(a)); math.Abs(a-b) > allowed {
					t.Errorf("%s: %.4g, and after another round %.4g (allowed ± %.2g)", what, a, b, allowed)
				}
			}
			for i := range first.Services[0].Flows {
				a, b := &first.Services[0].Flows[i], &second.Services[0].Flows[i]
				within("rate of "+a.LogType, a.Arrivals.Rate, b.Arrivals.Rate, 0, 0.35)
				if a.Arrivals.TickUS != b.Arrivals.TickUS || a.Kind != b.Kind || len(a.Models) != len(b.Models) {
					t.Errorf("flow %d is %s of ticks of %d, and after another round %s of %d", i, a.Kind, a.Arrivals.TickUS, b.Kind, b.Arrivals.TickUS)
				}
				if a.Conversations != nil {
					within("turns", a.Conversations.expectedTurns(), b.Conversations.expectedTurns(), 0, 0.12)
				}
			}
			numbers := func(s *report.Service) map[string]float64 {
				st := s.Streams[0]
				return map[string]float64{
					"gap_cv": number(st.Arrivals.GapCV), "idc 1": number(st.Arrivals.IDC.S1), "idc 60": number(st.Arrivals.IDC.S60),
					"request mean": number(st.Lengths.Request.Mean), "response mean": number(st.Lengths.Response.Mean),
					"request p50": number(st.Lengths.Request.P50), "response p90": number(st.Lengths.Response.P90), "pearson": 1 + number(st.Lengths.Pearson), "lag1": 1 + number(st.Lengths.Lag1), "failure rate": number(st.Failures.FailureRate),
				}
			}
			a, b, c := numbers(log), numbers(again), numbers(other)
			for what := range a {
				within(what, a[what], b[what], math.Abs(a[what]-c[what]), 0.3)
			}
		})
	}
}

// number gives a number of a summary, 0 where it is undefined.
func number(x report.Number) float64 {
	if math.IsNaN(float64(x)) {
		return 0
	}
	return float64(x)
}

// TestScale checks what is said of the ways to change the load, on a service whose days and slow drifts are taken away.
func TestScale(t *testing.T) {
	p := shippedProfile(t, "api")
	a := &p.Services[0].Flows[0].Arrivals
	a.Shape, a.Memory = Shape{Period: "none", Hours: []int{One}}, []Memory{}
	const scale = 4
	numbers := func(scale float64, by string) (rate, cv, idc10, idc60 float64) {
		const seeds = 4
		for seed := range uint64(seeds) {
			o := options(4*time.Hour, seed)
			o.Scale, o.ScaleBy = scale, by
			a := summary(t, generated(t, p, o)).Streams[0].Arrivals
			rate, cv = rate+number(a.Rate)/seeds, cv+number(a.GapCV)/seeds
			idc10, idc60 = idc10+number(a.IDC.S10)/seeds, idc60+number(a.IDC.S60)/seeds
		}
		return rate, cv, idc10, idc60
	}
	rate, cv, idc10, idc60 := numbers(1, ScaleCompress)
	for by, holds := range map[string]func(cv2, idc2, idc3 float64) bool{
		ScaleCompress: func(cv2, idc2, _ float64) bool { return math.Abs(cv2/cv-1) < 0.2 && idc2 > 1.3*idc10 },
		ScaleSuperpose: func(cv2, idc2, idc3 float64) bool {
			return cv2 < 0.8*cv && math.Abs(idc2/idc10-1) < 0.25 && math.Abs(idc3/idc60-1) < 0.35
		},
	} {
		rate2, cv2, idc2, idc3 := numbers(scale, by)
		if math.Abs(rate2/rate/scale-1) > 0.2 || !holds(cv2, idc2, idc3) {
			t.Errorf("%d times by %s: rate %.3g to %.3g, gap_cv %.3g to %.3g, idc(10) %.3g to %.3g, idc(60) %.3g to %.3g", scale, by, rate, rate2, cv, cv2, idc10, idc2, idc60, idc3)
		}
	}
}

// TestWhatIf turns each knob.
func TestWhatIf(t *testing.T) {
	p := shippedProfile(t, "burstgpt")
	with := func(change func(*GenerateOptions)) *report.Service {
		o := options(48*time.Hour, 6)
		change(&o)
		return summary(t, generated(t, p, o))
	}
	base := with(func(*GenerateOptions) {})
	for _, c := range []struct {
		name   string
		change func(*GenerateOptions)
		value  func(*report.Service) float64
		from   float64 // of the value, relative
		to     float64
	}{
		{"burstiness", func(o *GenerateOptions) { o.Burstiness = 2 }, func(s *report.Service) float64 { return number(s.Streams[0].Arrivals.IDC.S60) }, 1.3, 10},
		{"no burstiness", func(o *GenerateOptions) { o.Burstiness = 0 }, func(s *report.Service) float64 {
			return number(s.Streams[0].Arrivals.Windows.S300.GapCV.P50)
		}, 0.5, 0.95},
		{"responses", func(o *GenerateOptions) { o.ResponseLength = 2 }, func(s *report.Service) float64 { return number(s.Streams[0].Lengths.Response.Mean) }, 1.9, 2.1},
		{"conversations", func(o *GenerateOptions) { o.ConversationLength = 2 }, func(s *report.Service) float64 { return number(s.Conversations.TurnsPerConversation.Mean) }, 1.3, 4},
		{"failures", func(o *GenerateOptions) { o.FailureRate = 0.5 }, func(s *report.Service) float64 { return number(s.Streams[0].Failures.FailureRate) }, 0.2, 0.7},
	} {
		before, after := c.value(base), c.value(with(c.change))
		if r := after / before; !(r >= c.from && r <= c.to) {
			t.Errorf("%s: %.4g, then %.4g, which is %.3g of it; want %g to %g", c.name, before, after, r, c.from, c.to)
		}
	}
	o := options(48*time.Hour, 6)
	o.ModelMix = map[string]float64{"GPT-4": 0.7}
	models := map[string]int{}
	for r := range generated(t, p, o) {
		models[r.Model]++
	}
	if share := float64(models["GPT-4"]) / float64(models["GPT-4"]+models["ChatGPT"]); math.Abs(share-0.7) > 0.1 {
		t.Errorf("GPT-4 has %.3f of the requests, want 0.7", share)
	}
}

// TestOptions refuses what cannot be generated.
func TestOptions(t *testing.T) {
	p := shippedProfile(t, "burstgpt")
	for name, c := range map[string]struct {
		change func(*GenerateOptions)
		want   string
	}{
		"duration":   {func(o *GenerateOptions) { o.Duration = 0 }, "the duration 0s is not between 0 and ten years"},
		"far":        {func(o *GenerateOptions) { o.Start = time.Date(2099, 12, 31, 23, 0, 0, 0, time.UTC) }, "beyond the year 2100"},
		"scale":      {func(o *GenerateOptions) { o.Scale = math.NaN() }, "the scale is NaN"},
		"by":         {func(o *GenerateOptions) { o.ScaleBy = "thin" }, "compress or superpose"},
		"burstiness": {func(o *GenerateOptions) { o.Burstiness = -1 }, "the burstiness is -1"},
		"model":      {func(o *GenerateOptions) { o.ModelMix = map[string]float64{"GPT-9": 1} }, `no model "GPT-9"`},
		"shares":     {func(o *GenerateOptions) { o.ModelMix = map[string]float64{"GPT-4": 0.7, "ChatGPT": 0.6} }, "more than 1"},
	} {
		o := DefaultGenerateOptions()
		c.change(&o)
		if _, err := Generate(p, o); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

// TestRead refuses documents that are no profile, and says why.
func TestRead(t *testing.T) {
	var text bytes.Buffer
	p := shippedProfile(t, "chat")
	if err := p.Write(&text); err != nil {
		t.Fatal(err)
	}
	good := text.String()
	damaged := func(change func(*Profile)) string {
		p := shippedProfile(t, "chat")
		change(p)
		var b bytes.Buffer
		if err := p.Write(&b); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	for name, c := range map[string]struct{ text, want string }{
		"version":     {strings.Replace(good, SchemaName, "tidegauge.workload/2", 1), "is of version tidegauge.workload/2, and this tidegauge reads tidegauge.workload/1: fit it again"},
		"other":       {`{"schema": "tidegauge.summary/1"}`, "is a tidegauge.summary/1, not a workload profile"},
		"none":        {`{}`, "begins with \"schema\""},
		"no json":     {`service,rate`, "it is no JSON"},
		"cut":         {good[:len(good)/2], "it is no JSON"},
		"key":         {strings.Replace(good, `"min_bucket"`, `"min_buckets"`, 1), `unknown field "min_buckets"`},
		"empty":       {`{"schema": "tidegauge.workload/1", "name": "", "min_bucket": 10, "services": []}`, "services: there is none"},
		"rate":        {damaged(func(p *Profile) { p.Services[0].Flows[0].Arrivals.Rate = -1 }), "arrivals.rate: -1 is not above 0"},
		"order":       {damaged(func(p *Profile) { p.Services[0].Flows[0].Arrivals.Level.Knots[0] = 99_999_999 }), "level.knots"},
		"weights":     {damaged(func(p *Profile) { m := &p.Services[0].Flows[0].Models[0]; m.Lengths.Topics[0].Request = []int{1} }), "lengths.topics[0].request: has"},
		"steps":       {damaged(func(p *Profile) { l := &p.Services[0].Flows[0].Models[0].Lengths; l.Request[0].To[0] = -1 }), "lengths.request[0]: a step from"},
		"step":        {damaged(func(p *Profile) { l := &p.Services[0].Flows[0].Models[0].Lengths; l.Response[1].N[0] = 0 }), "lengths.response[1]: a step of 0 values"},
		"topics":      {damaged(func(p *Profile) { p.Services[0].Flows[0].Models[0].Lengths.Topics = nil }), "lengths.topics: there are 0"},
		"run":         {damaged(func(p *Profile) { p.Services[0].Flows[0].Models[0].Lengths.Topics[0].Run = 99 }), "topics[0].run: 99 is not between 100"},
		"answer":      {damaged(func(p *Profile) { p.Services[0].Flows[0].Models[0].Lengths.Topics[0].Answer[0] = nil }), "topics[0].answer[0]: has 0 weights"},
		"cut shares":  {damaged(func(p *Profile) { c := p.Services[0].Flows[0].Models[0].Lengths.Context; c.Cut = c.Cut[:2] }), "context.cut: has 2 rows"},
		"grown":       {damaged(func(p *Profile) { c := p.Services[0].Flows[0].Models[0].Lengths.Context; c.Grown[1] = c.Grown[1][1:] }), "context.grown[1]: has"},
		"drawn":       {damaged(func(p *Profile) { c := p.Services[0].Flows[0].Models[0].Lengths.Context; c.Drawn[0] = 0 }), "context.drawn"},
		"meant":       {damaged(func(p *Profile) { c := p.Services[0].Flows[0].Models[0].Lengths.Context; c.Meant = c.Meant[1:] }), "quantiles are drawn"},
		"never":       {damaged(func(p *Profile) { p.Services[0].Flows[0].Arrivals.Shape.Hours = []int{0} }), "no request would ever arrive"},
		"model names": {damaged(func(p *Profile) { p.Services[0].Flows[0].Models[0].Model = strings.Repeat("x", 300) }), "has 300 bytes"},
	} {
		_, err := Read(strings.NewReader(c.text))
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
		var version *VersionError
		if isVersion := errors.As(err, &version); isVersion != (name == "version" || name == "other" || name == "none") {
			t.Errorf("%s: %T", name, err)
		}
	}
}

// FuzzRead reads anything, and generates from what is accepted.
func FuzzRead(f *testing.F) {
	f.Add([]byte(`{"schema": "tidegauge.workload/1", "name": "", "min_bucket": 10, "services": [{"service": "s", "requests": 1, "flows": [{"kind": "requests",
		"log_type": "", "requests": 1, "arrivals": {"count": 1, "rate": 1, "tick_us": 1, "shape": {"period": "none", "hours": [10000]}, "cell_us": 64000000,
		"level": {"n": 1, "knots": [10000]}, "memory": [], "splits": [{"halving": 0, "from": 2, "to": 2, "before": -1, "n": 9, "left": [1, 2, 1]}]},
		"models": [{"model": "m", "requests": 1, "weight": 10000, "failure_factor": 0, "latency": {}, "lengths": {"n": 1, "request": [{"from": [1], "to": [5], "n": [1]}],
		"response": [{"from": [2], "to": [2], "n": [3]}], "topics": [{"n": 1, "first": 1, "weight": 1, "run": 100, "request": [1], "answer": [[1]]}]}}]}]}]}`))
	for _, name := range []string{"chat"} {
		if text, err := shipped.ReadFile("shipped/" + name + ".json"); err == nil {
			f.Add(text)
		}
	}
	var text bytes.Buffer
	if err := fitted(f, logOf(time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC), cell, upAndDown()), FitOptions{}).Write(&text); err != nil {
		f.Fatal(err)
	}
	f.Add(text.Bytes())
	f.Fuzz(func(t *testing.T, text []byte) {
		p, err := Read(bytes.NewReader(text))
		if err != nil {
			return
		}
		o := options(time.Hour, 1)
		if o.Check(p) != nil {
			return
		}
		// A profile may claim any rate, and a cell of it is drawn at once.
		for i := range p.Services {
			for j := range p.Services[i].Flows {
				a := p.Services[i].Flows[j].Arrivals
				if a.Rate*float64(a.CellUS)*float64(a.Level.Knots[len(a.Level.Knots)-1])*168 > 1e15 {
					return
				}
				if path := a.Path; path != nil && a.Rate*float64(a.CellUS)*float64(path.Cells)*float64(slices.Max(path.Levels))*168*float64(len(path.Levels)) > 1e15 {
					return
				}
			}
		}
		n := 0
		for r := range generated(t, p, o) {
			if _, err := r.Validate(); err != nil {
				t.Fatal(err)
			}
			if n++; n == 200 {
				break
			}
		}
	})
}

// TestNoRequestIsReadable fits a log with one request that is like no other, and looks for it in the profile; and holds every
// distribution to MinBucket.
func TestNoRequestIsReadable(t *testing.T) {
	if testing.Short() {
		t.Skip("nothing in it races")
	}
	o := options(24*time.Hour, 8)
	log := func(yield func(*schemas.Request) bool) {
		n := 0
		for r := range withClients(generated(t, shippedProfile(t, "burstgpt"), o)) {
			if n++; n == 3000 {
				r.RequestTokens, r.ResponseTokens, r.ElapsedUS, r.MaxTokens = 7_777_777, 7_777_777, 7_777_777, 7_777_777
				r.Client, r.Conversation, r.RequestID, r.PromptID = "secret-7777777", "secret-7777777", "secret-7777777", "secret-7777777"
				r.Model, r.ErrorType, r.FinishReason = "rare-7777777", "rare-7777777", "rare-7777777"
			}
			if !yield(r) {
				return
			}
		}
	}
	p := fitted(t, log, FitOptions{Clients: 2})
	var text bytes.Buffer
	if err := p.Write(&text); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"7777777", "secret"} {
		if strings.Contains(text.String(), word) {
			t.Errorf("%q is in the profile", word)
		}
	}
	if text.Len() > 1<<20 {
		t.Errorf("the profile has %d bytes, more than a megabyte", text.Len())
	}
	distributions := 0
	eachValues(reflect.ValueOf(p), "", func(where string, v Values) {
		distributions++
		if strings.HasSuffix(where, ".Level") || strings.Contains(where, "Silences") {
			return // these are of cells, and of pauses
		}
		steps := max(len(v.Knots)-1, 1)
		if v.N > 0 && v.N/int64(steps) < MinBucket {
			t.Errorf("%s: %d steps of %d values", where, steps, v.N)
		}
		if last := (v.N / int64(steps)) >> len(v.Tail); v.N > 0 && last < MinBucket/2 {
			t.Errorf("%s: the tail ends with %d values", where, last)
		}
	})
	steps := 0
	for _, f := range p.Services[0].Flows {
		for _, m := range f.Models {
			for _, class := range slices.Concat(m.Lengths.Request, m.Lengths.Response) {
				for _, n := range class.N {
					if steps++; n < MinBucket {
						t.Errorf("%s of %s: a step of %d lengths", m.Model, f.LogType, n)
					}
				}
			}
		}
	}
	if distributions < 50 || steps < 100 {
		t.Errorf("only %d distributions and %d steps were looked at", distributions, steps)
	}
}

// eachValues calls f for every distribution in a value.
func eachValues(v reflect.Value, where string, f func(where string, v Values)) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() {
			eachValues(v.Elem(), where, f)
		}
	case reflect.Slice:
		for i := range v.Len() {
			eachValues(v.Index(i), fmt.Sprintf("%s[%d]", where, i), f)
		}
	case reflect.Struct:
		if values, ok := v.Interface().(Values); ok {
			f(where, values)
			return
		}
		for i := range v.NumField() {
			eachValues(v.Field(i), where+"."+v.Type().Field(i).Name, f)
		}
	}
}

// TestTooFew fits logs that are too short, or all alike.
func TestTooFew(t *testing.T) {
	log := func(n int, step int64) iter.Seq2[*schemas.Request, error] {
		return func(yield func(*schemas.Request, error) bool) {
			for i := range n {
				var r schemas.Request
				r.Reset()
				r.Service, r.Model, r.Outcome, r.ArrivalUS = "s", "m", schemas.OK, 1_767_571_200_000_000+int64(i)*step
				if !yield(&r, nil) {
					return
				}
			}
		}
	}
	if _, err := Fit(context.Background(), log(19, 1000), FitOptions{}); !errors.Is(err, ErrTooFew) {
		t.Errorf("19 requests: %v", err)
	}
	for _, step := range []int64{0, 1, 1000, 60_000_000} {
		p, err := Fit(context.Background(), log(500, step), FitOptions{})
		if err != nil {
			t.Fatal(err)
		}
		var text bytes.Buffer
		if err := p.Write(&text); err != nil {
			t.Fatal(err)
		}
		if p, err = Read(&text); err != nil {
			t.Errorf("gaps of %d: %v", step, err)
			continue
		}
		n := 0
		for range generated(t, p, options(time.Second, 1)) {
			if n++; n > 1000 {
				break
			}
		}
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := Fit(ctx, log(10_000, 1000), FitOptions{}); !errors.Is(err, context.Canceled) {
		t.Errorf("a fit that was called off: %v", err)
	}
}

// BenchmarkGenerate is one core's; the target is a million requests a second, encoding included.
func BenchmarkGenerate(b *testing.B) {
	for _, name := range ShippedNames() {
		for _, encoded := range []bool{false, true} {
			b.Run(fmt.Sprintf("%s/json=%t", name, encoded), func(b *testing.B) {
				o := options(10*365*24*time.Hour, 1)
				var line []byte
				n := 0
				b.ReportAllocs()
				for r := range generated(b, shippedProfile(b, name), o) {
					if n++; n > b.N {
						break
					}
					if encoded {
						line = schemas.AppendJSON(line[:0], r)
					}
				}
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds()/1e6, "Mreq/s")
			})
		}
	}
}

// TestNumbersStayOnALine looks at the document as its readers do.
func TestNumbersStayOnALine(t *testing.T) {
	var text bytes.Buffer
	if err := shippedProfile(t, "chat").Write(&text); err != nil {
		t.Fatal(err)
	}
	if !json.Valid(text.Bytes()) || !strings.Contains(text.String(), `"period": "day",`) {
		t.Error("not indented, or no JSON")
	}
	for _, line := range strings.Split(text.String(), "\n") {
		if _, err := fmt.Sscanf(strings.TrimSpace(line), "%d,", new(int)); err == nil {
			t.Fatalf("a number alone on its line: %q", line)
		}
	}
}
