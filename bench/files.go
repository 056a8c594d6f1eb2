package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/dustin/go-humanize"

	"tidegauge/schemas"
)

// files measures what reads a file: characterize and ingest.
type files struct {
	path, python, binary string
	rows, size           int64
	out                  io.Writer // results
	log                  func(format string, arguments ...any)
}

// fullScale is how many rows the BurstGPT trace's second release has.
const fullScale = 5_344_021

// burstFile makes a file in BurstGPT's format, once: with the generator among the recorded logs where those are
// (TIDEGAUGE_TEST_DATA), whose traffic has the trace's days, drifts and outages, else with this program's own.
func burstFile(ctx context.Context, folder, python string, rows int) (string, error) {
	path := filepath.Join(folder, fmt.Sprintf("burst-%d.csv", rows))
	if _, err := os.Stat(path); err == nil {
		return path, nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", err
	}
	partial := path + ".new"
	script := filepath.Join(os.Getenv("TIDEGAUGE_TEST_DATA"), "synth_burst.py")
	if _, err := os.Stat(script); err == nil && os.Getenv("TIDEGAUGE_TEST_DATA") != "" {
		out, err := exec.CommandContext(ctx, python, script, "--rows", strconv.Itoa(rows), "--out", partial).CombinedOutput()
		if err != nil {
			return "", fmt.Errorf("making a log: %w\n%s", err, out)
		}
	} else if err := writeBurst(partial, rows); err != nil {
		return "", err
	}
	return path, os.Rename(partial, path)
}

// writeBurst writes a service's requests as BurstGPT's second release would have logged them. Their number a minute is
// such that they fill the trace's 110 days.
func writeBurst(path string, rows int) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	out := bufio.NewWriterSize(file, 1<<20)
	fmt.Fprintln(out, "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type")
	w := defaultWorkload()
	w.services, w.partitions, w.slowest, w.startUS = 1, 1, float64(rows)/(110*24*60), 0
	model := map[string]string{"gpt-4o-mini": "ChatGPT", "llama-70b": "GPT-4"}
	kind := map[string]string{"api": "API log", "conversation": "Conversation log"}
	err = w.minutes(rows, func(batch []schemas.Request) error {
		for i := range batch {
			r := &batch[i]
			fmt.Fprintf(out, "%d.0,%s,%d,%s,%d,%d,%d,%s\n", r.ArrivalUS/schemas.SecondUS, r.Conversation, r.ElapsedUS/schemas.SecondUS,
				model[r.Model], r.RequestTokens, r.ResponseTokens, r.RequestTokens+r.ResponseTokens, kind[r.LogType])
		}
		return nil
	})
	return errors.Join(err, out.Flush(), file.Close())
}

// reading is one way to get numbers out of the file, and what it took.
type reading struct {
	name      string
	command   []string
	oneCore   bool
	wall, cpu time.Duration
	memory    int64 // the most that was resident, bytes
	output    []byte
}

func (r *reading) run(ctx context.Context) error {
	command := r.command
	if r.oneCore {
		command = append([]string{"taskset", "-c", "0"}, command...)
	}
	c := exec.CommandContext(ctx, command[0], command[1:]...)
	var complaints bytes.Buffer
	var output bytes.Buffer
	c.Stdout, c.Stderr = &output, &complaints
	if r.oneCore {
		c.Env = append(os.Environ(), "GOMAXPROCS=1")
	}
	began := time.Now()
	if err := c.Run(); err != nil {
		return fmt.Errorf("%s: %w\n%s", r.name, err, complaints.Bytes())
	}
	wall, cpu := time.Since(began), c.ProcessState.UserTime()+c.ProcessState.SystemTime()
	// The best of each: what disturbs a run only ever makes it longer.
	if r.wall == 0 || wall < r.wall {
		r.wall = wall
	}
	if r.cpu == 0 || cpu < r.cpu {
		r.cpu = cpu
	}
	if usage, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		r.memory = max(r.memory, usage.Maxrss<<10)
	}
	r.output = output.Bytes()
	return nil
}

