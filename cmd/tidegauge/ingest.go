package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tidegauge/config"
	"tidegauge/ingest"
)

func newIngest(a *app) *cobra.Command {
	var r reading
	var pace string
	var follow, wait bool
	var from topicFlags
	c := &cobra.Command{
		Use:     "ingest [flags] FILE... | --from-topic TOPIC --format FORMAT",
		GroupID: groupPipeline,
		Short:   "Write serving logs to Kafka",
		Long: `Reads serving logs and writes their requests to the requests topic, acknowledged by all replicas. Files may be plain,
.gz or .zst, several or a pattern in quotes; - is standard input. Without --format each is recognised by its content.

Reading a log twice is harmless, also renamed or compressed: its requests have the same identity and count once. At a
row that cannot be read ingest stops, after everything before it has been written; --on-error skip goes on instead.

--from-topic reads logs that are in Kafka already, in any format but CSV, and writes them again as requests, each service
to its partition. It ends where the topic ended when it began; --follow goes on for ever. How far it is, its consumer group
knows: started again, or several times at once, it goes on there. With --format canonical and the requests topic itself it puts
right what another partitioner has put into the wrong partition.

Formats:
` + formatHelp(),
		Example: `  tidegauge ingest BurstGPT_3.csv --epoch 2024-05-01T00:00:00Z
  tidegauge ingest --service chat-eu --format azure 'logs/2026-*.csv.gz'
  tidegauge ingest --follow /var/log/llm/access.jsonl
  tidegauge ingest --from-topic litellm-logs --format litellm --follow
  tidegauge ingest --from-topic tidegauge.requests.v1 --format canonical
  kubectl logs deploy/gateway | tidegauge ingest --format canonical --source gateway -`,
		RunE: func(c *cobra.Command, arguments []string) error {
			reader, err := r.config()
			reader.Follow = follow
			p, paceErr := ingest.ParsePace(pace)
			if paceErr != nil {
				err = errors.Join(err, fmt.Errorf("--%w", paceErr))
			}
			if err != nil {
				return usage(err)
			}
			var sources []ingest.Source
			if from.topic == "" {
				if from.group != "" {
					return usage(errors.New("--from-group: names a group of --from-topic, which is missing"))
				}
				sources, err = a.logs(arguments)
			} else {
				err = from.check(arguments, p)
			}
			if err != nil {
				return err
			}
			if err := a.load(c, true, checkKafka); err != nil {
				return err
			}
			if err := a.keep(&reader.Options); err != nil {
				return err
			}
			if err := a.needKafka(); err != nil {
				return err
			}
			if wait {
				if err := a.needClickHouse(); err != nil {
					return err
				}
			}
			if from.topic != "" {
				return a.ingestTopic(c.Context(), from, reader, wait)
			}
			return a.ingest(c.Context(), ingest.Config{Reader: reader, Producer: producerConfig(a.Settings), Pace: p}, sources, wait)
		},
	}
	r.addFlags(c)
	c.Flags().StringVar(&pace, "pace", "max", "`speed` to write at: max, or in the log's own time: 1x, 10x")
	c.Flags().BoolVar(&follow, "follow", false, "go on as the file grows and is rotated, or as records come to the topic, until stopped")
	c.Flags().StringVar(&from.topic, "from-topic", "", "`topic` to read instead of files; needs --format")
	c.Flags().StringVar(&from.group, "from-group", "", "`name` of the consumer group that remembers how far (default: tidegauge-from-TOPIC)")
	c.Flags().BoolVar(&wait, "wait", false, "wait until the processors have stored what was written")
	config.AddFlags(c.Flags(), "kafka")
	config.AddFlags(c.Flags(), reachClickHouse...)
	return c
}

func producerConfig(s config.Settings) ingest.ProducerConfig {
	c := ingest.DefaultProducerConfig()
	c.Kafka = kafkaConfig(s.Kafka)
	c.Topic, c.Partitions, c.Replication, c.Compression = s.Kafka.Topic, s.Kafka.Partitions, s.Kafka.Replication, s.Kafka.Compression
	return c
}

// ingest writes the sources and says what came of it.
func (a *app) ingest(ctx context.Context, c ingest.Config, sources []ingest.Source, wait bool) error {
	c.Reader.Progress = new(ingest.Progress)
	stop := watch(a.err, c.Reader.Progress, true, false)
	result, err := ingest.Run(ctx, c, sources)
	stop()
	a.refusals(result.Stats)
	a.closing(result)
	if err != nil {
		return ingestError(ctx, result, err)
	}
	if wait {
		return a.settle(ctx)
	}
	return nil
}

// closing says what was done and how to look at it.
func (a *app) closing(r ingest.Result) {
	if r.Partitions == 0 { // there was no topic to write to, so nothing was read either
		return
	}
	fmt.Fprintf(a.out, "read %s requests, wrote %s to %s (%d partitions), refused %s rows", count(r.Read), count(r.Written), r.Topic,
		r.Partitions, count(r.Refused))
	if r.Other > 0 {
		fmt.Fprintf(a.out, ", passed over %s records that are no requests", count(r.Other))
	}
	if r.Repeated > 0 {
		fmt.Fprintf(a.out, ", left out %s spans of calls that others show too", count(r.Repeated))
	}
	if r.Bucketed > 0 {
		fmt.Fprintf(a.out, ", put %s values of labels into buckets", count(r.Bucketed))
	}
	if r.CutDurations > 0 {
		fmt.Fprintf(a.out, ", cut %s durations to 24 h", count(r.CutDurations))
	}
	fmt.Fprintln(a.out)
	if r.Read == 0 {
		return
	}
	from, to := around(r.FirstArrivalUS, r.LastArrivalUS)
	fmt.Fprintf(a.out, "arrivals from %s to %s\n", clock(r.FirstArrivalUS), clock(r.LastArrivalUS))
	which := ""
	if names := slices.Sorted(maps.Keys(r.Services)); len(names) == 1 {
		which = " --service " + shellQuote(names[0])
	}
	fmt.Fprintf(a.out, "look at it: %s report%s%s --from %s --to %s\n", program(), a.folderFlag(), which, clock(from), clock(to))
}

// folderFlag repeats --data-dir in a command to type, where it was given so.
func (a *app) folderFlag() string {
	if a.Loaded == nil || !strings.HasPrefix(a.Source("data_dir"), "--") {
		return ""
	}
	return " --data-dir " + shellQuote(a.DataDir)
}

// ingestError finds out what kind of error ended ingest. Its messages say what to do already.
func ingestError(ctx context.Context, r ingest.Result, err error) error {
	var large *ingest.TooLargeError
	switch {
	case ctx.Err() == nil && errors.Is(err, ingest.ErrKafka):
		return unreachable(err, "")
	case errors.As(err, &large), r.Partitions == 0 && ctx.Err() == nil: // a topic that is not as asked for
		return err
	}
	return readError(ctx, err)
}
