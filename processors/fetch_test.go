package processors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

// TestRunnerLargeRecords reads records that are larger than the buffer for them, wherever in a fetch they stand: first, behind
// others, or before the one that is wanted.
func TestRunnerLargeRecords(t *testing.T) {
	for name, compression := range map[string]kafka.Compression{"plain": 0, "zstd": kafka.Zstd} {
		for _, from := range []int64{0, 1, 2, 4} {
			t.Run(fmt.Sprintf("%s from %d", name, from), func(t *testing.T) {
				r := newRunnerTest(t, 1)
				good := requests("a", 0, 4)
				large := func(bytes int) string { return "{" + strings.Repeat("x", bytes) }
				all := []string{large(100_000), good[0], large(200_000), large(400_000), good[1], large(300_000), good[2], good[3]}
				r.produceAt(func(int) time.Time { return time.Now() }, compression, all...)
				store := newMemStore()
				if from > 0 {
					r.commitAndPosition(store, from)
				}
				config := r.config()
				config.FetchBytes = 10_000 // of which the buffer's size follows
				runner, stop := r.start(config, store)
				r.waitCommitted(map[int]int64{0: int64(len(all))})
				if err := stop(); err != nil {
					t.Fatal(err)
				}
				if n := counterValue(runner.metrics.records); n != float64(len(all))-float64(from) {
					t.Errorf("%v records were read", n)
				}
				if n := counterValue(runner.metrics.errors.WithLabelValues("fetching")); n != 0 {
					t.Errorf("%v fetches failed", n)
				}
				letters := 0
				for i, value := range all[from:] {
					if strings.HasPrefix(value, "{x") {
						letters++
						if row := store.tables["dead_letters"][fmt.Sprintf("dead_letters\x00%s\x000\x00%d\x00", r.topic, int(from)+i)]; row.values["bytes"] != uint64(len(value)) {
							t.Errorf("dead letter %d has %v bytes, want %d", int(from)+i, row.values["bytes"], len(value))
						}
					}
				}
				if n := store.len("dead_letters"); n != letters {
					t.Errorf("%d dead letters, want %d", n, letters)
				}
				if n := store.len("requests"); n != len(all)-int(from)-letters {
					t.Errorf("%d requests are stored", n)
				}
			})
		}
	}
}

// TestFetchWithoutKafka holds that a partition whose broker is away goes on with what it has read: it is flushed, and its turn
// ends.
func TestFetchWithoutKafka(t *testing.T) {
	c := DefaultConfig()
	store := newMemStore()
	r, err := New(c, Dependencies{Store: store, Logger: slog.New(slog.DiscardHandler), Dialer: &kafka.Dialer{
		DialFunc: func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("away") }}})
	if err != nil {
		t.Fatal(err)
	}
	p := &partitionRun{runner: r, log: r.log, share: 1, worker: newWorker(c.Topic, 0, 1, c.Group, store, r.metrics),
		conn: kafka.NewConn(brokenConn{}, c.Topic, 0), buffer: make([]byte, 1<<10), progress: &progress{}, behind: true, turn: true}
	r.turns <- struct{}{}
	for i, value := range requests("a", 0, 3) {
		p.worker.add(int64(i), []byte(value))
	}
	p.since = time.Now()
	began := time.Now()
	for range 3 {
		p.fetch(t.Context())
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("three tries took %v", took)
	}
	if !p.due() {
		t.Error("what was read is not to be flushed")
	}
	if n := counterValue(r.metrics.errors.WithLabelValues("connecting to a partition")); n != 2 {
		t.Errorf("it has tried %v times to connect, want 2", n)
	}
}

// brokenConn is a connection that does nothing but fail.
type brokenConn struct{ net.Conn }

func (brokenConn) Read([]byte) (int, error)         { return 0, net.ErrClosed }
func (brokenConn) Write([]byte) (int, error)        { return 0, net.ErrClosed }
func (brokenConn) Close() error                     { return nil }
func (brokenConn) SetDeadline(time.Time) error      { return nil }
func (brokenConn) SetReadDeadline(time.Time) error  { return nil }
func (brokenConn) SetWriteDeadline(time.Time) error { return nil }
func (brokenConn) LocalAddr() net.Addr              { return &net.TCPAddr{} }
func (brokenConn) RemoteAddr() net.Addr             { return &net.TCPAddr{} }
