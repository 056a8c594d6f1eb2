package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/ClickHouse/ch-go"
	"github.com/ClickHouse/ch-go/proto"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/valyala/fastjson"
)

// byHand is the fastest raw-only program that we could write from the fastest libraries: franz-go, fastjson, ch-go.
func byHand() contender {
	return contender{
		key: "by-hand", name: "by hand: franz-go, fastjson, ch-go", what: "raw table, column by column, native protocol",
		tables: []string{rawTable},
		start:  startConsumer("by-hand"),
		counts: []string{countRaw},
	}
}

// byHandRows is what a batch grows to: large parts are merged less, and two of them fit into the processors' caches no
// worse than smaller ones.
const byHandRows = 250_000

// rows is a batch in the protocol's own columns: what is appended is what is sent.
type rows struct {
	service, model, logType           lowCardinality
	conversation, requestID           proto.ColStr
	seq, arrivalUS, elapsedUS, ttftUS proto.ColInt64
	requestTokens, responseTokens     proto.ColInt32
	outcome                           proto.ColEnum8
	input                             proto.Input
	last                              map[int32]*kgo.Record // of each partition: where to commit
	parsed                            parsedRecord
	visit                             func(key []byte, v *fastjson.Value) // parsed.visit, made once
}

// parsedRecord is what the visitor of one record's fields found.
type parsedRecord struct {
	service, model, logType, conversation, requestID, outcome []byte
	seq, arrivalUS, elapsedUS, ttftUS                         int64
	requestTokens, responseTokens                             int64
}

// lowCardinality is a dictionary column whose dictionary is made while rows are appended, without an allocation a row.
// The library's own ColLowCardinality keeps every row's string and looks all of them up when it sends.
type lowCardinality struct {
	column proto.ColLowCardinalityRaw
	index  *proto.ColStr
	keys   map[string]uint8
	last   []byte
	lastID uint8
}

func newLowCardinality() lowCardinality {
	c := lowCardinality{index: new(proto.ColStr), keys: map[string]uint8{}}
	c.column = proto.ColLowCardinalityRaw{Index: c.index, Key: proto.KeyUInt8}
	c.clear()
	return c
}

func (c *lowCardinality) clear() {
	c.column.Keys8.Reset()
	c.index.Reset()
	c.index.Append("") // the first entry is the type's default
	clear(c.keys)
	c.keys[""] = 0
	c.last, c.lastID = nil, 0
}

func (c *lowCardinality) append(value []byte) {
	if string(value) != string(c.last) { // most neighbours are of one service, model and kind
		id, ok := c.keys[string(value)]
		if !ok {
			id = uint8(len(c.keys)) // the workload has a dozen of each; 256 would need wider keys
			c.keys[string(value)] = id
			c.index.AppendBytes(value)
		}
		c.last, c.lastID = append(c.last[:0], value...), id
	}
	c.column.Keys8.Append(c.lastID)
}

func newRows() *rows {
	r := &rows{service: newLowCardinality(), model: newLowCardinality(), logType: newLowCardinality()}
	r.input = proto.Input{
		{Name: "service", Data: &r.service.column}, {Name: "model", Data: &r.model.column}, {Name: "log_type", Data: &r.logType.column},
		{Name: "conversation", Data: &r.conversation}, {Name: "request_id", Data: &r.requestID},
		{Name: "seq", Data: &r.seq}, {Name: "arrival_us", Data: &r.arrivalUS},
		{Name: "request_tokens", Data: &r.requestTokens}, {Name: "response_tokens", Data: &r.responseTokens},
		{Name: "elapsed_us", Data: &r.elapsedUS}, {Name: "ttft_us", Data: &r.ttftUS},
		{Name: "outcome", Data: proto.Alias(&r.outcome, outcomeType)},
	}
	r.visit = r.parsed.visit
	r.reset()
	return r
}

func (r *rows) reset() {
	r.service.clear()
	r.model.clear()
	r.logType.clear()
	for _, c := range []proto.Resettable{&r.conversation, &r.requestID, &r.seq, &r.arrivalUS, &r.requestTokens, &r.responseTokens,
		&r.elapsedUS, &r.ttftUS, &r.outcome} {
		c.Reset()
	}
	r.last = map[int32]*kgo.Record{}
}

// visit is called for each field of a record: one pass, where asking for a dozen fields by name would be a dozen.
func (p *parsedRecord) visit(key []byte, v *fastjson.Value) {
	switch string(key) {
	case "service":
		p.service, _ = v.StringBytes()
	case "model":
		p.model, _ = v.StringBytes()
	case "log_type":
		p.logType, _ = v.StringBytes()
	case "conversation":
		p.conversation, _ = v.StringBytes()
	case "request_id":
		p.requestID, _ = v.StringBytes()
	case "outcome":
		p.outcome, _ = v.StringBytes()
	case "seq":
		p.seq, _ = v.Int64()
	case "arrival_us":
		p.arrivalUS, _ = v.Int64()
	case "request_tokens":
		p.requestTokens, _ = v.Int64()
	case "response_tokens":
		p.responseTokens, _ = v.Int64()
	case "elapsed_us":
		p.elapsedUS, _ = v.Int64()
	case "ttft_us":
		p.ttftUS, _ = v.Int64()
	}
}

