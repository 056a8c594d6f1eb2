package ingest

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"tidegauge/schemas"
	"tidegauge/testenv"
)

// realKafka gives an Apache Kafka that runs beside the tests (bin/withkafka, make test).
func realKafka(t *testing.T) string {
	if os.Getenv(testenv.KafkaVariable) == "" {
		if os.Getenv("CI") == "true" {
			t.Fatalf("%s is not set", testenv.KafkaVariable)
		}
		t.Skipf("%s is not set: run it with bin/withkafka", testenv.KafkaVariable)
	}
	return testenv.Kafka(t)
}

func fromTopicConfig(broker, from, to, format string) FromTopicConfig {
	p := DefaultProducerConfig()
	p.Kafka.Brokers, p.Topic, p.Partitions = []string{broker}, to, 4
	return FromTopicConfig{Topic: from, Group: "rekey-" + from, Format: format, Producer: p, Log: slog.New(slog.DiscardHandler), poll: 500, every: time.Nanosecond}
}

// sendRecords writes values to partitions of a topic; the i-th goes to partition i % n.
func sendRecords(t *testing.T, broker, topic string, n int, values []string, options ...kgo.Opt) {
	t.Helper()
	client, err := kgo.NewClient(append(options, kgo.SeedBrokers(broker), kgo.DefaultProduceTopic(topic), kgo.RecordPartitioner(kgo.ManualPartitioner()))...)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	var records []*kgo.Record
	for i, v := range values {
		records = append(records, &kgo.Record{Value: []byte(v), Partition: int32(i % n)})
	}
	if err := client.ProduceSync(t.Context(), records...).FirstErr(); err != nil {
		t.Fatal(err)
	}
}

// identities counts the stored records by what makes two of them one request. Every record is in the partition of its
// service.
func identities(t *testing.T, broker, topic string, partitions int) map[string]int {
	t.Helper()
	out := make(map[string]int)
	var d schemas.Decoder
	for p, records := range consume(t, []string{broker}, topic, partitions) {
		for _, s := range records {
			var r schemas.Request
			if err := d.Decode([]byte(s.value), &r); err != nil {
				t.Fatal(err)
			}
			if schemas.Partition(r.Service, partitions) != p || s.key != r.Service {
				t.Errorf("%s is in partition %d with key %q", s.value, p, s.key)
			}
			out[fmt.Sprint(r.Service, " ", r.ArrivalUS, " ", r.RequestID, " ", r.Content())]++
		}
	}
	return out
}

