package ingest

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"

	"tidegauge/schemas"
)

// FromTopicConfig says what RunFromTopic does.
type FromTopicConfig struct {
	// Topic is the topic to read, on the cluster that Producer writes to, Group the consumer group that remembers how far.
	Topic, Group string
	// Format is the records' format, which must not be empty: one of JSON, or OTLP's messages.
	Format  string
	Options Options
	OnError OnError
	// Follow goes on at the end until ctx ends. Otherwise the end is where the topic ended when RunFromTopic began.
	Follow   bool
	Producer ProducerConfig
	// Progress, where given, is told now and then how many records are done, of how many that were there at the start.
	Progress func(done, all int64)
	// Log is told of what is tried again; nil is slog.Default.
	Log *slog.Logger

	// Tests poll and commit in smaller steps, and have crash asked before each commit whether to end there, as a process that
	// is killed would.
	poll  int
	every time.Duration
	crash func(written int64) bool
}

// FromTopicResult is what RunFromTopic did, complete also where it ended in an error.
type FromTopicResult struct {
	Result
	// Records counts the records read, InPlace those which were where they belong already (only where a topic is
	// repaired).
	Records, InPlace int64
}

// Validate says everything that is wrong, joined.
func (c FromTopicConfig) Validate() error {
	errs := []error{c.Producer.Validate()}
	if !topicName.MatchString(c.Topic) {
		errs = append(errs, fmt.Errorf("from-topic: %q is no name for a topic: letters, digits, dots, dashes and underscores", c.Topic))
	}
	if c.Group == "" {
		errs = append(errs, errors.New("from-group: is empty"))
	}
	reader := ReaderConfig{Format: c.Format, Options: c.Options}
	errs = append(errs, reader.validate(nil))
	f, err := FindFormat(c.Format)
	switch {
	case err != nil:
		if c.Format == "" {
			errs = append(errs, errors.New("from-topic: name the records' format with --format: a topic is not recognised by its content"))
		}
	case f.table != nil:
		errs = append(errs, fmt.Errorf("from-topic: %s is CSV, whose rows need the header of their file: a record of a topic is an object of JSON", f.Name))
	case f.chained:
		errs = append(errs, fmt.Errorf("from-topic: a row of %s is read by the rows before it, and a topic is not read from its start each time", f.Name))
	}
	if c.repairs() {
		o := c.Options
		if c.Format != "" && c.Format != canonical.Name {
			errs = append(errs, fmt.Errorf("from-topic: %s is the topic that is written to, whose records are canonical: use --format canonical, or another --topic", c.Topic))
		}
		if o.Service != "" || o.Model != "" || o.LogType != "" {
			errs = append(errs, errors.New("from-topic: repairing a topic leaves its requests as they are: leave out --service, --model and --log-type, or write to another --topic"))
		}
	}
	return errors.Join(errs...)
}

// repairs says that the topic is put in order: what lies in the wrong partition is written again, to the right one.
func (c *FromTopicConfig) repairs() bool { return c.Topic == c.Producer.Topic }

const (
	// pollRecords is how many records are decoded, written and acknowledged together: a few megabytes, so that a rebalance
	// never waits for more.
	pollRecords = 10_000
	// commitEvery is how often the group's offsets are committed. What a crash leaves uncommitted is read again.
	commitEvery = time.Second
	// idlePoll is how long a poll waits for records.
	idlePoll = 500 * time.Millisecond
)

// RunFromTopic re-keys records that are in Kafka already: it decodes them as a format says and writes their requests to
// the requests topic, each service to its partition. A record's offset is committed only after its requests were
// acknowledged. So nothing is lost; what is written again after a crash has the same identity, which for logs without ids
// is made from topic, partition and offset, and counts once.
func RunFromTopic(ctx context.Context, c FromTopicConfig) (FromTopicResult, error) {
	result := FromTopicResult{Result: Result{Services: make(map[string]int64), Topic: c.Producer.Topic}}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.poll == 0 {
		c.poll, c.every = pollRecords, commitEvery
	}
	if err := c.Validate(); err != nil {
		return result, err
	}
	// Exporters spread the spans of one call over the partitions.
	c.Options.views = &views{policy: c.Options.Spans}
	var large refusals
	if c.OnError == Skip {
		c.Producer.TooLarge = large.add
	}
	producer, err := NewProducer(c.Producer)
	if err != nil {
		return result, err
	}
	defer producer.Close()
	ends, err := findEnds(ctx, &c) // first, or a misspelt topic to read would make one to write
	if err != nil {
		return result, err
	}
	if err := producer.Start(ctx); err != nil {
		return result, err
	}
	result.Partitions = producer.Partitions()

	r := &rekeying{config: &c, producer: producer, result: &result, ends: ends}
	if err := r.join(); err != nil {
		return result, err
	}
	readErr, writeErr := r.run(ctx)
	r.leave()
	result.Written = producer.Written()
	large.into(&result.Stats)
	return result, c.explain(ctx, readErr, writeErr, result.Written)
}

