package ingest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"sync"

	"github.com/cenkalti/backoff/v5"
	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
	"github.com/twmb/franz-go/pkg/sasl/plain"
	"github.com/twmb/franz-go/pkg/sasl/scram"
)

// topicEnds is where the partitions of the topic to read stood at the start.
type topicEnds struct {
	// next is the offset with which each partition goes on, end the one after its last record.
	next, end map[int32]int64
	// ahead is how many records that makes.
	ahead int64
}

// findEnds asks where the topic and the group are.
func findEnds(ctx context.Context, c *FromTopicConfig) (*topicEnds, error) {
	out, err := retry(ctx, c.Producer.ConnectPatience, func() (*topicEnds, error) {
		client, transport, err := c.Producer.Kafka.client(c.Topic, c.Producer.ConnectPatience)
		if err != nil {
			return nil, err
		}
		defer transport.CloseIdleConnections()
		out, err := askEnds(ctx, c, client)
		if err != nil && (lasting(err) || errors.As(err, new(*topicError))) {
			return nil, backoff.Permanent(err)
		}
		return out, err
	})
	if topic, ok := errors.AsType[*topicError](err); ok {
		return nil, topic
	}
	if err != nil && ctx.Err() == nil {
		return nil, c.Producer.Kafka.explain(err)
	}
	return out, err
}

func askEnds(ctx context.Context, c *FromTopicConfig, client *kafka.Client) (*topicEnds, error) {
	ctx, cancel := context.WithTimeout(ctx, c.Producer.ConnectPatience)
	defer cancel()
	meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{c.Topic}})
	if err != nil {
		return nil, err
	}
	if len(meta.Topics) != 1 {
		return nil, fmt.Errorf("asked for topic %s, told of %d", c.Topic, len(meta.Topics))
	}
	if err := meta.Topics[0].Error; err != nil {
		if errors.Is(err, kafka.UnknownTopicOrPartition) {
			err = &topicError{fmt.Errorf("there is no topic %s to read (--from-topic)", c.Topic)}
		}
		return nil, err
	}
	var ids []int
	var asked []kafka.OffsetRequest
	for _, p := range meta.Topics[0].Partitions {
		ids = append(ids, p.ID)
		asked = append(asked, kafka.FirstOffsetOf(p.ID), kafka.LastOffsetOf(p.ID))
	}
	// Without those of transactions that are open: they are not given out before they end.
	offsets, err := client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{c.Topic: asked}, IsolationLevel: kafka.ReadCommitted})
	if err != nil {
		return nil, err
	}
	group, err := client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: c.Group, Topics: map[string][]int{c.Topic: ids}})
	if err == nil {
		err = group.Error
	}
	if errors.Is(err, kafka.GroupIdNotFound) { // as some brokers say of one that is new
		group, err = new(kafka.OffsetFetchResponse), nil
	}
	if err != nil {
		return nil, err
	}
	out := &topicEnds{next: make(map[int32]int64), end: make(map[int32]int64)}
	for _, p := range offsets.Topics[c.Topic] {
		if p.Error != nil {
			return nil, p.Error
		}
		out.next[int32(p.Partition)], out.end[int32(p.Partition)] = p.FirstOffset, p.LastOffset
	}
	for _, p := range group.Topics[c.Topic] {
		if errors.Is(p.Error, kafka.GroupIdNotFound) {
			continue
		}
		if p.Error != nil {
			return nil, p.Error
		}
		id := int32(p.Partition)
		if first := out.next[id]; p.CommittedOffset >= 0 && p.CommittedOffset < first {
			c.Log.Error("records were deleted by the topic's retention before they were read", "topic", c.Topic, "partition", id,
				"committed", p.CommittedOffset, "first", first, "lost", first-p.CommittedOffset)
		}
		out.next[id] = max(out.next[id], p.CommittedOffset)
	}
	for id, end := range out.end {
		out.ahead += max(0, end-out.next[id])
	}
	return out, nil
}

// ownership is which partitions this member of the group has, and how far it is with them. The group's callbacks come
// from other goroutines.
type ownership struct {
	mutex  sync.Mutex
	joined bool
	// next is the offset after what was read of a partition that is owned, -1 before anything was; safe of it what Kafka
	// has acknowledged, committed what the group knows.
	next, safe, committed map[int32]int64
}

func (o *ownership) assign(partitions []int32) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	o.joined = true
	for _, p := range partitions {
		o.next[p] = -1
	}
}

func (o *ownership) revoke(partitions []int32) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for _, p := range partitions {
		delete(o.next, p)
		delete(o.safe, p)
		delete(o.committed, p)
	}
}

// forget leaves nothing to commit.
func (o *ownership) forget() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	clear(o.safe)
}

func (o *ownership) read(partition int32, next int64) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	if _, ours := o.next[partition]; ours {
		o.next[partition] = next
	}
}

