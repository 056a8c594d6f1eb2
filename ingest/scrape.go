package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tidegauge/schemas"
)

// Scraper asks exporters of GPUs and inference engines for their pages, each at its own moment of the interval, and hands on
// what they say as records of schemas.GPUTopic. A target that does not answer is a record that says so.
type Scraper struct {
	config  ScrapeConfig
	rules   []ServiceRule
	targets *discovery
	client  *http.Client
	log     *slog.Logger
	metrics *scrapeMetrics
	slots   chan struct{} // one for each page that is being read
	results chan []*schemas.GPURecord
}

// ScrapeDependencies are what a Scraper needs of its surroundings.
type ScrapeDependencies struct {
	Registerer prometheus.Registerer // nil: no metrics
	Logger     *slog.Logger          // nil: slog.Default
}

// NewScraper checks the configuration. It starts nothing.
func NewScraper(c ScrapeConfig, d ScrapeDependencies) (*Scraper, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if d.Logger == nil {
		d.Logger = slog.Default()
	}
	c.TLS.Enabled = true // for the targets that ask for it
	secure, err := c.TLS.load()
	if err != nil {
		return nil, err
	}
	s := &Scraper{config: c, log: d.Logger, metrics: newScrapeMetrics(d.Registerer), slots: make(chan struct{}, c.Concurrency),
		results: make(chan []*schemas.GPURecord, c.Concurrency)}
	if s.rules, err = ParseServiceRules(c.Services); err != nil {
		return nil, err
	}
	if s.targets, err = newDiscovery(c, d.Logger); err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.TLSClientConfig, transport.MaxIdleConns, transport.Proxy = secure, 0, nil
	transport.IdleConnTimeout = 2 * c.Interval
	s.client = &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse // a token is for the target, not for where it points
	}}
	return s, nil
}

// Run scrapes until ctx ends, and gives write the records of each scrape, one scrape at a time. An error of write ends it. While write
// is busy, scrapes go on; what they give is dropped, and counted, once too many wait.
func (s *Scraper) Run(ctx context.Context, write func(context.Context, []*schemas.GPURecord) error) error {
	ctx, stop := context.WithCancel(ctx)
	var scraping sync.WaitGroup
	scraping.Go(func() { s.discover(ctx, &scraping) })
	defer s.client.CloseIdleConnections()
	defer scraping.Wait()
	defer stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case records := <-s.results:
			if err := write(ctx, records); err != nil {
				if ctx.Err() != nil {
					return nil
				}
				return err
			}
		}
	}
}

// discover keeps a goroutine for each target that there is.
func (s *Scraper) discover(ctx context.Context, scraping *sync.WaitGroup) {
	type running struct {
		target Target
		stop   context.CancelFunc
		done   chan struct{} // closed when it has stopped
	}
	now := make(map[string]running)
	refresh := time.NewTicker(s.config.Refresh)
	defer refresh.Stop()
	for {
		found := s.targets.find(ctx)
		for address, r := range now {
			if t, ok := found[address]; !ok || !r.target.same(t) {
				r.stop()
				<-r.done // before its metric goes, which it may be about to set
				delete(now, address)
				if !ok {
					s.metrics.up.DeleteLabelValues(address)
					s.log.Info("a target is gone", "target", address)
				}
			}
		}
		for address, t := range found {
			if _, ok := now[address]; !ok {
				ctx, stop := context.WithCancel(ctx)
				done := make(chan struct{})
				now[address] = running{t, stop, done}
				scraping.Go(func() {
					defer close(done)
					s.repeat(ctx, t)
				})
			}
		}
		s.metrics.targets.Set(float64(len(now)))
		select {
		case <-ctx.Done():
			for _, r := range now {
				r.stop()
			}
			return
		case <-refresh.C:
		}
	}
}

// same says whether two targets are scraped in the same way.
func (t Target) same(o Target) bool {
	return t.URL() == o.URL() && maps.Equal(t.Labels, o.Labels)
}

// repeat scrapes one target at its moment of each interval.
func (s *Scraper) repeat(ctx context.Context, t Target) {
	var last ScrapeState
	for {
		wait := time.NewTimer(untilNext(time.Now(), s.config.Interval, t.Name()))
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
		records, state := s.Scrape(ctx, t, last)
		if ctx.Err() != nil {
			return
		}
		s.news(t, last, state)
		last = state
		select {
		case s.results <- records:
		default:
			s.metrics.dropped.Inc()
		}
	}
}

// untilNext is how long it is to a target's next moment: intervals are counted from the epoch, and the moment in each
// comes out of the target's address, so that targets are spread over the interval and each is scraped evenly, whenever
// scrapers start.
func untilNext(now time.Time, interval time.Duration, address string) time.Duration {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(address)) // it cannot fail
	offset := time.Duration(hash.Sum64() % uint64(interval))
	passed := time.Duration(now.UnixNano()-int64(offset)) % interval
	return interval - passed
}

// ScrapeState is what came of a target's last scrape.
type ScrapeState struct {
	Scraped bool   // there was one
	Kind    string // of the page, as far as it was ever known
	Err     error  // why it is down
}

