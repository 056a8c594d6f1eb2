package ingest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"

	"tidegauge/schemas"
)

func newCluster(t testing.TB, partitions int, options ...kfake.Opt) *kfake.Cluster {
	t.Helper()
	c, err := kfake.NewCluster(append([]kfake.Opt{kfake.NumBrokers(1), kfake.SeedTopics(int32(partitions), schemas.RequestsTopic)}, options...)...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// BenchmarkProduce writes batches of decoded requests to one partition, broker in the same process.
func BenchmarkProduce(b *testing.B) {
	for _, compression := range []string{"none", "lz4", "zstd"} {
		b.Run(compression, func(b *testing.B) {
			c := newCluster(b, 12)
			config := DefaultProducerConfig()
			config.Kafka.Brokers = c.ListenAddrs()
			config.Compression = compression
			p, err := NewProducer(config)
			if err != nil {
				b.Fatal(err)
			}
			defer p.Close()
			if err := p.Start(b.Context()); err != nil {
				b.Fatal(err)
			}
			r, err := NewReader(ReaderConfig{}, []Source{textSource("x", string(burstText(1400)))})
			if err != nil {
				b.Fatal(err)
			}
			defer r.Close()
			batch, err := r.Next(b.Context())
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			start := time.Now()
			for b.Loop() {
				if err := p.Write(b.Context(), batch.Requests); err != nil {
					b.Fatal(err)
				}
			}
			if err := p.Flush(b.Context()); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(p.Written())/time.Since(start).Seconds(), "rows/s")
		})
	}
}

// BenchmarkIngestFile ingests the file that TIDEGAUGE_BENCH_FILE names, broker in the same process.
func BenchmarkIngestFile(b *testing.B) {
	path := os.Getenv("TIDEGAUGE_BENCH_FILE")
	if path == "" {
		b.Skip("TIDEGAUGE_BENCH_FILE is not set")
	}
	for b.Loop() {
		c := newCluster(b, 12)
		config := DefaultConfig()
		config.Producer.Kafka.Brokers = c.ListenAddrs()
		sources, err := Sources([]string{path}, nil)
		if err != nil {
			b.Fatal(err)
		}
		start := time.Now()
		result, err := Run(context.Background(), config, sources)
		if err != nil {
			b.Fatal(err)
		}
		b.ReportMetric(float64(result.Written)/time.Since(start).Seconds(), "rows/s")
	}
}
