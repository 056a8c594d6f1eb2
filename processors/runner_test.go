package processors

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/segmentio/kafka-go"

	"tidegauge/schemas"
	"tidegauge/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// runnerTest is a topic on a broker, a store in memory, and runners between them.
type runnerTest struct {
	t             *testing.T
	broker, topic string
	partitions    int
	client        *kafka.Client
}

func newRunnerTest(t *testing.T, partitions int) *runnerTest {
	r := &runnerTest{t: t, broker: testenv.Broker(t), topic: "requests", partitions: partitions}
	testenv.CreateTopic(t, r.broker, r.topic, partitions)
	r.client = &kafka.Client{Addr: kafka.TCP(r.broker), Timeout: 10 * time.Second}
	return r
}

func (r *runnerTest) config() Config {
	c := DefaultConfig()
	c.Brokers, c.Topic, c.FlushInterval, c.FetchWait = []string{r.broker}, r.topic, 50*time.Millisecond, 20*time.Millisecond
	return c
}

// produce writes values to one partition.
func (r *runnerTest) produce(partition int, values ...string) {
	r.t.Helper()
	var records []kafka.Record
	for _, v := range values {
		var value kafka.Bytes
		if v != "" {
			value = kafka.NewBytes([]byte(v))
		}
		records = append(records, kafka.Record{Value: value})
	}
	answer, err := r.client.Produce(r.t.Context(), &kafka.ProduceRequest{
		Topic: r.topic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...)})
	if err = errors.Join(err); err != nil {
		r.t.Fatal(err)
	}
	if answer.Error != nil {
		r.t.Fatal(answer.Error)
	}
}

// requests makes n requests of a service, one every 10 ms from the first.
func requests(service string, first, n int) []string {
	var out []string
	for i := range n {
		var r schemas.Request
		r.Reset()
		r.Service, r.Model, r.Outcome, r.RequestID = service, "m", schemas.OK, fmt.Sprint("r", first+i)
		r.ArrivalUS, r.RequestTokens, r.ResponseTokens = int64(first+i)*10_000, int64(i%700), int64(1+i%90)
		r.Conversation = fmt.Sprint("c", (first+i)/7)
		out = append(out, string(schemas.AppendJSON(nil, &r)))
	}
	return out
}

// start runs a runner until stop is called, which gives Run's error.
func (r *runnerTest) start(c Config, store Store) (runner *Runner, stop func() error) {
	r.t.Helper()
	runner, err := New(c, Dependencies{Store: store, Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		r.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	stopped := false
	var result error
	stop = func() error {
		if !stopped {
			cancel()
			result, stopped = <-done, true
		}
		return result
	}
	r.t.Cleanup(func() { stop() })
	return runner, stop
}

// committed gives the group's offset of each partition.
func (r *runnerTest) committed(group string) map[int]int64 {
	r.t.Helper()
	ids := make([]int, r.partitions)
	for i := range ids {
		ids[i] = i
	}
	answer, err := r.client.OffsetFetch(r.t.Context(), &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{r.topic: ids}})
	if err != nil {
		r.t.Fatal(err)
	}
	out := make(map[int]int64)
	for _, p := range answer.Topics[r.topic] {
		out[p.Partition] = p.CommittedOffset
	}
	return out
}

// eventually waits for a condition; less long where TestMutations has taken out the rule that would bring it about.
func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	patience := 30 * time.Second
	if withoutARule() {
		patience = 10 * time.Second
	}
	for deadline := time.Now().Add(patience); !is(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("after %v it is not so that %s", patience, what)
		}
	}
}

func (r *runnerTest) waitCommitted(want map[int]int64) {
	r.t.Helper()
	eventually(r.t, fmt.Sprintf("%v is committed", want), func() bool { return maps.Equal(r.committed("tidegauge"), want) })
}

func (m *memStore) len(table string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return len(m.tables[table])
}

