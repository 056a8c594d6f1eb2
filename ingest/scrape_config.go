package ingest

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// ScrapeConfig says what is scraped, and how.
type ScrapeConfig struct {
	// Targets are host:port or whole addresses of pages; Files are files of targets in the shape of Prometheus's file_sd, or
	// patterns for such; DNS are name:port (A and AAAA) or names of SRV records, which begin with an underscore.
	Targets, Files, DNS []string
	// Interval is how often a target is scraped, each at its own moment of it; Timeout how long it may take to answer.
	Interval, Timeout time.Duration
	// Refresh is how often files are read and names resolved.
	Refresh time.Duration
	// Concurrency bounds the pages that are read at a time, BodyBytes a page.
	Concurrency int
	BodyBytes   int64
	// Services says which service a GPU or engine works for: see ParseServiceRule.
	Services []string
	// TokenFile holds a bearer token for the targets; it is read at each scrape. TLS is for those of scheme https.
	TokenFile string
	TLS       TLSConfig
	Resolver  *net.Resolver // nil: the system's
}

// DefaultScrapeConfig scrapes nothing yet.
func DefaultScrapeConfig() ScrapeConfig {
	return ScrapeConfig{Interval: 15 * time.Second, Timeout: 10 * time.Second, Refresh: 30 * time.Second, Concurrency: 64, BodyBytes: 16 << 20}
}

// MaxScrapeInterval leaves no minute without a sample of a target that answers: a GPU counts in the minutes that it has samples in.
const MaxScrapeInterval = 30 * time.Second

// Validate says everything that is wrong, joined.
func (c ScrapeConfig) Validate() error {
	var errs []error
	wrong := func(bad bool, format string, arguments ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, arguments...))
		}
	}
	_, err := newDiscovery(c, slog.New(slog.DiscardHandler))
	errs = append(errs, err)
	_, err = ParseServiceRules(c.Services)
	errs = append(errs, err)
	wrong(c.Interval < time.Second || c.Interval > MaxScrapeInterval, "interval: %v is not within 1 s to %v", c.Interval, MaxScrapeInterval)
	wrong(c.Timeout <= 0 || c.Timeout > c.Interval, "timeout: %v is not above zero and at most the interval, %v", c.Timeout, c.Interval)
	wrong(c.Refresh < time.Second, "refresh: %v is less than 1 s", c.Refresh)
	wrong(c.Concurrency < 1, "concurrency: %d is not 1 or more", c.Concurrency)
	wrong(c.BodyBytes < 1<<10, "page size: %d bytes are less than 1 KiB", c.BodyBytes)
	wrong((c.TLS.CertFile == "") != (c.TLS.KeyFile == ""), "tls: a client's certificate needs both the certificate's and the key's file")
	return errors.Join(errs...)
}

// scrapeMetrics are the scraper's own. Names are an interface: docs/operations.md lists them.
type scrapeMetrics struct {
	up       *prometheus.GaugeVec
	targets  prometheus.Gauge
	scrapes  *prometheus.CounterVec
	duration prometheus.Histogram
	samples  *prometheus.CounterVec
	dropped  prometheus.Counter
}

func newScrapeMetrics(r prometheus.Registerer) *scrapeMetrics {
	options := func(name, help string) prometheus.Opts {
		return prometheus.Opts{Namespace: "tidegauge", Subsystem: "scrape", Name: name, Help: help}
	}
	m := &scrapeMetrics{
		up:      prometheus.NewGaugeVec(prometheus.GaugeOpts(options("up", "1 if the target's last scrape gave its page, else 0.")), []string{"target"}),
		targets: prometheus.NewGauge(prometheus.GaugeOpts(options("targets", "Targets being scraped."))),
		scrapes: prometheus.NewCounterVec(prometheus.CounterOpts(options("scrapes_total", "Scrapes, by how they ended.")), []string{"result"}),
		duration: prometheus.NewHistogram(prometheus.HistogramOpts{Namespace: "tidegauge", Subsystem: "scrape", Name: "duration_seconds",
			Help: "How long targets took to answer, those that did.", Buckets: prometheus.ExponentialBuckets(0.005, 2, 12)}),
		samples: prometheus.NewCounterVec(prometheus.CounterOpts(options("samples_total", "Samples of GPUs and engines that pages gave.")), []string{"kind"}),
		dropped: prometheus.NewCounter(prometheus.CounterOpts(options("dropped_total", "Scrapes whose samples were dropped because Kafka did not take them in time."))),
	}
	if r != nil {
		r.MustRegister(m.up, m.targets, m.scrapes, m.duration, m.samples, m.dropped)
	}
	return m
}
