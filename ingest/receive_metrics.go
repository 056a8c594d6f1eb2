package ingest

import "github.com/prometheus/client_golang/prometheus"

// receiveMetrics are the receiver's own. A metric's name is an interface: docs/operations.md lists them.
type receiveMetrics struct {
	posts       *prometheus.CounterVec
	requests    *prometheus.CounterVec
	bytes       *prometheus.CounterVec
	seconds     *prometheus.HistogramVec
	throttled   *prometheus.CounterVec
	memory      prometheus.GaugeFunc
	batch       prometheus.Histogram
	kafkaErrors prometheus.Counter
}

func newReceiveMetrics(r prometheus.Registerer, used func() float64) *receiveMetrics {
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: "tidegauge", Subsystem: "receive", Name: name, Help: help}, labels)
	}
	m := &receiveMetrics{
		posts:     counter("posts_total", "Posts, by where they came in and how they were answered: an HTTP status, or a gRPC code.", "endpoint", "status"),
		requests:  counter("requests_total", "What was found in posts that were answered: requests that Kafka has, and what was refused, repeated, or no request.", "endpoint", "result"),
		bytes:     counter("body_bytes_total", "Bytes of bodies, uncompressed.", "endpoint"),
		throttled: counter("throttled_total", "Posts that were turned away for a limit.", "limit"),
		// An acknowledgement by a broker next door to what a post may wait for.
		seconds: prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: "tidegauge", Subsystem: "receive", Name: "post_seconds",
			Help: "From a post's headers to its answer.", Buckets: prometheus.ExponentialBuckets(0.001, 2, 14)}, []string{"endpoint"}),
		memory: prometheus.NewGaugeFunc(prometheus.GaugeOpts{Namespace: "tidegauge", Subsystem: "receive", Name: "memory_bytes",
			Help: "Memory that posts take which are not answered, or not out of the way, yet."}, used),
		batch: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "tidegauge", Subsystem: "receive", Name: "batch_requests",
			Help: "Requests a batch to Kafka.", Buckets: prometheus.ExponentialBuckets(1, 4, 8)}),
		kafkaErrors: prometheus.NewCounter(prometheus.CounterOpts{Namespace: "tidegauge", Subsystem: "receive", Name: "kafka_errors_total",
			Help: "Batches that could not be written in time, whose posts were told to try again."}),
	}
	if r != nil {
		r.MustRegister(m.posts, m.requests, m.bytes, m.throttled, m.seconds, m.memory, m.batch, m.kafkaErrors)
	}
	return m
}