// rekeying is one run: the group's member, and what it has read.
type rekeying struct {
	config   *FromTopicConfig
	producer *Producer
	result   *FromTopicResult
	ends     *topicEnds
	client   *kgo.Client
	owned    ownership
	decoders map[int32]*topicDecoder
	labels   labelCount
	done     int64 // records, for progress
	warned   string
}

// run polls, writes and commits until the end. One poll's records are acknowledged before the next is asked for, and no
// partition changes hands in between, so that there is nothing to sort out when one does.
func (r *rekeying) run(ctx context.Context) (readErr, writeErr error) {
	committed := time.Now()
	for {
		poll, cancel := context.WithTimeout(ctx, idlePoll)
		fetches := r.client.PollRecords(poll, r.config.poll)
		cancel()
		if err := r.failed(fetches); err != nil {
			return err, nil
		}
		readErr = r.write(ctx, fetches)
		ended := readErr != nil || ctx.Err() != nil
		flush, cancel := ctx, func() {}
		if ended { // what was read is still to be acknowledged, and to be committed
			flush, cancel = context.WithTimeout(context.WithoutCancel(ctx), flushPatience)
		}
		writeErr = r.producer.Flush(flush)
		cancel()
		if writeErr != nil {
			return readErr, writeErr
		}
		r.owned.acknowledge()
		over := !r.config.Follow && r.owned.over(r.ends, r.client.CommittedOffsets()[r.config.Topic])
		if ended || over || fetches.NumRecords() == 0 || time.Since(committed) >= r.config.every {
			if crash := r.config.crash; crash != nil && crash(r.producer.Written()) {
				r.owned.forget()
				return errors.New("killed"), nil
			}
			r.commit()
			committed = time.Now()
		}
		r.client.AllowRebalance()
		switch {
		case readErr != nil:
			return readErr, nil
		case ctx.Err() != nil:
			return ctx.Err(), nil
		case over:
			return nil, nil
		}
	}
}

// write decodes the records of a poll and hands their requests to the producer, up to the first that is refused under
// Stop. What was handed over is noted as read.
func (r *rekeying) write(ctx context.Context, fetches kgo.Fetches) (err error) {
	fetches.EachPartition(func(p kgo.FetchTopicPartition) {
		if err != nil || len(p.Records) == 0 {
			return
		}
		d := r.decoder(p.Partition)
		next, stopped := d.decode(p.Records)
		requests := d.batch().Requests
		if err = r.producer.Write(ctx, requests); err != nil {
			return
		}
		countServices(r.result.Services, requests)
		r.count(d, p.Records, next)
		r.owned.read(p.Partition, next)
		if stopped != nil {
			err = stopped
		}
	})
	if r.config.Progress != nil {
		r.config.Progress(r.done, r.ends.ahead)
	}
	return err
}

func (r *rekeying) decoder(partition int32) *topicDecoder {
	d, ok := r.decoders[partition]
	if !ok {
		d = newTopicDecoder(r.config, partition, r.producer.Partitions())
		r.decoders[partition] = d
	}
	return d
}

// count adds what came of a partition's records to the result.
func (r *rekeying) count(d *topicDecoder, records []*kgo.Record, next int64) {
	r.result.Stats.add(d.batch())
	r.result.WideLabels = r.labels.add(d.batch().Requests, r.config.Options.LabelValues)
	for _, record := range records {
		if record.Offset < next && !record.Attrs.IsControl() {
			r.result.Records++
		}
	}
	r.result.InPlace += d.inPlace
	r.done += next - records[0].Offset
}