// undisturbed gives the tables that one worker makes of the records of one partition at once.
func undisturbed(t *testing.T, values []string) *memStore {
	w := newWorker("requests", 0, 1, "tidegauge", newMemStore(), newMetrics(nil))
	for i, v := range values {
		w.add(int64(i), []byte(v))
	}
	f, err := w.prepare(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	store := newMemStore()
	if _, err := store.Write(context.Background(), f.stages(), nil); err != nil {
		t.Fatal(err)
	}
	return store
}

func sameTables(t *testing.T, want, got *memStore, tables ...string) {
	t.Helper()
	for _, table := range tables {
		if diff := cmp.Diff(want.dump(table), got.dump(table)); diff != "" {
			t.Errorf("table %s (-want +got):\n%s", table, diff)
		}
	}
}

func TestRunnerDeadLetters(t *testing.T) {
	r := newRunnerTest(t, 2)
	service := "a"
	mine := schemas.Partition(service, 2)
	long := `{"service":"a","x":"` + strings.Repeat("y", 2*schemas.MaxDeadLetter) + `"`
	good := requests(service, 0, 3)
	r.produce(mine, good[0], "{nonsense", "", strings.Replace(good[1], `"arrival_us":`, `"arrival_us":9`+strings.Repeat("9", 14), 1), long, good[2])
	r.produce(1-mine, good[1])
	store := newMemStore()
	_, stop := r.start(r.config(), store)
	r.waitCommitted(map[int]int64{mine: 6, 1 - mine: 1})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if n := store.len("requests"); n != 2 {
		t.Errorf("%d requests stored, want 2", n)
	}
	got := make(map[string]string)
	for _, row := range store.tables["dead_letters"] {
		got[fmt.Sprint(row.values["partition"] == int32(mine), row.values["offset"])] = row.values["reason"].(string)
		if v := row.values["value"].(string); len(v) > schemas.MaxDeadLetter {
			t.Errorf("a dead letter keeps %d bytes", len(v))
		}
	}
	for key, want := range map[string]string{
		"true 1": "undecodable", "true 2": "empty", "true 3": "arrival_us", "true 4": "undecodable", "false 0": "misrouted",
	} {
		if !strings.Contains(got[key], want) {
			t.Errorf("dead letter %s: %q, want %q", key, got[key], want)
		}
		delete(got, key)
	}
	if len(got) > 0 {
		t.Errorf("dead letters nobody expects: %v", got)
	}
}

func TestRunnerStopsCleanlyAndGoesOn(t *testing.T) {
	r := newRunnerTest(t, 1)
	all := requests("a", 0, 3000)
	store := newMemStore()
	c := r.config()
	c.FlushInterval = time.Minute // nothing is flushed before the stop
	r.produce(0, all[:1000]...)
	runner, stop := r.start(c, store)
	eventually(t, "the runner is ready", func() bool { return runner.Ready() == nil })
	eventually(t, "records are read", func() bool { return counterValue(runner.metrics.records) == 1000 })
	if n := store.len("requests"); n != 0 {
		t.Errorf("%d requests stored before the flush", n)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	r.waitCommitted(map[int]int64{0: 1000})
	r.produce(0, all[1000:]...)
	_, stop = r.start(r.config(), store)
	r.waitCommitted(map[int]int64{0: 3000})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	sameTables(t, undisturbed(t, all), store, "requests", "minutes", "conversations")
}

// TestRunnerRebalances lets runners come and go while records arrive.
func TestRunnerRebalances(t *testing.T) {
	r := newRunnerTest(t, 4)
	services := []string{"a", "b", "c", "d", "e", "f"}
	store := newMemStore()
	want := make(map[int]int64)
	var all []string
	round := func(first int) {
		for _, s := range services {
			p := schemas.Partition(s, 4)
			batch := requests(s, first, 500)
			all = append(all, batch...)
			r.produce(p, batch...)
			want[p] += 500
		}
	}
	for p := range 4 {
		want[p] = -1
	}
	for _, s := range services {
		want[schemas.Partition(s, 4)] = 0
	}
	round(0)
	a, stopA := r.start(r.config(), store)
	r.waitCommitted(want)
	b, stopB := r.start(r.config(), store)
	round(500)
	eventually(t, "the second runner has joined", func() bool { return b.Ready() == nil })
	r.waitCommitted(want)
	eventually(t, "each partition is reported by its owner alone", func() bool {
		ofA, ofB := slices.Sorted(maps.Keys(lagSeconds(a))), slices.Sorted(maps.Keys(lagSeconds(b)))
		both := append(slices.Clone(ofA), ofB...)
		slices.Sort(both)
		same := func(ids []int, gauges ...*prometheus.GaugeVec) bool {
			for _, g := range gauges {
				for _, id := range partitionsOf(g) {
					if !slices.Contains(ids, id) {
						return false
					}
				}
			}
			return true
		}
		return slices.Equal(both, []int{0, 1, 2, 3}) && len(ofA) == 2 &&
			same(ofA, a.metrics.lag, a.metrics.position, a.metrics.cacheBytes) && same(ofB, b.metrics.lag, b.metrics.position, b.metrics.cacheBytes)
	})
	round(1000)
	if err := stopA(); err != nil {
		t.Fatal(err)
	}
	round(1500)
	r.waitCommitted(want)
	if err := stopB(); err != nil {
		t.Fatal(err)
	}
	sameTables(t, undisturbed(t, all), store, "requests", "minutes", "conversations")
}

// snapshot gives the tables as they are, to be put back later.
func (m *memStore) snapshot() map[string]map[string]row {
	m.mu.Lock()
	defer m.mu.Unlock()
	tables := make(map[string]map[string]row)
	for name, rows := range m.tables {
		tables[name] = maps.Clone(rows)
	}
	return tables
}

// recreate deletes the topic and makes it again, with the group's offsets still there; some brokers forget them with
// the topic.
func (r *runnerTest) recreate() {
	r.t.Helper()
	offset := r.committed("tidegauge")[0]
	if _, err := r.client.DeleteTopics(r.t.Context(), &kafka.DeleteTopicsRequest{Topics: []string{r.topic}}); err != nil {
		r.t.Fatal(err)
	}
	testenv.CreateTopic(r.t, r.broker, r.topic, 1)
	if _, err := r.client.OffsetCommit(r.t.Context(), &kafka.OffsetCommitRequest{GroupID: "tidegauge", GenerationID: -1,
		Topics: map[string][]kafka.OffsetCommit{r.topic: {{Partition: 0, Offset: offset}}}}); err != nil {
		r.t.Fatal(err)
	}
}

func (r *runnerTest) addPartition() {
	r.t.Helper()
	answer, err := r.client.CreatePartitions(r.t.Context(), &kafka.CreatePartitionsRequest{
		Topics: []kafka.TopicPartitionsConfig{{Name: r.topic, Count: int32(r.partitions) + 1}}})
	if err == nil {
		err = answer.Errors[r.topic]
	}
	if err != nil {
		r.t.Fatal(err)
	}
}

// TestRunnerRefuses holds that log, group and database that do not belong together are refused at the start, and that
// the new group, which the message names, puts things right where it can.
func TestRunnerRefuses(t *testing.T) {
	all := requests("a", 0, 100)
	for name, c := range map[string]struct {
		change   func(r *runnerTest, store *memStore, older map[string]map[string]row)
		want     string
		newGroup []string // whose requests stand in the tables once a new group has read the topic; nil: it would not help
	}{
		"an empty database": {func(_ *runnerTest, store *memStore, _ map[string]map[string]row) {
			clear(store.tables)
		}, "another or an older database", all},
		"a restored database": {func(_ *runnerTest, store *memStore, older map[string]map[string]row) {
			store.tables = older
		}, "only up to offset 40", all},
		"a changed partition count": {func(r *runnerTest, _ *memStore, _ map[string]map[string]row) {
			r.addPartition()
		}, "has 2 partitions, but had 1", nil},
		"a recreated topic": {func(r *runnerTest, _ *memStore, _ map[string]map[string]row) {
			r.recreate()
			r.produce(0, requests("a", 0, 110)[90:]...) // some that are stored, some that are not
		}, "was deleted and made again", requests("a", 0, 110)},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRunnerTest(t, 1)
			store := newMemStore()
			_, stop := r.start(r.config(), store)
			r.produce(0, all[:40]...)
			r.waitCommitted(map[int]int64{0: 40})
			older := store.snapshot()
			r.produce(0, all[40:]...)
			r.waitCommitted(map[int]int64{0: 100})
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			c.change(r, store, older)
			runner, stop := r.start(r.config(), store)
			eventually(t, "the runner refuses", func() bool { return errors.Is(runner.Ready(), ErrRefused) })
			err := stop()
			if !errors.Is(err, ErrRefused) || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "group") {
				t.Errorf("got %v, want %q", err, c.want)
			}
			if c.newGroup == nil {
				return
			}
			config := r.config()
			config.Group = "tidegauge-2"
			_, stop = r.start(config, store)
			eventually(t, "the new group has read the topic", func() bool { return r.committed(config.Group)[0] == r.end() })
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			sameTables(t, undisturbed(t, c.newGroup), store, "requests", "minutes", "conversations")
		})
	}
}

