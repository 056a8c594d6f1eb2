package main

import (
	"context"
	"errors"

	"github.com/spf13/cobra"

	"tidegauge/config"
)

func newProcess(a *app) *cobra.Command {
	var migrate bool
	c := &cobra.Command{
		Use:     "process",
		GroupID: groupPipeline,
		Short:   "Read requests from Kafka and write what they come to into ClickHouse",
		Long: `Reads the requests topic as a member of a consumer group, keeps the sets of requests that rows are made of, and
writes requests and rows to ClickHouse. Start as many as you like: Kafka spreads the partitions over them.

A flush is committed to Kafka only after ClickHouse has acknowledged it, and repetitions change nothing, so a
processor can be killed at any time. SIGTERM flushes, commits and leaves the group. A ClickHouse or Kafka that is
away for a while is waited for; /readyz says so.`,
		Example: `  tidegauge process --brokers kafka-1:9092,kafka-2:9092 --clickhouse clickhouse://ch-1:9000/tidegauge
  tidegauge process --config /etc/tidegauge.yaml --listen :9464`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			err = a.load(c, false, func(s config.Settings) error {
				pc := processorConfig(s)
				if len(pc.Brokers) == 0 {
					pc.Brokers = []string{"127.0.0.1:9092"}
				}
				return errors.Join(checkKafka(s), checkClickHouse(s), prefixed("processor", pc.Validate()))
			})
			if err == nil {
				err = errors.Join(a.needKafka(), a.needClickHouse())
			}
			if err != nil {
				return err
			}
			ctx := c.Context()
			p := newPipeline(a.Settings, a.logger)
			defer func() { err = errors.Join(err, p.parts.stop()) }()
			if err := p.startListener(ctx, "clickhouse", "processors"); err != nil {
				return err
			}
			if err := p.openDatabase(ctx, migrate); err != nil {
				return err
			}
			limited, unlimited := context.WithCancel(ctx)
			defer unlimited()
			limitMemory(limited, cacheBudget(a.Processor.Cache))
			if err := p.startProcessors(ctx); err != nil {
				return err
			}
			a.logger.Info("processing", "topic", a.Kafka.Topic, "group", a.Kafka.Group, "brokers", a.Kafka.Brokers,
				"clickhouse", p.db.Address(), "database", p.db.Database(), "listen", p.listener.address, "version", version())
			err = p.wait(ctx)
			a.logger.Info("stopping")
			return err
		},
	}
	c.Flags().BoolVar(&migrate, "migrate", false, "migrate the database first, as tidegauge migrate does")
	config.AddFlags(c.Flags(), "kafka.brokers", "kafka.topic", "kafka.group", "kafka.tls", "kafka.sasl", "clickhouse", "processor", "listen", "pprof")
	return c
}
