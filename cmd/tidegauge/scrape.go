package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tidegauge/config"
	"tidegauge/ingest"
)

func newScrape(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "scrape",
		GroupID: groupPipeline,
		Short:   "Write what GPUs and inference engines say of themselves to Kafka",
		Long: `Asks DCGM exporters for their /metrics every 15 seconds, and vLLM and SGLang for theirs, and writes what they say
to the GPU topic, from where process (or up) stores it. A page is recognised by its content.

Targets are given one by one, in files of Prometheus's file_sd shape, which are read again when they change, or as DNS
names, which are resolved again and again. Each target is scraped at its own moment of the interval. One that does not
answer is noted as down, here, in the metric tidegauge_scrape_up, and in the database.

Rules say which service a GPU works for, by its host, its pod and other labels; the first that fits counts. What they said
is stored with each sample. docs/gpus.md has the labels, and what becomes of MIG, of GPUs that pods share, and of
values that an exporter leaves blank.`,
		Example: `  tidegauge scrape --target gpu-1:9400 --target gpu-2:9400 --service-rule 'chat=host:gpu-*'
  tidegauge scrape --target-dns dcgm-exporter.gpu:9400 --service-rule 'chat=namespace:llm pod:chat-*'
  tidegauge scrape --target-file '/etc/tidegauge/targets/*.yaml' --target http://vllm-1:8000/metrics
  tidegauge sql "SELECT target, up, last_error FROM scrape_targets(from_us = 0, to_us = 4102444800000000)"`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			err := a.load(c, true, func(s config.Settings) error {
				return errors.Join(checkKafka(s), prefixed("scrape", scrapeConfig(s).Validate()))
			})
			if err != nil {
				return err
			}
			if len(a.Scrape.Targets)+len(a.Scrape.Files)+len(a.Scrape.DNS) == 0 {
				return usage(errors.New("nothing to scrape: give --target HOST:PORT, --target-file FILE or --target-dns NAME:PORT, or scrape.targets, " +
					"scrape.files or scrape.dns in the configuration file"))
			}
			if err := a.needKafka(); err != nil {
				return err
			}
			return a.scrape(c.Context())
		},
	}
	config.AddFlags(c.Flags(), "scrape", "kafka.brokers", "kafka.gpu_topic", "kafka.compression", "kafka.tls", "kafka.sasl", "listen", "pprof")
	return c
}

func scrapeConfig(s config.Settings) ingest.ScrapeConfig {
	c := ingest.DefaultScrapeConfig()
	c.Targets, c.Files, c.DNS, c.Services = s.Scrape.Targets, s.Scrape.Files, s.Scrape.DNS, s.Scrape.Services
	c.Interval, c.Timeout, c.Refresh = s.Scrape.Interval, s.Scrape.Timeout, s.Scrape.Refresh
	if c.Timeout == 0 {
		c.Timeout = min(c.Interval, 10*time.Second)
	}
	c.Concurrency, c.BodyBytes, c.TokenFile = s.Scrape.Concurrency, int64(s.Scrape.PageSize), s.Scrape.TokenFile
	c.TLS = ingest.TLSConfig{CAFile: s.Scrape.CAFile, CertFile: s.Scrape.CertFile, KeyFile: s.Scrape.KeyFile, Insecure: s.Scrape.SkipVerify}
	return c
}

// gpuProducerConfig writes to the GPU topic. While Kafka is away, it waits for it; the scraper drops what it cannot
// hold.
func gpuProducerConfig(s config.Settings) ingest.ProducerConfig {
	c := producerConfig(s)
	c.Topic, c.Partitions = s.Kafka.GPUTopic, 0
	c.Patience, c.Linger = 0, time.Second
	return c
}

// scrape scrapes until it is told to stop.
func (a *app) scrape(ctx context.Context) (err error) {
	p := newPipeline(a.Settings, a.logger)
	defer func() { err = errors.Join(err, p.parts.stop()) }()
	if err := p.startListener(ctx, "kafka"); err != nil {
		return err
	}
	scraper, err := ingest.NewScraper(scrapeConfig(a.Settings), ingest.ScrapeDependencies{Registerer: p.listener.registry, Logger: a.logger})
	if err != nil {
		return usage(prefixed("scrape", err))
	}
	producer, err := ingest.NewProducer(gpuProducerConfig(a.Settings))
	if err != nil {
		return usage(err)
	}
	err = p.parts.start(ctx, "the connection to Kafka", producer.Start, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, flushTimeout)
		defer cancel()
		return errors.Join(producer.Flush(ctx), producer.Close())
	})
	if err != nil {
		if ctx.Err() == nil && errors.Is(err, ingest.ErrKafka) {
			return unreachable(err, "")
		}
		return err
	}
	p.listener.check("kafka", func(context.Context) error { return nil })
	a.logger.Info("scraping", "topic", a.Kafka.GPUTopic, "brokers", a.Kafka.Brokers, "interval", a.Scrape.Interval, "listen", p.listener.address,
		"version", version())
	err = scraper.Run(ctx, producer.WriteRecords)
	if err != nil && errors.Is(err, ingest.ErrKafka) {
		return unreachable(err, "")
	}
	if err != nil {
		return fmt.Errorf("scraping: %w", err)
	}
	a.logger.Info("stopping")
	return nil
}

// flushTimeout is how long what was scraped last may take to be acknowledged when it is time to stop.
const flushTimeout = 10 * time.Second
