package main

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidegauge/schemas"
)

func TestHelp(t *testing.T) {
	s := newShell(t)
	for _, command := range []string{"", "demo", "up", "ingest", "receive", "scrape", "process", "doctor", "characterize", "report", "verify", "sql", "sample", "export", "convert", "compare", "replay", "migrate", "recompute",
		"config", "engine", "engine fetch", "man", "version"} {
		r := s.run(append(strings.Fields(command), "--help")...)
		if r.status != exitOK || r.err != "" {
			t.Errorf("%s --help ends with %d and says on standard error: %s", command, r.status, r.err)
		}
		name := strings.ReplaceAll("tidegauge "+command, " ", "-")
		golden(t, filepath.Join("testdata", "help", strings.Trim(name, "-")+".txt"), r.out)
		if command != "" && command != "engine" && !strings.Contains(r.out, "Examples:") {
			t.Errorf("%s has no examples", command)
		}
	}
	if r := s.run(); r.status != exitOK || !strings.Contains(r.out, "Run the pipeline:") {
		t.Errorf("without a command: %+v", r)
	}
}

func TestManualAndCompletion(t *testing.T) {
	s := newShell(t)
	s.ok("man", "pages")
	page, err := os.ReadFile(filepath.Join(s.folder, "pages", "tidegauge-ingest.1"))
	if err != nil || !bytes.Contains(page, []byte("tidegauge-ingest")) {
		t.Errorf("the manual page of ingest: %v\n%s", err, page)
	}
	for _, sh := range []string{"bash", "zsh", "fish", "powershell"} {
		if out := s.ok("completion", sh); !strings.Contains(out, "tidegauge") {
			t.Errorf("completion for %s: %q", sh, out)
		}
	}
	if out := s.ok("__complete", "ingest", "--format", "b"); !strings.Contains(out, "burstgpt\n") {
		t.Errorf("completing --format b gives %q", out)
	}
	if out := s.ok("__complete", "up", "--log-level", ""); !strings.Contains(out, "debug\ninfo\nwarn\nerror\n") {
		t.Errorf("completing --log-level gives %q", out)
	}
}

func TestVersion(t *testing.T) {
	s := newShell(t)
	if out := s.ok("--version"); out != "tidegauge test\n" {
		t.Errorf("--version prints %q", out)
	}
	var about map[string]string
	if err := json.Unmarshal([]byte(s.ok("version", "--json")), &about); err != nil || about["tidegauge"] != "test" ||
		about["topic"] != schemas.RequestsTopic {
		t.Errorf("version --json: %v, %v", err, about)
	}
}

const azureHeader = "TIMESTAMP,ContextTokens,GeneratedTokens\n"

// azureLog is a log of n good rows and then others.
func azureLog(n int, rows ...string) []byte {
	var b bytes.Buffer
	b.WriteString(azureHeader)
	for i := range n {
		b.WriteString(time.Date(2023, 11, 16, 18, 15, 0, 0, time.UTC).Add(time.Duration(i)*700*time.Millisecond).Format("2006-01-02 15:04:05.0000000") +
			",374,44\n")
	}
	for _, row := range rows {
		b.WriteString(row + "\n")
	}
	return b.Bytes()
}

