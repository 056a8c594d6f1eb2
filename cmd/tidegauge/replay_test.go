package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidegauge/testenv"
	"tidegauge/traces/replay"
)

// tracePath writes a trace of n requests, so many milliseconds apart, and gives its path.
func (s *shell) trace(n int, apart time.Duration, more string) string {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"service":"chat","model":"gpt-4o","arrival_us":%d,"request_id":"t%d","conversation":"c%d","outcome":"ok","elapsed_us":1,"request_tokens":20,"response_tokens":3%s}`+"\n",
			1_767_571_200_000_000+int64(i)*apart.Microseconds(), i, i%10, more)
	}
	return s.write("trace.jsonl", b.Bytes())
}

func TestReplay(t *testing.T) {
	s := newShell(t)
	server := testenv.StartLLM(t, "-keep", "1")
	s.env = append(s.env, "SECRET=abc")
	trace := s.trace(100, 5*time.Millisecond, "")

	r := s.run("replay", "--trace", trace, "--target", server.URL, "-o", "results.jsonl", "--json", "--slo", "e2e=1h", "--api-key-env", "SECRET",
		"--header", "X-Tenant: load", "--body", `{"ignore_eos":true}`, "--run", "one", "--rate", "400")
	if r.status != exitOK {
		t.Fatalf("%d\n%s\n%s", r.status, r.out, r.err)
	}
	var summary replay.Summary
	if err := json.Unmarshal([]byte(r.out), &summary); err != nil {
		t.Fatal(err)
	}
	if summary.Schema != replay.SummarySchema || summary.Requests.Answered != 100 || summary.Goodput.Good != 100 || summary.Model != "made-up" || summary.Partial {
		t.Errorf("%s", r.out)
	}
	if !strings.Contains(r.err, "every request asks for made-up") || !strings.Contains(r.err, "100 results are in results.jsonl") {
		t.Error(r.err)
	}
	kept := server.Counts(t).Kept[0]
	if kept.Header.Get("Authorization") != "Bearer abc" || kept.Header.Get("X-Tenant") != "load" || !bytes.Contains(kept.Body, []byte(`"ignore_eos":true}`)) {
		t.Errorf("%v\n%s", kept.Header, kept.Body)
	}
	table := s.ok("characterize", "results.jsonl")
	for _, want := range []string{"replay  100 requests", "made-up", "conversations"} {
		if !strings.Contains(table, want) {
			t.Errorf("characterize of the results has no %q:\n%s", want, table)
		}
	}
	if table = s.ok("replay", "--trace", trace, "--target", server.URL, "--endpoint", "completions", "--warm-up", "100ms"); !strings.Contains(table, "of the warm-up before are left out") {
		t.Error(table)
	}
}

// TestReplayRefused: what is wrong is said before anything is sent, or as it happens, with its exit status.
func TestReplayRefused(t *testing.T) {
	s := newShell(t)
	server := testenv.StartLLM(t, "-models", "a,b")
	trace := s.trace(3, time.Millisecond, "")
	for _, c := range []struct {
		name      string
		status    int
		says      string
		arguments []string
	}{
		{"no target", exitUsage, "--target is missing", []string{"--trace", trace}},
		{"no trace", exitUsage, "--trace is missing", []string{"--target", server.URL}},
		{"all that is wrong", exitUsage, "--slo", []string{"--trace", trace, "--target", "ftp://x", "--pace", "fast", "--slo", "p=1", "--timeout", "0s"}},
		{"a rate that is none", exitUsage, "--rate is NaN", []string{"--trace", trace, "--target", server.URL, "--rate", "nan"}},
		{"a rate of 0", exitUsage, "--rate is 0", []string{"--trace", trace, "--target", server.URL, "--rate", "0"}},
		{"a password in the address", exitUsage, "no name and password", []string{"--trace", trace, "--target", strings.Replace(server.URL, "//", "//u:p@", 1)}},
		{"a model that is not served", exitUsage, "it serves a, b", []string{"--trace", trace, "--target", server.URL, "--model", "c"}},
		{"nobody there", exitUnreachable, "Nothing was sent", []string{"--trace", trace, "--target", "http://127.0.0.1:1/v1"}},
		{"no trace there", exitFailed, "no such file", []string{"--trace", "none.jsonl", "--target", server.URL}},
		{"no request answered", exitFailed, "all 3 failed", []string{"--trace", trace, "--target", server.URL, "-o", "failed.jsonl"}},
		{"no place for results", exitFailed, "cannot be written", []string{"--trace", trace, "--target", server.URL, "-o", "none/results.jsonl"}},
		{"no Kafka", exitUnreachable, "no Kafka broker", []string{"--trace", trace, "--to-kafka"}},
		{"a server and the log", exitUsage, "--to-kafka drives no server", []string{"--trace", trace, "--target", server.URL, "--to-kafka"}},
		{"no key", exitUsage, "NO_SUCH_KEY is not set", []string{"--trace", trace, "--target", server.URL, "--api-key-env", "NO_SUCH_KEY"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := s.in(t)
			r := s.run(append([]string{"replay"}, c.arguments...)...)
			if r.status != c.status || !strings.Contains(r.err, c.says) {
				t.Errorf("%d\n%s%s", r.status, r.out, r.err)
			}
		})
	}
	if results, err := os.ReadFile(filepath.Join(s.folder, "failed.jsonl")); err != nil || bytes.Count(results, []byte(`"error_type":"http_404"`)) != 3 {
		t.Errorf("%v\n%s", err, results)
	}
	if left, _ := filepath.Glob(filepath.Join(s.folder, ".*.part")); len(left) > 0 {
		t.Error("left behind:", left)
	}
}

// TestReplayInterrupted: Ctrl-C keeps the results until then, and says so.
func TestReplayInterrupted(t *testing.T) {
	s := newShell(t)
	server := testenv.StartLLM(t)
	c := s.command("replay", "--trace", s.trace(100_000, 2*time.Millisecond, ""), "--target", server.URL, "-o", "results.jsonl")
	var out, errs bytes.Buffer
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(time.Minute); server.Counts(t).Requests < 20; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the server is not asked")
		}
	}
	if err := c.Process.Signal(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if status := c.ProcessState.ExitCode(); status != exitInterrupted || !strings.Contains(errs.String(), "interrupted") ||
		!strings.Contains(errs.String(), "of the part that was replayed") || !strings.Contains(out.String(), "stopped before the trace's end") {
		t.Errorf("%d\n%s%s", status, out.String(), errs.String())
	}
	results, err := os.ReadFile(filepath.Join(s.folder, "results.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	if got, sent := int64(bytes.Count(results, []byte("\n"))), server.Counts(t).Requests; got < sent || sent < 20 {
		t.Errorf("%d results of %d requests that were sent", got, sent)
	}
}

// TestReplayThroughThePipeline: what a run counted is what ClickHouse has of it, and a log that is replayed as a log arrives now.
func TestReplayThroughThePipeline(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	needEngine(t)
	s := newShell(t)
	s.up()
	server := testenv.StartLLM(t, "-models", "mode:ok,mode:half,mode:429")
	text, err := os.ReadFile(s.trace(300, 2*time.Millisecond, ""))
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.SplitAfter(string(text), "\n")
	for i := range lines {
		lines[i] = strings.Replace(lines[i], "gpt-4o", []string{"mode:ok", "mode:ok", "mode:half", "mode:429"}[i%4], 1)
	}
	mixed := s.write("mixed.jsonl", []byte(strings.Join(lines, "")))
	started := time.Now()
	r := s.run("replay", "--trace", mixed, "--target", server.URL, "--ingest", "--json", "--service", "bench", "--run", "two")
	if r.status != exitOK {
		t.Fatalf("%d %s", r.status, r.err)
	}
	var summary replay.Summary
	if err := json.Unmarshal([]byte(r.out), &summary); err != nil {
		t.Fatal(err, r.out, r.err)
	}
	if summary.Outcomes["ok"] != 150 || summary.Outcomes["error"] != 75 || summary.Outcomes["rate_limited"] != 75 {
		t.Error(summary.Outcomes)
	}
	if !strings.Contains(r.err, "Kafka acknowledged 300 of 300 results") {
		t.Error(r.err)
	}
	s.ok("replay", "--trace", mixed, "--to-kafka", "--pace", "10x", "--run", "three")
	count := func(sql string) string {
		_, rows, _ := strings.Cut(s.ok("sql", "-f", "tsv", sql), "\n") // after the names
		return strings.TrimSpace(rows)
	}
	for deadline := time.Now().Add(time.Minute); count("SELECT count() FROM requests FINAL") != "600"; time.Sleep(100 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("600 requests are not there:", count("SELECT service, count() FROM requests FINAL GROUP BY service"))
		}
	}
	want := fmt.Sprintf("%d\t%d\t%d\t%d", summary.Outcomes["ok"], summary.Outcomes["error"], summary.Outcomes["rate_limited"], summary.Tokens.Response)
	if got := count("SELECT countIf(outcome = 'ok'), countIf(outcome = 'error'), countIf(outcome = 'rate_limited'), sum(response_tokens) FROM requests FINAL WHERE service = 'bench'"); got != want {
		t.Errorf("ClickHouse has %s, the run counted %s", got, want)
	}
	if got := count(fmt.Sprintf("SELECT count(), countIf(arrival_us >= %d), uniqExact(request_id), uniqExact(conversation) FROM requests FINAL WHERE service = 'chat'", started.UnixMicro())); got != "300\t300\t300\t10" {
		t.Errorf("the log has %s", got)
	}
}
