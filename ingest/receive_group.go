package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/segmentio/kafka-go"

	"tidegauge/schemas"
)

// groupWriter writes the requests of many posts together. Each partition has one batch under way; what is posted meanwhile
// makes up the next, so that a thousand small posts a second cost Kafka a few hundred batches, and a post that comes alone
// does not wait. Unlike a Producer's, an error is that of the batch and of the posts in it: the next may go through.
type groupWriter struct {
	producer *Producer // the connection, and how a batch is sent
	wait     time.Duration
	metrics  *receiveMetrics
	logger   *slog.Logger

	lanes     []*lane // by partition
	connected atomic.Bool
	senders   sync.WaitGroup
}

// lane is a partition.
type lane struct {
	partition int

	mutex   sync.Mutex
	full    []*group // waiting, the oldest first
	open    *group   // being filled
	sending bool
	away    bool // the last batch could not be written
}

// group is a batch, and whose each of its records is.
type group struct {
	*records
	owners []*delivery
}

// delivery is the requests of one post on their way.
type delivery struct {
	pending   atomic.Int64 // records that nothing is known about yet, and one for whoever adds them
	abandoned atomic.Bool  // nobody waits for it
	done      chan struct{}
	claim     *claim

	mutex sync.Mutex
	err   error
	large []*TooLargeError
}

// errAway is what posts get while Kafka cannot be written to.
var errAway = errors.New("kafka cannot be written to at the moment: send the same again later")

// connect finds the cluster and the topic, for as long as it takes. Its errors are those that waiting does not mend.
func (w *groupWriter) connect(ctx context.Context) error {
	for told := false; ; told = true {
		err := w.producer.connect(ctx)
		switch {
		case err == nil:
			// A produce request that hangs longer than posts wait is of no use to them.
			w.producer.client.Timeout = w.wait
			for i := range w.producer.partitions {
				w.lanes = append(w.lanes, &lane{partition: i})
			}
			w.connected.Store(true)
			return nil
		case ctx.Err() != nil:
			return nil
		}
		if _, ok := errors.AsType[*topicError](err); ok || lasting(err) {
			return err
		}
		if !told {
			w.logger.Warn("Kafka cannot be reached: trying again until it can", "error", err)
		}
	}
}

// begin makes the delivery of a post. It ends with end or giveUp.
func (w *groupWriter) begin(c *claim) (*delivery, error) {
	if !w.connected.Load() || !c.share() { // without a claim the client is gone, too
		return nil, errAway
	}
	d := &delivery{done: make(chan struct{}), claim: c}
	d.pending.Store(1)
	return d, nil
}

// add queues some of a post's requests, whose memory is the caller's again afterwards. It refuses at once where one of them
// goes to a partition that could not be written to, and which the batch of another post is finding out about again.
func (w *groupWriter) add(d *delivery, requests []schemas.Request) error {
	to := make([]*lane, len(requests))
	for i := range requests {
		if i > 0 && requests[i].Service == requests[i-1].Service {
			to[i] = to[i-1]
			continue
		}
		to[i] = w.lanes[schemas.Partition(requests[i].Service, len(w.lanes))]
		if to[i].refuses() {
			return errAway
		}
	}
	for i := range requests {
		d.pending.Add(1)
		w.put(to[i], &requests[i], d)
	}
	return nil
}

// end says that all of the post is queued, giveUp that nobody waits for what is.
func (d *delivery) end() { d.decided(1) }

func (d *delivery) giveUp() {
	d.abandoned.Store(true)
	d.decided(1)
}

func (l *lane) refuses() bool {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	return l.away && l.sending
}

func (w *groupWriter) put(l *lane, q *schemas.Request, d *delivery) {
	l.mutex.Lock()
	defer l.mutex.Unlock()
	if l.open == nil {
		l.open = &group{records: w.producer.takeRecords()}
	}
	limit := w.producer.config.BatchBytes
	if g := l.open; g.add(q) >= limit {
		l.full, l.open = append(l.full, g), nil
		if g.size > limit && len(g.spans) > 1 {
			l.open = &group{records: w.producer.takeRecords(), owners: []*delivery{d}}
			g.moveLast(l.open.records)
		} else {
			g.owners = append(g.owners, d)
		}
	} else {
		g.owners = append(g.owners, d)
	}
	if !l.sending {
		l.sending = true
		w.senders.Go(func() { w.drain(l) })
	}
}