// TestFromTopicExact: a run that dies before a commit, one that is stopped, then two side by side to the end: every record
// of a log without ids is there, and is one request.
func TestFromTopicExact(t *testing.T) {
	broker := realKafka(t)
	from, to := testenv.KafkaTopic(t, 3), testenv.Unique(t)
	const n = 6_000
	var values []string
	for i := range n {
		values = append(values, fmt.Sprintf(`{"timestamp":%d,"input_length":5,"output_length":1}`, i/100)) // most are like others
	}
	sendRecords(t, broker, from, 3, values)

	c := fromTopicConfig(broker, from, to, "mooncake")
	c.crash = func(written int64) bool { return written >= 2_000 }
	died, err := RunFromTopic(t.Context(), c)
	if err == nil || died.Written < 2_000 || died.Written == n {
		t.Fatalf("%+v, %v", died, err)
	}
	c.crash = nil
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	c.Progress = func(done, all int64) {
		if done >= 1_000 {
			cancel()
		}
	}
	stopped, err := RunFromTopic(ctx, c)
	if !ctxErr(err) || stopped.Written < 1_000 || !strings.Contains(err.Error(), "the same command goes on there") {
		t.Fatalf("%+v, %v", stopped, err)
	}
	c.Progress = nil
	var side sync.WaitGroup
	var rest [2]FromTopicResult
	for i := range rest {
		side.Go(func() {
			var err error
			if rest[i], err = RunFromTopic(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
	side.Wait()
	stored := identities(t, broker, to, 4)
	copies := 0
	for _, k := range stored {
		copies += k
	}
	written := died.Written + stopped.Written + rest[0].Written + rest[1].Written
	if len(stored) != n || copies <= n || int64(copies) != written {
		t.Errorf("%d of %d requests in %d records; written %d, %d, %d and %d", len(stored), n, copies, died.Written, stopped.Written, rest[0].Written, rest[1].Written)
	}
	again, err := RunFromTopic(t.Context(), c)
	if err != nil || again.Records != 0 {
		t.Errorf("%+v, %v", again, err)
	}
}

// TestFromTopicTransactions: what was aborted is not read, and the mark after it is no record.
func TestFromTopicTransactions(t *testing.T) {
	broker := realKafka(t)
	from, to := testenv.KafkaTopic(t, 1), testenv.Unique(t)
	client, err := kgo.NewClient(kgo.SeedBrokers(broker), kgo.DefaultProduceTopic(from), kgo.TransactionalID(from))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for i, end := range []kgo.TransactionEndTry{kgo.TryAbort, kgo.TryCommit, kgo.TryAbort} {
		if err := client.BeginTransaction(); err != nil {
			t.Fatal(err)
		}
		client.ProduceSync(t.Context(), kgo.StringRecord(fmt.Sprintf(`{"timestamp":%d,"input_length":5}`, i)))
		if err := client.EndTransaction(t.Context(), end); err != nil {
			t.Fatal(err)
		}
	}
	result, err := RunFromTopic(t.Context(), fromTopicConfig(broker, from, to, "mooncake"))
	if err != nil || result.Records != 1 || result.Written != 1 || result.Refused+result.Other != 0 || result.LastArrivalUS != 1_000 {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestFromTopicRefuses(t *testing.T) {
	cluster := newCluster(t, 4)
	broker := cluster.ListenAddrs()[0]
	testenv.CreateTopic(t, broker, "logs", 1)
	sendRecords(t, broker, "logs", 1, []string{
		`{"id":"a","call_type":"completion","model":"m","startTime":1}`,
		`[{"id":"b","call_type":"completion","model":"m","startTime":2},` + "\n" + `{"id":"c","call_type":"completion","model":"m","startTime":3}]`,
		`{"id":"d","call_type":"completion","model":"m"}`,
		``,
		`{"id":"e","call_type":"completion","model":"m","startTime":5}`,
	})
	c := fromTopicConfig(broker, "logs", schemas.RequestsTopic, "litellm")
	for range 2 { // stopping is harmless, and does not get past the record
		result, err := RunFromTopic(t.Context(), c)
		if !strings.HasPrefix(errText(err), "topic logs, partition 0: offset 2: startTime: is missing (the records before it are in Kafka") {
			t.Errorf("%+v, %v", result, err)
		}
	}
	c.OnError = Skip
	result, err := RunFromTopic(t.Context(), c)
	if err != nil || result.Records != 3 || result.Written != 1 || result.Refused != 1 || result.Other != 1 ||
		result.Refusals[0].Error() != "topic logs, partition 0: offset 2: startTime: is missing" {
		t.Errorf("%+v, %v", result, err)
	}
	if stored := identities(t, broker, schemas.RequestsTopic, 4); len(stored) != 4 {
		t.Errorf("%v", stored)
	}
}

// TestFromTopicFollows: at the end it waits for more, until it is stopped, which is no error then.
func TestFromTopicFollows(t *testing.T) {
	cluster := newCluster(t, 4)
	broker := cluster.ListenAddrs()[0]
	testenv.CreateTopic(t, broker, "logs", 2)
	c := fromTopicConfig(broker, "logs", schemas.RequestsTopic, "mooncake")
	c.Follow = true
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	first := make(chan struct{})
	var once sync.Once
	c.Progress = func(done, _ int64) {
		switch done {
		case 2:
			once.Do(func() { close(first) })
		case 4:
			cancel()
		}
	}
	go func() {
		two := []string{`{"timestamp":1,"input_length":5}`, `{"timestamp":2,"input_length":5}`}
		sendRecords(t, broker, "logs", 2, two)
		select {
		case <-first:
		case <-ctx.Done():
			return
		}
		sendRecords(t, broker, "logs", 2, two)
	}()
	result, err := RunFromTopic(ctx, c)
	if err != nil || result.Written != 4 {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestFromTopicRepairs: what another partitioner has put into the wrong partition is written to the right one, once.
func TestFromTopicRepairs(t *testing.T) {
	cluster := newCluster(t, 4)
	broker := cluster.ListenAddrs()[0]
	var values []string
	misplaced := 0
	for i := range 40 {
		service := fmt.Sprintf("s%d", i/4)
		values = append(values, fmt.Sprintf(`{"service":"%s","model":"m","arrival_us":%d,"outcome":"ok"}`, service, i))
		if schemas.Partition(service, 4) != i%4 {
			misplaced++
		}
	}
	sendRecords(t, broker, schemas.RequestsTopic, 4, values)
	c := fromTopicConfig(broker, schemas.RequestsTopic, schemas.RequestsTopic, "canonical")
	first, err := RunFromTopic(t.Context(), c)
	if err != nil || first.Written != int64(misplaced) || first.InPlace != int64(40-misplaced) {
		t.Errorf("%+v, %v", first, err)
	}
	second, err := RunFromTopic(t.Context(), c) // what the first has written
	if err != nil || second.Written != 0 || second.InPlace != int64(misplaced) {
		t.Errorf("%+v, %v", second, err)
	}
	right := make(map[int64]bool)
	var d schemas.Decoder
	for p, records := range consume(t, []string{broker}, schemas.RequestsTopic, 4) {
		for _, s := range records {
			var r schemas.Request
			if err := d.Decode([]byte(s.value), &r); err != nil || r.RequestID != "" {
				t.Fatalf("%s: %v", s.value, err)
			}
			if schemas.Partition(r.Service, 4) == p {
				right[r.ArrivalUS] = true
			}
		}
	}
	if len(right) != 40 {
		t.Errorf("%d requests are where they belong", len(right))
	}
}

// TestFromTopicProtobuf: what a collector's Kafka exporter writes, a message of spans a record.
func TestFromTopicProtobuf(t *testing.T) {
	broker := newCluster(t, 4).ListenAddrs()[0]
	testenv.CreateTopic(t, broker, "otlp_spans", 1)
	text, err := os.ReadFile("../examples/vllm/sample.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var values []string
	for line := range strings.Lines(string(text)) {
		traces, err := new(ptrace.JSONUnmarshaler).UnmarshalTraces([]byte(line))
		if err != nil {
			t.Fatal(err)
		}
		message, err := new(ptrace.ProtoMarshaler).MarshalTraces(traces)
		if err != nil {
			t.Fatal(err)
		}
		values = append(values, string(message))
	}
	sendRecords(t, broker, "otlp_spans", 1, append(values, "no message"))
	c := fromTopicConfig(broker, "otlp_spans", schemas.RequestsTopic, "otlp-proto")
	c.OnError = Skip
	result, err := RunFromTopic(t.Context(), c)
	if err != nil || result.Written != 40 || result.Refused != 1 || result.Records != int64(len(values))+1 {
		t.Errorf("%+v, %v", result, err)
	}
}

// TestFromTopicViews: the spans of a call count once, whichever partitions they are in.
func TestFromTopicViews(t *testing.T) {
	broker := newCluster(t, 4).ListenAddrs()[0]
	testenv.CreateTopic(t, broker, "otlp_spans", 2)
	sendRecords(t, broker, "otlp_spans", 2, []string{
		message("gateway", spanOf("1", "", server, 1, 9, "gen_ai.request.model=m")),
		message("engine", spanOf("2", "1", server, 2, 8, "gen_ai.request.model=m")),
	})
	result, err := RunFromTopic(t.Context(), fromTopicConfig(broker, "otlp_spans", schemas.RequestsTopic, "otlp"))
	if err != nil || result.Written != 1 || result.Repeated != 1 {
		t.Errorf("%+v, %v", result, err)
	}
}

func TestFromTopicConfig(t *testing.T) {
	for _, test := range []struct {
		change func(*FromTopicConfig)
		want   string
	}{
		{func(c *FromTopicConfig) { c.Format = "" }, "name the records' format with --format"},
		{func(c *FromTopicConfig) { c.Format = "burstgpt" }, "burstgpt is CSV"},
		{func(c *FromTopicConfig) { c.Format = "bailian" }, "a row of bailian is read by the rows before it"},
		{func(c *FromTopicConfig) { c.Topic = "a b" }, `from-topic: "a b" is no name for a topic`},
		{func(c *FromTopicConfig) { c.Group = "" }, "from-group: is empty"},
		{func(c *FromTopicConfig) { c.Topic = schemas.RequestsTopic }, "use --format canonical, or another --topic"},
		{func(c *FromTopicConfig) {
			c.Topic, c.Format, c.Options.Model = schemas.RequestsTopic, "canonical", "m"
		}, "leave out --service, --model and --log-type"},
	} {
		c := fromTopicConfig("127.0.0.1:1", "logs", schemas.RequestsTopic, "litellm")
		test.change(&c)
		if err := c.Validate(); !strings.Contains(errText(err), test.want) {
			t.Errorf("%v, want %s", err, test.want)
		}
	}
	c := fromTopicConfig(newCluster(t, 4).ListenAddrs()[0], "lgos", schemas.RequestsTopic, "litellm")
	if _, err := RunFromTopic(t.Context(), c); !strings.Contains(errText(err), "there is no topic lgos to read") {
		t.Error(err)
	}
}
