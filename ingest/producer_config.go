package ingest

import (
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/segmentio/kafka-go"

	"tidegauge/schemas"
)

// ProducerConfig says how requests are written.
type ProducerConfig struct {
	Kafka KafkaConfig
	Topic string
	// Partitions and Replication are what a missing topic is made with; 0 is DefaultPartitions and the broker's own
	// replication factor. A topic that exists must have the Partitions asked for.
	Partitions, Replication int
	// Compression of batches is "none", "lz4" or "zstd".
	Compression string
	// BatchBytes is how large a partition's batch grows before it is sent; brokers refuse more than 1,048,588 by
	// default. Linger is how long a smaller one waits for more.
	BatchBytes int
	Linger     time.Duration
	// Patience is how long a batch is tried again that the cluster cannot take at the moment (Kafka's own producer: two
	// minutes), ConnectPatience how long the first contact is.
	Patience, ConnectPatience time.Duration
	// TooLarge, where given, is told of a request that the broker refuses for its size, which is then left out; nil
	// makes it an error that ends the writing.
	TooLarge func(*TooLargeError)
	// Progress, where given, counts what is acknowledged.
	Progress *Progress
}

// DefaultProducerConfig is right for a topic of Tidegauge's own on this machine.
func DefaultProducerConfig() ProducerConfig {
	return ProducerConfig{
		Kafka: DefaultKafkaConfig(), Topic: schemas.RequestsTopic, Compression: "none", BatchBytes: 1_000_000,
		Linger: 200 * time.Millisecond, Patience: 2 * time.Minute, ConnectPatience: 10 * time.Second,
	}
}

var compressions = map[string]kafka.Compression{"": 0, "none": 0, "lz4": kafka.Lz4, "zstd": kafka.Zstd}

// topicName is what Kafka allows.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

// Validate says everything that is wrong, joined.
func (c ProducerConfig) Validate() error {
	errs := []error{c.Kafka.Validate()}
	if !topicName.MatchString(c.Topic) {
		errs = append(errs, fmt.Errorf("topic: %q is no name for a topic: letters, digits, dots, dashes and underscores", c.Topic))
	}
	if c.Partitions < 0 || c.Replication < 0 {
		errs = append(errs, errors.New("partitions, replication: cannot be negative"))
	}
	if _, ok := compressions[c.Compression]; !ok {
		errs = append(errs, fmt.Errorf("compression: %q is not one of none, lz4, zstd", c.Compression))
	}
	if c.BatchBytes < 1 || c.Linger < time.Millisecond || c.Patience < 0 || c.ConnectPatience <= 0 {
		errs = append(errs, errors.New("batch bytes, linger and the patience to connect must be positive, patience not negative"))
	}
	return errors.Join(errs...)
}

// TooLargeError is a request whose record the broker refuses for its size.
type TooLargeError struct {
	Topic, Service, RequestID string
	Bytes                     int

	at int // where its value lies in its batch
}

// Error says which and what to do.
func (e *TooLargeError) Error() string {
	return fmt.Sprintf("request %s of service %s takes %d bytes, more than topic %s accepts: raise the topic's max.message.bytes", e.RequestID, e.Service, e.Bytes, e.Topic)
}
