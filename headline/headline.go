package headline

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/prometheus/client_golang/prometheus"
)

// Config says how often and of how many services numbers are shown. Start from DefaultConfig.
type Config struct {
	// Interval is how often ClickHouse is asked. Long ranges are asked about more rarely.
	Interval time.Duration
	// Services bounds how many services are shown, those with the most requests: each is some 25 series.
	Services int
}

// DefaultConfig asks twice a minute about 500 services.
func DefaultConfig() Config { return Config{Interval: 30 * time.Second, Services: 500} }

// Validate reports everything that is wrong.
func (c Config) Validate() error {
	var errs []error
	if c.Interval < time.Second {
		errs = append(errs, fmt.Errorf("the headline numbers' interval is %v: at least a second", c.Interval))
	}
	if c.Services < 1 {
		errs = append(errs, fmt.Errorf("the headline numbers are of %d services: at least one", c.Services))
	}
	return errors.Join(errs...)
}

// Dependencies are what a Headline needs of its surroundings.
type Dependencies struct {
	Conn driver.Conn
	// Mine says whether it is this process that shows the numbers: of all processes on one topic exactly one should, or
	// sums count services twice.
	Mine       func() bool
	Registerer prometheus.Registerer
	Logger     *slog.Logger // nil: slog.Default
}

// Headline asks for the numbers and shows them: a prometheus.Collector.
type Headline struct {
	config  Config
	conn    driver.Conn
	mine    func() bool
	log     *slog.Logger
	numbers []numbers

	errors                 *prometheus.CounterVec
	seconds                *prometheus.HistogramVec
	age, rangeEnd, leftOut *prometheus.Desc

	mu      sync.Mutex
	answers map[string]answer // by the numbers' name
	failing map[string]bool   // which the log was told of
}

// answer is what was last heard.
type answer struct {
	end, asked time.Time
	rows       []row
}

// New checks the configuration and registers the metrics. It starts nothing.
func New(c Config, d Dependencies) (*Headline, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	h := &Headline{config: c, conn: d.Conn, mine: d.Mine, log: d.Logger, numbers: allNumbers(),
		answers: make(map[string]answer), failing: make(map[string]bool)}
	if h.log == nil {
		h.log = slog.Default()
	}
	const namespace, subsystem = "tidegauge", "headline"
	h.errors = prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: "errors_total",
		Help: "Queries for headline numbers that failed."}, []string{"numbers"})
	h.seconds = prometheus.NewHistogramVec(prometheus.HistogramOpts{Namespace: namespace, Subsystem: subsystem, Name: "query_seconds",
		Help: "Time a query for headline numbers took.", Buckets: prometheus.ExponentialBuckets(0.01, 2, 13)}, []string{"numbers"})
	h.age = prometheus.NewDesc("tidegauge_headline_age_seconds", "Time since the headline numbers were asked for.", []string{"numbers"}, nil)
	h.rangeEnd = prometheus.NewDesc("tidegauge_headline_range_end_timestamp_seconds", "End of the range that the headline numbers are of.", []string{"numbers"}, nil)
	h.leftOut = prometheus.NewDesc("tidegauge_headline_services_left_out", "Services that are not shown because there are too many.", nil, nil)
	for _, collector := range []prometheus.Collector{h.errors, h.seconds, h} {
		if err := d.Registerer.Register(collector); err != nil {
			return nil, fmt.Errorf("registering the headline numbers' metrics: %w", err)
		}
	}
	return h, nil
}

