package main

import (
	"bytes"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"tidegauge/config"
	"tidegauge/report"
	"tidegauge/storage"
	"tidegauge/traces/contrast"
)

// background is a command that goes on running.
type background struct {
	t       *testing.T
	command *exec.Cmd
	mu      sync.Mutex
	said    bytes.Buffer // both outputs
	ended   chan error
}

func (b *background) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.said.Write(p)
}

func (b *background) text() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.said.String()
}

// start starts a command; it is killed at the test's end if it has not ended by then.
func (s *shell) start(arguments ...string) *background {
	s.t.Helper()
	b := &background{t: s.t, command: s.command(arguments...), ended: make(chan error, 1)}
	b.command.Stdout, b.command.Stderr = b, b
	// A child that outlives the command must not hold up the test.
	b.command.WaitDelay = 10 * time.Second
	if err := b.command.Start(); err != nil {
		s.t.Fatal(err)
	}
	go func() { b.ended <- b.command.Wait() }()
	s.t.Cleanup(func() { b.command.Process.Kill() })
	return b
}

// stop sends a signal and waits for a clean end.
func (b *background) stop(signal os.Signal) {
	b.t.Helper()
	if err := b.command.Process.Signal(signal); err != nil {
		b.t.Fatal(err)
	}
	select {
	case err := <-b.ended:
		if err != nil {
			b.t.Fatalf("after %v it ends with %v:\n%s", signal, err, b.text())
		}
	case <-time.After(time.Minute):
		b.t.Fatalf("it still runs a minute after %v:\n%s", signal, b.text())
	}
}

// up starts tidegauge up on free ports and waits until it says how to reach it.
func (s *shell) up(more ...string) (*background, *config.Running) {
	s.t.Helper()
	b := s.start(append([]string{"up", "--broker-listen", "127.0.0.1:0", "--engine-native-port", "0", "--engine-http-port", "0", "--listen", "127.0.0.1:0"}, more...)...)
	folder := filepath.Join(s.folder, "data")
	for deadline := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		if running, err := config.FindRunning(folder); err == nil {
			return b, running
		}
		select {
		case err := <-b.ended:
			s.t.Fatalf("up has ended: %v\n%s", err, b.text())
		default:
		}
		if time.Now().After(deadline) {
			s.t.Fatalf("up is not up:\n%s", b.text())
		}
	}
}

func get(t *testing.T, url string) (int, string) {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second}
	response, err := client.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return response.StatusCode, string(body)
}

