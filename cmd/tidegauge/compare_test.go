package main

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tidegauge/traces/contrast"
)

// TestCompare: what scripts go by, and what it writes where.
func TestCompare(t *testing.T) {
	s := newShell(t)
	lines := strings.SplitAfter(s.ok("sample", "--days", "1"), "\n")
	a := strings.Join(lines[10_000:15_000], "") // some hours of the day
	s.write("a.jsonl", []byte(a))
	s.write("slow.jsonl", []byte(strings.ReplaceAll(a, `"elapsed_us":`, `"elapsed_us":9`)))
	s.write("few.csv", azureLog(50))
	for _, test := range []struct {
		arguments []string
		status    int
		out, err  string
	}{
		{[]string{"a.jsonl", "a.jsonl", "--fail-on", "cannot-tell"}, exitOK, "They are alike in load, burstiness, conversations, lengths, failures and latency.", ""},
		{[]string{"a.jsonl", "slow.jsonl"}, exitOK, "B differs from A in latency", ""},
		{[]string{"a.jsonl", "slow.jsonl", "--fail-on", "differs"}, exitFailed, "Latency is a server's answer", "the verdict is differs (--fail-on differs)"},
		{[]string{"a.jsonl", "slow.jsonl", "--fail-on", "differs", "--sections", "load,lengths"}, exitOK, "latency        differs", ""},
		{[]string{"few.csv", "a.jsonl", "--fail-on", "differs", "--sections", "load"}, exitOK, "too few: 50 in A, it takes 100", ""},
		{[]string{"few.csv", "few.csv", "--fail-on", "cannot-tell"}, exitFailed, "Nothing can be told", "the verdict is cannot tell"},
		{[]string{"a.jsonl", "a.jsonl", "--model", "small-8b", "--model-b", "large-70b"}, exitOK, "a.jsonl, model large-70b", ""},
		{[]string{"a.jsonl", "--like"}, exitOK, "It resembles ", ""},
		{[]string{"a.jsonl", "--like=chat,api"}, exitOK, "\napi ", ""},
		{[]string{"a.jsonl", "--like=nothing.json"}, exitUsage, "", "no file nothing.json"},
		{[]string{"few.csv", "--like"}, exitRefused, "", "too short a time"},
		{[]string{"a.jsonl", "a.jsonl", "--like"}, exitUsage, "", "--like takes one log"},
		{[]string{"a.jsonl", "a.jsonl", "--html", "page.html"}, exitOK, "alike", "wrote page.html"},
	} {
		r := s.run(append([]string{"compare"}, test.arguments...)...)
		if r.status != test.status || !strings.Contains(r.out, test.out) || !strings.Contains(r.err, test.err) || test.err == "" && r.err != "" {
			t.Errorf("compare %v ended with %d:\n%s%s", test.arguments, r.status, r.out, r.err)
		}
	}
	var c contrast.Comparison
	r := s.runInput(a, "compare", "--json", "a.jsonl", "-")
	if err := json.Unmarshal([]byte(r.out), &c); err != nil || c.Schema != contrast.SchemaName || c.Verdict != contrast.Alike || c.B.Name != "standard input" {
		t.Errorf("%v: %+v, %s", err, c.Verdict, r.err)
	}
	if r := s.run("compare", "--html", "-", "few.csv", "few.csv"); r.status != exitOK || !strings.HasPrefix(r.out, "<!doctype html>") || !strings.HasSuffix(r.out, "</html>\n") {
		t.Errorf("the page on standard output: %d, %.100s", r.status, r.out)
	}
	openPage(t, filepath.Join(s.folder, "page.html"))
}

// openPage opens the page in a real browser where there is one: it needs no network, and its console stays empty.
func openPage(t *testing.T, path string) {
	browser := os.Getenv("CHROMIUM")
	if browser == "" {
		browser = "chromium"
	}
	if _, err := exec.LookPath(browser); err != nil || testing.Short() {
		t.Log("no browser:", err)
		return
	}
	c := exec.Command(browser, "--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--user-data-dir="+t.TempDir(),
		"--host-resolver-rules=MAP * ~NOTFOUND", "--enable-logging=stderr", "--dump-dom", "file://"+path)
	var out, errs strings.Builder
	c.Stdout, c.Stderr = &out, &errs
	if err := c.Run(); err != nil {
		t.Fatalf("%v\n%s", err, errs.String())
	}
	for _, line := range strings.Split(errs.String(), "\n") {
		if strings.Contains(line, "CONSOLE") {
			t.Error(line)
		}
	}
	if n := strings.Count(out.String(), `role="img"`); n < 12 || !strings.Contains(out.String(), "May B stand for A?") {
		t.Errorf("%d pictures in %.300s", n, out.String())
	}
}