// Run asks until ctx ends.
func (h *Headline) Run(ctx context.Context) {
	tick := time.NewTicker(h.config.Interval)
	defer tick.Stop()
	for {
		h.refresh(ctx, time.Now())
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// refresh asks for what is due, one query after the other. What fails is tried again at the next turn.
func (h *Headline) refresh(ctx context.Context, now time.Time) {
	if !h.mine() {
		h.mu.Lock()
		clear(h.answers)
		h.mu.Unlock()
		return
	}
	for _, n := range h.numbers {
		end := n.end(now)
		h.mu.Lock()
		last, there := h.answers[n.name]
		h.mu.Unlock()
		// A range that ends with a window is new when the window is.
		if due := !there || now.Sub(last.asked) >= n.every || (n.step > 0 && end.After(last.end)); !due {
			continue
		}
		began := time.Now()
		rows, err := n.ask(ctx, h.conn, end)
		if ctx.Err() != nil {
			return
		}
		if err != nil {
			h.failed(n, err)
			continue
		}
		h.seconds.WithLabelValues(n.name).Observe(time.Since(began).Seconds())
		h.mu.Lock()
		h.answers[n.name] = answer{end: end, asked: now, rows: rows}
		delete(h.failing, n.name)
		h.mu.Unlock()
	}
}

// failed counts an error, and logs the first of several in a row.
func (h *Headline) failed(n numbers, err error) {
	h.errors.WithLabelValues(n.name).Inc()
	h.mu.Lock()
	told := h.failing[n.name]
	h.failing[n.name] = true
	h.mu.Unlock()
	if !told {
		h.log.Warn("cannot read headline numbers for /metrics, trying again", "numbers", n.name, "in", h.config.Interval, "error", err)
	}
}

// expiry is how old numbers may get: older ones are not shown, because a gauge that stands still looks like a calm service.
func (h *Headline) expiry(n numbers) time.Duration {
	return 3*max(n.every, h.config.Interval) + queryTimeout
}

// Describe makes it a prometheus.Collector.
func (h *Headline) Describe(descriptions chan<- *prometheus.Desc) {
	told := make(map[*metric]bool)
	for _, n := range h.numbers {
		for _, s := range n.series {
			if !told[s.metric] {
				told[s.metric] = true
				descriptions <- s.metric.description
			}
		}
	}
	descriptions <- h.age
	descriptions <- h.rangeEnd
	descriptions <- h.leftOut
}

// Collect shows what was last heard, if this process is the one that shows it.
func (h *Headline) Collect(metrics chan<- prometheus.Metric) { h.collect(metrics, time.Now()) }

func (h *Headline) collect(metrics chan<- prometheus.Metric, now time.Time) {
	if !h.mine() {
		return
	}
	h.mu.Lock()
	answers := maps.Clone(h.answers)
	h.mu.Unlock()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		metrics <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	shown, leftOut := h.choose(answers)
	gauge(h.leftOut, float64(leftOut))
	for _, n := range h.numbers {
		a, there := answers[n.name]
		if !there {
			continue
		}
		age := now.Sub(a.asked)
		gauge(h.age, age.Seconds(), n.name)
		gauge(h.rangeEnd, float64(a.end.Unix()), n.name)
		if age > h.expiry(n) {
			continue
		}
		for _, r := range a.rows {
			if !shown[r.service] {
				continue
			}
			for i, s := range n.series {
				labels := []string{r.service}
				if s.metric.label != "" {
					labels = append(labels, s.label)
				}
				if v := r.values[i]; v != nil {
					gauge(s.metric.description, *v, labels...)
				}
			}
		}
	}
}

// choose takes the services to show: those with the most requests a second, then by name.
func (h *Headline) choose(answers map[string]answer) (shown map[string]bool, leftOut int) {
	rates := make(map[string]float64)
	for name, a := range answers {
		for _, r := range a.rows {
			if name == "load" && r.values[0] != nil {
				rates[r.service] = *r.values[0]
			} else {
				rates[r.service] += 0
			}
		}
	}
	services := slices.SortedFunc(maps.Keys(rates), func(a, b string) int {
		return cmp.Or(cmp.Compare(rates[b], rates[a]), cmp.Compare(a, b))
	})
	shown = make(map[string]bool)
	for i, s := range services {
		if i < h.config.Services {
			shown[s] = true
		}
	}
	return shown, len(services) - len(shown)
}
