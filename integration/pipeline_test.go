// Package integration runs the whole pipeline, from files to report, on a real Apache Kafka and the real ClickHouse
// engine. It holds tests only.
package integration

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/segmentio/kafka-go"

	"tidegauge/ingest"
	"tidegauge/processors"
	"tidegauge/report"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
	"tidegauge/traces"
)

func TestMain(m *testing.M) { testenv.Main(m) }

const partitions = 12

// trace is a file of the tests' input, read as a service of its own.
type trace struct {
	path   string
	reader ingest.ReaderConfig
}

// sampleTraces gives the project's own sample and, where they are at hand and time is not short, the real traces.
func sampleTraces(t *testing.T) []trace {
	path := filepath.Join(t.TempDir(), "sample.jsonl")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	config := traces.DefaultSampleConfig()
	if testing.Short() {
		config.Days = 1
	}
	if _, err := traces.WriteSample(f, config); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	all := []trace{{path: path}}
	if data := os.Getenv("TIDEGAUGE_TEST_DATA"); data != "" && !testing.Short() {
		for service, name := range map[string]string{
			"azure-code": "azure/AzureLLMInferenceTrace_code.csv", "azure-conv": "azure/AzureLLMInferenceTrace_conv.csv",
			"burstgpt-1": "burstgpt/release1_first30.csv", "": "burstgpt/release2_first1000_conversation.jsonl",
			"mooncake": "mooncake/first1000.jsonl", "dynamo": "dynamo/request_trace.jsonl.gz",
		} {
			all = append(all, trace{filepath.Join(data, name), ingest.ReaderConfig{Options: ingest.Options{Service: service}}})
		}
	}
	return all
}

