package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"runtime/debug"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tidegauge/ingest"
	"tidegauge/schemas"
	"tidegauge/traces/encode"
	"tidegauge/traces/replay"
)

// replay drives a server.
func (a *app) replay(c *cobra.Command, f *replayFlags) error {
	ctx := c.Context()
	trace, err := a.replayed(c, f)
	if err != nil {
		return err
	}
	if err := a.chooseModel(ctx, f); err != nil {
		return err
	}
	results, err := a.openResults(ctx, f)
	if err != nil {
		return err
	}
	defer results.close()
	p, err := replay.New(f.config)
	if err != nil {
		return usage(err)
	}
	// Collecting garbage is what makes requests late; there is little of it at a time, and memory is cheap beside that.
	defer debug.SetGCPercent(debug.SetGCPercent(400))
	stop := watchReplay(a.err, p, f.config)
	summary, err := p.Run(ctx, trace, results.add)
	stop()
	err = errors.Join(err, results.finish(summary))
	if writeErr := a.writeReplay(f, summary); writeErr != nil {
		err = errors.Join(err, writeErr)
	}
	for _, line := range results.said {
		fmt.Fprintln(a.err, line)
	}
	return replayError(ctx, summary, err)
}

// replayed gives the trace in the order of its arrivals.
func (a *app) replayed(c *cobra.Command, f *replayFlags) (iter.Seq2[*schemas.Request, error], error) {
	logged, err := a.logged(c, &f.reading, f.trace)
	if err != nil {
		return nil, err
	}
	return encode.InOrder(logged), nil
}

// paceForRate reads the trace once for its rate in the mean, and sets the pace that makes it the rate asked for.
func (a *app) paceForRate(c *cobra.Command, f *replayFlags) error {
	logged, err := a.logged(c, &f.reading, f.trace)
	if err != nil {
		return err
	}
	n, first, last := int64(0), int64(math.MaxInt64), int64(0)
	for q, err := range logged {
		if err != nil {
			return err
		}
		n, first, last = n+1, min(first, q.ArrivalUS), max(last, q.ArrivalUS)
	}
	if n < 2 || last <= first {
		return &failure{exitRefused, fmt.Errorf("--rate: the trace's %s requests arrive at one time, so it has no rate to scale", count(n)), ""}
	}
	rate := float64(n) / (float64(last-first) / 1e6)
	f.config.Pace = f.rate / rate
	fmt.Fprintf(a.err, "the trace has %s requests, %.4g/s in the mean: replayed at pace %.4gx\n", count(n), rate, f.config.Pace)
	return nil
}

// chooseModel looks whether the server is there, and what it serves.
func (a *app) chooseModel(ctx context.Context, f *replayFlags) error {
	names, err := replay.Models(ctx, f.config)
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil:
		return unreachable(fmt.Errorf("%s: %w", f.config.Target.Redacted(), err), "Nothing was sent. Is the server up, and its address right (--target)?")
	case len(names) == 0:
		return nil
	}
	if f.config.Model == "" && len(names) == 1 {
		f.config.Model = names[0]
		fmt.Fprintf(a.err, "every request asks for %s, the only model that the server serves (--model names another)\n", names[0])
	}
	for _, name := range names {
		if name == f.config.Model || f.config.Model == "" {
			return nil
		}
	}
	return usage(fmt.Errorf("--model %s: the server does not serve it; it serves %s", f.config.Model, strings.Join(names, ", ")))
}

// writeReplay writes the summary, for a program or for a person.
func (a *app) writeReplay(f *replayFlags, s *replay.Summary) error {
	s.GeneratedBy = generatedBy()
	w := a.out
	if f.output == "-" {
		w = a.err
	}
	if !f.asJSON {
		return replay.WriteTable(w, s)
	}
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(s)
}

// replayError says what of a run is an error: that it was stopped, or that nothing was answered.
func replayError(ctx context.Context, s *replay.Summary, err error) error {
	all := s.Requests.Ended + s.Requests.WarmUp
	switch {
	case errors.Is(err, replay.ErrOrder):
		return &failure{exitRefused, fmt.Errorf("%w (%s requests were replayed until then)", err, count(all)),
			"A trace may be out of order by 65,536 requests. Sort it by its arrivals."}
	case err != nil:
		return err
	case ctx.Err() != nil:
		return &failure{exitInterrupted, fmt.Errorf("interrupted: the summary and the results are of the %s requests until then", count(all)), ""}
	case s.Requests.Read == 0:
		return &failure{exitRefused, errors.New("the trace has no requests"), ""}
	case s.Requests.Ended > 0 && s.Requests.Answered == 0:
		return &failure{exitFailed, fmt.Errorf("no request was answered: all %s failed", count(s.Requests.Ended)), ""}
	}
	return nil
}

