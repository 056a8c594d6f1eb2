package ingest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/segmentio/kafka-go"
)

// DefaultPartitions is how many partitions a topic is made with that nobody gave a number for: enough to spread over a
// dozen processors, few enough that each costs nothing. The number cannot be changed later without re-keying.
const DefaultPartitions = 12

// connect finds the cluster and the topic, which it makes where it is missing, and the number of its partitions.
func (p *Producer) connect(ctx context.Context) error {
	_, err := retry(ctx, p.config.ConnectPatience, func() (struct{}, error) {
		// A new pool each time: a pool whose first look at the cluster failed repeats the error until its next.
		client, transport, err := p.config.Kafka.client(p.config.Topic, p.config.ConnectPatience)
		if err != nil {
			return struct{}{}, backoff.Permanent(err)
		}
		n, err := p.findTopic(ctx, client)
		if err != nil {
			transport.CloseIdleConnections()
			if _, ok := errors.AsType[*topicError](err); ok || lasting(err) {
				err = backoff.Permanent(err)
			}
			return struct{}{}, err
		}
		p.client, p.transport, p.partitions = client, transport, make([]*partition, n)
		return struct{}{}, nil
	})
	if topic, ok := errors.AsType[*topicError](err); ok {
		return topic
	}
	if err != nil && ctx.Err() == nil {
		return p.config.Kafka.explain(err)
	}
	return err
}

// topicError is a complete message about the topic.
type topicError struct{ error }

func (e *topicError) Unwrap() error { return e.error }

// findTopic gives the topic's number of partitions, once each has a leader.
func (p *Producer) findTopic(ctx context.Context, client *kafka.Client) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, p.config.ConnectPatience)
	defer cancel()
	for made := false; ; {
		meta, err := client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{p.config.Topic}})
		if err != nil {
			return 0, err
		}
		if len(meta.Topics) != 1 {
			return 0, fmt.Errorf("asked for topic %s, told of %d", p.config.Topic, len(meta.Topics))
		}
		topic := meta.Topics[0]
		switch {
		case errors.Is(topic.Error, kafka.UnknownTopicOrPartition) && !made:
			if err := p.makeTopic(ctx, client); err != nil {
				return 0, err
			}
			made = true
		case topic.Error == nil && led(topic):
			n := len(topic.Partitions)
			if p.config.Partitions > 0 && n != p.config.Partitions {
				return 0, &topicError{fmt.Errorf("topic %s has %d partitions, not the %d asked for: leave --kafka-partitions out, or use another topic (a service's partition depends on their number)",
					p.config.Topic, n, p.config.Partitions)}
			}
			return n, nil
		case topic.Error != nil && lasting(topic.Error):
			return 0, topic.Error
		}
		select { // the news of a new topic, or of a new leader, takes a moment to reach all brokers
		case <-ctx.Done():
			return 0, fmt.Errorf("topic %s: its partitions have no leader: %w", p.config.Topic, ctx.Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func led(t kafka.Topic) bool {
	for _, p := range t.Partitions {
		if p.Leader.Host == "" {
			return false
		}
	}
	return len(t.Partitions) > 0
}

func (p *Producer) makeTopic(ctx context.Context, client *kafka.Client) error {
	n, replication := p.config.Partitions, p.config.Replication
	if n == 0 {
		n = DefaultPartitions
	}
	if replication == 0 {
		replication = -1 // the broker's default.replication.factor
	}
	response, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{Topics: []kafka.TopicConfig{
		{Topic: p.config.Topic, NumPartitions: n, ReplicationFactor: replication},
	}})
	if err == nil {
		err = response.Errors[p.config.Topic]
	}
	switch {
	case err == nil, errors.Is(err, kafka.TopicAlreadyExists): // somebody else was faster
		return nil
	case lasting(err):
		return &topicError{fmt.Errorf("topic %s does not exist, and the broker does not let it be made (%w): make it by hand, as in kafka-topics.sh --create --topic %s --partitions %d, or let this user CREATE topics",
			p.config.Topic, err, p.config.Topic, n)}
	}
	return fmt.Errorf("making topic %s: %w", p.config.Topic, err)
}

// retry tries again with exponential back-off as long as patience lasts; errors made by backoff.Permanent end it.
func retry[T any](ctx context.Context, patience time.Duration, try func() (T, error)) (T, error) {
	wait := backoff.NewExponentialBackOff()
	wait.InitialInterval = 100 * time.Millisecond
	wait.MaxInterval = 5 * time.Second
	return backoff.Retry(ctx, try, backoff.WithBackOff(wait), backoff.WithMaxElapsedTime(patience))
}
