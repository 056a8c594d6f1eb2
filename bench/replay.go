package main

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
	"tidegauge/traces/replay"
)

// replayed is what replays measures: Poisson arrivals, a third of them turns of conversations, prompts of 100 tokens, answers
// of 8 in two pieces.
type replayed struct {
	rate, seconds int
	ttft          time.Duration // of the server
	interval      time.Duration // between its tokens
	failing       float64       // the share of requests that it fails, in three ways
	realtime      bool          // generator and server go before all else, as on machines of their own
}

// command is one of the generator and the server.
func (r replayed) command(ctx context.Context, program string, arguments ...string) *exec.Cmd {
	if r.realtime {
		program, arguments = "chrt", append([]string{"--fifo", "1", program}, arguments...)
	}
	return exec.CommandContext(ctx, program, arguments...)
}

// replays drives a server process at a constant rate, with the results going through Kafka and a processor into ClickHouse on the
// same cores, and fails unless ClickHouse has what the generator counted.
func (l *lab) replays(ctx context.Context, r replayed) error {
	topic, group := l.name("replay"), l.name("group")
	if err := defaultWorkload().fill(ctx, l.broker(), topic, 0); err != nil {
		return err
	}
	db, err := l.database(ctx, l.name("replay"), true)
	if err != nil {
		return err
	}
	defer func() { _ = l.drop(context.WithoutCancel(ctx), db) }()
	process, err := l.processor(topic, group, db)
	if err != nil {
		return err
	}
	defer process.kill()
	target, stop, err := l.llmserver(ctx, r)
	if err != nil {
		return err
	}
	defer stop()
	trace := filepath.Join(l.folder, "trace.jsonl")
	n, err := r.write(trace)
	if err != nil {
		return err
	}
	before := loadAverage()
	s, err := l.replay(ctx, r, trace, target, topic)
	if err != nil {
		return err
	}
	fmt.Fprintf(l.out, "%d requests of the trace, %d sent in %.1f s (%.0f/s), load average %s before and %s after\n", n, s.Requests.Sent,
		s.Schedule.DurationSeconds, s.Requests.PerSecond, before, loadAverage())
	fmt.Fprintf(l.out, "schedule error ms: p50 %.3f, p99 %.3f, p99.9 %.3f, max %.3f; %d connections, at most %d in flight\n", 1e3*s.Schedule.Error.P50,
		1e3*s.Schedule.Error.P99, 1e3*s.Schedule.Error.P999, 1e3*s.Schedule.Error.Max, s.Schedule.Connections, s.Schedule.MostInFlight)
	fmt.Fprintf(l.out, "first token ms, from when due: p50 %.1f, p99 %.1f (the server's own: %s)\n", 1e3*s.Latency.TTFT.P50, 1e3*s.Latency.TTFT.P99, r.ttft)
	for _, f := range s.Failures {
		fmt.Fprintf(l.out, "  %-20s %6d  %s\n", f.Kind, f.Count, f.Example)
	}
	return l.compareReplay(ctx, db, process, s, n)
}

// replay runs the product.
func (l *lab) replay(ctx context.Context, r replayed, trace, target, topic string) (*replay.Summary, error) {
	command := r.command(ctx, l.binary, "replay", "--trace", trace, "--target", target, "--ingest", "--json", "--brokers", l.broker(), "--topic", topic)
	command.Stderr = l.log
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("tidegauge replay: %w", err)
	}
	s := new(replay.Summary)
	return s, json.Unmarshal(out, s)
}