func truncatedGzip(t *testing.T) []byte {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	for i := range 20_000 { // unlike each other, or nothing is left to cut off
		r := schemas.Request{}
		r.Reset()
		r.Service, r.Model, r.Outcome, r.ArrivalUS = "s", "m", schemas.OK, int64(i)*int64(i)*7919%1e12
		if _, err := w.Write(append(schemas.AppendJSON(nil, &r), '\n')); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()[:b.Len()/2]
}

// TestBadInput: a message that says what, where and what to do, and a status a script can use.
func TestBadInput(t *testing.T) {
	s := newShell(t)
	s.write("good.csv", azureLog(20))
	s.write("empty.csv", azureLog(0))
	s.write("malformed.csv", azureLog(20, "2023-11-16 18:17:03.9799600,abc,44"))
	s.write("short.csv", azureLog(20, "2023-11-16 18:17:03.9799600,5"))
	s.write("negative.csv", azureLog(20, "2023-11-16 18:17:03.9799600,-5,44"))
	s.write("absurd.csv", azureLog(20, "2023-11-16 18:17:03.9799600,5,999999999999"))
	s.write("nan.csv", azureLog(20, "2023-11-16 18:17:03.9799600,NaN,44"))
	s.write("year9999.csv", azureLog(20, "9999-11-16 18:17:03.9799600,5,44"))
	s.write("header.csv", []byte("Arrival,Prompt,Answer\n1,2,3\n"))
	s.write("unknown.txt", []byte("It was a dark and stormy night.\n"))
	s.write("truncated.jsonl.gz", truncatedGzip(t))
	s.write("short.key", []byte("12345\n"))
	s.write("bad.yaml", []byte("kafka: {broker: [a:1]}\n"))
	if err := os.Mkdir(filepath.Join(s.folder, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	type want struct {
		status int
		says   []string
	}
	for _, c := range []struct {
		arguments string
		want      want
	}{
		{"characterize malformed.csv", want{exitRefused, []string{"malformed.csv: line 22: ContextTokens", `"abc" is not a number`, "--on-error skip"}}},
		{"characterize short.csv", want{exitRefused, []string{"short.csv: line 22:"}}},
		{"characterize negative.csv", want{exitRefused, []string{"negative.csv: line 22: ContextTokens", `"-5" is negative`}}},
		{"characterize absurd.csv", want{exitRefused, []string{"absurd.csv: line 22: GeneratedTokens", "more than the 100000000 tokens"}}},
		{"characterize nan.csv", want{exitRefused, []string{"nan.csv: line 22: ContextTokens", `"NaN" is not a number`}}},
		{"characterize year9999.csv", want{exitRefused, []string{"year9999.csv: line 22:", "1970 to 2100"}}},
		{"characterize truncated.jsonl.gz", want{exitRefused, []string{"truncated.jsonl.gz:", "break off or are damaged", "get the whole file"}}},
		{"characterize header.csv", want{exitRefused, []string{"header.csv: not a known format", "Arrival,Prompt,Answer", "--format"}}},
		{"characterize --format azure header.csv", want{exitRefused, []string{"header.csv", "no column", "TIMESTAMP"}}},
		{"characterize unknown.txt", want{exitRefused, []string{"unknown.txt: not a known format", "dark and stormy"}}},
		{"characterize --spans outermost good.csv", want{exitUsage, []string{`--spans "outermost" is none of innermost, server, client, all`}}},
		{"characterize --hash-ids good.csv", want{exitUsage, []string{"ingest.hash_ids: is given (from --hash-ids), but ingest.hash_key and ingest.hash_key_file are missing"}}},
		{"characterize --hash-key-file good.csv good.csv", want{exitUsage, []string{"ingest.hash_key_file: is given", "ingest.hash_ids is not true"}}},
		{"characterize --hash-ids --hash-key-file nowhere good.csv", want{exitUsage, []string{"nowhere: no such file"}}},
		{"characterize --hash-ids --hash-key-file short.key good.csv", want{exitUsage, []string{"short.key: has 5 bytes, and a key needs 16"}}},
		{"characterize --format csv good.csv", want{exitUsage, []string{`unknown format "csv"`, "burstgpt, azure"}}},
		{"characterize missing.csv", want{exitFailed, []string{"missing.csv: no such file"}}},
		{"characterize folder", want{exitFailed, []string{"folder: is a directory", "*.csv"}}},
		{"characterize *.nothing", want{exitFailed, []string{"*.nothing: no file matches"}}},
		{"characterize", want{exitUsage, []string{"no log to read"}}},
		{"characterize --on-error maybe --epoch soon good.csv", want{exitUsage, []string{`on-error "maybe"`, `epoch "soon"`}}},
		{"characterize --time-zone Mars good.csv", want{exitUsage, []string{"--time-zone", "Mars"}}},
		{"ingest --pace fast good.csv", want{exitUsage, []string{`pace "fast"`}}},
		{"ingest good.csv", want{exitUnreachable, []string{"no Kafka broker", "no tidegauge up is running from", "tidegauge up", "--brokers"}}},
		{"ingest --brokers nowhere good.csv", want{exitUsage, []string{`kafka.brokers: "nowhere" is not host:port (from --brokers)`}}},
		{"process", want{exitUnreachable, []string{"no Kafka broker", "no ClickHouse", "tidegauge up"}}},
		{"report", want{exitUnreachable, []string{"no ClickHouse", "--clickhouse"}}},
		{"verify", want{exitUnreachable, []string{"no ClickHouse"}}},
		{"recompute", want{exitUnreachable, []string{"no ClickHouse"}}},
		{"recompute --from tomorrow", want{exitUsage, []string{`--from: "tomorrow" is no time`}}},
		{"report --clickhouse clickhouse://127.0.0.1:1", want{exitUnreachable, []string{"127.0.0.1:1", "nothing listens there", "from --clickhouse"}}},
		{"report --clickhouse clickhouse://no-such-host.invalid:9000", want{exitUnreachable, []string{"no-such-host.invalid"}}},
		{"report --from yesterday --to now", want{exitUsage, []string{`--from: "yesterday" is no time`, "now-6h"}}},
		{"report --from 2026-01-02 --to 2026-01-01", want{exitUsage, []string{"is not before"}}},
		{"report --from 1767571201249330", want{exitUsage, []string{"not within 1970 to 2100 in seconds"}}},
		{"sql --format xml x", want{exitUsage, []string{`--format "xml"`, "table, json, csv, tsv"}}},
		{"sql --param a x", want{exitUsage, []string{"NAME=VALUE"}}},
		{"sql --clickhouse clickhouse://127.0.0.1:1 -", want{exitUsage, []string{"the query is empty"}}},
		{"migrate --config bad.yaml", want{exitUsage, []string{"kafka.broker: is no setting; did you mean kafka.brokers? (from bad.yaml:1)"}}},
		{"migrate --config missing.yaml", want{exitUsage, []string{"missing.yaml (from --config): no such file"}}},
		{"config --log-level loud --listen nowhere", want{exitUsage, []string{`log.level: "loud"`, `listen: "nowhere"`}}},
		{"demo missing.csv", want{exitFailed, []string{"missing.csv: no such file"}}},
		{"demo --trace a b", want{exitUsage, []string{"named twice"}}},
		{"up --engine-library missing.so", want{exitFailed, []string{"not installed", "missing.so"}}},
		{"up --broker-listen 0.0.0.0:9092", want{exitUsage, []string{"loopback"}}},
		{"compare good.csv", want{exitUsage, []string{"one log is named", "--service"}}},
		{"compare", want{exitUsage, []string{"nothing to compare"}}},
		{"compare - -", want{exitUsage, []string{"standard input can be one side only"}}},
		{"compare good.csv good.csv good.csv", want{exitUsage, []string{"at most 2"}}},
		{"compare good.csv missing.csv", want{exitFailed, []string{"missing.csv: no such file"}}},
		{"compare malformed.csv good.csv", want{exitRefused, []string{"malformed.csv: line 22: ContextTokens", "--on-error skip"}}},
		{"compare empty.csv good.csv", want{exitRefused, []string{"empty.csv: no requests"}}},
		{"compare --service other good.csv good.csv", want{exitRefused, []string{"good.csv, service other: no requests"}}},
		{"compare --fail-on never --sections speed --tolerance 0 good.csv good.csv", want{exitUsage,
			[]string{`--fail-on is "never"`, `there is no section "speed"`, "--tolerance is 0"}}},
		{"compare --json --html - good.csv good.csv", want{exitUsage, []string{"standard output"}}},
		{"compare --html nowhere/page.html good.csv good.csv", want{exitFailed, []string{"nowhere/page.html: cannot be written"}}},
		{"compare --service chat good.csv", want{exitUnreachable, []string{"no ClickHouse"}}},
		{"sample --days 0", want{exitUsage, []string{"--days is 0"}}},
		{"repotr", want{exitUsage, []string{`no command "repotr"; did you mean report?`, "--help"}}},
		{"report --form now-6h", want{exitUsage, []string{"unknown flag: --form", "tidegauge report --help"}}},
		{"report leftover", want{exitUsage, []string{"unknown command \"leftover\""}}},
	} {
		t.Run(c.arguments, func(t *testing.T) {
			t.Parallel()
			r := s.in(t).run(strings.Fields(c.arguments)...)
			if r.status != c.want.status {
				t.Errorf("ended with %d, want %d", r.status, c.want.status)
			}
			for _, text := range c.want.says {
				if !strings.Contains(r.err, text) {
					t.Errorf("does not say %q", text)
				}
			}
			if strings.Contains(r.err+r.out, "Usage:") || strings.Contains(r.err, "goroutine ") {
				t.Error("buries the message")
			}
			if r.out != "" {
				t.Errorf("has results: %s", r.out)
			}
			if t.Failed() {
				t.Logf("it says: %s", r.err)
			}
		})
	}
}

func TestSkippedRows(t *testing.T) {
	s := newShell(t)
	s.write("log.csv", azureLog(30, "x,1,2", "2023-11-16 18:17:03.9799600,-5,44"))
	r := s.run("characterize", "--on-error", "skip", "--json", "log.csv")
	var summary struct {
		Requests int
		Warnings []struct {
			Code  string
			Count int
		}
	}
	if err := json.Unmarshal([]byte(r.out), &summary); r.status != exitOK || err != nil || summary.Requests != 30 {
		t.Fatalf("%v: %+v", err, r)
	}
	if !strings.Contains(r.err, "refused 2 rows") || !strings.Contains(r.err, "log.csv: line 33:") {
		t.Errorf("the refused rows are not shown:\n%s", r.err)
	}
}

func TestSampleAndStandardInput(t *testing.T) {
	s := newShell(t)
	log := s.ok("sample", "--days", "1", "--service", "mine")
	r := s.runInput(log, "characterize", "--json", "-")
	if r.status != exitOK || !strings.Contains(r.out, `"service": "mine"`) {
		t.Errorf("%d: %.200s%s", r.status, r.out, r.err)
	}
	s.ok("sample", "--days", "1", "--service", "mine", "--output", "sample.jsonl")
	if again, err := os.ReadFile(filepath.Join(s.folder, "sample.jsonl")); err != nil || string(again) != log {
		t.Errorf("--output writes something else: %v", err)
	}
}

func TestSampleIncidents(t *testing.T) {
	s := newShell(t)
	r := s.run("sample", "--incidents", "--start", "2026-03-02", "--service", "mine", "--output", "day.jsonl")
	if r.status != exitOK || !strings.Contains(r.err, "2026-03-02 06:00 to 06:30 UTC  outage\n") || strings.Contains(r.err, "GPU") {
		t.Errorf("%+v", r)
	}
	log, err := os.ReadFile(filepath.Join(s.folder, "day.jsonl"))
	if n := bytes.Count(log, []byte("\n")); err != nil || n < 80_000 || !bytes.Contains(log, []byte(`"service":"mine"`)) {
		t.Errorf("%d requests, %.300s, %v", n, log, err)
	}
	for _, wrong := range [][]string{{"sample", "--start", "yesterday"}, {"sample", "--incidents", "--days", "2"}} {
		if r := s.run(wrong...); r.status != exitUsage || r.out != "" {
			t.Errorf("%v: status %d, %s", wrong, r.status, r.err)
		}
	}
}

func TestConfigCommand(t *testing.T) {
	s := newShell(t)
	s.write("tidegauge.yaml", []byte("kafka:\n  group: mine\nclickhouse:\n  address: clickhouse://me:verysecret@ch:9000/db?password=verysecret\n"))
	s.env = append(s.env, "TIDEGAUGE_CLICKHOUSE_PASSWORD=verysecret", "TIDEGAUGE_KAFKA_SASL_PASSWORD=verysecret",
		"TIDEGAUGE_KAFKA_SASL_USER=me", "TIDEGAUGE_KAFKA_SASL_MECHANISM=plain")
	var values map[string]struct{ Value, Source string }
	for _, arguments := range [][]string{{"config", "--topic", "t"}, {"config", "--topic", "t", "--json"}} {
		r := s.run(arguments...)
		if r.status != exitOK || strings.Contains(r.out+r.err, "verysecret") {
			t.Errorf("%v: %+v", arguments, r)
		}
		_ = json.Unmarshal([]byte(r.out), &values)
	}
	for key, want := range map[string]struct{ Value, Source string }{
		"kafka.group":         {"mine", "tidegauge.yaml:2"},
		"kafka.topic":         {"t", "--topic"},
		"kafka.sasl.password": {"(hidden)", "TIDEGAUGE_KAFKA_SASL_PASSWORD"},
		"listen":              {"127.0.0.1:9464", "default"},
	} {
		if values[key] != want {
			t.Errorf("%s is %v, want %v", key, values[key], want)
		}
	}
	example := s.ok("config", "--example")
	golden(t, filepath.Join("..", "..", "docs", "tidegauge.yaml"), example)
}
