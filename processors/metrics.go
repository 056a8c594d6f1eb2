package processors

import "github.com/prometheus/client_golang/prometheus"

// metrics are the processors' own. A metric's name is an interface: docs/operations.md lists them, and a renamed one
// breaks somebody's dashboard.
type metrics struct {
	records      prometheus.Counter
	bytes        prometheus.Counter
	requests     prometheus.Counter
	duplicates   prometheus.Counter
	deadLetters  prometheus.Counter
	samples      prometheus.Counter
	rewrites     prometheus.Counter
	flushes      prometheus.Counter
	flushTime    prometheus.Histogram
	flushRecords prometheus.Histogram
	delay        prometheus.Histogram
	reloads      *prometheus.CounterVec
	evictions    prometheus.Counter
	cacheBytes   *prometheus.GaugeVec
	lag          *prometheus.GaugeVec
	lags         *lags
	position     *prometheus.GaugeVec
	assigned     prometheus.Gauge
	rebalances   prometheus.Counter
	errors       *prometheus.CounterVec
}

// newMetrics makes those of a Runner of requests.
func newMetrics(r prometheus.Registerer) *metrics {
	m := metricsOf("processor")
	if r != nil {
		r.MustRegister(append(m.common(), m.requests, m.duplicates, m.reloads, m.evictions, m.cacheBytes)...)
	}
	return m
}

// newGPUMetrics makes those of a Runner of GPU samples.
func newGPUMetrics(r prometheus.Registerer) *metrics {
	m := metricsOf("gpu_processor")
	if r != nil {
		r.MustRegister(append(m.common(), m.samples, m.rewrites)...)
	}
	return m
}

// common are the metrics of any Runner.
func (m *metrics) common() []prometheus.Collector {
	return []prometheus.Collector{m.records, m.bytes, m.deadLetters, m.flushes, m.flushTime, m.flushRecords, m.delay, m.lag, m.lags, m.position,
		m.assigned, m.rebalances, m.errors}
}

func metricsOf(subsystem string) *metrics {
	counter := func(name, help string) prometheus.Counter {
		return prometheus.NewCounter(prometheus.CounterOpts{Namespace: "tidegauge", Subsystem: subsystem, Name: name, Help: help})
	}
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		return prometheus.NewGaugeVec(prometheus.GaugeOpts{Namespace: "tidegauge", Subsystem: subsystem, Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64) prometheus.Histogram {
		return prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: "tidegauge", Subsystem: subsystem, Name: name, Help: help, Buckets: buckets})
	}
	m := &metrics{
		records:     counter("records_total", "Records read from the topic."),
		bytes:       counter("record_bytes_total", "Bytes of the values of records read from the topic."),
		requests:    counter("requests_total", "Requests that were new to their minute."),
		duplicates:  counter("duplicates_total", "Requests that were already in their minute: repetitions of a producer, a reader or a restart."),
		deadLetters: counter("dead_letters_total", "Records that could not be read; see table dead_letters."),
		samples:     counter("samples_total", "Samples of GPUs, engines and scrapes read, repetitions included."),
		rewrites:    counter("rewritten_minutes_total", "Minutes of hosts whose rows were made anew."),
		flushes:     counter("flushes_total", "Flushes acknowledged by ClickHouse."),
		flushTime: histogram("flush_seconds", "From the start of a flush to ClickHouse's acknowledgement of all of it.",
			prometheus.ExponentialBuckets(0.005, 2, 14)),
		// A lone record to all that may be in memory by default.
		flushRecords: histogram("flush_records", "Records a flush.", prometheus.ExponentialBuckets(1, 4, 10)),
		// What a flush takes on an idle machine to what an outage over a night adds; 3 s is the target of the 99th percentile.
		delay: histogram("end_to_end_delay_seconds",
			"From a record's timestamp in Kafka to ClickHouse's acknowledgement of its rows, for the first record of each flush, which has waited longest.",
			[]float64{0.1, 0.25, 0.5, 1, 2, 3, 5, 10, 20, 30, 60, 120, 300, 600, 1800, 3600, 7200, 21600, 86400}),
		reloads: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "tidegauge", Subsystem: subsystem, Name: "reloads_total",
			Help: "Sets read back from ClickHouse because they were touched and not in memory.",
		}, []string{"entity"}),
		evictions:  counter("evictions_total", "Sets dropped from memory to stay within the budget."),
		cacheBytes: gauge("cache_bytes", "Memory held by sets.", "partition"),
		lag:        gauge("lag_records", "Records in the partition that are not read yet.", "partition"),
		lags:       newLags(subsystem),
		position:   gauge("committed_offset", "The offset committed last.", "partition"),
		assigned: prometheus.NewGauge(prometheus.GaugeOpts{Namespace: "tidegauge", Subsystem: subsystem,
			Name: "assigned_partitions", Help: "Partitions this process owns."}),
		rebalances: counter("generations_total", "Generations of the consumer group that this process joined."),
		errors: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: "tidegauge", Subsystem: subsystem, Name: "errors_total",
			Help: "Errors that were retried, by what was being done.",
		}, []string{"doing"}),
	}
	return m
}