// news logs a target that comes up or goes down, or is down for another reason, and sets its metric.
func (s *Scraper) news(t Target, last, now ScrapeState) {
	text := func(err error) string {
		if err == nil {
			return ""
		}
		return err.Error()
	}
	switch {
	case now.Err != nil && text(last.Err) != text(now.Err):
		s.log.Warn("a target is down", "target", t.Name(), "error", now.Err)
	case now.Err == nil && (!last.Scraped || last.Err != nil):
		s.log.Info("a target is up", "target", t.Name(), "kind", now.Kind)
	}
	if now.Err != nil {
		s.metrics.up.WithLabelValues(t.Name()).Set(0)
		s.metrics.scrapes.WithLabelValues("error").Inc()
		return
	}
	s.metrics.up.WithLabelValues(t.Name()).Set(1)
	s.metrics.scrapes.WithLabelValues("ok").Inc()
}

// Scrape asks a target for its page once, and gives the records: what the page says, and what came of it.
func (s *Scraper) Scrape(ctx context.Context, t Target, last ScrapeState) ([]*schemas.GPURecord, ScrapeState) {
	started := time.Now()
	at := started.UnixMicro()
	state := ScrapeState{Scraped: true, Kind: last.Kind}
	var records []*schemas.GPURecord
	body, release, err := s.get(ctx, t)
	if err == nil {
		defer release()
		var p page
		if p, err = readPage(body); err == nil {
			state.Kind = p.kind
			records = p.samples(func(labels map[string]string) string {
				labels["target"] = t.Name()
				return serviceOf(s.rules, labels, t.Labels)
			}, clipName(t.Host()))
			s.metrics.duration.Observe(time.Since(started).Seconds())
			s.metrics.samples.WithLabelValues(p.kind).Add(float64(len(records)))
		}
	}
	state.Err = err
	name := clipName(t.Name())
	for _, r := range records {
		if r.GPU != nil {
			r.GPU.AtUS, r.GPU.Target = at, name
		} else {
			r.Engine.AtUS, r.Engine.Target = at, name
		}
	}
	result := &schemas.ScrapeSample{Target: name, AtUS: at, Host: clipName(t.Host()), Kind: state.Kind, Up: err == nil,
		DurationS: time.Since(started).Seconds(), Samples: int64(len(records))}
	if err != nil {
		result.Error = clipText(err.Error(), schemas.MaxScrapeError)
	}
	return append(records, &schemas.GPURecord{Scrape: result}), state
}

// get fetches a target's page, and takes one of the slots, which release gives back. What does not answer takes none: however
// many targets are silent at once, as those of a network that is cut off, the others are scraped.
func (s *Scraper) get(ctx context.Context, t Target) (body []byte, release func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, s.config.Timeout)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, t.URL(), nil)
	if err != nil {
		return nil, nil, err
	}
	request.Header.Set("Accept", "text/plain;version=0.0.4;q=1,*/*;q=0.1")
	request.Header.Set("User-Agent", "tidegauge")
	if s.config.TokenFile != "" {
		token, err := os.ReadFile(s.config.TokenFile) // each time: tokens are replaced
		if err != nil {
			return nil, nil, fmt.Errorf("reading the bearer token: %w", fileError(s.config.TokenFile, err))
		}
		request.Header.Set("Authorization", "Bearer "+strings.TrimSpace(string(token)))
	}
	response, err := s.client.Do(request)
	if err != nil {
		return nil, nil, s.explain(err)
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, nil, fmt.Errorf("it answers with status %s", response.Status)
	}
	select {
	case s.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, nil, s.explain(ctx.Err())
	}
	done := func() { <-s.slots }
	defer func() {
		if err != nil {
			done()
		}
	}()
	body, err = io.ReadAll(io.LimitReader(response.Body, s.config.BodyBytes+1))
	if err != nil {
		return nil, nil, s.explain(err)
	}
	if int64(len(body)) > s.config.BodyBytes {
		return nil, nil, fmt.Errorf("the page has more than %d bytes", s.config.BodyBytes)
	}
	return body, done, nil
}

// explain says what an error of a request is about. It names nothing that changes from one time to the next, such as ports.
func (s *Scraper) explain(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("no answer within %v", s.config.Timeout)
	}
	for errors.Unwrap(err) != nil { // what is around it begins with the request and with addresses
		err = errors.Unwrap(err)
	}
	return err
}

// WriteRecords hands records of GPUs on, each keyed by its host, as Write does with requests.
func (p *Producer) WriteRecords(ctx context.Context, records []*schemas.GPURecord) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, r := range records {
		value, err := json.Marshal(r)
		if err != nil {
			return fmt.Errorf("writing a record of host %s: %w", r.Key(), err)
		}
		to := p.to(r.Key())
		if to.batch == nil {
			to.batch, to.since = p.takeRecords(), time.Now()
		}
		if err := p.grown(ctx, to, to.batch.addValue(r.Key(), value)); err != nil {
			return err
		}
	}
	return p.failure()
}