// compareReplay waits until what was sent is in ClickHouse, and compares it with what the generator counted.
func (l *lab) compareReplay(ctx context.Context, db *storage.DB, process *process, s *replay.Summary, n int64) error {
	for began := time.Now(); ; time.Sleep(pollInterval) {
		counts, err := visible(ctx, db)
		if err != nil {
			return err
		}
		if counts[s.Service] >= n {
			break
		}
		if err := process.check(); err != nil {
			return err
		}
		if time.Since(began) > 2*time.Minute {
			return fmt.Errorf("ClickHouse has %d of %d results after two minutes", counts[s.Service], n)
		}
	}
	var errs []error
	for _, c := range []struct {
		what, query string
		counted     int64
	}{
		{"results", "count()", s.Requests.Ended},
		{"ok", "countIf(outcome = 'ok')", s.Outcomes["ok"]},
		{"error", "countIf(outcome = 'error')", s.Outcomes["error"]},
		{"rate_limited", "countIf(outcome = 'rate_limited')", s.Outcomes["rate_limited"]},
		{"response tokens", "sum(greatest(response_tokens, 0))", s.Tokens.Response},
		{"times to the first token", "countIf(ttft_us >= 0 AND outcome = 'ok')", s.Latency.TTFT.N},
	} {
		got, err := number(ctx, db, "SELECT toInt64("+c.query+") FROM requests FINAL WHERE service = '"+s.Service+"'")
		if err != nil {
			return err
		}
		fmt.Fprintf(l.out, "  %-26s generator %9d   ClickHouse %9d\n", c.what, c.counted, got)
		if got != c.counted {
			errs = append(errs, fmt.Errorf("%s: the generator counted %d, ClickHouse has %d", c.what, c.counted, got))
		}
	}
	return errors.Join(errs...)
}

// llmserver builds and starts the server.
func (l *lab) llmserver(ctx context.Context, r replayed) (target string, stop func(), err error) {
	binary := filepath.Join(l.folder, "llmserver")
	if out, err := exec.CommandContext(ctx, "go", "build", "-o", binary, "tidegauge/testenv/llmserver").CombinedOutput(); err != nil {
		return "", nil, fmt.Errorf("building llmserver: %w\n%s", err, out)
	}
	command := r.command(ctx, binary, "-ttft", r.ttft.String(), "-interval", r.interval.String(), "-piece", "4", "-models", "made-up,mode:half,mode:500,mode:429")
	out, err := command.StdoutPipe()
	if err != nil {
		return "", nil, err
	}
	ended, err := testenv.StartChild(command)
	if err != nil {
		return "", nil, err
	}
	stop = func() {
		_ = command.Process.Kill()
		<-ended
	}
	address, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		stop()
		return "", nil, fmt.Errorf("llmserver gave no address: %w", err)
	}
	return "http://" + strings.TrimSpace(address) + "/v1", stop, nil
}

// write makes the trace.
func (r replayed) write(path string) (n int64, err error) {
	f, err := os.Create(path)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	random := rand.New(rand.NewPCG(1, 2))
	var q schemas.Request
	var line []byte
	for at := random.ExpFloat64(); at < float64(r.rate*r.seconds); at += random.ExpFloat64() {
		n++
		q.Reset()
		q.Service, q.Model, q.Outcome, q.RequestID = "trace", "made-up", schemas.OK, strconv.FormatInt(n, 10)
		q.ArrivalUS = 1_767_571_200_000_000 + int64(at/float64(r.rate)*1e6)
		q.RequestTokens, q.ResponseTokens, q.ElapsedUS = 100, 8, (r.ttft + 4*r.interval).Microseconds()
		if random.Float64() < r.failing {
			q.Model = []string{"mode:half", "mode:500", "mode:429"}[n%3]
		}
		if random.IntN(3) == 0 {
			q.Conversation = "c" + strconv.Itoa(random.IntN(20*r.rate))
		}
		line = append(schemas.AppendJSON(line[:0], &q), '\n')
		if _, err := w.Write(line); err != nil {
			return n, err
		}
	}
	return n, errors.Join(w.Flush(), f.Sync())
}

// loadAverage is how busy the machine is, over the last minute.
func loadAverage() string {
	text, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	first, _, _ := strings.Cut(string(text), " ")
	return first
}
