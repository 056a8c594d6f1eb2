package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// turnsLog has a conversation, a failure, and rows in the order in which answers were complete.
const turnsLog = `{"service":"s","model":"m","arrival_us":2000000,"request_id":"b","outcome":"ok","request_tokens":5,"response_tokens":1}
{"service":"s","model":"m","arrival_us":1000000,"request_id":"a","conversation":"c","outcome":"ok","request_tokens":10,"response_tokens":2,"elapsed_us":500000}
{"service":"s","model":"n","arrival_us":4000000,"request_id":"c","conversation":"c","outcome":"empty","request_tokens":20,"response_tokens":0}
`

func TestConvert(t *testing.T) {
	s := newShell(t)
	s.write("log.jsonl", []byte(turnsLog))
	r := s.run("convert", "--to", "vidur", "-o", "-", "log.jsonl")
	if want := "arrived_at,num_prefill_tokens,num_decode_tokens\n0,10,2\n1,5,1\n3,20,0\n"; r.status != exitOK || r.out != want {
		t.Errorf("%d %s, want %s", r.status, r.out, want)
	}
	for _, want := range []string{"wrote 3 requests to standard output", "what the format vidur cannot carry", "conversation (2)", "service, model, request_id (3)",
		"vllm bench serve", "sglang.bench_serving", "aiperf profile", "guidellm run", "inference-perf", "1 failed"} {
		if !strings.Contains(r.err, want) {
			t.Errorf("%q is missing in:\n%s", want, r.err)
		}
	}
	// Through Parquet and Arrow and back nothing is lost, and they are read like any log.
	for _, format := range []string{"parquet", "arrow"} {
		s.ok("convert", "--to", format, "-o", "log."+format, "log.jsonl")
		if back := s.ok("convert", "--from", format, "--to", "canonical", "-o", "-", "log."+format); back != turnsLog {
			t.Errorf("%s gives back\n%s", format, back)
		}
		if r := s.run("characterize", "log."+format); r.status != exitOK || !strings.Contains(r.out, "3 requests") || !strings.Contains(r.err, "convert --to mooncake") {
			t.Errorf("%+v", r)
		}
	}
	if r := s.runInput(turnsLog, "characterize", "--json", "-"); r.err != "" {
		t.Errorf("beside a document it says %s", r.err)
	}
	s.ok("convert", "--to", "blis", "-o", "b.csv", "log.jsonl")
	s.ok("convert", "--to", "servegen", "-o", "clients", "log.jsonl")
	for _, name := range []string{"b.yaml", "clients/chunk-0-trace.csv", "clients/chunk-0-dataset.json"} {
		if _, err := os.Stat(filepath.Join(s.folder, name)); err != nil {
			t.Error(err)
		}
	}
	if out := s.ok("convert", "--to", "burstgpt", "--model-label", "*=GPT-4", "--drop-failures", "--origin", "first", "-o", "-", "log.jsonl"); !strings.HasSuffix(out, "\n0,GPT-4,10,2,12,Conversation log\n1,GPT-4,5,1,6,API log\n") {
		t.Error(out)
	}
}