// acknowledge notes that all that was read is in Kafka.
func (o *ownership) acknowledge() {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for p, next := range o.next {
		if next >= 0 {
			o.safe[p] = next
		}
	}
}

// over says that all partitions that are owned have come to where they ended at the start. Those of others are theirs to
// finish; where they leave the group before, they become ours, with what they have committed.
func (o *ownership) over(ends *topicEnds, committed map[int32]kgo.EpochOffset) bool {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	for p, next := range o.next {
		if max(next, ends.next[p], committed[p].Offset) < ends.end[p] {
			return false
		}
	}
	return o.joined
}

func (o *ownership) uncommitted() map[int32]int64 {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	out := make(map[int32]int64)
	for p, next := range o.safe {
		if last, ok := o.committed[p]; !ok || last != next {
			out[p] = next
		}
	}
	return out
}

// commit notes what was committed.
func (o *ownership) commit(offsets map[int32]int64) {
	o.mutex.Lock()
	defer o.mutex.Unlock()
	maps.Copy(o.committed, offsets)
}

// join makes a member of the group, which reads each partition from where the group is, or from its start.
func (r *rekeying) join() error {
	r.decoders = make(map[int32]*topicDecoder)
	r.owned.next, r.owned.safe, r.owned.committed = make(map[int32]int64), make(map[int32]int64), make(map[int32]int64)
	c := r.config
	options, err := c.Producer.Kafka.franz()
	if err != nil {
		return err
	}
	// kafka-go, which everything else goes through, hands out what was aborted, and the marks of transactions as if they
	// were records. Logs of others may be written in transactions.
	r.client, err = kgo.NewClient(append(options,
		kgo.ConsumerGroup(c.Group), kgo.ConsumeTopics(c.Topic), kgo.ConsumeResetOffset(kgo.NewOffset().AtStart()),
		kgo.FetchIsolationLevel(kgo.ReadCommitted()), kgo.KeepControlRecords(), // which may be the last before the end
		kgo.DisableAutoCommit(), kgo.BlockRebalanceOnPoll(),
		kgo.OnPartitionsAssigned(func(_ context.Context, _ *kgo.Client, topics map[string][]int32) { r.owned.assign(topics[c.Topic]) }),
		kgo.OnPartitionsRevoked(func(_ context.Context, _ *kgo.Client, topics map[string][]int32) {
			r.commit()
			r.owned.revoke(topics[c.Topic])
		}),
		kgo.OnPartitionsLost(func(_ context.Context, _ *kgo.Client, topics map[string][]int32) { r.owned.revoke(topics[c.Topic]) }),
	)...)
	return err
}

// commit tells the group how far everything is acknowledged. That it failed costs no more than reading again.
func (r *rekeying) commit() {
	offsets, done := make(map[int32]kgo.EpochOffset), r.owned.uncommitted()
	for p, next := range done {
		offsets[p] = kgo.EpochOffset{Epoch: -1, Offset: next}
	}
	if len(offsets) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), flushPatience)
	defer cancel()
	r.client.CommitOffsetsSync(ctx, map[string]map[int32]kgo.EpochOffset{r.config.Topic: offsets},
		func(_ *kgo.Client, _ *kmsg.OffsetCommitRequest, response *kmsg.OffsetCommitResponse, err error) {
			if err == nil {
				err = commitError(response)
			}
			if err != nil {
				r.config.Log.Warn("cannot commit; what was read since the last time may be read again", "group", r.config.Group, "error", err)
				return
			}
			r.owned.commit(done)
		})
}

func commitError(response *kmsg.OffsetCommitResponse) error {
	for _, t := range response.Topics {
		for _, p := range t.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				return fmt.Errorf("partition %d: %w", p.Partition, err)
			}
		}
	}
	return nil
}

// leave gives the partitions to the group's others at once.
func (r *rekeying) leave() {
	r.client.AllowRebalance()
	r.client.Close()
}

// franz gives the same way to Kafka as client, for franz-go.
func (c KafkaConfig) franz() ([]kgo.Opt, error) {
	options := []kgo.Opt{kgo.SeedBrokers(c.Brokers...), kgo.ClientID(c.ClientID), kgo.DialTimeout(dialTimeout)}
	secure, err := c.TLS.load()
	if err != nil {
		return nil, err
	}
	if secure != nil {
		options = append(options, kgo.DialTLSConfig(secure))
	}
	switch c.SASL.Mechanism {
	case "plain":
		options = append(options, kgo.SASL(plain.Auth{User: c.SASL.User, Pass: c.SASL.Password}.AsMechanism()))
	case "scram-sha-256":
		options = append(options, kgo.SASL(scram.Auth{User: c.SASL.User, Pass: c.SASL.Password}.AsSha256Mechanism()))
	case "scram-sha-512":
		options = append(options, kgo.SASL(scram.Auth{User: c.SASL.User, Pass: c.SASL.Password}.AsSha512Mechanism()))
	}
	return options, nil
}
