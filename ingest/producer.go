package ingest

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/segmentio/kafka-go"

	"tidegauge/schemas"
)

// Producer writes requests to the topic: key service, the partition that schemas.Partition gives, acknowledged by all
// replicas in sync. Each partition has one batch under way at a time, so that its records keep the order in which they
// were written through every repetition; partitions do not wait for each other. A batch that may have been stored
// although its acknowledgement was lost is sent again: the copies are the same request to every reader.
//
// Write and Flush are for one goroutine.
type Producer struct {
	config      ProducerConfig
	compression kafka.Compression
	client      *kafka.Client
	transport   *kafka.Transport

	sending context.Context // what deliveries run under; ended by Close
	stop    context.CancelFunc
	senders sync.WaitGroup
	ticker  sync.WaitGroup

	mutex      sync.Mutex // guards the partitions' open batches against the linger's clock
	partitions []*partition
	open       []*partition // those that were ever written to
	last       string       // the service written last, and where it goes
	lastTo     *partition
	pending    sync.WaitGroup // sealed batches that are neither acknowledged nor given up
	free       chan *records

	written atomic.Int64
	failed  chan struct{} // closed after the first error that ends the writing
	fail    sync.Once
	err     error
}

type partition struct {
	id    int
	batch *records
	since time.Time // when batch got its first record
	queue chan *records
}

// NewProducer checks the configuration. Start connects.
func NewProducer(c ProducerConfig) (*Producer, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	if c.Progress == nil {
		c.Progress = new(Progress)
	}
	p := &Producer{config: c, compression: compressions[c.Compression], free: make(chan *records, 64), failed: make(chan struct{})}
	p.sending, p.stop = context.WithCancel(context.Background())
	return p, nil
}

// Start connects, and finds the topic or makes it.
func (p *Producer) Start(ctx context.Context) error {
	if err := p.connect(ctx); err != nil {
		return err
	}
	p.ticker.Go(p.linger)
	return nil
}

// Partitions is how many the topic has.
func (p *Producer) Partitions() int { return len(p.partitions) }

// Written is how many records were acknowledged.
func (p *Producer) Written() int64 { return p.written.Load() }

// Write hands requests on; it copies what it needs. It waits while the partition's batches queue up. An error is that
// of an earlier write, or the context's, and ends the writing.
func (p *Producer) Write(ctx context.Context, requests []schemas.Request) error {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for i := range requests {
		to := p.to(requests[i].Service)
		if to.batch == nil {
			to.batch, to.since = p.takeRecords(), time.Now()
		}
		if to.batch.add(&requests[i]) < p.config.BatchBytes {
			continue
		}
		full := to.batch
		to.batch = nil
		if full.size > p.config.BatchBytes && len(full.spans) > 1 {
			to.batch, to.since = p.takeRecords(), time.Now()
			full.moveLast(to.batch)
		}
		if err := p.seal(ctx, to, full); err != nil {
			return err
		}
	}
	return p.failure()
}

func (p *Producer) to(service string) *partition {
	if p.lastTo != nil && p.last == service {
		return p.lastTo
	}
	id := schemas.Partition(service, len(p.partitions))
	to := p.partitions[id]
	if to == nil {
		to = &partition{id: id, queue: make(chan *records, 1)}
		p.partitions[id] = to
		p.open = append(p.open, to)
		p.senders.Go(func() {
			for batch := range to.queue {
				p.deliver(to.id, batch)
				p.pending.Done()
			}
		})
	}
	p.last, p.lastTo = service, to
	return to
}

// seal queues a batch behind the one under way.
func (p *Producer) seal(ctx context.Context, to *partition, batch *records) error {
	p.pending.Add(1)
	select {
	case to.queue <- batch:
		return nil
	case <-p.failed:
		p.pending.Done()
		return p.err
	case <-ctx.Done():
		p.pending.Done()
		return ctx.Err()
	}
}

// linger sends batches that wait for more too long.
func (p *Producer) linger() {
	tick := time.NewTicker(max(p.config.Linger/4, time.Millisecond))
	defer tick.Stop()
	for {
		select {
		case <-p.sending.Done():
			return
		case now := <-tick.C:
			p.sealOlder(now.Add(-p.config.Linger))
		}
	}
}

