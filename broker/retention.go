package broker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

const (
	// retentionInterval: at the 200 MB a second a producer can reach, a partition overshoots its bound by 2 GB at
	// most; a round costs a handful of requests.
	retentionInterval = 10 * time.Second
	// heldInterval spaces the warnings about a group that keeps the log from shrinking.
	heldInterval = 10 * time.Minute

	minSegmentBytes = 2 << 20
	maxSegmentBytes = 64 << 20
)

// segmentBytes is the size at which a new segment begins. The disk is given back a segment at a time, so an eighth of
// the bound keeps the log within an eighth of it.
func segmentBytes(retention int64) int64 {
	if retention == 0 {
		return maxSegmentBytes
	}
	return min(max(retention/8, minSegmentBytes), maxSegmentBytes)
}

type partition struct {
	topic string
	index int32
}

// extent is what retention knows about a partition.
type extent struct {
	bytes      int64
	start, end int64 // offsets: the first record's, and the one behind the last
	committed  int64 // the least of all groups'; -1 without a group
	holder     string
}

// cut is the offset to delete up to, and whether a group's progress is what stops it. Bytes are taken to be spread
// evenly over the records. The newest record always stays, because kfake forgets the offsets of an empty partition.
func (e extent) cut(bound int64) (to int64, held bool) {
	records := e.end - e.start
	if e.bytes <= bound || records <= 0 {
		return e.start, false
	}
	excess := float64(e.bytes-bound) / float64(e.bytes)
	to = min(e.start+int64(math.Ceil(excess*float64(records))), e.end-1)
	if e.committed < to {
		return max(e.start, e.committed), true
	}
	return to, false
}

// retain bounds the log until ctx ends.
func (b *Broker) retain(ctx context.Context, client *kgo.Client, interval time.Duration) {
	ticker := time.NewTicker(interval)
	defer ticker.Stop()
	var warned time.Time
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		held, err := b.applyRetention(ctx, client)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			b.metrics.failures.Inc()
			b.logger.Warn("embedded broker: bounding the log failed, trying again", "in", interval, "error", err)
		case held != "" && time.Since(warned) >= heldInterval:
			warned = time.Now()
			b.logger.Warn("embedded broker: the log is over its bound and grows: " + held)
		}
	}
}

// applyRetention is one round. held says why a partition stays over twice its bound, "" where none does.
func (b *Broker) applyRetention(ctx context.Context, client *kgo.Client) (held string, err error) {
	extents, err := measure(ctx, client)
	if err != nil {
		return "", err
	}
	request := kmsg.NewPtrDeleteRecordsRequest()
	request.TimeoutMillis = 10_000
	deletes := make(map[string][]kmsg.DeleteRecordsRequestTopicPartition)
	for p, e := range extents {
		b.metrics.logBytes.WithLabelValues(p.topic, strconv.Itoa(int(p.index))).Set(float64(e.bytes))
		to, byGroup := e.cut(b.config.RetentionBytes)
		if byGroup && e.bytes > 2*b.config.RetentionBytes {
			held = fmt.Sprintf("topic %s, partition %d holds %d bytes and no consumer group reads it", p.topic, p.index,
				e.bytes)
			if e.holder != "" {
				held = fmt.Sprintf("topic %s, partition %d holds %d bytes and consumer group %q has committed only %d of %d",
					p.topic, p.index, e.bytes, e.holder, e.committed, e.end)
			}
		}
		if to > e.start {
			deletes[p.topic] = append(deletes[p.topic],
				kmsg.DeleteRecordsRequestTopicPartition{Partition: p.index, Offset: to})
		}
	}
	if len(deletes) == 0 {
		return held, nil
	}
	for topic, partitions := range deletes {
		request.Topics = append(request.Topics, kmsg.DeleteRecordsRequestTopic{Topic: topic, Partitions: partitions})
	}
	response, err := request.RequestWith(ctx, client)
	if err != nil {
		return held, fmt.Errorf("deleting records: %w", err)
	}
	var errs []error
	for _, topic := range response.Topics {
		for _, p := range topic.Partitions {
			if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
				errs = append(errs, fmt.Errorf("deleting records of %s, partition %d: %w", topic.Topic, p.Partition, err))
				continue
			}
			if e := extents[partition{topic.Topic, p.Partition}]; e != nil {
				b.metrics.deleted.WithLabelValues(topic.Topic).Add(float64(p.LowWatermark - e.start))
			}
		}
	}
	return held, errors.Join(errs...)
}

