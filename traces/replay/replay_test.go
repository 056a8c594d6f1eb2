package replay_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"maps"
	"net"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"tidegauge/schemas"
	"tidegauge/testenv"
	"tidegauge/traces/replay"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// request is one of a trace, so many milliseconds after its beginning.
func request(ms int64, change func(*schemas.Request)) schemas.Request {
	var r schemas.Request
	r.Reset()
	r.Service, r.Model, r.ArrivalUS, r.Outcome = "chat", "made-up", 1_767_571_200_000_000+ms*1000, schemas.OK
	r.RequestTokens, r.ResponseTokens = 20, 4
	if change != nil {
		change(&r)
	}
	return r
}

func trace(requests ...schemas.Request) iter.Seq2[*schemas.Request, error] {
	return func(yield func(*schemas.Request, error) bool) {
		for i := range requests {
			if !yield(&requests[i], nil) {
				return
			}
		}
	}
}

func config(t *testing.T, target string) replay.Config {
	t.Helper()
	u, err := url.Parse(target)
	if err != nil {
		t.Fatal(err)
	}
	c := replay.DefaultConfig()
	c.Target, c.Run, c.Timeout = u, "r1", time.Minute
	return c
}

// run replays and gives the results, which are as many as requests were due, and valid.
func run(t *testing.T, c replay.Config, from iter.Seq2[*schemas.Request, error]) (results []schemas.Request, s *replay.Summary) {
	t.Helper()
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	p, err := replay.New(c)
	if err != nil {
		t.Fatal(err)
	}
	s, err = p.Run(t.Context(), from, func(q *schemas.Request) error {
		kept := *q
		kept.Labels = append([]schemas.Label(nil), q.Labels...)
		results = append(results, kept)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n := s.Requests.Ended + s.Requests.WarmUp; n != int64(len(results)) {
		t.Errorf("%d results of %d requests that ended", len(results), n)
	}
	return results, s
}

func TestAnswers(t *testing.T) {
	server := testenv.StartLLM(t, "-overhead", "3", "-keep", "10")
	for _, chat := range []bool{true, false} {
		for _, stream := range []bool{true, false} {
			t.Run(fmt.Sprintf("chat %v, stream %v", chat, stream), func(t *testing.T) {
				c := config(t, server.URL)
				c.Chat, c.Stream = chat, stream
				results, s := run(t, c, trace(request(0, nil), request(1, func(r *schemas.Request) { r.ResponseTokens, r.RequestTokens = 1, 1000 })))
				if s.Requests.Answered != 2 || s.Partial || len(s.Failures) > 0 {
					t.Fatalf("%+v", s)
				}
				for _, q := range results {
					want := [2]int64{23, 4}
					if q.RequestID == "r1-2" {
						want = [2]int64{1003, 1}
					}
					if got := [2]int64{q.RequestTokens, q.ResponseTokens}; got != want {
						t.Errorf("%s: tokens %v, want %v", q.RequestID, got, want)
					}
					if q.Outcome != schemas.OK || q.StatusCode != 200 || q.FinishReason != "length" || q.ElapsedUS < 0 || (q.TTFTUS >= 0) != stream || q.Service != "replay" {
						t.Errorf("%+v", q)
					}
					if d := cmp.Diff([]schemas.Label{{Key: "run", Value: "r1"}, {Key: "target", Value: server.URL}}, q.Labels); d != "" {
						t.Error(d)
					}
				}
			})
		}
	}
	counts := server.Counts(t)
	if counts.Requests != 8 || counts.InFlight != 0 {
		t.Errorf("%+v", counts)
	}
}

// TestFailures: whatever a server does is an outcome with a name, and nothing is lost.
func TestFailures(t *testing.T) {
	server := testenv.StartLLM(t)
	type end struct{ Outcome, Kind string }
	cases := map[string]end{
		"ok": {"ok", ""}, "no-usage": {"ok", ""}, "no-done": {"ok", ""}, "unstreamed": {"ok", ""}, "empty": {"empty", ""}, "filter": {"filtered", ""},
		"500": {"error", "http_500"}, "503-page": {"error", "http_503"}, "429": {"rate_limited", "http_429"}, "307": {"error", "http_307"}, "no such": {"error", "http_404"},
		"hang": {"timeout", "timeout_headers"}, "hang-headers": {"timeout", "timeout_first"}, "hang-stream": {"timeout", "timeout_answer"},
		"reset": {"error", "connection_reset"}, "reset-stream": {"error", "connection_reset"}, "close": {"error", "connection_closed"},
		"half": {"error", "cut_off"}, "half-line": {"error", "cut_off"}, "half-clean": {"error", "cut_off"}, "garbage": {"error", "bad_answer"}, "page": {"error", "bad_answer"},
		"wrong-json": {"error", "bad_answer"}, "not-http": {"error", "bad_answer"}, "error-event": {"error", "stream_error"},
	}
	var requests []schemas.Request
	want := make(map[string]end)
	for mode, e := range cases {
		for range 3 { // the connections that a mode leaves behind are the next's
			requests = append(requests, request(int64(len(requests))*2, func(r *schemas.Request) { r.Model = "mode:" + mode }))
		}
		want["mode:"+mode] = e
	}
	c := config(t, server.URL)
	c.Timeout = 2 * time.Second
	c.Objectives = replay.Objectives{E2E: time.Hour}
	results, s := run(t, c, trace(requests...))
	if len(results) != len(requests) {
		t.Fatalf("%d results of %d requests", len(results), len(requests))
	}
	got := make(map[string]end)
	for _, q := range results {
		got[q.Model] = end{q.Outcome.String(), q.ErrorType}
		if q.Model == "mode:hang-stream" && (q.TTFTUS < 0 || q.ResponseTokens != 2) {
			t.Errorf("%s: %+v", q.Model, q)
		}
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	if s.Outcomes["ok"] != 12 || s.Goodput.Good != 12 || s.Tokens.Unstreamed != 3 || s.Tokens.FromPieces != 3 {
		t.Errorf("%+v %+v %+v", s.Outcomes, s.Goodput, s.Tokens)
	}
	for _, f := range s.Failures {
		if f.Kind == "stream_error" && f.Example != "KV cache exhausted" || f.Kind == "http_500" && f.Example != "CUDA out of memory" ||
			f.Kind == "http_307" && f.Example != "redirects to /v2/chat/completions" {
			t.Errorf("%+v", f)
		}
	}
}

func TestNobodyListens(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
	results, _ := run(t, config(t, "http://"+l.Addr().String()+"/v1"), trace(request(0, nil)))
	if q := results[0]; q.Outcome != schemas.Error || q.ErrorType != "connect_refused" || q.StatusCode != schemas.Unknown {
		t.Errorf("%+v", q)
	}
}

// TestOpenLoop: a server that answers nothing is asked everything all the same, up to the bound, beyond which is counted.
func TestOpenLoop(t *testing.T) {
	server := testenv.StartLLM(t, "-mode", "hang")
	var requests []schemas.Request
	for i := range 300 {
		requests = append(requests, request(int64(i), nil))
	}
	c := config(t, server.URL)
	c.Timeout, c.MaxInFlight = 2*time.Second, 250
	results, s := run(t, c, trace(requests...))
	if counts := server.Counts(t); counts.Requests != 250 || counts.MostInFlight != 250 {
		t.Errorf("the server got %d requests, at most %d at once", counts.Requests, counts.MostInFlight)
	}
	outcomes := make(map[string]int)
	for _, q := range results {
		outcomes[q.Outcome.String()+" "+q.ErrorType]++
	}
	if d := cmp.Diff(map[string]int{"timeout timeout_headers": 250, "cancelled max_in_flight": 50}, outcomes); d != "" {
		t.Error(d)
	}
	if s.Requests.Sent != 250 || s.Schedule.Error.N != 250 || s.Schedule.MostInFlight != 250 {
		t.Errorf("%+v", s)
	}
}

// TestConversations: later turns are sent after the earlier answer and the think time of the trace, and begin with the
// earlier prompt; the trace's own time decides nothing about them.
func TestConversations(t *testing.T) {
	server := testenv.StartLLM(t, "-ttft", "200ms", "-keep", "10")
	turn := func(ms, elapsed, tokens int64) schemas.Request {
		return request(ms, func(r *schemas.Request) {
			r.Conversation, r.RequestTokens = "c", tokens
			if r.ElapsedUS = elapsed * 1000; elapsed < 0 {
				r.ElapsedUS = schemas.Unknown
			}
		})
	}
	// In the trace the first answer took 50 ms, so the second turn came 30 ms after it. The third overlapped the second. The fourth
	// follows one whose elapsed is not known. All take 200 ms here, and a turn is 80 ms after the one before in the trace.
	results, s := run(t, config(t, server.URL), trace(turn(0, 50, 10), turn(80, 900, 25), turn(180, -1, 40), turn(190, 5, 30)))
	kept := server.Counts(t).Kept
	if len(kept) != 4 || s.Requests.Answered != 4 {
		t.Fatalf("%d requests, %+v", len(kept), s.Outcomes)
	}
	slices.SortFunc(results, func(a, b schemas.Request) int { return strings.Compare(a.RequestID, b.RequestID) })
	due := func(i int) int64 { return results[i].ArrivalUS }
	end := func(i int) int64 { return results[i].ArrivalUS + results[i].ElapsedUS }
	for _, c := range []struct {
		what      string
		got, want int64
	}{
		{"the second turn, after the first answer", due(1) - end(0), 30_000},
		{"the third, after the second was due", due(2) - due(1), 100_000},
		{"the fourth, after the third answer", due(3) - end(2), 0},
	} {
		if d := c.got - c.want; d < -2 || d > 2 { // microseconds are rounded
			t.Errorf("%s: %d us, want %d", c.what, c.got, c.want)
		}
	}
	var prompts []string
	for _, k := range kept {
		var body struct{ Messages []struct{ Content string } }
		if err := json.Unmarshal(k.Body, &body); err != nil {
			t.Fatal(err)
		}
		prompts = append(prompts, body.Messages[0].Content)
	}
	if !strings.HasPrefix(prompts[1], prompts[0]+" ") || !strings.HasPrefix(prompts[2], prompts[1]+" ") {
		t.Error("a later turn does not begin with the earlier prompt")
	}
	if prompts[2][:40] == prompts[3][:40] {
		t.Error("a turn whose prompt is shorter than the one before begins with it")
	}
	if d := cmp.Diff([]int{10, 25, 40, 30}, words(prompts)); d != "" {
		t.Error(d)
	}
}

func words(texts []string) (n []int) {
	for _, text := range texts {
		n = append(n, len(strings.Fields(text)))
	}
	return n
}

// TestPrefixes: equal hashes are equal text, and nothing else is.
func TestPrefixes(t *testing.T) {
	server := testenv.StartLLM(t, "-keep", "10")
	blocks := func(ms, tokens int64, hashes ...uint64) schemas.Request {
		return request(ms, func(r *schemas.Request) { r.RequestTokens, r.PrefixHashes, r.PrefixBlockTokens = tokens, hashes, 8 })
	}
	c := config(t, server.URL)
	c.Chat = false
	c.Body = []byte(`"ignore_eos":true`)
	run(t, c, trace(blocks(0, 20, 1, 2), blocks(20, 20, 1, 3), blocks(40, 10, 1, 2), request(60, nil), request(80, nil),
		request(100, func(r *schemas.Request) { r.PromptID = "p" }), request(120, func(r *schemas.Request) { r.PromptID = "p" })))
	texts := make(map[int64]string)
	for i, k := range server.Counts(t).Kept {
		var body struct {
			Prompt    string
			IgnoreEOS bool `json:"ignore_eos"`
		}
		if err := json.Unmarshal(k.Body, &body); err != nil || !body.IgnoreEOS {
			t.Fatal(err, string(k.Body))
		}
		texts[int64(i)] = body.Prompt
	}
	first := func(i int64, n int) string { return strings.Join(strings.Fields(texts[i])[:n], " ") }
	if first(0, 8) != first(1, 8) || first(0, 9) == first(1, 9) || first(0, 10) != first(2, 10) {
		t.Error("prefixes are not the trace's:", texts)
	}
	if first(3, 2) == first(4, 2) || texts[5] != texts[6] {
		t.Error("prompts that have nothing in common have, or the other way round:", texts)
	}
}

// TestWarmUpAndDuration: the first requests are labelled and not measured, those after the end are not sent.
func TestWarmUpAndDuration(t *testing.T) {
	server := testenv.StartLLM(t)
	var requests []schemas.Request
	for i := range 100 {
		requests = append(requests, request(int64(i)*20, nil))
	}
	c := config(t, server.URL)
	c.Pace, c.WarmUp, c.Duration = 2, 100*time.Millisecond, 300*time.Millisecond
	results, s := run(t, c, trace(requests...))
	if s.Requests.WarmUp != 10 || s.Requests.Ended != 30 || s.Requests.Answered != 30 {
		t.Errorf("%+v", s.Requests)
	}
	labelled := 0
	for _, q := range results {
		for _, l := range q.Labels {
			if l == (schemas.Label{Key: "warm_up", Value: "true"}) {
				labelled++
			}
		}
	}
	if labelled != 10 {
		t.Errorf("%d results are labelled", labelled)
	}
	if n := server.Counts(t).Requests; n != 40 {
		t.Errorf("the server got %d", n)
	}
}

// TestInterrupted: what was in flight is counted as given up, and every request that was sent has its result.
func TestInterrupted(t *testing.T) {
	server := testenv.StartLLM(t)
	defer goleak.VerifyNone(t, goleak.IgnoreCurrent())
	ctx, cancel := context.WithCancel(t.Context())
	endless := func(yield func(*schemas.Request, error) bool) {
		for i := int64(0); ; i++ {
			q := request(i*2, func(r *schemas.Request) { r.Model = [2]string{"made-up", "mode:hang"}[i%2] })
			if !yield(&q, nil) {
				return
			}
		}
	}
	p, err := replay.New(config(t, server.URL))
	if err != nil {
		t.Fatal(err)
	}
	outcomes := make(map[string]int64)
	s, err := p.Run(ctx, endless, func(q *schemas.Request) error {
		if outcomes[q.Outcome.String()]++; outcomes["ok"] == 50 {
			cancel()
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if !s.Partial || s.Unsaved != 0 || outcomes["cancelled"] == 0 || outcomes["ok"] < 50 || len(outcomes) != 2 {
		t.Errorf("%v %+v", outcomes, s)
	}
	if d := cmp.Diff(s.Outcomes, maps.Collect(maps.All(outcomes))); d != "" {
		t.Error(d)
	}
}

// TestInterruptedAtTheEnd: a run that is stopped while the last answers are waited for is not whole.
func TestInterruptedAtTheEnd(t *testing.T) {
	server := testenv.StartLLM(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	p, err := replay.New(config(t, server.URL))
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		for ctx.Err() == nil && p.Live().InFlight == 0 {
			time.Sleep(time.Millisecond)
		}
		time.Sleep(20 * time.Millisecond) // for the trace's end to be seen; without it the test shows less
		cancel()
	}()
	s, err := p.Run(ctx, trace(request(0, func(r *schemas.Request) { r.Model = "mode:hang" })), func(*schemas.Request) error { return nil })
	if err != nil || !s.Partial || s.Outcomes["cancelled"] != 1 {
		t.Errorf("%v %+v", err, s)
	}
}

// TestResultsRefused: where results cannot be handed on the run ends, and says how many are lost.
func TestResultsRefused(t *testing.T) {
	server := testenv.StartLLM(t)
	full := errors.New("disk full")
	p, err := replay.New(config(t, server.URL))
	if err != nil {
		t.Fatal(err)
	}
	n := int64(0)
	s, err := p.Run(t.Context(), trace(request(0, nil), request(5, nil), request(1_000_000, nil)), func(*schemas.Request) error {
		if n++; n == 2 {
			return full
		}
		return nil
	})
	if !errors.Is(err, full) || s.Unsaved != 1 || !s.Partial || s.Requests.Ended != 2 {
		t.Errorf("%v %+v", err, s)
	}
}

func TestTraceOutOfOrder(t *testing.T) {
	server := testenv.StartLLM(t)
	p, err := replay.New(config(t, server.URL))
	if err != nil {
		t.Fatal(err)
	}
	s, err := p.Run(t.Context(), trace(request(1000, nil), request(0, nil)), func(*schemas.Request) error { return nil })
	if !errors.Is(err, replay.ErrOrder) || s.Requests.Sent != 0 {
		t.Errorf("%v %+v", err, s.Requests)
	}
}