func TestUp(t *testing.T) {
	needEngine(t)
	s := newShell(t)
	sample := filepath.Join(s.folder, "sample.jsonl")
	s.ok("sample", "--days", "1", "--output", sample)
	up, running := s.up("--receive", "--receive-http", "127.0.0.1:0", "--receive-grpc", "127.0.0.1:0")

	t.Run("what it says", func(t *testing.T) {
		for _, want := range []string{running.Kafka, running.ClickHouse, running.HTTP, running.Listen, "tidegauge ingest", "tidegauge report", "Ctrl-C"} {
			if want == "" || !strings.Contains(up.text(), want) {
				t.Errorf("%q is missing in:\n%s", want, up.text())
			}
		}
	})
	t.Run("listener", func(t *testing.T) {
		deadline := time.Now().Add(30 * time.Second)
		for {
			status, body := get(t, "http://"+running.Listen+"/readyz")
			if status == http.StatusOK && body == "broker: ok\nclickhouse: ok\nprocessors: ok\nreceiver: ok\n" {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("not ready: %d %s", status, body)
			}
			time.Sleep(50 * time.Millisecond)
		}
		if status, body := get(t, "http://"+running.Listen+"/healthz"); status != http.StatusOK || body != "ok\n" {
			t.Errorf("/healthz: %d %q", status, body)
		}
		if _, metrics := get(t, "http://"+running.Listen+"/metrics"); !strings.Contains(metrics, "go_goroutines") {
			t.Error("/metrics lacks Go's own")
		}
		if status, _ := get(t, "http://"+running.Listen+"/debug/pprof/"); status != http.StatusNotFound {
			t.Errorf("profiles are served unasked: %d", status)
		}
	})
	t.Run("a second one", func(t *testing.T) {
		s := s.in(t)
		r := s.run("up", "--broker-listen", "127.0.0.1:0", "--engine-native-port", "0", "--engine-http-port", "0", "--listen", "off")
		if r.status != exitFailed || !strings.Contains(r.err, "already running") || !strings.Contains(r.err, "--data-dir") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a port that is taken", func(t *testing.T) {
		s := s.in(t)
		_, port, _ := net.SplitHostPort(running.Kafka)
		for arguments, want := range map[string]string{
			"--broker-listen " + running.Kafka + " --engine-native-port 0 --engine-http-port 0 --listen off":          "--broker-listen 127.0.0.1:0",
			"--broker-listen 127.0.0.1:0 --engine-native-port " + port + " --engine-http-port 0 --listen off":         "--engine-native-port 0",
			"--broker-listen 127.0.0.1:0 --engine-native-port 0 --engine-http-port 0 --listen " + running.Kafka + " ": "--listen",
		} {
			r := s.run(append([]string{"up", "--data-dir", t.TempDir()}, strings.Fields(arguments)...)...)
			if r.status != exitFailed || !strings.Contains(r.err, "in use") || !strings.Contains(r.err, want) {
				t.Errorf("%s: %+v", arguments, r)
			}
		}
	})
	t.Run("nothing there yet", func(t *testing.T) {
		s := s.in(t)
		r := s.run("report")
		if r.status != exitFailed || !strings.Contains(r.err, "no requests") || !strings.Contains(r.err, "tidegauge ingest") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("ingest", func(t *testing.T) {
		s := s.in(t)
		out := s.ok("ingest", "--wait", sample)
		for _, want := range []string{"refused 0 rows", "arrivals from 2026-01-05T", "tidegauge report --service demo --from 2026-01-05T00:00:00Z --to 2026-01-0", "stored in ClickHouse"} {
			if !strings.Contains(out, want) {
				t.Errorf("%q is missing in:\n%s", want, out)
			}
		}
		// The command that it gives must work as it stands.
		_, command, _ := strings.Cut(out, "look at it: "+binary+" ")
		command, _, _ = strings.Cut(command, "\n")
		if table := s.ok(strings.Fields(command)...); !strings.Contains(table, "demo") {
			t.Errorf("%s gives\n%s", command, table)
		}
	})
	t.Run("report equals characterize", func(t *testing.T) {
		s := s.in(t)
		var direct, stored report.Summary
		for document, arguments := range map[*report.Summary][]string{&direct: {"characterize", "--json", sample}, &stored: {"report", "--json"}} {
			if err := json.Unmarshal([]byte(s.ok(arguments...)), document); err != nil {
				t.Fatal(err)
			}
		}
		for _, d := range report.Compare(&direct, &stored) {
			t.Error(d)
		}
	})
	t.Run("compare with what is recorded", func(t *testing.T) {
		s := s.in(t)
		var c contrast.Comparison
		if err := json.Unmarshal([]byte(s.ok("compare", "--json", "--service", "demo", sample)), &c); err != nil {
			t.Fatal(err)
		}
		if c.Verdict != contrast.Alike || c.A.Name != "demo" || c.A.Requests != 28_474 || c.B.Requests != 28_474 {
			t.Errorf("%s, %+v", c.Verdict, c.A)
		}
		for _, d := range c.Streams[0].Distance {
			if d.KS != 0 {
				t.Errorf("%s: what is recorded is not what was logged: %+v", d.Name, d)
			}
		}
		const noon = "2026-01-05T12:00:00Z"
		if out := s.ok("compare", "--service", "demo", "--to", noon, "--from-b", noon); !strings.Contains(out, "B  demo, from "+noon) {
			t.Errorf("two halves of a day:\n%s", out)
		}
		if r := s.run("compare", "--service", "nobody", sample); r.status != exitFailed || !strings.Contains(r.err, "There is:") {
			t.Errorf("an unknown service: %+v", r)
		}
	})
	t.Run("export", func(t *testing.T) {
		s := s.in(t)
		log, err := os.ReadFile(sample)
		if err != nil {
			t.Fatal(err)
		}
		// The sample's lines are in the order of everything, but for requests of one microsecond.
		want := strings.SplitAfter(string(log), "\n")
		got := strings.SplitAfter(s.ok("export", "--format", "canonical", "-o", "-"), "\n")
		slices.Sort(want)
		slices.Sort(got)
		if !slices.Equal(want, got) {
			t.Errorf("%d lines are exported of %d", len(got), len(want))
		}
		if r := s.run("export", "--format", "vidur", "--service", "nobody", "-o", "none.csv"); r.status != exitFailed || !strings.Contains(r.err, "no requests of service nobody") {
			t.Errorf("an unknown service: %+v", r)
		}
		out := s.ok("export", "--format", "azure", "--from", "2026-01-05T01:00:00Z", "--to", "2026-01-05T01:10:00Z", "-o", "-")
		for row := range strings.Lines(strings.TrimPrefix(out, azureHeader)) {
			if !strings.HasPrefix(row, "2026-01-05 01:0") {
				t.Errorf("outside the range: %s", row)
			}
		}
	})
	t.Run("verify", func(t *testing.T) {
		s := s.in(t)
		if out := s.ok("verify"); !strings.Contains(out, "recounted 28,474 requests") || !strings.Contains(out, ": 0 differ") {
			t.Errorf("it says %q", out)
		}
		s.ok("sql", "INSERT INTO minutes (service, grouping, model, log_type, minute, version, requests) VALUES ('forged', 'all', '', '', 1000, 1, 7)")
		r := s.run("verify", "--service", "forged")
		if r.status != exitFailed || !strings.Contains(r.out, "1970-01-01 16:40") || !strings.Contains(r.err, "not what their requests come to") {
			t.Errorf("a forged row: %+v", r)
		}
		out := s.ok("recompute", "--service", "forged")
		if !strings.Contains(out, "recomputed 0 requests of 1 service: wrote 0 rows of minutes and 0 of conversations; 1 row had no requests left and is gone") {
			t.Errorf("recompute says %q", out)
		}
		if r := s.run("verify", "--service", "forged"); r.status != exitFailed || !strings.Contains(r.err, "no requests of service forged") {
			t.Errorf("after a recompute: %+v", r)
		}
	})
	t.Run("recompute", func(t *testing.T) {
		s := s.in(t)
		if out := s.ok("recompute"); !strings.Contains(out, "recomputed 28,474 requests of ") || strings.Contains(out, "gone") {
			t.Errorf("it says %q", out)
		}
		if out := s.ok("verify"); !strings.Contains(out, "recounted 28,474 requests") || !strings.Contains(out, ": 0 differ") {
			t.Errorf("verify says %q", out)
		}
		r := s.run("recompute", "--service", "nobody")
		if r.status != exitFailed || !strings.Contains(r.err, "no requests of service nobody") || !strings.Contains(r.err, "There is:") {
			t.Errorf("an unknown service: %+v", r)
		}
		if r := s.run("recompute", "--from", "1980-01-01", "--to", "1980-01-02"); r.status != exitFailed || !strings.Contains(r.err, "in this range") {
			t.Errorf("an empty range: %+v", r)
		}
	})
	t.Run("a bad row", func(t *testing.T) {
		s := s.in(t)
		s.write("bad.csv", azureLog(25, "2023-11-16 18:17:03.9799600,-5,44"))
		for range 2 { // running it again is harmless
			r := s.run("ingest", "bad.csv")
			if r.status != exitRefused || !strings.Contains(r.err, "bad.csv: line 27: ContextTokens") || !strings.Contains(r.err, "25 requests before it are in Kafka") {
				t.Errorf("%+v", r)
			}
		}
		s.ok("ingest", "--wait", "--on-error", "skip", "bad.csv")
		if out := s.ok("sql", "--format", "tsv", "SELECT count() FROM requests FINAL WHERE service = 'azure'"); out != "count()\n25\n" {
			t.Errorf("there are %q", out)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		b := s.in(t).start("ingest", "--service", "slow", "--pace", "1x", sample)
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(100 * time.Millisecond) {
			if out := s.in(t).ok("sql", "--format", "tsv", "SELECT count() > 0 FROM requests WHERE service = 'slow'"); strings.HasSuffix(out, "\n1\n") {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("nothing arrives")
			}
		}
		if err := b.command.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		<-b.ended
		if status := b.command.ProcessState.ExitCode(); status != exitInterrupted || !strings.Contains(b.text(), "running this again is harmless") {
			t.Errorf("ended with %d:\n%s", status, b.text())
		}
	})
	t.Run("ranges", func(t *testing.T) {
		s := s.in(t)
		r := s.run("report", "--service", "nobody")
		if r.status != exitFailed || !strings.Contains(r.err, "no requests of service nobody") || !strings.Contains(r.err, "demo: ") {
			t.Errorf("%+v", r)
		}
		if r := s.run("report", "--from", "now-6h"); r.status != exitFailed || !strings.Contains(r.err, "in this range") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("sql", func(t *testing.T) { testSQL(t, s.in(t)) })
	t.Run("what is acknowledged is on the disk", func(t *testing.T) {
		// An insert that is not synced syncs no folder.
		if out := s.in(t).ok("sql", "-f", "tsv", "SELECT sum(value) > 0 FROM system.events WHERE event = 'DirectorySync'"); !strings.HasSuffix(out, "\n1\n") {
			t.Errorf("no part's folder was synced: %q", out)
		}
	})
	t.Run("another password", func(t *testing.T) {
		s := s.in(t)
		address := strings.Replace(running.ClickHouse, "://", "://somebody:secret@", 1)
		r := s.run("report", "--clickhouse", address)
		if r.status != exitUnreachable || !strings.Contains(r.err, "somebody is refused") || strings.Contains(r.err, "secret") {
			t.Errorf("%+v", r)
		}
	})
	t.Run("a topic with another count", func(t *testing.T) {
		s := s.in(t)
		r := s.run("ingest", "--brokers", running.Kafka, "--kafka-partitions", "5", sample)
		if r.status != exitFailed || !strings.Contains(r.err, "12") {
			t.Errorf("%+v", r)
		}
	})

	t.Run("live requests", func(t *testing.T) {
		s := s.in(t)
		at := regexp.MustCompile(`http://\S+/v1/requests`).FindString(up.text())
		s.write("live.jsonl", []byte(liveRequest(1)+liveRequest(2)))
		for range 2 { // posting it again is harmless
			if status, answer := s.curl(at, "--data-binary", "@live.jsonl"); status != "200" || answer != `{"accepted":2,"refused":0}`+"\n" {
				t.Errorf("%s %s", status, answer)
			}
		}
		for deadline := time.Now().Add(30 * time.Second); ; time.Sleep(50 * time.Millisecond) {
			out := s.ok("sql", "--format", "tsv", "SELECT count() FROM requests FINAL WHERE service = 'live'")
			if out == "count()\n2\n" {
				break
			}
			if time.Now().After(deadline) {
				t.Fatalf("there are %q", out)
			}
		}
	})

	t.Run("gpus", func(t *testing.T) { testScrape(t, s.in(t)) })
	t.Run("metrics", func(t *testing.T) {
		// The log's size is looked at now and then; what is left has had no occasion.
		missing := []string{"tidegauge_broker_deleted_records_total", "tidegauge_broker_log_bytes", "tidegauge_processor_errors_total",
			"tidegauge_processor_reloads_total", "tidegauge_receive_throttled_total", "tidegauge_storage_insert_retries_total",
			"tidegauge_storage_quarantined_rows_total", "tidegauge_headline_errors_total", "tidegauge_gpu_processor_errors_total"}
		_, metrics := get(t, "http://"+running.Listen+"/metrics")
		for _, name := range checkTypes(t, metrics) {
			// A log of now has the first (TestHeadline), testScrape the second.
			if !slices.Contains(missing, name) && !strings.HasPrefix(name, "tidegauge_service_") && !strings.HasPrefix(name, "tidegauge_scrape_") {
				t.Errorf("/metrics lacks %s", name)
			}
		}
		for _, want := range []string{`tidegauge_processor_lag_seconds\{partition="\d+"\} 0`, `tidegauge_processor_lag_records\{partition="\d+"\} 0`,
			`tidegauge_processor_assigned_partitions 12`, `tidegauge_processor_generations_total [1-9]`, `tidegauge_processor_records_total [1-9]`,
			`tidegauge_processor_record_bytes_total [1-9]`, `tidegauge_processor_requests_total [1-9]`, `tidegauge_processor_duplicates_total [1-9]`,
			`tidegauge_processor_flushes_total [1-9]`, `tidegauge_processor_flush_records_count [1-9]`, `tidegauge_processor_flush_seconds_count [1-9]`,
			`tidegauge_processor_end_to_end_delay_seconds_count [1-9]`, `tidegauge_processor_committed_offset\{partition="\d+"\} [1-9]`,
			`tidegauge_processor_cache_bytes\{partition="\d+"\} [1-9]`, `tidegauge_build_info\{version=".+"\} 1`} {
			if !regexp.MustCompile("(?m)^" + want).MatchString(metrics) {
				t.Errorf("no %s in\n%s", want, metrics)
			}
		}
	})

	up.stop(syscall.SIGTERM)
	if _, err := os.Stat(filepath.Join(s.folder, "data", "up.json")); err == nil {
		t.Error("up.json is still there")
	}
	if r := s.run("report"); r.status != exitUnreachable || !strings.Contains(r.err, "no tidegauge up is running") {
		t.Errorf("after the stop: %+v", r)
	}

	// On the same folder it goes on where it was; killed, it leaves nothing that bars the next one.
	up, _ = s.up()
	if out := s.ok("sql", "--format", "tsv", "SELECT count() FROM requests FINAL WHERE service = 'azure'"); out != "count()\n25\n" {
		t.Errorf("after a restart there are %q", out)
	}
	up.command.Process.Kill()
	<-up.ended
	if r := s.run("report"); r.status != exitUnreachable || !strings.Contains(r.err, "without stopping cleanly") {
		t.Errorf("after a kill: %+v", r)
	}
	up, _ = s.up()
	up.stop(os.Interrupt)
}

func testSQL(t *testing.T, s *shell) {
	const query = `SELECT 1 AS n, 'a"b' AS s, [1, 2] AS list, NULL AS nothing, toDateTime64('2026-01-05 00:00:01.25', 2, 'UTC') AS at,
		map('k', 'v') AS labels, toDecimal64(1.5, 2) AS d, nan AS x, toUInt256(7) AS big, (1, 'a') AS pair`
	for format, want := range map[string]string{
		"json":  `{"n":1,"s":"a\"b","list":[1,2],"nothing":null,"at":"2026-01-05 00:00:01.25","labels":{"k":"v"},"d":1.5,"x":null,"big":7,"pair":[1,"a"]}` + "\n",
		"csv":   "n,s,list,nothing,at,labels,d,x,big,pair\n" + `1,"a""b","[1,2]",\N,2026-01-05 00:00:01.25,{'k':'v'},1.5,nan,7,"(1,'a')"` + "\n",
		"tsv":   "n\ts\tlist\tnothing\tat\tlabels\td\tx\tbig\tpair\n1\ta\"b\t[1,2]\t\\N\t2026-01-05 00:00:01.25\t{'k':'v'}\t1.5\tnan\t7\t(1,'a')\n",
		"table": "n  s    list   nothing  at                      labels       d    x  big  pair\n-  ---  -----  -------  ----------------------  ---------  ---  ---  ---  -------\n1  a\"b  [1,2]  NULL     2026-01-05 00:00:01.25  {'k':'v'}  1.5  nan    7  (1,'a')\n",
	} {
		if got := s.ok("sql", "--format", format, query); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", format, got, want)
		}
	}
	if r := s.runInput("SELECT {a:String} AS a;\n", "sql", "-f", "tsv", "--param", `a=x\y'z`); r.out != "a\nx\\\\y'z\n" {
		t.Errorf("a query from standard input with a parameter: %+v", r)
	}
	if out := s.ok("sql", "CREATE TABLE IF NOT EXISTS note (a Int8) ENGINE = Memory"); out != "" {
		t.Errorf("a statement without a result prints %q", out)
	}
	if out := s.ok("sql", "--format", "tsv", "SELECT number FROM numbers(100000)"); strings.Count(out, "\n") != 100_001 {
		t.Errorf("%d lines", strings.Count(out, "\n"))
	}
	if r := s.run("sql", "SELECT 1 FROM nowhere"); r.status != exitFailed || !strings.Contains(r.err, "nowhere") || !strings.Contains(r.err, "code 60") {
		t.Errorf("%+v", r)
	}
	if r := s.run("sql", "SELECT throwIf(number = 50000) FROM numbers(100000) SETTINGS max_block_size = 1000"); r.status != exitFailed ||
		!strings.Contains(r.err, "code 395") {
		t.Errorf("an error in mid-stream: %d, %s", r.status, r.err)
	}
}

// TestProcess runs the parts by themselves: a broker and an engine of the embedded kind, reached like any others.
func TestProcess(t *testing.T) {
	needEngine(t)
	s := newShell(t)
	up, running := s.up()
	other := "clickhouse://" + strings.TrimPrefix(strings.TrimSuffix(running.ClickHouse, "/tidegauge"), "clickhouse://") + "/other"
	connect := []string{"--brokers", running.Kafka, "--clickhouse", other, "--topic", "other", "--group", "other"}
	process := append([]string{"process", "--listen", "127.0.0.1:0", "--log-format", "json"}, connect...)

	if r := s.run("migrate", "--check", "--clickhouse", other); r.status != exitUnreachable || !strings.Contains(r.err, "tidegauge migrate") {
		t.Errorf("migrate --check without a database: %+v", r)
	}
	if r := s.run(process...); r.status != exitUnreachable || !strings.Contains(r.err, "tidegauge migrate") {
		t.Errorf("process without a database: %+v", r)
	}
	if out := s.ok("migrate", "--clickhouse", other); !strings.Contains(out, "has been migrated") {
		t.Errorf("migrate: %s", out)
	}
	if out := s.ok("migrate", "--clickhouse", other); !strings.Contains(out, "is up to date") {
		t.Errorf("migrate again: %s", out)
	}
	s.ok("sql", "--clickhouse", other, "ALTER TABLE tidegauge_migrations DELETE WHERE version_id > 1 SETTINGS mutations_sync = 1")
	if r := s.run(process...); r.status != exitFailed || !strings.Contains(r.err, "older") || !strings.Contains(r.err, "tidegauge migrate") {
		t.Errorf("process on an old schema: %+v", r)
	}
	s.ok("migrate", "--clickhouse", other)

	s.ok("sample", "--days", "1", "--output", "sample.jsonl")
	s.ok("ingest", "--brokers", running.Kafka, "--topic", "other", "--kafka-partitions", "3", "sample.jsonl")
	p := s.start(process...)
	s.ok(append([]string{"ingest", "--wait", "sample.jsonl"}, connect...)...)
	address := regexp.MustCompile(`"listen":"([^"]+)"`).FindStringSubmatch(p.text())
	if address == nil {
		t.Fatalf("process does not say where it listens:\n%s", p.text())
	}
	if status, body := get(t, "http://"+address[1]+"/readyz"); status != http.StatusOK {
		t.Errorf("/readyz: %d %s", status, body)
	}
	p.stop(syscall.SIGTERM)
	if left := s.ok("sql", "--clickhouse", other, "-f", "tsv", "SELECT uniqExact(partition) FROM positions FINAL WHERE consumer_group = 'other'"); !strings.HasSuffix(left, "\n1\n") {
		t.Errorf("positions of partitions: %s", left)
	}
	if out := s.ok("verify", "--clickhouse", other); !strings.Contains(out, ": 0 differ") {
		t.Errorf("verify says %q", out)
	}
	up.stop(syscall.SIGTERM)
}

// TestHangingUp: a broker and a database that take the connection and end it.
func TestHangingUp(t *testing.T) {
	if testing.Short() {
		t.Skip("waits for a broker's patience")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ln.Close() })
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			c.Close()
		}
	}()
	s := newShell(t)
	s.write("log.csv", azureLog(3))
	for arguments, want := range map[string]string{
		"ingest log.csv --brokers " + ln.Addr().String():         "closed the connection",
		"report --clickhouse clickhouse://" + ln.Addr().String(): "hung up",
	} {
		t.Run(arguments[:6], func(t *testing.T) {
			t.Parallel()
			if r := s.in(t).run(strings.Fields(arguments)...); r.status != exitUnreachable || !strings.Contains(r.err, want) {
				t.Errorf("%+v, want %q", r, want)
			}
		})
	}
}

func TestDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("takes tens of seconds")
	}
	needEngine(t)
	s := newShell(t)
	begun := time.Now()
	temporary := filepath.Join(s.folder, "tmp")
	if err := os.Mkdir(temporary, 0o700); err != nil {
		t.Fatal(err)
	}
	s.env = append(s.env, "TMPDIR="+temporary)
	out := s.ok("demo")
	t.Logf("took %v:\n%s", time.Since(begun), out)
	for _, want := range []string{"85,453 requests", "synthetic", "consumer lag 0", "gap_cv", "they agree", "tidegauge sql", "window_start", " up ", "Done in"} {
		if !strings.Contains(out, want) {
			t.Errorf("%q is missing", want)
		}
	}
	if left, _ := os.ReadDir(temporary); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	if _, err := os.Stat(filepath.Join(s.folder, "data")); err == nil {
		t.Error("the user's own data folder was touched")
	}
}

