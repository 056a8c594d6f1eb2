package processors

import (
	"maps"
	"strconv"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// progress is what is known of the oldest record of a partition that is not committed. Its age is worked out when it is
// asked for: so it grows while the store is away, while Kafka is, and while the partition's goroutine hangs.
type progress struct {
	mu sync.Mutex
	// The timestamp of the first record of what is being stored and of what was read after it; zero: there is nothing.
	writing, reading time.Time
	// No record that is not read is older than this; zero: there was none when Kafka was last heard of.
	unread time.Time
	heard  time.Time // when Kafka last said what there is; at first, when the partition was assigned
}

// known is a record's timestamp as far as it can be believed: a record without one, or from a clock that is ahead, is
// as old as the moment it was read.
func known(stamp, now time.Time) time.Time {
	if stamp.IsZero() || stamp.After(now) {
		return now
	}
	return stamp
}

// starts notes where the partition begins: whether there are records, and the timestamp of the first one.
func (p *progress) starts(more bool, stamp, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writing, p.reading, p.unread, p.heard = time.Time{}, time.Time{}, time.Time{}, now
	if more {
		p.unread = known(stamp, now)
	}
}

// read notes the first record of a batch.
func (p *progress) read(stamp, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reading = known(stamp, now)
}

// fetched notes that a fetch was answered, whether there is more than it brought, and the timestamp of its first
// record: what is to come is not older, or not by much.
func (p *progress) fetched(more bool, stamp, now time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.heard = now
	switch {
	case !more:
		p.unread = time.Time{}
	case !stamp.IsZero() || p.unread.IsZero():
		p.unread = known(stamp, now)
	}
}

// flushing notes that the batch has become a flush. A flush whose commit failed counts until a later one is committed.
func (p *progress) flushing() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.writing.IsZero() {
		p.writing = p.reading
	}
	p.reading = time.Time{}
}

// committed notes that the flush is committed.
func (p *progress) committed() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.writing = time.Time{}
}

// lag is the age of the oldest record that is not committed, 0 if there is none. Where Kafka has not been heard of for
// longer than silence, there may be records since then.
func (p *progress) lag(now time.Time, silence time.Duration) time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, oldest := range []time.Time{p.writing, p.reading, p.unread} {
		if !oldest.IsZero() {
			return max(0, now.Sub(oldest))
		}
	}
	if quiet := now.Sub(p.heard); quiet > silence {
		return quiet
	}
	return 0
}

// lags is the metric lag_seconds: the lag of each partition at the moment of the scrape. A partition stays in it until
// the group says that it is somebody else's: between two generations nobody processes it, and that is a lag.
type lags struct {
	description *prometheus.Desc
	silence     time.Duration

	mu         sync.Mutex
	partitions map[int]*progress
}

func newLags(subsystem string) *lags {
	return &lags{
		description: prometheus.NewDesc("tidegauge_"+subsystem+"_lag_seconds",
			"Age of the oldest record that is not committed yet, by its timestamp; 0 when caught up.", []string{"partition"}, nil),
		partitions: make(map[int]*progress),
	}
}

// assign makes the partitions those of a new generation.
func (l *lags) assign(ids []int, now time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	mine := make(map[int]*progress)
	for _, id := range ids {
		if mine[id] = l.partitions[id]; mine[id] == nil {
			mine[id] = &progress{heard: now}
		}
	}
	l.partitions = mine
}

func (l *lags) of(id int) *progress {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.partitions[id]
}

// Describe and Collect make it a prometheus.Collector.
func (l *lags) Describe(descriptions chan<- *prometheus.Desc) { descriptions <- l.description }

func (l *lags) Collect(metrics chan<- prometheus.Metric) {
	l.mu.Lock()
	partitions := maps.Clone(l.partitions)
	l.mu.Unlock()
	now := time.Now()
	for id, p := range partitions {
		metrics <- prometheus.MustNewConstMetric(l.description, prometheus.GaugeValue, p.lag(now, l.silence).Seconds(), strconv.Itoa(id))
	}
}