func (p *Producer) sealOlder(than time.Time) {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	for _, to := range p.open {
		if to.batch == nil || to.since.After(than) {
			continue
		}
		p.pending.Add(1)
		select {
		case to.queue <- to.batch:
			to.batch = nil
		default: // the sender is busy: the batch may as well grow
			p.pending.Done()
		}
	}
}

// Flush sends what waits, and waits until everything is acknowledged or given up. It gives the error that ended the
// writing.
func (p *Producer) Flush(ctx context.Context) error {
	p.mutex.Lock()
	for _, to := range p.open {
		batch := to.batch
		if to.batch = nil; batch == nil {
			continue
		}
		if err := p.seal(ctx, to, batch); err != nil && ctx.Err() != nil {
			p.mutex.Unlock()
			return err
		}
	}
	p.mutex.Unlock()
	done := make(chan struct{})
	go func() {
		p.pending.Wait()
		close(done)
	}()
	select {
	case <-done:
		return p.failure()
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Close ends the producer. What was not flushed may be lost.
func (p *Producer) Close() error {
	p.stop()
	p.ticker.Wait()
	for _, to := range p.open {
		close(to.queue)
	}
	p.senders.Wait()
	if p.transport != nil {
		p.transport.CloseIdleConnections()
	}
	return nil
}

func (p *Producer) failure() error {
	select {
	case <-p.failed:
		return p.err
	default:
		return nil
	}
}

// deliver sends one batch until it is acknowledged or cannot be.
func (p *Producer) deliver(partition int, batch *records) {
	if p.failure() != nil {
		return
	}
	again, err := p.send(partition, batch.data, batch.spans, func(large *TooLargeError) error {
		if p.config.TooLarge == nil {
			return large
		}
		p.config.TooLarge(large)
		return nil
	})
	if err != nil {
		if p.sending.Err() == nil {
			err = fmt.Errorf("writing to topic %s, partition %d: %w", p.config.Topic, partition, p.config.Kafka.explain(err))
		}
		if large, ok := errors.AsType[*TooLargeError](err); ok {
			err = large
		}
		p.fail.Do(func() {
			p.err = err
			close(p.failed)
		})
		return
	}
	if !again { // a request that was given up half-way may still be reading the batch
		p.freeRecords(batch)
	}
}

// send sends records in order, in halves if they are too much for the broker. tooLarge is told of each that is too much by
// itself, which is left out unless it gives an error. again says that more than one try was needed.
func (p *Producer) send(partition int, data []byte, spans []span, tooLarge func(*TooLargeError) error) (again bool, err error) {
	tries := 0
	_, err = retry(p.sending, p.config.Patience, func() (struct{}, error) {
		tries++
		response, err := p.client.Produce(p.sending, &kafka.ProduceRequest{
			Topic: p.config.Topic, Partition: partition, RequiredAcks: kafka.RequireAll, Compression: p.compression,
			Records: &reader{data: data, spans: spans},
		})
		if err == nil {
			err = response.Error
		}
		if err != nil && lasting(err) {
			err = backoff.Permanent(err)
		}
		return struct{}{}, err
	})
	tooMuch := errors.Is(err, kafka.MessageSizeTooLarge) || errors.Is(err, kafka.RecordListTooLarge)
	switch {
	case tooMuch && len(spans) > 1:
		half := len(spans) / 2
		if _, err := p.send(partition, data, spans[:half], tooLarge); err != nil {
			return true, err
		}
		_, err := p.send(partition, data, spans[half:], tooLarge)
		return true, err
	case tooMuch:
		large := p.tooLarge(data[spans[0].value:spans[0].valueEnd])
		large.at = spans[0].value
		return true, tooLarge(large)
	case err != nil:
		return true, err
	}
	p.written.Add(int64(len(spans)))
	p.config.Progress.Written.Add(int64(len(spans)))
	return tries > 1, nil
}

func (p *Producer) tooLarge(value []byte) *TooLargeError {
	var d schemas.Decoder
	var q schemas.Request
	_ = d.Decode(value, &q) // it was written a moment ago
	return &TooLargeError{Topic: p.config.Topic, Service: q.Service, RequestID: q.RequestID, Bytes: len(value)}
}

func (p *Producer) takeRecords() *records {
	select {
	case r := <-p.free:
		return r
	default:
		return new(records)
	}
}

func (p *Producer) freeRecords(r *records) {
	r.reset()
	select {
	case p.free <- r:
	default:
	}
}