// TestConvertRefuses: a message that says what is wrong, and an output that appears whole or not at all.
func TestConvertRefuses(t *testing.T) {
	s := newShell(t)
	s.write("log.jsonl", []byte(turnsLog))
	s.write("bad.jsonl", []byte(turnsLog+"{\"service\":\"s\"\n"))
	s.write("old.csv", []byte("what was there\n"))
	s.write("short.key", []byte("123"))
	s.write("cut.parquet", []byte("PAR1 and no more"))
	if err := os.MkdirAll(filepath.Join(s.folder, "full", "inside"), 0o755); err != nil {
		t.Fatal(err)
	}
	for arguments, want := range map[string]string{
		"--to vidur -o old.csv bad.jsonl":                                      "3|bad.jsonl: line 4",
		"--to vidur -o nowhere/x.csv log.jsonl":                                "1|nowhere/x.csv: cannot be written: no such file or directory",
		"--to vidur -o full log.jsonl":                                         "1|full: is a directory",
		"--to servegen -o full log.jsonl":                                      "1|full: there is something in it already",
		"--to servegen -o old.csv log.jsonl":                                   "1|old.csv: is a file",
		"--to servegen -o nowhere/x log.jsonl":                                 "1|nowhere/x: cannot be written",
		"--to servegen -o - log.jsonl":                                         "2|standard output cannot take",
		"--to blis -o - log.jsonl":                                             "2|standard output cannot take",
		"--to xml -o x log.jsonl":                                              `2|--to: unknown format "xml": use one of burstgpt,`,
		"--from xml --to vidur -o x log.jsonl":                                 `2|unknown format "xml"`,
		"-o x log.jsonl":                                                       "2|--to is missing",
		"--to vidur log.jsonl":                                                 "2|--output is missing",
		"--to vidur -o x":                                                      "2|no log to read",
		"--to vidur -o x --time-scale 0 log.jsonl":                             "2|--time-scale is 0",
		"--to vidur -o x --conversations 0 log.jsonl":                          `2|--conversations: "0" is no share`,
		"--to vidur -o x --conversations 101% log.jsonl":                       `2|"101%" is no share`,
		"--to vidur -o x --origin noon log.jsonl":                              "2|--origin is neither first nor midnight nor a time",
		"--to vidur -o x --origin 1970-01-02 log.jsonl":                        "1|before the origin of time, 1970-01-02T00:00:00Z",
		"--to vidur -o x --model-label GPT-4 log.jsonl":                        "2|want OLD=NEW",
		"--to vidur -o x --later-turns never log.jsonl":                        "2|want both, delay or timestamp",
		"--to vidur -o x --anonymise-key-file short.key log.jsonl":             "2|no use without --anonymise",
		"--to vidur -o x --anonymise --anonymise-key-file short.key log.jsonl": "2|short.key: has 3 bytes",
		"--to vidur -o x cut.parquet":                                          "3|cut.parquet: not a whole Parquet file",
		"--to azure -o x --start 2099-12-31T23:59:59Z log.jsonl":               "1|would arrive outside 1970 to 2100",
	} {
		r := s.run(append([]string{"convert"}, strings.Fields(arguments)...)...)
		status, says, _ := strings.Cut(want, "|")
		if string(rune('0'+r.status)) != status || !strings.Contains(r.err, says) {
			t.Errorf("%s: %d %s, want %s", arguments, r.status, r.err, want)
		}
	}
	if text, err := os.ReadFile(filepath.Join(s.folder, "old.csv")); err != nil || string(text) != "what was there\n" {
		t.Errorf("a failure left %s, %v", text, err)
	}
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if slices.ContainsFunc(names, func(name string) bool { return strings.HasSuffix(name, ".part") || name == "x" }) {
		t.Errorf("failures left %v", names)
	}
}

// TestConvertWhole: files that belong together are all there or none is, whatever the path, and messages name what is wrong.
func TestConvertWhole(t *testing.T) {
	s := newShell(t)
	s.write("log.jsonl", []byte(turnsLog))
	for _, test := range []struct {
		arguments []string
		status    int
		want      string
	}{
		{[]string{"--to", "blis", "-o", "trace.yaml"}, exitUsage, "what the second file is called"},
		{[]string{"--to", "blis", "-o", "/dev/null"}, exitFailed, "/dev/null: is no file"},
		{[]string{"--to", "vidur", "-o", "v.csv", "--start", "1970-01-01"}, exitUsage, "--start is 1970-01-01"},
		{[]string{"--to", "vidur", "-o", "v.csv", "--time-scale", "inf"}, exitUsage, "--time-scale is +Inf"},
	} {
		r := s.run(append([]string{"convert", "log.jsonl"}, test.arguments...)...)
		if r.status != test.status || !strings.Contains(r.err, test.want) {
			t.Errorf("%v: %d %s", test.arguments, r.status, r.err)
		}
	}
	for _, name := range []string{"trace.yaml", "v.csv", "/dev/null.yaml"} {
		if filepath.IsLocal(name) {
			name = filepath.Join(s.folder, name)
		}
		if _, err := os.Stat(name); err == nil {
			t.Errorf("%s is left", name)
		}
	}
	// A log in the order of answers has its times in order where rows are sent one after the other.
	if out, want := s.ok("convert", "--to", "azure", "-o", "-", "log.jsonl"), "TIMESTAMP,ContextTokens,GeneratedTokens\n1970-01-01 00:00:01.0000000,10,2\n"+
		"1970-01-01 00:00:02.0000000,5,1\n1970-01-01 00:00:04.0000000,20,0\n"; out != want {
		t.Error(out)
	}
	if out := s.ok("convert", "--to", "canonical", "--start", "2026-01-05", "-o", "-", "log.jsonl"); !strings.HasPrefix(out, `{"service":"s","model":"m","arrival_us":1767571200000000,"request_id":"a"`) {
		t.Errorf("the first arrival is not at the start: %s", out)
	}
}