// read gives all requests of a trace, as copies.
func (tr trace) read(t *testing.T) []schemas.Request {
	sources, err := ingest.Sources([]string{tr.path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := ingest.NewReader(tr.reader, sources)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	var all []schemas.Request
	for r, err := range reader.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		one := *r
		one.PrefixHashes, one.Labels = slices.Clone(r.PrefixHashes), slices.Clone(r.Labels)
		all = append(all, one)
	}
	return all
}

// compressed copies the trace's file under another name, zstandard-compressed.
func (tr trace) compressed(t *testing.T) trace {
	path := filepath.Join(t.TempDir(), "renamed-"+filepath.Base(tr.path)+".copy")
	in, err := os.Open(tr.path)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	w, err := zstd.NewWriter(out)
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(tr.path, ".gz") {
		_, err = io.Copy(out, in) // compressed already: renaming is all
	} else if _, err = io.Copy(w, in); err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return trace{path, tr.reader}
}

// pipeline is a topic on a real broker, a database on the real engine, and processors between them.
type pipeline struct {
	t      *testing.T
	broker string
	topic  string
	group  string
	db     *storage.DB
	stop   func()
}

func newPipeline(t *testing.T) *pipeline {
	p := &pipeline{t: t, broker: testenv.Kafka(t), topic: testenv.KafkaTopic(t, partitions), db: testenv.Database(t)}
	p.group = p.topic + "-group"
	testenv.Migrate(t, p.db)
	return p
}

// process starts processors in this process; stop ends them cleanly.
func (p *pipeline) process(change func(*processors.Config)) {
	writer, err := storage.NewWriter(storage.DefaultWriterConfig(), storage.WriterDependencies{DB: p.db,
		Quarantine: func(table string, row schemas.Block, err error) {
			p.t.Errorf("a row of %s was refused: %v", table, err)
		}})
	if err != nil {
		p.t.Fatal(err)
	}
	config := processors.DefaultConfig()
	config.Brokers, config.Topic, config.Group, config.FlushInterval = []string{p.broker}, p.topic, p.group, 200*time.Millisecond
	if change != nil {
		change(&config)
	}
	runner, err := processors.New(config, processors.Dependencies{Store: storage.NewStore(p.db, writer), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		p.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	p.stop = func() {
		cancel()
		if err := <-done; err != nil {
			p.t.Errorf("processors ended with %v", err)
		}
	}
}

// ingest writes a file to the topic as the command does.
func (p *pipeline) ingest(tr trace) {
	p.t.Helper()
	config := ingest.DefaultConfig()
	config.Reader, config.Producer.Kafka.Brokers, config.Producer.Topic = tr.reader, []string{p.broker}, p.topic
	config.Producer.Partitions = 0
	sources, err := ingest.Sources([]string{tr.path}, nil)
	if err != nil {
		p.t.Fatal(err)
	}
	if _, err := ingest.Run(p.t.Context(), config, sources); err != nil {
		p.t.Fatal(err)
	}
}

// write sends requests to the topic in the order given.
func (p *pipeline) write(requests []schemas.Request) {
	p.t.Helper()
	config := ingest.DefaultProducerConfig()
	config.Kafka.Brokers, config.Topic, config.Partitions = []string{p.broker}, p.topic, 0
	producer, err := ingest.NewProducer(config)
	if err != nil {
		p.t.Fatal(err)
	}
	defer producer.Close()
	if err := producer.Start(p.t.Context()); err != nil {
		p.t.Fatal(err)
	}
	if err := errors.Join(producer.Write(p.t.Context(), requests), producer.Flush(p.t.Context())); err != nil {
		p.t.Fatal(err)
	}
}

// drained waits until every record of the topic is in ClickHouse and committed.
func (p *pipeline) drained() {
	p.t.Helper()
	client := &kafka.Client{Addr: kafka.TCP(p.broker), Timeout: 10 * time.Second}
	store := storage.NewStore(p.db, nil)
	deadline := time.Now().Add(2 * time.Minute)
	for {
		ask := map[string][]kafka.OffsetRequest{}
		for i := range partitions {
			ask[p.topic] = append(ask[p.topic], kafka.LastOffsetOf(i))
		}
		ends, err := client.ListOffsets(p.t.Context(), &kafka.ListOffsetsRequest{Topics: ask})
		if err != nil {
			p.t.Fatal(err)
		}
		positions, err := store.Positions(p.t.Context(), p.group, p.topic)
		if err != nil {
			p.t.Fatal(err)
		}
		missing := int64(0)
		for _, end := range ends.Topics[p.topic] {
			missing += end.LastOffset - positions[end.Partition].Offset
		}
		if missing == 0 {
			return
		}
		if time.Now().After(deadline) {
			p.t.Fatalf("%d records are not processed after two minutes", missing)
		}
		time.Sleep(50 * time.Millisecond)
	}
}

// summary gives what `report` prints.
func (p *pipeline) summary() *report.Summary {
	p.t.Helper()
	s, err := report.FromClickHouse(p.t.Context(), p.db, report.Query{})
	if err != nil {
		p.t.Fatal(err)
	}
	return s
}

// characterized gives what `characterize` prints of the same traces.
func characterized(t *testing.T, all []trace) *report.Summary {
	collector := report.NewCollector(report.Options{})
	for _, tr := range all {
		requests := tr.read(t)
		for i := range requests {
			collector.Add(&requests[i])
		}
	}
	s, err := collector.Summary()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func compare(t *testing.T, want, got *report.Summary) {
	t.Helper()
	for _, d := range report.Compare(want, got) {
		t.Errorf("characterize and report differ: %v", d)
	}
}

// TestReportEqualsCharacterize is the pipeline's promise: whatever way the records took to the topic, the report from
// ClickHouse is the one computed from the files.
func TestReportEqualsCharacterize(t *testing.T) {
	all := sampleTraces(t)
	want := characterized(t, all)
	var records []schemas.Request
	for _, tr := range all {
		records = append(records, tr.read(t)...)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	const short = "a tenth held back"
	for name, feed := range map[string]func(*pipeline){
		"twice, once renamed and compressed": func(p *pipeline) {
			for _, tr := range all {
				p.ingest(tr)
			}
			for _, tr := range all {
				p.ingest(tr.compressed(t))
			}
		},
		"shuffled, a tenth held back": func(p *pipeline) {
			shuffled := slices.Clone(records)
			rng.Shuffle(len(shuffled), func(i, j int) { shuffled[i], shuffled[j] = shuffled[j], shuffled[i] })
			holdBack(p, rng, shuffled)
		},
		short: func(p *pipeline) { holdBack(p, rng, records) },
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() != (name == short) {
				t.Skip("of the other lane")
			}
			p := newPipeline(t)
			p.process(func(c *processors.Config) { c.CacheBytes = 4 << 20 }) // small enough to evict and reload
			began := time.Now()
			lap := func(what string) { t.Logf("%s: %v", what, time.Since(began).Round(time.Millisecond)) }
			feed(p)
			p.drained()
			p.stop()
			lap("processed")
			compare(t, want, p.summary())
			lap("reported")
			verified, err := storage.Verify(t.Context(), p.db, storage.VerifyQuery{}, nil)
			if err != nil {
				t.Fatal(err)
			}
			if verified.Different+verified.Unsettled != 0 || verified.Minutes == 0 || verified.Conversations == 0 {
				t.Errorf("verify: %+v", verified)
			}
		})
	}
}

// holdBack writes a tenth of the requests when the others are processed.
func holdBack(p *pipeline, rng *rand.Rand, requests []schemas.Request) {
	p.t.Helper()
	var first, last []schemas.Request
	for _, r := range requests {
		if rng.IntN(10) == 0 {
			last = append(last, r)
		} else {
			first = append(first, r)
		}
	}
	p.write(first)
	p.drained()
	p.write(last)
}
