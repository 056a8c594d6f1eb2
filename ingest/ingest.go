package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"sync"
	"time"

	"tidegauge/schemas"
)

// Config says what Run does.
type Config struct {
	Reader   ReaderConfig
	Producer ProducerConfig
	Pace     Pace
}

// DefaultConfig reads at full speed, stops at the first bad row and writes to Kafka on this machine.
func DefaultConfig() Config { return Config{Producer: DefaultProducerConfig()} }

// Validate says everything that is wrong, joined. What depends on the sources, NewReader says.
func (c Config) Validate() error {
	errs := []error{c.Producer.Validate(), c.Reader.validate(nil)}
	if c.Pace < 0 {
		errs = append(errs, errors.New("pace: cannot be negative"))
	}
	return errors.Join(errs...)
}

// Result is what Run did, complete also where it ended in an error.
type Result struct {
	Stats
	// Written is how many requests Kafka acknowledged.
	Written int64
	// Services counts the requests handed to Kafka by service.
	Services map[string]int64
	// Topic and Partitions are where they went.
	Topic      string
	Partitions int
}

// flushPatience is how long Run waits for what it read to be acknowledged after it was asked to stop.
const flushPatience = 10 * time.Second

// Run reads the sources and writes their requests to Kafka. Where it stops at a bad row, or cannot read on, the rows
// before are written and acknowledged; running it again is harmless. When ctx ends, what was read is flushed; that is
// no error under Follow, whose way to end it is.
func Run(ctx context.Context, c Config, sources []Source) (Result, error) {
	result := Result{Services: make(map[string]int64), Topic: c.Producer.Topic}
	if err := c.Validate(); err != nil {
		return result, err
	}
	var large refusals
	if c.Reader.OnError == Skip {
		c.Producer.TooLarge = large.add
	}
	if c.Producer.Progress == nil {
		c.Producer.Progress = c.Reader.Progress
	}
	// The broker comes first: that it is missing should not be learnt after a pipe was read.
	producer, err := NewProducer(c.Producer)
	if err != nil {
		return result, err
	}
	defer producer.Close()
	if err := producer.Start(ctx); err != nil {
		return result, err
	}
	result.Partitions = producer.Partitions()
	reader, err := NewReader(c.Reader, sources)
	if err != nil {
		return result, err
	}
	defer reader.Close()

	readErr, writeErr := pump(ctx, reader, producer, c.Pace, result.Services)
	if writeErr == nil || ctxErr(writeErr) {
		flush := ctx
		if ctx.Err() != nil {
			var cancel context.CancelFunc
			flush, cancel = context.WithTimeout(context.WithoutCancel(ctx), flushPatience)
			defer cancel()
		}
		if err := producer.Flush(flush); err != nil && (writeErr == nil || !ctxErr(err)) {
			writeErr = err
		}
	}
	result.Stats = reader.Stats()
	result.Written = producer.Written()
	large.into(&result.Stats)
	return result, c.explain(ctx, readErr, writeErr, result.Written)
}

// pump moves requests from the reader to the producer until one of them ends.
func pump(ctx context.Context, from *Reader, to *Producer, pace Pace, services map[string]int64) (readErr, writeErr error) {
	schedule := pacer{pace: pace}
	write := func(requests []schemas.Request) error {
		if err := to.Write(ctx, requests); err != nil {
			return err
		}
		countServices(services, requests)
		return nil
	}
	for {
		b, err := from.Next(ctx)
		if err != nil {
			return err, nil
		}
		// What is due goes out together, then the next is waited for.
		due := 0
		for i := 0; pace != MaxPace && i < len(b.Requests); i++ {
			if schedule.until(b.Requests[i].ArrivalUS) < finest {
				continue
			}
			if err := write(b.Requests[due:i]); err != nil {
				return nil, err
			}
			due = i
			if err := schedule.wait(ctx, b.Requests[i].ArrivalUS); err != nil {
				return err, nil
			}
		}
		if err := write(b.Requests[due:]); err != nil {
			return nil, err
		}
	}
}

func countServices(services map[string]int64, requests []schemas.Request) {
	for i := 0; i < len(requests); {
		n := i + 1
		for n < len(requests) && requests[n].Service == requests[i].Service {
			n++
		}
		services[requests[i].Service] += int64(n - i)
		i = n
	}
}

// explain makes one message of what ended the run: what happened, what is in, what to do.
func (c Config) explain(ctx context.Context, readErr, writeErr error, written int64) error {
	switch {
	case writeErr != nil && ctx.Err() != nil:
		return fmt.Errorf("stopped before everything that was read was written: %w (%s)", writeErr, again(written))
	case writeErr != nil:
		return fmt.Errorf("%w (%s)", writeErr, again(written))
	case readErr == io.EOF:
		return nil
	case ctxErr(readErr) && c.Reader.Follow:
		return nil
	case ctxErr(readErr):
		return fmt.Errorf("stopped before the end: %w (%s)", readErr, again(written))
	}
	if _, ok := errors.AsType[*LineError](readErr); ok {
		return fmt.Errorf("%w (%s; --on-error skip leaves such rows out)", readErr, again(written))
	}
	return fmt.Errorf("%w (%s)", readErr, again(written))
}

func again(written int64) string {
	return fmt.Sprintf("%d requests before it are in Kafka; running this again is harmless: rows read twice count once", written)
}

// refusals collects requests that are too large for the topic, from the producer's goroutines.
type refusals struct {
	mutex sync.Mutex
	all   int64
	first []*LineError
}

func (r *refusals) add(e *TooLargeError) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	if r.all++; len(r.first) < MaxRefusals {
		r.first = append(r.first, &LineError{File: "request " + e.RequestID, Field: "record", Reason: e.Error()})
	}
}

func (r *refusals) into(s *Stats) {
	r.mutex.Lock()
	defer r.mutex.Unlock()
	s.Refused += r.all
	s.Refusals = append(s.Refusals, r.first[:min(len(r.first), MaxRefusals-len(s.Refusals))]...)
}