// end is the offset after the last record of partition 0.
func (r *runnerTest) end() int64 {
	r.t.Helper()
	answer, err := r.client.ListOffsets(r.t.Context(), &kafka.ListOffsetsRequest{
		Topics: map[string][]kafka.OffsetRequest{r.topic: {kafka.LastOffsetOf(0)}}})
	if err != nil {
		r.t.Fatal(err)
	}
	return answer.Topics[r.topic][0].LastOffset
}

// TestRunnerRefusesWhileRunning does to a topic that is being read what TestRunnerRefuses does between two starts.
func TestRunnerRefusesWhileRunning(t *testing.T) {
	if testing.Short() {
		t.Skip("the group looks every five seconds whether the partitions have changed")
	}
	for name, c := range map[string]struct {
		change func(*runnerTest)
		want   []string // one of them
	}{
		"a changed partition count": {(*runnerTest).addPartition, []string{"has 2 partitions, but had 1"}},
		// Seen first by the fetch, or by the group's next generation.
		"a recreated topic": {(*runnerTest).recreate, []string{"now ends at 0", "was deleted and made again"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRunnerTest(t, 1)
			store := newMemStore()
			runner, stop := r.start(r.config(), store)
			r.produce(0, requests("a", 0, 100)...)
			r.waitCommitted(map[int]int64{0: 100})
			c.change(r)
			eventually(t, "the runner refuses", func() bool { return errors.Is(runner.Ready(), ErrRefused) })
			err := stop()
			if !errors.Is(err, ErrRefused) || !slices.ContainsFunc(c.want, func(want string) bool { return strings.Contains(err.Error(), want) }) {
				t.Errorf("got %v, want one of %q", err, c.want)
			}
			sameTables(t, undisturbed(t, requests("a", 0, 100)), store, "requests", "minutes", "conversations")
		})
	}
}

