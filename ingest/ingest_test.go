package ingest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"tidegauge/schemas"
)

func runConfig(brokers []string) Config {
	c := DefaultConfig()
	c.Producer.Kafka.Brokers = brokers
	c.Producer.Linger = 5 * time.Millisecond
	return c
}

// values gives all stored values, of all partitions, in order.
func values(all [][]stored) string {
	var b strings.Builder
	for _, p := range all {
		for _, r := range p {
			b.WriteString(r.value + "\n")
		}
	}
	return b.String()
}

func TestRun(t *testing.T) {
	c := newCluster(t, 4)
	path := writeFile(t, "log.csv.gz", gzipped(t, manyRows(20_000, "")))
	sources, err := Sources([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	config := runConfig(c.ListenAddrs())
	config.Reader.Progress = new(Progress)
	result, err := Run(t.Context(), config, sources)
	if err != nil {
		t.Fatal(err)
	}
	want := Result{Stats: Stats{Read: 20_000, LastArrivalUS: 19_999_000_000}, Written: 20_000, Services: map[string]int64{"burstgpt": 20_000}, Topic: schemas.RequestsTopic, Partitions: 4}
	if diff := cmp.Diff(want, result); diff != "" {
		t.Error(diff)
	}
	if got, want := values(consume(t, c.ListenAddrs(), schemas.RequestsTopic, 4)), jsonOf(readFiles(t, ReaderConfig{}, path).requests); got != want {
		t.Error("what is stored is not what was read")
	}
	if p := config.Reader.Progress; p.Written.Load() != 20_000 || p.Rows.Load() != 20_000 || p.BytesDone.Load() != p.BytesTotal.Load() {
		t.Errorf("progress: %d rows, %d written, %d bytes of %d", p.Rows.Load(), p.Written.Load(), p.BytesDone.Load(), p.BytesTotal.Load())
	}
}

// TestRunStops at a bad row: the rows before it are in, and the message says all that matters.
func TestRunStops(t *testing.T) {
	c := newCluster(t, 4)
	result, err := Run(t.Context(), runConfig(c.ListenAddrs()), []Source{textSource("log", manyRows(5_000, "7,m,NaN,1,1,API log\n"))})
	want := `log: line 502: Request tokens: "NaN" is not a number (500 requests before it are in Kafka; running this again is harmless: rows read twice count once; --on-error skip leaves such rows out)`
	if errText(err) != want {
		t.Errorf("%v\nwant %s", err, want)
	}
	var line *LineError
	if !errors.As(err, &line) || line.Line != 502 {
		t.Error("the error does not hold its line")
	}
	if n := strings.Count(values(consume(t, c.ListenAddrs(), schemas.RequestsTopic, 4)), "\n"); n != 500 || result.Written != 500 || result.Services["burstgpt"] != 500 {
		t.Errorf("%d are stored, %+v", n, result)
	}
}

func TestRunSkips(t *testing.T) {
	c := newCluster(t, 4)
	config := runConfig(c.ListenAddrs())
	config.Reader.OnError = Skip
	result, err := Run(t.Context(), config, []Source{textSource("log", manyRows(5_000, "7,m,NaN,1,1,API log\n"))})
	if err != nil || result.Read != 4_995 || result.Written != 4_995 || result.Refused != 5 || len(result.Refusals) != 5 {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestRunTruncated(t *testing.T) {
	c := newCluster(t, 4)
	packed := gzipped(t, manyRows(50_000, ""))
	result, err := Run(t.Context(), runConfig(c.ListenAddrs()), []Source{textSource("log.gz", packed[:len(packed)/2])})
	if !strings.Contains(errText(err), "log.gz: its gzip data break off") || !strings.Contains(errText(err), fmt.Sprintf("(%d requests before it are in Kafka", result.Written)) || result.Written < 1000 || result.Written != result.Read {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestRunWithoutBroker(t *testing.T) {
	config := runConfig([]string{fmt.Sprintf("127.0.0.1:%d", freePort(t))})
	config.Producer.ConnectPatience = 50 * time.Millisecond
	if _, err := Run(t.Context(), config, []Source{textSource("log", burst1)}); !strings.Contains(errText(err), "connection refused") {
		t.Error(err)
	}
}

// TestRunFollows a growing file until it is told to stop, which is no error.
func TestRunFollows(t *testing.T) {
	c := newCluster(t, 4)
	path := writeFile(t, "log.csv", burst1+"1,m,1,2,3,API log\n")
	sources, err := Sources([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	config := runConfig(c.ListenAddrs())
	config.Reader.Follow, config.Reader.Poll, config.Reader.Progress = true, time.Millisecond, new(Progress)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan struct{})
	var result Result
	go func() {
		defer close(done)
		result, err = Run(ctx, config, sources)
	}()
	written := func(n int64) {
		for start := time.Now(); config.Reader.Progress.Written.Load() < n; time.Sleep(time.Millisecond) {
			if time.Since(start) > 10*time.Second {
				t.Fatalf("%d of %d written", config.Reader.Progress.Written.Load(), n)
			}
		}
	}
	written(1)
	f, openErr := os.OpenFile(path, os.O_APPEND|os.O_WRONLY, 0)
	if openErr != nil {
		t.Fatal(openErr)
	}
	defer f.Close()
	if _, err := f.WriteString("2,m,1,2,3,API log\n3,m,1,2"); err != nil {
		t.Fatal(err)
	}
	written(2) // within the linger
	cancel()
	<-done
	if err != nil || result.Read != 2 || result.Written != 2 {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestRunPaced: requests go out on their schedule, and what was read when it is stopped is written.
func TestRunPaced(t *testing.T) {
	c := newCluster(t, 4)
	config := runConfig(c.ListenAddrs())
	config.Pace = 100
	start := time.Now()
	result, err := Run(t.Context(), config, []Source{textSource("log", burst1+"1,m,1,2,3,API log\n1,m,1,2,3,API log\n21,m,1,2,3,API log\n31,m,1,2,3,API log\n")})
	if took := time.Since(start); err != nil || took < 300*time.Millisecond || result.Written != 4 {
		t.Errorf("%+v in %v, %v", result, took, err)
	}
	config.Pace = 1
	config.Reader.Progress = new(Progress)
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		for config.Reader.Progress.Written.Load() < 2 { // the third is due in a quarter of an hour
			time.Sleep(time.Millisecond)
		}
		cancel()
	}()
	result, err = Run(ctx, config, []Source{textSource("log", burst1+"1,m,1,2,3,API log\n1,m,1,2,3,API log\n1000,m,1,2,3,API log\n")})
	if !errors.Is(err, context.Canceled) || !strings.HasPrefix(errText(err), "stopped before the end") || result.Written != 2 || result.Services["burstgpt"] != 2 {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestRunTooLarge: under skip a request that the topic refuses for its size is one that is refused.
func TestRunTooLarge(t *testing.T) {
	c := newCluster(t, 1)
	text := `{"timestamp":1,"input_length":1,"hash_ids":[]}` + "\n" + `{"timestamp":1,"input_length":1,"hash_ids":[` + strings.Repeat("18446744073709551615,", 64_000) + `1]}` + "\n" + `{"timestamp":2,"input_length":1,"hash_ids":[]}`
	config := runConfig(c.ListenAddrs())
	config.Reader.OnError = Skip
	result, err := Run(t.Context(), config, []Source{textSource("log", text)})
	if err != nil || result.Written != 2 || result.Refused != 1 || !strings.Contains(result.Refusals[0].Error(), ":2 of service mooncake takes 1344") {
		t.Errorf("%+v, %v", result, err)
	}
	config.Reader.OnError = Stop
	if _, err = Run(t.Context(), config, []Source{textSource("log", text)}); !strings.Contains(errText(err), "raise the topic's max.message.bytes") {
		t.Error(err)
	}
}