// replayLog writes the trace's own requests to the topic.
func (a *app) replayLog(c *cobra.Command, f *replayFlags) error {
	ctx := c.Context()
	trace, err := a.replayed(c, f)
	if err != nil {
		return err
	}
	producer, err := a.startProducer(ctx)
	if err != nil {
		return err
	}
	defer producer.Close()
	said := time.Now()
	written, err := replay.Log(ctx, replay.LogConfig{Pace: f.config.Pace, Duration: f.config.Duration, Service: f.config.Service, Run: f.config.Run,
		Sent: func(n int64) {
			if time.Since(said) >= lineInterval {
				said = time.Now()
				fmt.Fprintf(a.err, "%s written\n", count(n))
			}
		}}, trace, func(requests []schemas.Request) error { return producer.Write(context.WithoutCancel(ctx), requests) })
	if flush := flushResults(ctx, producer); flush != nil {
		err = errors.Join(err, flush)
	}
	fmt.Fprintf(a.out, "run %s: wrote %s requests to %s (%d partitions), Kafka acknowledged %s\n", f.config.Run, count(written), a.Kafka.Topic,
		producer.Partitions(), count(producer.Written()))
	if ctx.Err() != nil && (err == nil || errors.Is(err, context.Canceled)) {
		return &failure{exitInterrupted, errors.New("interrupted: what was written stays"), ""}
	}
	if errors.Is(err, ingest.ErrKafka) {
		return unreachable(err, "")
	}
	return err
}

// startProducer connects to Kafka.
func (a *app) startProducer(ctx context.Context) (*ingest.Producer, error) {
	producer, err := ingest.NewProducer(producerConfig(a.Settings))
	if err != nil {
		return nil, usage(err)
	}
	if err := producer.Start(ctx); err != nil {
		producer.Close()
		if errors.Is(err, ingest.ErrKafka) && ctx.Err() == nil {
			return nil, unreachable(err, "")
		}
		return nil, err
	}
	return producer, nil
}

// flushPatience is how long results are waited for to be acknowledged after Ctrl-C.
const flushPatience = 10 * time.Second

func flushResults(ctx context.Context, p *ingest.Producer) error {
	if ctx.Err() != nil {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(context.WithoutCancel(ctx), flushPatience)
		defer cancel()
	}
	return p.Flush(ctx)
}

// results are where a run's results go: a file, the topic, both, or nowhere.
type results struct {
	path     string
	topic    string
	file     *output
	producer *ingest.Producer
	ctx      context.Context // of the producer: what has come back is written after Ctrl-C too
	line     []byte
	one      [1]schemas.Request
	handed   int64
	said     []string // what there is to say about them
}

func (a *app) openResults(ctx context.Context, f *replayFlags) (*results, error) {
	r := &results{path: f.output, ctx: context.WithoutCancel(ctx), topic: a.Kafka.Topic}
	if f.ingest {
		producer, err := a.startProducer(ctx)
		if err != nil {
			return nil, err
		}
		r.producer = producer
	}
	if f.output != "" {
		file, err := a.create(f.output)
		if err != nil {
			r.close()
			return nil, err
		}
		r.file = file
	}
	return r, nil
}

// add takes a result.
func (r *results) add(q *schemas.Request) error {
	if r.file != nil {
		r.line = append(schemas.AppendJSON(r.line[:0], q), '\n')
		if _, err := r.file.Write(r.line); err != nil {
			return err
		}
	}
	if r.producer != nil {
		r.one[0] = *q
		if err := r.producer.Write(r.ctx, r.one[:]); err != nil {
			return fmt.Errorf("writing results to Kafka: %w", err)
		}
	}
	r.handed++
	return nil
}

// finish has the results be where they belong, also those of a run that was stopped.
func (r *results) finish(s *replay.Summary) error {
	var errs []error
	if r.file != nil && r.handed > 0 {
		if err := r.file.Commit(); err != nil {
			errs = append(errs, err)
		} else {
			partial := ""
			if s.Partial {
				partial = ", of the part that was replayed,"
			}
			if r.path != "-" {
				r.said = append(r.said, fmt.Sprintf("%s results%s are in %s; look at them: %s characterize %s", count(r.handed), partial, r.path,
					program(), shellQuote(r.path)))
			}
		}
	}
	if r.producer != nil {
		if err := flushResults(r.ctx, r.producer); err != nil {
			errs = append(errs, fmt.Errorf("writing results to Kafka: %w", err))
		}
		r.said = append(r.said, fmt.Sprintf("Kafka acknowledged %s of %s results (topic %s); look at them: %s report --service %s", count(r.producer.Written()),
			count(s.Requests.Ended+s.Requests.WarmUp), r.topic, program(), shellQuote(s.Service)))
	}
	return errors.Join(errs...)
}

func (r *results) close() {
	if r.file != nil {
		r.file.Abort()
	}
	if r.producer != nil {
		_ = r.producer.Close()
	}
}