// slowStore takes nothing until it is opened.
type slowStore struct {
	*memStore
	open    chan struct{}
	waiting atomic.Int64
}

func (s *slowStore) Write(ctx context.Context, stages [][]schemas.Block, check func(schemas.Revisions) bool) (bool, error) {
	s.waiting.Add(1)
	select {
	case <-s.open:
		return s.memStore.Write(ctx, stages, check)
	case <-ctx.Done():
		return false, ctx.Err()
	}
}

// TestRunnerOneFlushAtATime holds that nothing is prepared, and nothing committed, before what was prepared is stored.
func TestRunnerOneFlushAtATime(t *testing.T) {
	r := newRunnerTest(t, 1)
	all := requests("a", 0, 20)
	r.produce(0, all[:10]...)
	store := &slowStore{memStore: newMemStore(), open: make(chan struct{})}
	runner, stop := r.start(r.config(), store)
	eventually(t, "a flush waits", func() bool { return store.waiting.Load() == 1 })
	r.produce(0, all[10:]...)
	eventually(t, "reading goes on", func() bool { return counterValue(runner.metrics.records) == 20 })
	time.Sleep(300 * time.Millisecond) // time enough for the next flush, if it did not wait
	if n := store.waiting.Load(); n != 1 {
		t.Errorf("%d flushes are under way", n)
	}
	if committed := r.committed("tidegauge")[0]; committed >= 0 {
		t.Errorf("offset %d is committed while nothing is stored", committed)
	}
	close(store.open)
	r.waitCommitted(map[int]int64{0: 20})
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	sameTables(t, undisturbed(t, all), store.memStore, "requests", "minutes", "conversations")
}

// failingStore says of one write that it has failed, and stores none of it.
type failingStore struct {
	*memStore
	writes atomic.Int64
	fails  int64 // the write that does
}