var outcomes = map[string]proto.Enum8{"ok": 1, "empty": 2, "error": 3, "timeout": 4, "rate_limited": 5, "cancelled": 6, "filtered": 7}

func (r *rows) append(parser *fastjson.Parser, text []byte) error {
	v, err := parser.ParseBytes(text)
	if err != nil {
		return err
	}
	object, err := v.Object()
	if err != nil {
		return err
	}
	r.parsed = parsedRecord{}
	object.Visit(r.visit)
	p := &r.parsed
	outcome, ok := outcomes[string(p.outcome)]
	if !ok {
		return fmt.Errorf("outcome %q", p.outcome)
	}
	r.service.append(p.service)
	r.model.append(p.model)
	r.logType.append(p.logType)
	r.conversation.AppendBytes(p.conversation)
	r.requestID.AppendBytes(p.requestID)
	r.seq = append(r.seq, p.seq)
	r.arrivalUS = append(r.arrivalUS, p.arrivalUS)
	r.requestTokens = append(r.requestTokens, int32(p.requestTokens))
	r.responseTokens = append(r.responseTokens, int32(p.responseTokens))
	r.elapsedUS = append(r.elapsedUS, p.elapsedUS)
	r.ttftUS = append(r.ttftUS, p.ttftUS)
	r.outcome = append(r.outcome, outcome)
	return nil
}

// consumeByHand reads until ctx ends: one goroutine fetches (franz-go's), one decodes into columns, one writes them and
// commits what ClickHouse has acknowledged.
func consumeByHand(ctx context.Context, c consumption) error {
	address, err := url.Parse(c.clickhouse)
	if err != nil {
		return err
	}
	conn, err := ch.Dial(ctx, ch.Options{
		Address: address.Host, Database: address.Path[1:],
		Compression: ch.CompressionDisabled, // on one machine it costs more than it saves
	})
	if err != nil {
		return err
	}
	defer conn.Close()
	client, err := kgo.NewClient(
		kgo.SeedBrokers(c.broker), kgo.ConsumerGroup(c.group), kgo.ConsumeTopics(c.topic),
		kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()), kgo.DisableAutoCommit(),
		kgo.FetchMaxBytes(16<<20), kgo.FetchMaxPartitionBytes(2<<20), kgo.FetchMaxWait(200*time.Millisecond),
		kgo.WithPools(new(recordPool)),
	)
	if err != nil {
		return err
	}
	defer client.Close()

	full, free, failed := make(chan *rows), make(chan *rows, 3), make(chan error, 1)
	for range cap(free) {
		free <- newRows()
	}
	go func() {
		for batch := range full {
			err := conn.Do(ctx, ch.Query{Body: batch.input.Into("raw"), Input: batch.input})
			if err == nil {
				err = client.CommitRecords(ctx, slices.Collect(maps.Values(batch.last))...)
			}
			if err != nil {
				failed <- err
				return
			}
			batch.reset()
			free <- batch
		}
	}()
	var parser fastjson.Parser
	batch, since := <-free, time.Now()
	for ctx.Err() == nil {
		due, cancel := context.WithDeadline(ctx, since.Add(batchWait))
		fetches := client.PollFetches(due)
		cancel()
		if err := fetches.Err0(); err != nil && !errors.Is(err, context.DeadlineExceeded) {
			return err
		}
		var wrong error
		fetches.EachPartition(func(p kgo.FetchTopicPartition) {
			if len(p.Records) > 0 {
				last := p.Records[len(p.Records)-1]
				batch.last[p.Partition] = &kgo.Record{Topic: p.Topic, Partition: p.Partition, Offset: last.Offset, LeaderEpoch: last.LeaderEpoch}
			}
			for _, r := range p.Records {
				if err := batch.append(&parser, r.Value); err != nil {
					wrong = err
				}
				r.Recycle()
			}
		})
		if wrong != nil {
			return wrong
		}
		if n := len(batch.seq); n >= byHandRows || n > 0 && time.Since(since) >= batchWait {
			select {
			case full <- batch:
			case err := <-failed:
				return err
			}
			batch, since = <-free, time.Now()
		} else if n == 0 {
			since = time.Now()
		}
	}
	return ctx.Err()
}

// recordPool gives franz-go's records back to it: without it each record is an allocation.
type recordPool struct{ sync.Pool }

// GetRecords implements kgo.PoolRecords.
func (p *recordPool) GetRecords(n int) []kgo.Record {
	if records, ok := p.Get().(*[]kgo.Record); ok && cap(*records) >= n {
		return (*records)[:0]
	}
	return make([]kgo.Record, 0, n)
}

// PutRecords implements kgo.PoolRecords.
func (p *recordPool) PutRecords(records []kgo.Record) { p.Put(&records) }