// drain sends what there is in a lane, one batch after the other.
func (w *groupWriter) drain(l *lane) {
	for {
		l.mutex.Lock()
		g := l.open
		if len(l.full) > 0 {
			g, l.full = l.full[0], l.full[1:]
		} else {
			l.open = nil
		}
		l.sending = g != nil
		l.mutex.Unlock()
		if g == nil {
			return
		}
		w.deliver(l, g)
	}
}

// deliver sends a batch and tells its posts.
func (w *groupWriter) deliver(l *lane, g *group) {
	if !g.wanted() {
		g.settle(errAway)
		return
	}
	w.metrics.batch.Observe(float64(len(g.spans)))
	again, err := w.producer.send(l.partition, g.data, g.spans, func(large *TooLargeError) error {
		for i, s := range g.spans {
			if s.value == large.at {
				g.owners[i].tooLarge(large)
			}
		}
		return nil
	})
	if err != nil {
		w.metrics.kafkaErrors.Inc()
	}
	l.mutex.Lock()
	changed := l.away != (err != nil)
	l.away = err != nil
	l.mutex.Unlock()
	switch {
	case changed && err != nil:
		w.logger.Error("a batch could not be written: its posts, and those to come until one can, are told to try again later",
			"topic", w.producer.config.Topic, "partition", l.partition, "error", w.producer.config.Kafka.explain(err))
	case changed:
		w.logger.Info("batches can be written again", "topic", w.producer.config.Topic, "partition", l.partition)
	}
	if err != nil {
		err = errAway
	}
	g.settle(err)
	if !again && err == nil { // a try that was given up half-way may still be reading the batch
		w.producer.freeRecords(g.records)
	}
}

// wanted says whether somebody still waits for the batch.
func (g *group) wanted() bool {
	for _, d := range g.owners {
		if !d.abandoned.Load() {
			return true
		}
	}
	return false
}

// settle tells the posts what became of their records.
func (g *group) settle(err error) {
	for i := 0; i < len(g.owners); {
		d, n := g.owners[i], i
		for ; i < len(g.owners) && g.owners[i] == d; i++ {
		}
		if err != nil {
			d.mutex.Lock()
			d.err = err
			d.mutex.Unlock()
		}
		d.decided(int64(i - n))
	}
}

func (d *delivery) tooLarge(e *TooLargeError) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.large = append(d.large, e)
}

func (d *delivery) decided(n int64) {
	if d.pending.Add(-n) == 0 {
		d.claim.drop()
		close(d.done)
	}
}

// outcome waits until all of the post is acknowledged, and gives the requests that the broker refuses for their size. An
// error says nothing about any of them: some may be stored.
func (w *groupWriter) outcome(ctx context.Context, d *delivery) ([]*TooLargeError, error) {
	late := time.NewTimer(w.wait)
	defer late.Stop()
	select {
	case <-d.done:
		return d.large, d.err
	case <-late.C:
		d.abandoned.Store(true)
		return nil, errAway
	case <-ctx.Done():
		d.abandoned.Store(true)
		return nil, ctx.Err()
	}
}

// ready asks the leaders of all partitions whether they are there.
func (w *groupWriter) ready(ctx context.Context) error {
	if !w.connected.Load() {
		return errors.New("kafka was not reached yet")
	}
	topic := w.producer.config.Topic
	ask := make([]kafka.OffsetRequest, len(w.lanes))
	for i := range ask {
		ask[i] = kafka.LastOffsetOf(i)
	}
	answer, err := w.producer.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: ask}})
	if err != nil {
		return w.producer.config.Kafka.explain(err)
	}
	for _, p := range answer.Topics[topic] {
		if p.Error != nil {
			return fmt.Errorf("topic %s, partition %d: %w", topic, p.Partition, p.Error)
		}
	}
	return nil
}

// close waits for what is under way, as long as ctx lasts.
func (w *groupWriter) close(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		w.senders.Wait()
		close(done)
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
	err := w.producer.Close() // ends what is still trying
	<-done
	return err
}