// characterize measures the whole summary against scripts that compute five of its numbers, and checks that those agree.
func (f *files) characterize(ctx context.Context, runs int) error {
	summary := []string{f.binary, "characterize", "--json", f.path}
	readings := []*reading{
		{name: "tidegauge characterize, whole summary", command: summary},
		{name: "the same on one core", command: summary, oneCore: true},
	}
	for _, script := range []string{"pandas", "polars", "duckdb"} {
		readings = append(readings, &reading{name: script + ", five numbers a stream", command: []string{f.python, "python/" + script + "_streams.py", f.path}})
	}
	python, script := os.Getenv("TIDEGAUGE_REFERENCE_PYTHON"), filepath.Join(os.Getenv("TIDEGAUGE_REFERENCE"), "characterize.py")
	if _, err := os.Stat(python); err == nil {
		readings = append(readings, &reading{name: "the reference, whole summary", command: []string{python, script, f.path}})
	}
	for run := range runs {
		for _, r := range readings {
			if run > 0 && strings.HasPrefix(r.name, "the reference") {
				continue // half a minute, and no close race
			}
			if err := r.run(ctx); err != nil {
				return err
			}
			f.log("run %d: %s: %.2f s, %.2f s of CPU", run+1, r.name, r.wall.Seconds(), r.cpu.Seconds())
		}
	}
	for _, r := range readings[2:5] {
		if err := agree(readings[0].output, r.output); err != nil {
			return fmt.Errorf("%s: %w", r.name, err)
		}
	}
	t := newTable(f.out, fmt.Sprintf("a file of %s rows", humanize.Comma(f.rows)), "s", "rows/s", "s of CPU", "peak MB", "bytes a row", "ratio of s")
	for _, r := range readings {
		t.add(r.name, r.wall.Seconds(), int64(float64(f.rows)/r.wall.Seconds()), r.cpu.Seconds(), r.memory/1_000_000, r.memory/f.rows,
			r.wall.Seconds()/readings[0].wall.Seconds())
	}
	return t.print()
}

// agree holds a script's numbers against the summary: within 1e-6, as floating point sums in other orders need.
func agree(summary, script []byte) error {
	type numbers struct {
		Requests    int64   `json:"requests"`
		GapCV       float64 `json:"gap_cv"`
		GammaShape  float64 `json:"gamma_shape"`
		Slope       float64 `json:"slope"`
		Intercept   float64 `json:"intercept"`
		FailureRate float64 `json:"failure_rate"`
	}
	var document struct {
		Services []struct {
			Streams []struct {
				Model    string  `json:"model"`
				LogType  string  `json:"log_type"`
				Requests int64   `json:"requests"`
				Arrivals numbers `json:"arrivals"`
				Lengths  numbers `json:"lengths"`
				Failures numbers `json:"failures"`
			} `json:"streams"`
		} `json:"services"`
	}
	found := map[string]numbers{}
	if err := errors.Join(json.Unmarshal(summary, &document), json.Unmarshal(script, &found)); err != nil {
		return err
	}
	streams := document.Services[0].Streams
	if len(found) != len(streams) {
		return fmt.Errorf("%d streams, not %d", len(found), len(streams))
	}
	kind := map[string]string{"api": "API log", "conversation": "Conversation log"}
	for _, s := range streams {
		key := s.Model + "|" + kind[s.LogType]
		got := found[key]
		for _, pair := range [][2]float64{
			{float64(got.Requests), float64(s.Requests)}, {got.GapCV, s.Arrivals.GapCV}, {got.GammaShape, s.Arrivals.GammaShape},
			{got.Slope, s.Lengths.Slope}, {got.Intercept, s.Lengths.Intercept}, {got.FailureRate, s.Failures.FailureRate},
		} {
			if math.Abs(pair[0]-pair[1]) > 1e-6*math.Abs(pair[1]) || math.IsNaN(pair[0]) {
				return fmt.Errorf("stream %q: %v instead of %v", key, pair[0], pair[1])
			}
		}
	}
	return nil
}

// ingest measures how fast the file gets into Kafka, acknowledged.
func (f *files) ingest(ctx context.Context, l *lab, runs int) error {
	var best *reading
	var broker time.Duration
	for range runs {
		topic := l.name("ingest")
		r := &reading{name: "tidegauge ingest", command: []string{f.binary, "ingest", "--brokers", l.broker(), "--topic", topic, f.path}}
		_, before, err := l.cpu()
		if err != nil {
			return err
		}
		if err := r.run(ctx); err != nil {
			return err
		}
		_, after, err := l.cpu()
		if err != nil {
			return err
		}
		ends, err := l.ends(ctx, topic, 12)
		if err != nil {
			return err
		}
		var written int64
		for _, end := range ends {
			written += end
		}
		if written != f.rows {
			return fmt.Errorf("ingest wrote %d records of %d rows", written, f.rows)
		}
		if best == nil || r.wall < best.wall {
			best, broker = r, after-before
		}
	}
	us := func(d time.Duration) float64 { return d.Seconds() * 1e6 / float64(f.rows) }
	t := newTable(f.out, "the same file into Kafka", "rows/s", "MB/s", "CPU us a row", "broker's", "peak MB")
	t.add(best.name, int64(float64(f.rows)/best.wall.Seconds()), float64(f.size)/1e6/best.wall.Seconds(), us(best.cpu), us(broker), best.memory/1_000_000)
	return t.print()
}

// countRows counts a file's lines but for its header.
func countRows(path string) (rows, size int64, err error) {
	text, err := os.ReadFile(path)
	return int64(bytes.Count(text, []byte("\n"))) - 1, int64(len(text)), err
}