// TestDemoOfALog keeps what it made, and up goes on with it.
func TestDemoOfALog(t *testing.T) {
	if testing.Short() {
		t.Skip("takes tens of seconds")
	}
	needEngine(t)
	s := newShell(t)
	s.write("log.csv", azureLog(500))
	out := s.ok("demo", "--keep", "log.csv", "--service", "mine")
	_, folder, _ := strings.Cut(out, " up --data-dir ")
	folder, _, _ = strings.Cut(folder, " ")
	if !strings.Contains(out, "they agree") || folder == "" {
		t.Fatalf("%s", out)
	}
	if err := os.Rename(folder, filepath.Join(s.folder, "data")); err != nil {
		t.Fatal(err)
	}
	up, _ := s.up()
	if out := s.ok("sql", "-f", "tsv", "SELECT service, count() FROM requests FINAL GROUP BY service"); !strings.HasSuffix(out, "mine\t500\n") {
		t.Errorf("it holds %q", out)
	}
	up.stop(syscall.SIGTERM)
}

func TestDemoWithoutEngine(t *testing.T) {
	s := newShell(t)
	s.env = append(s.env, storage.EngineLibraryVariable+"="+filepath.Join(s.folder, "missing.so"))
	for _, command := range []string{"demo", "up"} {
		if r := s.run(command); r.status != exitFailed || !strings.Contains(r.err, "not installed") || r.out != "" {
			t.Errorf("%s: %+v", command, r)
		}
	}
}
