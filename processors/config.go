package processors

import (
	"errors"
	"fmt"
	"time"

	"tidegauge/schemas"
)

// Config is how a Runner reads and flushes.
type Config struct {
	// Brokers are the Kafka bootstrap addresses, host:port.
	Brokers []string
	// Topic is read by the consumer group Group.
	Topic, Group string
	// FlushInterval is the longest time that a record waits in memory before its flush begins; three times that where there is
	// more to read, and for as long as the flush before it takes.
	FlushInterval time.Duration
	// BatchRequests bounds the requests (and the records that are none) in memory for a flush, over all partitions of the
	// process: what is being written and what is read meanwhile. Each takes about RequestBytes.
	BatchRequests int
	// CacheBytes bounds the memory of sets, over all partitions of the process. A smaller cache costs reloads, never a
	// wrong row.
	CacheBytes int64
	// FetchBytes bounds what one fetch brings; FetchWait how long a fetch waits for a first record.
	FetchBytes int
	FetchWait  time.Duration
	// SessionTimeout is how long the group waits for a sign of life before it gives this process's partitions away.
	SessionTimeout time.Duration
	// StopTimeout bounds the last flush when the process is asked to stop or loses its partitions. What is not flushed by
	// then is read again by the next owner.
	StopTimeout time.Duration
}

// RequestBytes is about the memory that a request takes until it is stored.
const RequestBytes = 512

// mostBatchRequests keeps the texts of a batch below the 4 GiB that schemas.Texts counts to, whatever is in them.
const mostBatchRequests = 1 << 20

// WithMemory divides a budget of bytes: half of it for batches, up to the default of BatchRequests, the rest for
// sets.
func (c Config) WithMemory(budget int64) Config {
	c.BatchRequests = int(max(1<<13, min(int64(c.BatchRequests), budget/2/RequestBytes)))
	c.CacheBytes = max(1<<20, budget-int64(c.BatchRequests)*RequestBytes)
	return c
}

// DefaultConfig is a Config for a broker on this machine.
func DefaultConfig() Config {
	return Config{
		Brokers:       []string{"127.0.0.1:9092"},
		Topic:         schemas.RequestsTopic,
		Group:         "tidegauge",
		FlushInterval: time.Second,
		BatchRequests: 1 << 19,
		CacheBytes:    512 << 20,
		FetchBytes:    1 << 20,
		FetchWait:     200 * time.Millisecond,
		// Half of kafka-go's default: a killed processor's partitions are read again after 15 s instead of 30 s.
		SessionTimeout: 15 * time.Second,
		StopTimeout:    10 * time.Second,
	}
}

// Validate says everything that is wrong with c, joined.
func (c Config) Validate() error {
	var errs []error
	wrong := func(bad bool, format string, arguments ...any) {
		if bad {
			errs = append(errs, fmt.Errorf(format, arguments...))
		}
	}
	wrong(len(c.Brokers) == 0, "brokers: none given")
	wrong(c.Topic == "", "topic: is empty")
	wrong(c.Group == "", "group: is empty")
	wrong(c.FlushInterval < 10*time.Millisecond || c.FlushInterval > 10*time.Minute, "flush interval: %v is not within 10 ms to 10 min", c.FlushInterval)
	wrong(c.BatchRequests < 1000 || c.BatchRequests > mostBatchRequests, "batch requests: %d is not within 1000 to %d", c.BatchRequests, mostBatchRequests)
	wrong(c.CacheBytes < 1<<20, "cache bytes: %d is less than 1 MiB", c.CacheBytes)
	wrong(c.FetchBytes < 1<<10 || c.FetchBytes > 64<<20, "fetch bytes: %d is not within 1 KiB to 64 MiB", c.FetchBytes)
	wrong(c.FetchWait < time.Millisecond || c.FetchWait > 10*time.Second, "fetch wait: %v is not within 1 ms to 10 s", c.FetchWait)
	wrong(c.SessionTimeout < 6*time.Second || c.SessionTimeout > 30*time.Minute, "session timeout: %v is not within Kafka's bounds of 6 s to 30 min", c.SessionTimeout)
	wrong(c.StopTimeout < 0, "stop timeout: %v is negative", c.StopTimeout)
	return errors.Join(errs...)
}
