package contrast

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"maps"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tidegauge/report"
	"tidegauge/schemas"
	"tidegauge/traces"
)

// workload records requests as one side.
func workload(t *testing.T, name string, log iter.Seq[*schemas.Request]) *Workload {
	t.Helper()
	r := NewRecorder(name, Mapping{}, report.Options{})
	for q := range log {
		r.Add(q)
	}
	w, err := r.Workload()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// sampleOf is the sample log.
func sampleOf(seed uint64, days int) iter.Seq[*schemas.Request] {
	c := traces.DefaultSampleConfig()
	c.Seed, c.Days = seed, days
	return traces.Sample(c)
}

// changed gives the requests of a log after something was done to each.
func changed(log iter.Seq[*schemas.Request], change func(*schemas.Request)) iter.Seq[*schemas.Request] {
	return func(yield func(*schemas.Request) bool) {
		for q := range log {
			r := *q
			if change(&r); !yield(&r) {
				return
			}
		}
	}
}

// poisson is requests of a rate, an hour long unless n says otherwise.
func poisson(seed uint64, rate float64, n int) iter.Seq[*schemas.Request] {
	return func(yield func(*schemas.Request) bool) {
		random := rand.New(rand.NewPCG(seed, 3))
		at := 0.0
		for i := range n {
			at += random.ExpFloat64() / rate
			var r schemas.Request
			r.Reset()
			r.Service, r.Model, r.Outcome, r.Seq = "s", "m", schemas.OK, int64(i)
			r.ArrivalUS = int64(at * 1e6)
			r.RequestTokens = int64(math.Exp(6 + random.NormFloat64()))
			r.ResponseTokens = 1 + int64(math.Exp(5+random.NormFloat64()))
			if !yield(&r) {
				return
			}
		}
	}
}

// day is a day of the sample log, recorded once: comparing changes nothing.
var day = sync.OnceValue(func() *Workload {
	r := NewRecorder("a", Mapping{}, report.Options{})
	for q := range sampleOf(1, 1) {
		r.Add(q)
	}
	w, err := r.Workload()
	if err != nil {
		panic(err)
	}
	return w
})

// long leaves a test out of the race detector's lane: nothing here runs at the same time as anything else.
func long(t *testing.T) {
	if testing.Short() {
		t.Skip("one goroutine, many requests")
	}
}

func verdicts(s *Stream) map[string]Verdict {
	out := map[string]Verdict{}
	for _, v := range s.Sections {
		out[v.Section] = v.Verdict
	}
	return out
}

func find1(t *testing.T, s *Stream, name string) Measure {
	t.Helper()
	for _, section := range s.Sections {
		for _, m := range section.Measures {
			if m.Name == name {
				return m
			}
		}
	}
	t.Fatalf("there is no measure %s", name)
	return Measure{}
}

func compareWhole(a, b *Workload) *Stream {
	c, _ := Compare(a, b, Options{WholeOnly: true})
	return &c.Streams[0]
}

// TestItself: nothing differs between a trace and itself, whatever it is of.
func TestItself(t *testing.T) {
	long(t)
	c, _ := Compare(day(), workload(t, "b", sampleOf(1, 1)), Options{})
	if len(c.Streams) != 5 || c.Verdict != Alike {
		t.Fatalf("%d streams, verdict %s", len(c.Streams), c.Verdict)
	}
	for _, s := range c.Streams {
		for _, section := range s.Sections {
			if section.Verdict != Alike {
				t.Errorf("%s: %s is %s: %s", streamName(&s), section.Section, section.Verdict, section.Reason)
			}
			for _, m := range section.Measures {
				if m.Distance != 0 {
					t.Errorf("%s: %s is %g apart from itself", streamName(&s), m.Name, float64(m.Distance))
				}
			}
		}
		for _, d := range s.Distance {
			if d.N.A > 0 && (d.KS != 0 || d.Wasserstein != 0) {
				t.Errorf("%s: %s: KS %g, Wasserstein %g", streamName(&s), d.Name, float64(d.KS), float64(d.Wasserstein))
			}
		}
		for _, n := range s.Numbers {
			if n.A != n.B && n.A.Defined() {
				t.Errorf("%s: %s is %g and %g", streamName(&s), n.Name, float64(n.A), float64(n.B))
			}
		}
	}
}

// TestCompressed: in half the time the same comes twice as often. What is relative to the mean gap stays; counts in
// fixed bins do not.
func TestCompressed(t *testing.T) {
	long(t)
	half := changed(sampleOf(1, 2), func(r *schemas.Request) { r.ArrivalUS = (r.ArrivalUS-1767571200000000)/2 + 1767571200000000 })
	s := compareWhole(workload(t, "a", sampleOf(1, 2)), workload(t, "b", half))
	if v := verdicts(s); v[Load] != Differs || v[Burstiness] != Differs || v[Lengths] != Alike || v[Failures] != Alike || v[Latency] != Alike {
		t.Errorf("verdicts: %v", v)
	}
	if m := find1(t, s, "arrivals.rate"); m.Verdict != Differs || math.Abs(float64(m.Distance)-1) > 1e-3 {
		t.Errorf("rate: %+v", m)
	}
	for _, name := range []string{"arrivals.gap_cv", "gap_shape"} {
		if m := find1(t, s, name); m.Verdict != Alike || m.Distance > 2e-3 {
			t.Errorf("%s: %+v", name, m)
		}
	}
	if m := find1(t, s, "arrivals.idc.60"); m.Verdict != Differs || m.B < m.A {
		t.Errorf("idc: %+v", m)
	}
	if m := find1(t, s, "conversations.interval"); m.Verdict != Differs || !strings.Contains(section(s, Conversations).Meaning, "sooner") {
		t.Errorf("intervals: %+v, %s", m, section(s, Conversations).Meaning)
	}
}

func section(s *Stream, name string) Section {
	return s.Sections[slices.IndexFunc(s.Sections, func(v Section) bool { return v.Section == name })]
}

// TestPoisson: a Poisson process of the same rate and lengths is not the same load, and the reason says in what.
func TestPoisson(t *testing.T) {
	const n, rate = 20_000, 5
	bursty := func(yield func(*schemas.Request) bool) {
		random := rand.New(rand.NewPCG(5, 5))
		at := 0.0
		for q := range poisson(1, rate, n) { // gaps of a Gamma distribution of shape 1/4, each the sum of the last four of a square
			z := random.NormFloat64()
			at += z * z * z * z / 3 / rate
			r := *q
			if r.ArrivalUS = int64(at * 1e6); !yield(&r) {
				return
			}
		}
	}
	s := compareWhole(workload(t, "a", bursty), workload(t, "b", poisson(2, rate, n)))
	if v := verdicts(s); v[Burstiness] != Differs || v[Lengths] != Alike || v[Failures] != Alike || v[Conversations] != Absent || v[Latency] != Absent {
		t.Errorf("verdicts: %v", v)
	}
	if b := section(s, Burstiness); !strings.Contains(b.Meaning, "B") || b.Decided == "" {
		t.Errorf("%+v", b)
	}
	if m := find1(t, s, "arrivals.gap_cv"); m.Verdict != Differs || m.A < 2 || math.Abs(float64(m.B)-1) > 0.05 {
		t.Errorf("gap_cv: %+v", m)
	}
	for i, c := range s.Counts {
		if c.BinSeconds == 1 && math.Abs(float64(c.B)) > 0.05 {
			t.Errorf("lag %d of a Poisson process: %g", i, float64(c.B))
		}
	}
}

// TestFalseAlarms: two logs of one process are seldom called different. The rule's promise, on pairs of days and of hours.
func TestFalseAlarms(t *testing.T) {
	long(t)
	wrong, all := map[string]int{}, 0
	count := func(s *Stream) {
		for _, section := range s.Sections {
			all++
			if section.Verdict == Differs {
				wrong[section.Section]++
				t.Logf("%s: %s", section.Section, section.Reason)
			}
		}
	}
	for i := range uint64(4) {
		count(compareWhole(workload(t, "a", sampleOf(2*i, 1)), workload(t, "b", sampleOf(2*i+1, 1))))
		count(compareWhole(workload(t, "a", poisson(2*i, 2, 5000)), workload(t, "b", poisson(2*i+1, 2, 7000))))
	}
	total := 0
	for _, n := range wrong {
		total += n
	}
	if total > all/20 {
		t.Errorf("%d of %d sections differ where nothing does: %v", total, all, wrong)
	}
}

// TestTotals: what the yardstick's parts add up to is what the summary has.
func TestTotals(t *testing.T) {
	long(t)
	w := day()
	s, summary := w.stream(nil, nil), &w.service().Streams[0]
	for _, width := range []int64{1, 20, 60} {
		l := newLayout()
		for which := range samples {
			v := sorted(s.values(which))
			l.cut(which, v, v)
		}
		p := sum(s.everyPart(newCutting(s, width*schemas.MinuteUS, 7), l), l)
		for _, c := range []struct {
			name string
			got  float64
			want report.Number
		}{
			{"rate", p[requests] / p[seconds], summary.Arrivals.Rate},
			{"gap_cv", p.gapCV(), summary.Arrivals.GapCV},
			{"idc 1", p.idc(0), summary.Arrivals.IDC.S1},
			{"idc 10", p.idc(1), summary.Arrivals.IDC.S10},
			{"idc 60", p.idc(2), summary.Arrivals.IDC.S60},
			{"pearson", p.pearson(), summary.Lengths.Pearson},
			{"request mean", p[lengthX] / p[lengthN], summary.Lengths.Request.Mean},
			{"failure_rate", p[failed] / p[requests], summary.Failures.FailureRate},
			{"failure_after_failure", p[failedAgain] / p[afterFailed], summary.Failures.FailureAfterFailure},
			{"turns", p[turnsSum] / p[turnsN], w.service().Conversations.TurnsPerConversation.Mean},
			{"windows", total(l.bins(p, windowCVs)), report.Number(summary.Arrivals.Windows.S300.Windows)},
			{"latencies", total(l.bins(p, tpot)), report.Number(summary.Latency.TPOT.N)},
		} {
			if math.Abs(c.got-float64(c.want)) > 1e-8*math.Abs(float64(c.want)) {
				t.Errorf("%s in blocks of %d min: %.12g, want %.12g", c.name, width, c.got, float64(c.want))
			}
		}
	}
}

// TestFixture: the numbers side by side are those of docs/metrics.md's fixture.
func TestFixture(t *testing.T) {
	at := int64(0)
	log := func(yield func(*schemas.Request) bool) {
		at = 0
		for i, gap := range []int64{0, 100000, 200000, 400000, 800000, 1600000, 300000, 5000000, 50000, 700000, 2500000} {
			var r schemas.Request
			r.Reset()
			at += gap
			r.Service, r.Model, r.Outcome, r.ArrivalUS, r.Seq = "s", "m", schemas.OK, at, int64(i)
			if !yield(&r) {
				return
			}
		}
	}
	s := compareWhole(workload(t, "a", log), workload(t, "b", poisson(1, 1, 500)))
	for name, want := range map[string]float64{"arrivals.gap_cv": 1.2635895787, "arrivals.gap_mean": 1.165, "arrivals.burstiness": .1164476021,
		"arrivals.gamma_shape_mle": .7372085359, "arrivals.families.lognormal.ks": .09650} {
		i := slices.IndexFunc(s.Numbers, func(n NumberPair) bool { return n.Name == name })
		if i < 0 || math.Abs(float64(s.Numbers[i].A)-want) > 1e-5 {
			t.Errorf("%s: %v, want %g", name, s.Numbers[max(i, 0)], want)
		}
	}
	if m := find1(t, s, "arrivals.gap_cv"); m.Verdict != CannotTell || m.Reason != "too few: 10 in A, it takes 100" || math.Abs(float64(m.A)-1.2635895787) > 1e-9 {
		t.Errorf("%+v", m)
	}
	if v := verdicts(s); v[Load] != CannotTell || v[Burstiness] != CannotTell || v[Lengths] != CannotTell {
		t.Errorf("of eleven requests without lengths: %v", v)
	}
}

// TestOneSided: what one side lacks cannot be told, and is not called alike.
func TestOneSided(t *testing.T) {
	long(t)
	without := changed(sampleOf(1, 1), func(r *schemas.Request) { r.Conversation, r.ElapsedUS, r.TTFTUS = "", schemas.Unknown, schemas.Unknown })
	s := compareWhole(day(), workload(t, "b", without))
	if v := verdicts(s); v[Conversations] != CannotTell || v[Latency] != CannotTell || v[Load] != Alike {
		t.Errorf("verdicts: %v", v)
	}
	if r := section(s, Conversations).Reason; !strings.Contains(r, "B has none") {
		t.Error(r)
	}
}

// TestServices: a side's services are one load, and their conversations stay apart.
func TestServices(t *testing.T) {
	log := func(services ...string) iter.Seq[*schemas.Request] {
		return func(yield func(*schemas.Request) bool) {
			for i := range 600 {
				var r schemas.Request
				r.Reset()
				r.Service, r.Model, r.Outcome, r.ArrivalUS, r.Seq = services[i%len(services)], "m", schemas.OK, int64(i)*1e6, int64(i)
				r.Conversation, r.RequestID = "1", "x"
				if !yield(&r) {
					return
				}
			}
		}
	}
	w := workload(t, "a", log("one", "two", "three"))
	if n := w.service().Conversations.Conversations; n != 3 || w.service().Requests != 600 || w.Services["two"] != 200 {
		t.Errorf("%d conversations of %d requests, %v", n, w.service().Requests, w.Services)
	}
}

// TestStreams: what both name is compared, under the names it has in B.
func TestStreams(t *testing.T) {
	long(t)
	renamed := changed(sampleOf(1, 1), func(r *schemas.Request) { r.Model = strings.ReplaceAll(r.Model, "small-8b", "tiny") })
	a := NewRecorder("a", Mapping{Models: map[string]string{"small-8b": "tiny"}, LogTypes: map[string]string{"api": "batch"}}, report.Options{})
	for q := range sampleOf(1, 1) {
		a.Add(q)
	}
	mapped, err := a.Workload()
	if err != nil {
		t.Fatal(err)
	}
	c, _ := Compare(mapped, workload(t, "b", renamed), Options{})
	var names []string
	for _, s := range c.Streams {
		names = append(names, streamName(&s))
	}
	if got := strings.Join(names, ", "); got != "all requests, log type conversation, model large-70b, model tiny" {
		t.Errorf("streams: %s", got)
	}
}

// TestSections: only those that count decide on all.
func TestSections(t *testing.T) {
	slow := changed(sampleOf(1, 1), func(r *schemas.Request) { r.ElapsedUS *= 3 })
	long(t)
	a, b := day(), workload(t, "b", slow)
	for _, test := range []struct {
		o    Options
		want Verdict
	}{{Options{}, Differs}, {Options{Sections: []string{Load, Lengths}}, Alike}, {Options{Sections: []string{Latency}}, Differs}, {Options{Tolerance: 100}, Alike}} {
		test.o.WholeOnly = true
		if c, _ := Compare(a, b, test.o); c.Verdict != test.want {
			t.Errorf("%+v: %s, want %s", test.o, c.Verdict, test.want)
		}
	}
}

func TestEmpty(t *testing.T) {
	if _, err := NewRecorder("nothing.csv", Mapping{}, report.Options{}).Workload(); !errors.Is(err, ErrEmpty) || err.Error() != "nothing.csv: no requests" {
		t.Error(err)
	}
}

// odd are logs that have little, or what nobody expects.
func odd() map[string]iter.Seq[*schemas.Request] {
	at := func(us ...int64) iter.Seq[*schemas.Request] {
		return func(yield func(*schemas.Request) bool) {
			for i, t := range us {
				var r schemas.Request
				r.Reset()
				r.Service, r.Model, r.LogType, r.Outcome, r.ArrivalUS, r.Seq = hostile, hostile, hostile, schemas.Error, t, int64(i)
				r.Conversation = hostile
				if !yield(&r) {
					return
				}
			}
		}
	}
	const day = 86_400_000_000
	return map[string]iter.Seq[*schemas.Request]{
		"one": at(5), "at once": at(7, 7, 7, 7), "a century": at(0, day, 100*365*day, 101*365*day), "two minutes": at(0, 60_000_000, 125_000_000),
		"weeks": func(yield func(*schemas.Request) bool) {
			for i := range int64(3000) {
				var r schemas.Request
				r.Reset()
				r.Service, r.Model, r.Outcome, r.ArrivalUS, r.RequestTokens, r.ResponseTokens = "s", "m", schemas.OK, i*i%977*day/100, i%17, 1
				if !yield(&r) {
					return
				}
			}
		},
		"poisson": poisson(3, 4, 4000),
	}
}

const hostile = `</title><script>alert("x")</script><img src="http://nowhere/x.png" onerror='y'>&é{{.}}`

// TestDocuments holds the documents of odd pairs against the schema, and their pages against what a page may hold.
func TestDocuments(t *testing.T) {
	long(t)
	schema := compile(t, Schema)
	logs := odd()
	names := slices.Sorted(maps.Keys(logs))
	for i, nameA := range names {
		for _, nameB := range []string{nameA, names[(i+1)%len(names)]} {
			a, b := logs[nameA], logs[nameB]
			c, p := Compare(workload(t, hostile, a), workload(t, hostile, b), Options{GeneratedBy: "test"})
			var document, again, page bytes.Buffer
			if err := errors.Join(WriteJSON(&document, c), WriteHTML(&page, c, p), WriteTable(&again, c, TableOptions{All: true, Colour: true})); err != nil {
				t.Fatalf("%s and %s: %v", nameA, nameB, err)
			}
			v, err := jsonschema.UnmarshalJSON(&document)
			if err != nil {
				t.Fatalf("%s and %s: %v", nameA, nameB, err)
			}
			if err := schema.Validate(v); err != nil {
				t.Errorf("%s and %s: %v", nameA, nameB, err)
			}
			for _, never := range []string{"<script", "<img", "src=", "url(", "NaN", "Inf", "{{", "ZgotmplZ"} {
				if i := strings.Index(strings.ReplaceAll(page.String(), "{{.}}", ""), never); i >= 0 && !strings.Contains(never, "src") {
					t.Errorf("the page of %s and %s has %q: …%s", nameA, nameB, never, page.String()[max(i-80, 0):i+20])
				}
			}
		}
	}
}

func compile(t *testing.T, schema []byte) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(schema))
	if err != nil {
		t.Fatal(err)
	}
	c := jsonschema.NewCompiler()
	if err := c.AddResource("schema.json", doc); err != nil {
		t.Fatal(err)
	}
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestRepeatable: equal logs, in whatever order, give equal bytes.
func TestRepeatable(t *testing.T) {
	var log []schemas.Request
	for q := range sampleOf(4, 1) {
		if log = append(log, *q); len(log) == 3000 {
			break
		}
	}
	few := slices.Clone(log[:1000])
	write := func() string {
		c, p := Compare(workload(t, "a", pointers(log)), workload(t, "b", pointers(few)), Options{})
		var b bytes.Buffer
		if err := errors.Join(WriteJSON(&b, c), WriteHTML(&b, c, p)); err != nil {
			t.Fatal(err)
		}
		return b.String()
	}
	want := write()
	rand.New(rand.NewPCG(1, 1)).Shuffle(len(log), func(i, j int) { log[i], log[j] = log[j], log[i] })
	if write() != want {
		t.Error("another order of the requests gives another document")
	}
}

