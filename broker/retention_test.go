package broker

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
)

func TestCut(t *testing.T) {
	for name, tc := range map[string]struct {
		extent extent
		to     int64
		held   bool
	}{
		"below the bound":       {extent{bytes: 100, start: 0, end: 10, committed: 10, holder: "g"}, 0, false},
		"half is too much":      {extent{bytes: 200, start: 0, end: 10, committed: 10, holder: "g"}, 5, false},
		"not from 0":            {extent{bytes: 200, start: 1000, end: 1010, committed: 1010, holder: "g"}, 1005, false},
		"a group is behind":     {extent{bytes: 200, start: 0, end: 10, committed: 3, holder: "g"}, 3, true},
		"a group has not begun": {extent{bytes: 200, start: 4, end: 10, committed: 0, holder: "g"}, 4, true},
		"no group":              {extent{bytes: 200, start: 4, end: 10, committed: -1}, 4, true},
		"one large record":      {extent{bytes: 900, start: 6, end: 7, committed: 7, holder: "g"}, 6, false},
		"two large records":     {extent{bytes: 9000, start: 6, end: 8, committed: 8, holder: "g"}, 7, false},
		"empty":                 {extent{bytes: 0, start: 6, end: 6, committed: 6, holder: "g"}, 6, false},
	} {
		t.Run(name, func(t *testing.T) {
			to, held := tc.extent.cut(100)
			if to != tc.to || held != tc.held {
				t.Errorf("got %d, %t, want %d, %t", to, held, tc.to, tc.held)
			}
		})
	}
}

func bounds(t *testing.T, addr string, partition int) [2]int64 {
	t.Helper()
	response, err := connect(t, addr).ListOffsets(t.Context(), &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{testTopic: {kafka.FirstOffsetOf(partition), kafka.LastOffsetOf(partition)}},
	})
	if err != nil {
		t.Fatal(err)
	}
	p := response.Topics[testTopic][0]
	return [2]int64{p.FirstOffset, p.LastOffset}
}

// reading is a counter's or a gauge's value.
func reading(t *testing.T, m prometheus.Metric) float64 {
	t.Helper()
	var out dto.Metric
	if err := m.Write(&out); err != nil {
		t.Fatal(err)
	}
	return out.GetCounter().GetValue() + out.GetGauge().GetValue()
}

// TestRetention bounds a log that a group reads, leaves alone what the group has not committed, and keeps the offsets
// of a partition across a restart whatever was deleted.
func TestRetention(t *testing.T) {
	c := testConfiguration(t.TempDir())
	c.RetentionBytes = minRetentionBytes
	b, err := New(c, Dependencies{})
	if err != nil {
		t.Fatal(err)
	}
	b.every = time.Hour // no rounds but those below
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, b) })
	round := func() string {
		t.Helper()
		held, err := b.applyRetention(t.Context(), b.client)
		if err != nil {
			t.Fatal(err)
		}
		return held
	}

	const records, size = 400, 100_000 // 40 MB a partition, two and a half times the bound
	value := strings.Repeat("x", size)
	client := connect(t, b.Addr())
	for p := range 2 {
		for range records / 8 {
			if err := produce(t.Context(), client, p, value, value, value, value, value, value, value, value); err != nil {
				t.Fatal(err)
			}
		}
	}
	if held := round(); !strings.Contains(held, "no consumer group reads it") {
		t.Errorf("without a group, held because %q", held)
	}
	if diff := cmp.Diff([2]int64{0, records}, bounds(t, b.Addr(), 0)); diff != "" {
		t.Errorf("without a group (-want +got):\n%s", diff)
	}

	commit(t, b.Addr(), map[int]int64{0: records, 1: 17})
	if held := round(); !strings.Contains(held, `"broker-test" has committed only 17 of 400`) {
		t.Errorf("held because %q", held)
	}
	first := bounds(t, b.Addr(), 0)
	keeps := (first[1] - first[0]) * size
	if keeps > minRetentionBytes || keeps < minRetentionBytes-2*8*size {
		t.Errorf("partition 0 keeps %d bytes of a bound of %d (offsets %d)", keeps, minRetentionBytes, first)
	}
	if got := bounds(t, b.Addr(), 1); got != [2]int64{17, records} {
		t.Errorf("partition 1, of which 17 are committed, has offsets %d", got)
	}
	if n := reading(t, b.metrics.deleted.WithLabelValues(testTopic)); n != float64(first[0]+17) {
		t.Errorf("%v deleted records are counted, want %d", n, first[0]+17)
	}
	if n := reading(t, b.metrics.logBytes.WithLabelValues(testTopic, "0")); n < records*size { // before it was cut
		t.Errorf("a log of %v bytes, of which %d are values", n, records*size)
	}
	if got := len(consume(t, b.Addr(), 0)); int64(got) != first[1]-first[0] {
		t.Errorf("%d records can be read at offsets %d", got, first)
	}

	stop(t, b)
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(first, bounds(t, b.Addr(), 0)); diff != "" {
		t.Errorf("after a restart (-want +got):\n%s", diff)
	}
	if err := produce(t.Context(), connect(t, b.Addr()), 0, "next"); err != nil {
		t.Fatal(err)
	}
	if got := bounds(t, b.Addr(), 0)[1]; got != records+1 {
		t.Errorf("the next record made the end %d, want %d", got, records+1)
	}
}

// TestRetentionFailuresAreCounted: a round that cannot be done is counted, and tried again.
func TestRetentionFailuresAreCounted(t *testing.T) {
	b, err := New(testConfiguration(t.TempDir()), Dependencies{Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	nowhere, err := kgo.NewClient(kgo.SeedBrokers("127.0.0.1:1"), kgo.RequestRetries(0))
	if err != nil {
		t.Fatal(err)
	}
	defer nowhere.Close()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		b.retain(ctx, nowhere, time.Millisecond)
	}()
	for deadline := time.Now().Add(30 * time.Second); reading(t, b.metrics.failures) < 2; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("no failure is counted")
		}
	}
	cancel()
	<-ended
}

// TestOldTimestampsAreKept: a trace from 1970 is not older than any retention.
func TestOldTimestampsAreKept(t *testing.T) {
	b := start(t, testConfiguration(t.TempDir()))
	writer := &kafka.Writer{Addr: kafka.TCP(b.Addr()), Topic: testTopic, RequiredAcks: kafka.RequireAll, BatchSize: 1,
		Transport: &kafka.Transport{}}
	defer writer.Transport.(*kafka.Transport).CloseIdleConnections()
	defer writer.Close()
	old := kafka.Message{Value: []byte("old"), Time: time.UnixMilli(1)}
	if err := writer.WriteMessages(t.Context(), old); err != nil {
		t.Fatal(err)
	}
	b.kfake.ApplyRetention()
	var kept int
	for p := range 3 {
		kept += len(consume(t, b.Addr(), p))
	}
	if kept != 1 {
		t.Errorf("%d records kept, want 1", kept)
	}
}
