package processors

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"net"
	"slices"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidegauge/schemas"
)

// TestProgress tells a partition's story, second by second, and asks for its lag on the way.
func TestProgress(t *testing.T) {
	zero := time.Unix(1_700_000_000, 0)
	at := func(seconds int) time.Time { return zero.Add(time.Duration(seconds) * time.Second) }
	p := &progress{heard: at(0)}
	wantLag := func(when string, second, want int) {
		t.Helper()
		if lag := p.lag(at(second), 2*time.Second); lag != time.Duration(want)*time.Second {
			t.Errorf("%s: a lag of %v at %d s, want %d s", when, lag, second, want)
		}
	}
	wantLag("just assigned", 1, 0)
	wantLag("assigned, and Kafka does not answer", 60, 60)
	p.starts(true, at(10), at(61))
	wantLag("there is a record of 10 s", 62, 52)
	p.starts(false, time.Time{}, at(70))
	wantLag("there is nothing to read", 71, 0)

	p.fetched(false, time.Time{}, at(100))
	wantLag("caught up", 102, 0)
	wantLag("and Kafka does not answer", 110, 10)
	p.read(at(111), at(112))
	p.fetched(false, at(111), at(112))
	wantLag("a record is read", 113, 2)
	p.flushing()
	wantLag("it is being stored", 500, 389)
	p.read(at(300), at(500))
	p.fetched(true, at(300), at(500))
	wantLag("others are read", 501, 390)
	p.committed()
	wantLag("it is committed, the others are not", 502, 202)
	p.flushing()
	wantLag("the others are being stored", 503, 203)
	p.read(at(400), at(504))
	p.flushing()
	wantLag("their commit has failed, the next flush is being stored", 505, 205)
	p.committed()
	wantLag("all that was read is committed, there is more", 506, 206)
	p.fetched(true, time.Time{}, at(507))
	wantLag("a fetch without a record brings no news of its age", 508, 208)
	p.fetched(true, at(450), at(509))
	wantLag("a fetch says how old the rest may be", 510, 60)
	p.fetched(false, time.Time{}, at(511))
	wantLag("there is no rest", 512, 0)

	p.read(time.Time{}, at(600))
	wantLag("a record without a timestamp is as old as its reading", 605, 5)
	p.read(at(9000), at(610))
	wantLag("so is one from the future", 615, 5)
}

// lagSeconds scrapes lag_seconds, by partition.
func lagSeconds(r *Runner) map[int]float64 {
	metrics := make(chan prometheus.Metric, 100)
	r.metrics.lags.Collect(metrics)
	close(metrics)
	return byPartition(metrics)
}

func byPartition(metrics chan prometheus.Metric) map[int]float64 {
	values := make(map[int]float64)
	for m := range metrics {
		var out dto.Metric
		if err := m.Write(&out); err != nil {
			panic(err)
		}
		id, err := strconv.Atoi(out.GetLabel()[0].GetValue())
		if err != nil {
			panic(err)
		}
		values[id] = out.GetGauge().GetValue()
	}
	return values
}

// partitionsOf gives the partitions that a gauge has a series for.
func partitionsOf(g *prometheus.GaugeVec) []int {
	metrics := make(chan prometheus.Metric, 100)
	g.Collect(metrics)
	close(metrics)
	return slices.Sorted(maps.Keys(byPartition(metrics)))
}

func histogram(h prometheus.Histogram) *dto.Histogram {
	var out dto.Metric
	if err := h.Write(&out); err != nil {
		panic(err)
	}
	return out.GetHistogram()
}

