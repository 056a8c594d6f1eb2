package main

import (
	"context"
	"errors"
	"fmt"

	"tidegauge/ingest"
)

// topicFlags are those of ingest where it reads a topic.
type topicFlags struct{ topic, group string }

// check says which arguments belong to files.
func (f *topicFlags) check(arguments []string, pace ingest.Pace) error {
	var errs []error
	if len(arguments) > 0 {
		errs = append(errs, fmt.Errorf("%s: --from-topic reads a topic and no files: run one for each", arguments[0]))
	}
	if pace != ingest.MaxPace {
		errs = append(errs, errors.New("--pace is for files: a topic is read as fast as it can be"))
	}
	if err := errors.Join(errs...); err != nil {
		return usage(err)
	}
	return nil
}

// ingestTopic writes the requests of another topic and says what came of it.
func (a *app) ingestTopic(ctx context.Context, from topicFlags, reader ingest.ReaderConfig, wait bool) error {
	c := ingest.FromTopicConfig{Topic: from.topic, Group: from.group, Format: reader.Format, Options: reader.Options,
		OnError: reader.OnError, Follow: reader.Follow, Producer: producerConfig(a.Settings), Log: a.logger}
	if c.Group == "" {
		c.Group = "tidegauge-from-" + c.Topic
	}
	err := c.Validate()
	if c.Group == a.Kafka.Group {
		err = errors.Join(err, fmt.Errorf("--from-group: %s is the group of the processors, whose offsets are of another topic", c.Group))
	}
	if err != nil {
		return usage(err)
	}
	var stop func()
	if reader.Follow { // without an end
		progress := new(ingest.Progress)
		progress.BytesTotal.Store(-1)
		c.Producer.Progress = progress
		c.Progress = func(int64, int64) { progress.Rows.Store(progress.Written.Load()) }
		stop = watch(a.err, progress, true, false)
	} else {
		b := newBar(a.err, "topic "+c.Topic, func(n int64) string { return count(n) + " records" })
		c.Progress = b.set
		stop = b.stop
	}
	result, err := ingest.RunFromTopic(ctx, c)
	stop()
	a.refusals(result.Stats)
	if result.Partitions > 0 {
		fmt.Fprintf(a.out, "read %s records of topic %s", count(result.Records), c.Topic)
		if c.Topic == c.Producer.Topic {
			fmt.Fprintf(a.out, ", %s of them where they belong", count(result.InPlace))
		}
		fmt.Fprintln(a.out)
	}
	a.closing(result.Result)
	if err != nil {
		return ingestError(ctx, result.Result, err)
	}
	if wait {
		return a.settle(ctx)
	}
	return nil
}