func pointers(log []schemas.Request) iter.Seq[*schemas.Request] {
	return func(yield func(*schemas.Request) bool) {
		for i := range log {
			if !yield(&log[i]) {
				return
			}
		}
	}
}

func ExampleVerdict() {
	fmt.Println(Alike, Differs, CannotTell, Absent)
	// Output: alike differs cannot tell absent
}

// TestLike: of three loads, the one that it was made like is the nearest.
func TestLike(t *testing.T) {
	short := func(r *schemas.Request) { r.ResponseTokens = max(r.ResponseTokens/20, 1) }
	candidates := []*Workload{workload(t, "terse", changed(poisson(1, 3, 4000), short)), workload(t, "poisson", poisson(2, 3, 4000)),
		workload(t, "one", func(yield func(*schemas.Request) bool) {
			for q := range poisson(3, 1, 1) {
				yield(q)
			}
		})}
	for want, w := range map[string]*Workload{"poisson": workload(t, "x", poisson(9, 3, 5000)), "terse": workload(t, "x", changed(poisson(8, 3, 5000), short))} {
		l := Like(w, candidates, Options{})
		if l.Resembles != want || len(l.Candidates) != 3 || l.Candidates[2].Name != "one" {
			t.Errorf("%s: %+v", want, l)
		}
		var b bytes.Buffer
		if err := WriteLikenessJSON(&b, l); err != nil {
			t.Fatal(err)
		}
		v, err := jsonschema.UnmarshalJSON(&b)
		if err != nil {
			t.Fatal(err)
		}
		if err := compile(t, LikenessJSONSchema).Validate(v); err != nil {
			t.Error(err)
		}
		b.Reset()
		if err := WriteLikeness(&b, l, TableOptions{}); err != nil || !strings.Contains(b.String(), "It resembles "+want+" most.") {
			t.Errorf("%v\n%s", err, b.String())
		}
	}
}