// failed gives the error of a poll that will not go away by itself. Others are told, once each, and tried again.
func (r *rekeying) failed(fetches kgo.Fetches) error {
	for _, e := range fetches.Errors() {
		if ctxErr(e.Err) {
			continue
		}
		var code *kerr.Error
		if errors.As(e.Err, &code) && !code.Retriable {
			return r.config.Producer.Kafka.explain(fmt.Errorf("reading topic %s: %w", r.config.Topic, e.Err))
		}
		if text := e.Err.Error(); text != r.warned {
			r.warned = text
			r.config.Log.Warn("cannot read, trying again", "topic", r.config.Topic, "partition", e.Partition, "error", e.Err)
		}
	}
	return nil
}

// explain makes one message of what ended the run: what happened, what is in, what to do.
func (c *FromTopicConfig) explain(ctx context.Context, readErr, writeErr error, written int64) error {
	whole := Config{Reader: ReaderConfig{OnError: c.OnError, Follow: c.Follow}}
	again := func(err error) error {
		return fmt.Errorf("%w (%d requests are in Kafka, and group %s knows up to where: the same command goes on there)", err, written, c.Group)
	}
	switch {
	case writeErr != nil:
		return whole.explain(ctx, nil, writeErr, written)
	case readErr == nil, ctxErr(readErr) && c.Follow:
		return nil
	case ctxErr(readErr):
		return again(fmt.Errorf("stopped before the end: %w", readErr))
	}
	if _, ok := errors.AsType[*LineError](readErr); ok {
		return fmt.Errorf("%w (the records before it are in Kafka; --on-error skip leaves such records out)", readErr)
	}
	return again(readErr)
}

// topicDecoder turns the records of one partition into requests.
type topicDecoder struct {
	worker  *worker
	block   block
	decoder decoder
	repair  *repair // in place of the others, where the topic is put in order
	inPlace int64   // of the records at hand
}

func newTopicDecoder(c *FromTopicConfig, partition int32, partitions int) *topicDecoder {
	format, _ := FindFormat(c.Format) // Validate has looked
	d := &topicDecoder{worker: newWorker(c.Options, c.OnError), decoder: format.newDecoder(c.Options)}
	name := c.Options.Source
	if name == "" {
		name = c.Topic
	}
	d.block.from = &origin{
		name: fmt.Sprintf("topic %s, partition %d", c.Topic, partition), format: format, unit: "offset",
		prefix: fmt.Sprintf("%016x:", schemas.IDHash(fmt.Sprintf("%s/%d", name, partition))),
	}
	if c.repairs() {
		d.worker = newWorker(Options{}, c.OnError)
		d.block.from.prefix = ""
		d.repair = &repair{partition: int(partition), partitions: partitions}
	}
	return d
}

func (d *topicDecoder) batch() *Batch { return &d.block.batch }

// decode fills the batch with the requests of records. It gives the offset after those that are done, and under Stop the
// refusal that ended it there.
func (d *topicDecoder) decode(records []*kgo.Record) (next int64, stopped error) {
	out := d.batch()
	out.reset(d.block.from.name)
	d.inPlace = 0
	next = records[0].Offset
	for _, r := range records {
		if !r.Attrs.IsControl() && !d.one(r) {
			return next, out.stopped
		}
		next = r.Offset + 1
	}
	return next, nil
}

// one decodes one record, which may hold several objects. It says whether to go on.
func (d *topicDecoder) one(r *kgo.Record) bool {
	out := d.batch()
	if d.repair != nil {
		before := out.mark()
		inPlace, err := d.repair.decode(r.Value, out)
		if inPlace {
			d.inPlace++
			return true
		}
		return d.worker.settle(&d.block, before, err, place{line: r.Offset})
	}
	if len(r.Value) == 0 {
		out.other++ // a deletion mark of a compacted topic
		return true
	}
	if d.block.from.format.frames { // binary messages, which a topic holds one a record
		return d.worker.record(&d.block, d.decoder, record{data: r.Value}, r.Offset, 0)
	}
	for rest, nth := r.Value, 0; ; nth++ {
		start, end, _ := nextObject(rest)
		if start < 0 {
			return true
		}
		if !d.worker.record(&d.block, d.decoder, record{data: rest[start:end]}, r.Offset, nth) {
			return false
		}
		rest = rest[end:]
	}
}
