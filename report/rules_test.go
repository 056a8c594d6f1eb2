package report_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"tidegauge/report"
	"tidegauge/schemas"
)

// TestRules runs testdata/rules.txt: each of METRICS' edge rules as a log of a few requests and what it must give.
//
//	== name                                      begins a rule
//	request 1.5 timeout x=10 y=0 status=503 …    one request: arrival in seconds, outcome (ok if left out), fields
//	every 0 2 12 …                               requests at 0, 2, … (12 of them)
//	infer 60                                     conversations from clients, 60 s apart
//	expect stream.failures.failures 1            a number, null, a text or JSON; stream is service.streams.0, which is
//	                                             services.0.streams.0; warning.CODE is the count of that warning
func TestRules(t *testing.T) {
	for _, r := range readRules(t) {
		t.Run(r.name, r.run)
	}
}

func readRules(t *testing.T) (rules []*rule) {
	t.Helper()
	f, err := os.Open("testdata/rules.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	for n := 1; lines.Scan(); n++ {
		switch words := strings.Fields(lines.Text()); {
		case len(words) == 0 || strings.HasPrefix(words[0], "#"):
		case words[0] == "==":
			rules = append(rules, &rule{name: strings.Join(words[1:], " ")})
		default:
			if err := rules[len(rules)-1].line(n, words); err != nil {
				t.Fatalf("testdata/rules.txt:%d: %v", n, err)
			}
		}
	}
	return rules
}

type rule struct {
	name     string
	requests []schemas.Request
	infer    time.Duration
	expected []expectation
}

type expectation struct {
	line       int
	path, want string
}

func (r *rule) line(n int, words []string) error {
	switch words[0] {
	case "request":
		return r.request(number(words[1]), words[2:])
	case "every":
		from, step := number(words[1]), number(words[2])
		for i := range int(number(words[3])) {
			if err := r.request(from+float64(i)*step, words[4:]); err != nil {
				return err
			}
		}
		return nil
	case "infer":
		r.infer = time.Duration(number(words[1])) * time.Second
		return nil
	case "expect":
		r.expected = append(r.expected, expectation{n, words[1], strings.Join(words[2:], " ")})
		return nil
	}
	return fmt.Errorf("%q is no command", words[0])
}

func number(text string) float64 {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil {
		panic(err)
	}
	return v
}

func (r *rule) request(at float64, words []string) error {
	var q schemas.Request
	q.Reset()
	q.Service, q.Model, q.LogType, q.Outcome, q.ArrivalUS = "s", "m", "t", schemas.OK, micros(at)
	q.Seq = int64(len(r.requests) + 1)
	for _, w := range words {
		key, value, ok := strings.Cut(w, "=")
		if !ok {
			if q.Outcome = schemas.ParseOutcome(w); q.Outcome == schemas.OutcomeUnknown {
				return fmt.Errorf("%q is no outcome", w)
			}
			continue
		}
		switch key {
		case "x":
			q.RequestTokens = int64(number(value))
		case "y":
			q.ResponseTokens = int64(number(value))
		case "elapsed":
			q.ElapsedUS = micros(number(value))
		case "ttft":
			q.TTFTUS = micros(number(value))
		case "status":
			q.StatusCode = int32(number(value))
		case "seq":
			q.Seq = int64(number(value))
		case "id":
			q.RequestID, q.Seq = value, 0
		case "conversation":
			q.Conversation = value
		case "client":
			q.Client = value
		case "service":
			q.Service = value
		case "model":
			q.Model = value
		case "type":
			q.LogType = value
		default:
			return fmt.Errorf("%q is no field", key)
		}
	}
	r.requests = append(r.requests, q)
	return nil
}

func micros(seconds float64) int64 { return int64(math.Round(seconds * 1e6)) }

func (r *rule) run(t *testing.T) {
	c := report.NewCollector(report.Options{InferConversations: r.infer})
	for i := range r.requests {
		c.Add(&r.requests[i])
	}
	s := mustSummary(t, c)
	b, err := report.MarshalJSON(s)
	if err != nil {
		t.Fatal(err)
	}
	var doc any
	if err := json.Unmarshal(b, &doc); err != nil {
		t.Fatal(err)
	}
	for _, e := range r.expected {
		var got any
		if code, ok := strings.CutPrefix(e.path, "warning."); ok {
			for _, w := range s.Warnings {
				if w.Code == code {
					got = float64(w.Count)
				}
			}
		} else if got, err = lookUp(doc, e.path); err != nil {
			t.Errorf("line %d: %v", e.line, err)
			continue
		}
		var want any
		if err := json.Unmarshal([]byte(e.want), &want); err != nil {
			want = e.want
		}
		if !same(want, got) {
			shown, _ := json.Marshal(got)
			t.Errorf("line %d: %s is %s, want %s", e.line, e.path, shown, e.want)
		}
	}
}

// lookUp follows a path of keys and list indices. Keys may hold dots only if nothing else matches.
func lookUp(v any, path string) (any, error) {
	for _, short := range [][2]string{{"stream.", "service.streams.0."}, {"service.", "services.0."}} {
		if rest, ok := strings.CutPrefix(path, short[0]); ok {
			path = short[1] + rest
		}
	}
	for _, key := range strings.Split(path, ".") {
		switch at := v.(type) {
		case map[string]any:
			next, ok := at[key]
			if !ok {
				return nil, fmt.Errorf("%s: no key %s", path, key)
			}
			v = next
		case []any:
			i, err := strconv.Atoi(key)
			if err != nil || i >= len(at) {
				return nil, fmt.Errorf("%s: no entry %s of %d", path, key, len(at))
			}
			v = at[i]
		default:
			return nil, fmt.Errorf("%s: nothing below %s", path, key)
		}
	}
	return v, nil
}

// same compares numbers within 1e-9 of their size, all else exactly.
func same(want, got any) bool {
	a, isNumber := want.(float64)
	b, alsoNumber := got.(float64)
	if isNumber && alsoNumber {
		return math.Abs(a-b) <= 1e-9*max(math.Abs(a), math.Abs(b))
	}
	x, _ := json.Marshal(want)
	y, _ := json.Marshal(got)
	return string(x) == string(y)
}
