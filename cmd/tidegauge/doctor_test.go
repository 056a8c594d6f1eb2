package main

import (
	"encoding/json"
	"strings"
	"testing"

	"tidegauge/doctor"
)

// TestDoctor: its exit statuses, which scripts go by, and what it writes where.
func TestDoctor(t *testing.T) {
	s := newShell(t)
	const ok = `{"service":"s","model":"m","request_id":"a","arrival_us":1767571201249330,"outcome":"ok","elapsed_us":5000000,"ttft_us":100000}` + "\n"
	s.write("ok.jsonl", []byte(ok))
	s.write("bad.jsonl", []byte(ok+`{"service":"s","model":"m","arrival_us":-5,"outcome":"ok"}`+"\n"+`{"service":"s","arrival_us":1,"outcome":"ok"}`+"\n"))
	s.write("odd.jsonl", []byte(strings.ReplaceAll(ok, `"ttft_us":1`, `"ttft_us":9`)+strings.ReplaceAll(ok, `"ttft_us":1`, `"ttft_us":99`)))
	for _, test := range []struct {
		arguments []string
		status    int
		out, err  string
	}{
		{[]string{"ok.jsonl"}, exitOK, "every row was read, and nothing looks wrong", ""},
		{[]string{"--input", "ok.jsonl"}, exitOK, "canonical, 1 request", ""},
		{[]string{"ok.jsonl", "--require", "elapsed,ttft"}, exitOK, "elapsed", ""},
		{[]string{"ok.jsonl", "--require", "elapsed,conversation"}, exitFailed, "elapsed", "required and not there, or not of all requests: conversation"},
		{[]string{"ok.jsonl", "--require", "speed"}, exitUsage, "", `there is no field "speed"`},
		{[]string{"bad.jsonl"}, exitRefused, "(bad.jsonl:2)", "2 of 3 rows are refused"},
		{[]string{"odd.jsonl"}, exitFailed, "conflicting", "something in the log looks wrong"},
		{[]string{"nothing.jsonl"}, exitFailed, "", "nothing.jsonl: no such file"},
		{nil, exitUsage, "", "no log to read"},
	} {
		r := s.run(append([]string{"doctor"}, test.arguments...)...)
		if test.out == "conflicting" {
			test.out = "with an id that another request has"
		}
		if r.status != test.status || !strings.Contains(r.out, test.out) || !strings.Contains(r.err, test.err) || test.err == "" && r.err != "" {
			t.Errorf("doctor %v ended with %d:\n%s%s", test.arguments, r.status, r.out, r.err)
		}
	}
	r := s.runInput(ok, "doctor", "--json", "-")
	var d doctor.Diagnosis
	if err := json.Unmarshal([]byte(r.out), &d); err != nil || d.Schema != doctor.Schema || d.Requests != 1 || d.Sources[0].Name != "standard input" {
		t.Errorf("%v: %+v", err, r)
	}
}
