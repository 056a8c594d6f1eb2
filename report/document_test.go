package report_test

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tidegauge/report"
	"tidegauge/schemas"
	"tidegauge/testenv"
)

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

// TestSchema holds documents of logs that have everything, little and nothing against the project's schema and, where
// it is there, the reference's.
func TestSchema(t *testing.T) {
	testenv.Sequential(t)
	bySchema := map[string]*jsonschema.Schema{"report": compile(t, report.Schema)}
	if data := os.Getenv("TIDEGAUGE_TEST_DATA"); data != "" {
		b, err := os.ReadFile(filepath.Join(data, "..", "reference", "summary.schema.json"))
		if err != nil {
			t.Fatal(err)
		}
		bySchema["reference"] = compile(t, b)
	}
	logs := map[string][]schemas.Request{"empty": nil, "one": randomLog(0)[:1]}
	for seed := range uint64(12) {
		logs[string(rune('a'+seed))] = randomLog(seed)
	}
	for name, requests := range logs {
		b, err := report.MarshalJSON(summarise(t, requests))
		if err != nil {
			t.Fatal(err)
		}
		doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
		if err != nil {
			t.Fatal(err)
		}
		for which, s := range bySchema {
			if err := s.Validate(doc); err != nil {
				t.Errorf("log %s, the %s schema: %v", name, which, err)
			}
		}
	}
}

// TestRoundTrip reads documents back: what a program sees is what was computed, null included.
func TestRoundTrip(t *testing.T) {
	want, err := report.MarshalJSON(summarise(t, randomLog(3)))
	if err != nil {
		t.Fatal(err)
	}
	var s report.Summary
	if err := json.Unmarshal(want, &s); err != nil {
		t.Fatal(err)
	}
	got, err := report.MarshalJSON(&s)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(want, got) {
		t.Error("a document that was read and written again differs")
	}
	for line := range bytes.Lines(want) {
		if len(line) > 200 {
			t.Errorf("a line of %d bytes: %.80s…", len(line), line)
		}
	}
}

func TestNumber(t *testing.T) {
	for _, c := range []struct {
		n    report.Number
		want string
	}{
		{0, "0"}, {report.Number(math.Copysign(0, -1)), "0"}, {1, "1"}, {-3, "-3"}, {0.1, "0.1"}, {1 << 53, "9007199254740992"},
		{1e15, "1000000000000000"}, {1e-7, "1e-07"}, {1.5e300, "1.5e+300"}, {12.635895787, "12.635895787"},
		{report.Null, "null"}, {report.Number(math.Inf(1)), "null"}, {report.Number(math.Inf(-1)), "null"},
	} {
		b, err := json.Marshal(c.n)
		if err != nil || string(b) != c.want {
			t.Errorf("%v: %s, %v, want %s", float64(c.n), b, err, c.want)
		}
		var back report.Number
		if err := json.Unmarshal(b, &back); err != nil || back.Defined() != c.n.Defined() || back.Defined() && back != c.n {
			t.Errorf("%s is read as %v, %v", b, float64(back), err)
		}
	}
	var n report.Number
	if json.Unmarshal([]byte(`"x"`), &n) == nil {
		t.Error("a text is read as a number")
	}
}

// TestNames keeps text out of the layout: names may hold anything JSON gives a meaning to.
func TestNames(t *testing.T) {
	const name = `a"b\{[,]}: é <&>` + "\n"
	var r schemas.Request
	r.Reset()
	r.Service, r.Model, r.LogType, r.Outcome = name, name, name, schemas.OK
	b, err := report.MarshalJSON(summarise(t, []schemas.Request{r}))
	if err != nil {
		t.Fatal(err)
	}
	var s report.Summary
	if err := json.Unmarshal(b, &s); err != nil {
		t.Fatal(err)
	}
	if v := s.Services[0]; v.Service != name || *v.Streams[3].Model != name || *v.Streams[3].LogType != name {
		t.Errorf("names became %q, %q, %q", v.Service, *v.Streams[3].Model, *v.Streams[3].LogType)
	}
}