func (s *failingStore) Write(ctx context.Context, stages [][]schemas.Block, check func(schemas.Revisions) bool) (bool, error) {
	if s.writes.Add(1) == s.fails {
		return false, errors.New("some reason that is not the end of the context")
	}
	return s.memStore.Write(ctx, stages, check)
}

// TestRunnerWriteFails holds that nothing read after a flush that was not stored is stored or committed before that is read
// again.
func TestRunnerWriteFails(t *testing.T) {
	for _, fails := range []int64{1, 3} {
		r := newRunnerTest(t, 1)
		all := requests("a", 0, 100)
		store := &failingStore{memStore: newMemStore(), fails: fails}
		_, stop := r.start(r.config(), store)
		for i := 0; i < len(all); i += 10 {
			r.produce(0, all[i:i+10]...)
			time.Sleep(20 * time.Millisecond)
		}
		r.waitCommitted(map[int]int64{0: int64(len(all))})
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		if store.writes.Load() < fails {
			t.Errorf("no write has failed, there were only %d", store.writes.Load())
		}
		sameTables(t, undisturbed(t, all), store.memStore, "requests", "minutes", "conversations")
		if t.Failed() {
			return
		}
	}
}

// TestRunnerIdlePartitionGivesWay holds that a partition to which nothing comes any more gives up what is beyond its fair part
// of the memory once others need it.
func TestRunnerIdlePartitionGivesWay(t *testing.T) {
	r := newRunnerTest(t, 2)
	services := make(map[int]string)
	for i := 0; len(services) < 2; i++ {
		name := fmt.Sprint("service ", i)
		services[schemas.Partition(name, 2)] = name
	}
	config := r.config()
	config.CacheBytes = 2 << 20
	const each = 80_000 // frozen as they may be, more than the budget
	runner, stop := r.start(config, newMemStore())
	for _, p := range []int{0, 1} {
		for i := 0; i < each; i += 2000 {
			r.produce(p, requests(services[p], i, 2000)...)
		}
		eventually(t, "all is committed", func() bool { return r.committed("tidegauge")[p] == each })
		// More than a half, or there is nothing to give way. How much more depends on where the flushes fell: segments are evicted whole.
		if p == 0 && runner.cached.Load() <= config.CacheBytes/2 {
			t.Fatalf("the first partition holds only %d bytes", runner.cached.Load())
		}
	}
	eventually(t, "the process is within its budget", func() bool { return runner.cached.Load() <= config.CacheBytes })
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// TestRunnerBackPressure holds that a store that does not answer stops the reading, whatever is read, and loses nothing.
func TestRunnerBackPressure(t *testing.T) {
	var garbage, large []string
	for i := range 20_000 {
		garbage = append(garbage, fmt.Sprintf("{nonsense %d", i))
	}
	for i := range 2000 {
		large = append(large, fmt.Sprintf("{nonsense %d %s", i, strings.Repeat("x", 20_000)))
	}
	for name, c := range map[string]struct {
		all   []string
		chunk int     // records in one of the log's batches, which are fetched whole
		most  float64 // records read while nothing can be stored
	}{
		"requests":      {requests("a", 0, 20_000), 1000, 5000},
		"dead letters":  {garbage, 1000, 5000},
		"large records": {large, 20, 200},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRunnerTest(t, 1)
			for batch := range slices.Chunk(c.all, c.chunk) {
				r.produce(0, batch...)
			}
			store := &slowStore{memStore: newMemStore(), open: make(chan struct{})}
			config := r.config()
			config.BatchRequests, config.FetchBytes = 2000, 50_000
			runner, stop := r.start(config, store)
			eventually(t, "a flush waits", func() bool { return store.waiting.Load() == 1 })
			time.Sleep(300 * time.Millisecond) // time enough to read everything, if it did
			if read := counterValue(runner.metrics.records); read > c.most {
				t.Errorf("%v records read while nothing could be stored", read)
			}
			close(store.open)
			r.waitCommitted(map[int]int64{0: int64(len(c.all))})
			if err := stop(); err != nil {
				t.Fatal(err)
			}
			sameTables(t, undisturbed(t, c.all), store.memStore, "requests", "minutes", "conversations", "dead_letters")
		})
	}
}