// produceAt writes values to partition 0, made at the time that made gives for each.
func (r *runnerTest) produceAt(made func(i int) time.Time, compression kafka.Compression, values ...string) {
	r.t.Helper()
	var records []kafka.Record
	for i, v := range values {
		records = append(records, kafka.Record{Time: made(i), Key: kafka.NewBytes([]byte("a")), Value: kafka.NewBytes([]byte(v))})
	}
	answer, err := r.client.Produce(r.t.Context(), &kafka.ProduceRequest{Topic: r.topic, Partition: 0, RequiredAcks: kafka.RequireAll,
		Compression: compression, Records: kafka.NewRecordReader(records...)})
	if err == nil {
		err = answer.Error
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// TestRunnerLagSeconds: the lag grows from the oldest record's own age while the store does not answer, and is 0 once all
// is committed; the delay and the size of the flush are those of what was stored.
func TestRunnerLagSeconds(t *testing.T) {
	r := newRunnerTest(t, 1)
	store := &slowStore{memStore: newMemStore(), open: make(chan struct{})}
	runner, stop := r.start(r.config(), store)
	eventually(t, "the empty topic is caught up", func() bool { return maps.Equal(lagSeconds(runner), map[int]float64{0: 0}) })
	all := requests("a", 0, 30)
	made := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
	r.produceAt(func(i int) time.Time { return made.Add(time.Duration(i) * time.Minute) }, 0, all[:10]...)
	eventually(t, "a flush waits", func() bool { return store.waiting.Load() == 1 })
	r.produceAt(func(int) time.Time { return made.Add(30 * time.Minute) }, 0, all[10:]...)
	eventually(t, "reading goes on", func() bool { return counterValue(runner.metrics.records) == 30 })
	r.isAge(runner, made)
	before := lagSeconds(runner)[0]
	time.Sleep(2 * time.Millisecond)
	if after := lagSeconds(runner)[0]; after <= before {
		t.Errorf("a lag of %v s, and later of %v s", before, after)
	}
	if d, n := histogram(runner.metrics.delay), histogram(runner.metrics.flushRecords); d.GetSampleCount() != 0 || n.GetSampleCount() != 0 {
		t.Errorf("delays %v and sizes %v of flushes that are not stored", d, n)
	}
	close(store.open)
	r.waitCommitted(map[int]int64{0: 30})
	eventually(t, "the lag is 0", func() bool { return maps.Equal(lagSeconds(runner), map[int]float64{0: 0}) })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	sizes, delays := histogram(runner.metrics.flushRecords), histogram(runner.metrics.delay)
	if sizes.GetSampleSum() != 30 || sizes.GetSampleCount() < 2 || sizes.GetSampleCount() != delays.GetSampleCount() {
		t.Errorf("flushes of %v records in %d, delays of %d", sizes.GetSampleSum(), sizes.GetSampleCount(), delays.GetSampleCount())
	}
	for _, b := range delays.GetBucket() {
		if b.GetUpperBound() <= 1800 && b.GetCumulativeCount() > 0 {
			t.Errorf("%d delays of at most %v s, but the newest record was half an hour old", b.GetCumulativeCount(), b.GetUpperBound())
		}
	}
}

// isAge holds that the lag of partition 0 is a record's age.
func (r *runnerTest) isAge(runner *Runner, made time.Time) {
	r.t.Helper()
	least := time.Since(made).Seconds()
	lag := lagSeconds(runner)[0]
	if most := time.Since(made).Seconds(); lag < least || lag > most {
		r.t.Errorf("a lag of %v s, want %v to %v s", lag, least, most)
	}
}

// TestRunnerStartsInsideABatch: what the log sends in front of the committed offset is neither read again nor taken for
// the oldest record. While the store is not there, the next record's age is known from a look at the topic.
func TestRunnerStartsInsideABatch(t *testing.T) {
	for name, compression := range map[string]kafka.Compression{"plain": 0, "zstd": kafka.Zstd} {
		t.Run(name, func(t *testing.T) {
			r := newRunnerTest(t, 1)
			all := requests("a", 0, 10)
			made := time.Now().Add(-time.Hour).Truncate(time.Millisecond)
			r.produceAt(func(i int) time.Time { return made.Add(time.Duration(i) * time.Minute) }, compression, all...)
			store := &lateStore{slowStore: &slowStore{memStore: newMemStore(), open: make(chan struct{})}, there: make(chan struct{})}
			r.commitAndPosition(store.memStore, 6)
			runner, stop := r.start(r.config(), store)
			eventually(t, "the topic was looked at", func() bool { return lagSeconds(runner)[0] > 60 })
			r.isAge(runner, made.Add(6*time.Minute))
			close(store.there)
			eventually(t, "a flush waits", func() bool { return store.waiting.Load() == 1 })
			r.isAge(runner, made.Add(6*time.Minute))
			close(store.open)
			r.waitCommitted(map[int]int64{0: 10})
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			if n := counterValue(runner.metrics.records); n != 4 {
				t.Errorf("%v records were read", n)
			}
			sameTables(t, undisturbed(t, all[6:]), store.memStore, "requests", "minutes", "conversations")
		})
	}
}

// TestRunnerCountsWhatRetentionDeleted: records that the topic dropped before they were read are lost, counted, and no
// reason to stop.
func TestRunnerCountsWhatRetentionDeleted(t *testing.T) {
	r := newRunnerTest(t, 1)
	all := requests("a", 0, 10)
	for _, v := range all {
		r.produce(0, v) // a batch each
	}
	store := newMemStore()
	r.commitAndPosition(store, 2)
	client, err := kgo.NewClient(kgo.SeedBrokers(r.broker))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	request := kmsg.NewPtrDeleteRecordsRequest()
	request.Topics = []kmsg.DeleteRecordsRequestTopic{{Topic: r.topic,
		Partitions: []kmsg.DeleteRecordsRequestTopicPartition{{Partition: 0, Offset: 7}}}}
	if _, err := request.RequestWith(t.Context(), client); err != nil {
		t.Fatal(err)
	}
	runner, stop := r.start(r.config(), store)
	r.waitCommitted(map[int]int64{0: 10})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := counterValue(runner.metrics.errors.WithLabelValues("reading records deleted by retention")); n != 5 {
		t.Errorf("%v records counted as lost, want 5", n)
	}
	sameTables(t, undisturbed(t, all[7:]), store, "requests", "minutes", "conversations")
}

// commitAndPosition makes the group and the store say that partition 0 was processed up to an offset.
func (r *runnerTest) commitAndPosition(store *memStore, offset int64) {
	r.t.Helper()
	if _, err := r.client.OffsetCommit(r.t.Context(), &kafka.OffsetCommitRequest{GroupID: "tidegauge", GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{r.topic: {{Partition: 0, Offset: offset}}}}); err != nil {
		r.t.Fatal(err)
	}
	positions := schemas.Positions{Group: []string{"tidegauge"}, Topic: []string{r.topic}, Partition: []int32{0},
		Position: []int64{offset}, Partitions: []int32{1}}
	store.put(positions.Block())
}

// lateStore answers nothing before it is there.
type lateStore struct {
	*slowStore
	there chan struct{}
}

func (s *lateStore) Positions(ctx context.Context, group, topic string) (map[int]schemas.Position, error) {
	select {
	case <-s.there:
		return s.slowStore.Positions(ctx, group, topic)
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// cable is the way to the broker; it can be cut.
type cable struct {
	mu    sync.Mutex
	cut   bool
	conns []net.Conn
}

func (c *cable) dial(ctx context.Context, network, address string) (net.Conn, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.cut {
		return nil, errors.New("the cable is cut")
	}
	conn, err := new(net.Dialer).DialContext(ctx, network, address)
	if err == nil {
		c.conns = append(c.conns, conn)
	}
	return conn, err
}

func (c *cable) set(cut bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.cut = cut
	for _, conn := range c.conns {
		conn.Close()
	}
	c.conns = nil
}

// TestRunnerLagWhileKafkaIsAway: whoever hears nothing of Kafka cannot say that there is nothing.
func TestRunnerLagWhileKafkaIsAway(t *testing.T) {
	if testing.Short() {
		t.Skip("the group waits for the member that it has lost")
	}
	r := newRunnerTest(t, 2)
	way := new(cable)
	runner, err := New(r.config(), Dependencies{Store: newMemStore(), Logger: slog.New(slog.DiscardHandler),
		Dialer: &kafka.Dialer{DialFunc: way.dial}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	stop := sync.OnceValue(func() error { cancel(); return <-done })
	t.Cleanup(func() { _ = stop() })
	caughtUp := func() bool { return maps.Equal(lagSeconds(runner), map[int]float64{0: 0, 1: 0}) }
	eventually(t, "both partitions are caught up", caughtUp)
	way.set(true)
	var before map[int]float64
	eventually(t, "both partitions lag", func() bool {
		before = lagSeconds(runner)
		return before[0] > 0 && before[1] > 0
	})
	eventually(t, "they lag by 2 s more", func() bool {
		after := lagSeconds(runner)
		return after[0] >= before[0]+2 && after[1] >= before[1]+2
	})
	if err := runner.Ready(); err == nil {
		t.Error("it is ready without Kafka")
	}
	eventually(t, "its tries are counted", func() bool {
		return counterValue(runner.metrics.errors.WithLabelValues("joining the group")) > 0
	})
	r.produce(schemas.Partition("a", 2), requests("a", 0, 10)...)
	way.set(false)
	eventually(t, "both are caught up again", caughtUp)
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}