// measure asks the broker for its partitions' sizes, offsets and commits, in that order: what arrives meanwhile only
// makes a partition look smaller than it is, and a commit never goes back.
func measure(ctx context.Context, client *kgo.Client) (map[partition]*extent, error) {
	extents := make(map[partition]*extent)
	for _, step := range []struct {
		doing string
		do    func(context.Context, *kgo.Client, map[partition]*extent) error
	}{
		{"asking for log sizes", measureBytes},
		{"asking for offsets", measureOffsets},
		{"asking for committed offsets", measureCommits},
	} {
		if err := step.do(ctx, client, extents); err != nil {
			return nil, fmt.Errorf("%s: %w", step.doing, err)
		}
	}
	return extents, nil
}

func measureBytes(ctx context.Context, client *kgo.Client, extents map[partition]*extent) error {
	response, err := kmsg.NewPtrDescribeLogDirsRequest().RequestWith(ctx, client)
	if err != nil {
		return err
	}
	for _, dir := range response.Dirs {
		if err := kerr.ErrorForCode(dir.ErrorCode); err != nil {
			return err
		}
		for _, topic := range dir.Topics {
			for _, p := range topic.Partitions {
				extents[partition{topic.Topic, p.Partition}] = &extent{bytes: p.Size, committed: -1}
			}
		}
	}
	return nil
}

func measureOffsets(ctx context.Context, client *kgo.Client, extents map[partition]*extent) error {
	const earliest, latest = -2, -1
	for _, end := range []struct {
		timestamp int64
		store     func(*extent, int64)
	}{
		{earliest, func(e *extent, offset int64) { e.start = offset }},
		{latest, func(e *extent, offset int64) { e.end = offset }},
	} {
		topics := make(map[string][]kmsg.ListOffsetsRequestTopicPartition)
		for p := range extents {
			asked := kmsg.NewListOffsetsRequestTopicPartition()
			asked.Partition = p.index
			asked.Timestamp = end.timestamp
			topics[p.topic] = append(topics[p.topic], asked)
		}
		request := kmsg.NewPtrListOffsetsRequest()
		for topic, partitions := range topics {
			asked := kmsg.NewListOffsetsRequestTopic()
			asked.Topic, asked.Partitions = topic, partitions
			request.Topics = append(request.Topics, asked)
		}
		response, err := request.RequestWith(ctx, client)
		if err != nil {
			return err
		}
		for _, topic := range response.Topics {
			for _, p := range topic.Partitions {
				if err := kerr.ErrorForCode(p.ErrorCode); err != nil {
					return fmt.Errorf("%s, partition %d: %w", topic.Topic, p.Partition, err)
				}
				if e := extents[partition{topic.Topic, p.Partition}]; e != nil {
					end.store(e, p.Offset)
				}
			}
		}
	}
	return nil
}

func measureCommits(ctx context.Context, client *kgo.Client, extents map[partition]*extent) error {
	groups, err := kmsg.NewPtrListGroupsRequest().RequestWith(ctx, client)
	if err != nil {
		return err
	}
	if err := kerr.ErrorForCode(groups.ErrorCode); err != nil {
		return err
	}
	for _, group := range groups.Groups {
		request := kmsg.NewPtrOffsetFetchRequest()
		request.Group = group.Group // with no topics: all of them
		asked := kmsg.NewOffsetFetchRequestGroup()
		asked.Group = group.Group
		request.Groups = append(request.Groups, asked)
		response, err := request.RequestWith(ctx, client)
		if err != nil {
			return fmt.Errorf("group %s: %w", group.Group, err)
		}
		for _, answered := range response.Groups {
			if err := kerr.ErrorForCode(answered.ErrorCode); err != nil {
				return fmt.Errorf("group %s: %w", group.Group, err)
			}
			for _, topic := range answered.Topics {
				for _, p := range topic.Partitions {
					e := extents[partition{topic.Topic, p.Partition}]
					if e == nil || p.Offset < 0 {
						continue
					}
					if e.holder == "" || p.Offset < e.committed {
						e.committed, e.holder = p.Offset, group.Group
					}
				}
			}
		}
	}
	return nil
}
