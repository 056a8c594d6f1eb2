package broker

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"strconv"

	"github.com/prometheus/client_golang/prometheus"
)

const (
	// minRetentionBytes keeps a partition's segments (an eighth of the retention) above the 1 MB batches ingest
	// sends; below that every batch would be a file.
	minRetentionBytes = 16 << 20
	// maxPartitions is far above what one machine consumes and far below what kfake, with two open files a
	// partition, can open.
	maxPartitions = 256
)

// Configuration of the embedded broker.
type Configuration struct {
	// Listen is the loopback address to listen on, host:port. Port 0 takes any free port; Addr tells which.
	Listen string
	// DataDir is the folder of the log and the committed offsets. It is made if needed, and belongs to one process at a
	// time.
	DataDir string
	// Topics are made at Start where they are missing. Clients cannot make topics by mentioning them.
	Topics []string
	// Partitions is the partition count of topics that are made; topics that exist keep theirs.
	Partitions int
	// RetentionBytes bounds each partition's log. Only records that every consumer group with offsets in the partition
	// has committed are deleted, so the log grows past the bound while a group is behind, and without a group.
	// 0 keeps everything.
	RetentionBytes int64
	// SyncWrites flushes every batch and commit to the disk before it is acknowledged. See the package's comment for
	// what it costs and what it saves.
	SyncWrites bool
}

// DefaultConfiguration is complete but for DataDir.
func DefaultConfiguration() Configuration {
	return Configuration{
		Listen: "127.0.0.1:9092",
		// Enough to spread tens of services over a laptop's cores, few enough that each still sees full batches.
		Partitions: 12,
		// About a million requests a partition to look at with Kafka's tools, and 3 GiB for the whole log, which a
		// start reads into memory, at worst.
		RetentionBytes: 256 << 20,
		SyncWrites:     true,
	}
}

// Validate reports every mistake at once.
func (c Configuration) Validate() error {
	var errs []error
	if host, port, err := net.SplitHostPort(c.Listen); err != nil {
		errs = append(errs, fmt.Errorf("listen address %q is not host:port: %w", c.Listen, err))
	} else {
		if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
			errs = append(errs, fmt.Errorf("listen address %q is not a loopback address: the embedded broker has no "+
				"authentication; use 127.0.0.1, or run an Apache Kafka", c.Listen))
		}
		if _, err := strconv.ParseUint(port, 10, 16); err != nil {
			errs = append(errs, fmt.Errorf("listen address %q: port is not in 0..65535", c.Listen))
		}
	}
	if c.DataDir == "" {
		errs = append(errs, errors.New("no data folder given for the embedded broker"))
	}
	if c.Partitions < 1 || c.Partitions > maxPartitions {
		errs = append(errs, fmt.Errorf("partitions is %d, want 1..%d", c.Partitions, maxPartitions))
	}
	if c.RetentionBytes != 0 && c.RetentionBytes < minRetentionBytes {
		errs = append(errs, fmt.Errorf("retention of %d bytes a partition is below %d (0 keeps everything)",
			c.RetentionBytes, minRetentionBytes))
	}
	for i, topic := range c.Topics {
		if err := checkTopic(topic); err != nil {
			errs = append(errs, fmt.Errorf("topic %d: %w", i+1, err))
		}
	}
	return errors.Join(errs...)
}

// topicName is Kafka's rule; kfake takes any name, which would then fail on a real Kafka only.
var topicName = regexp.MustCompile(`^[a-zA-Z0-9._-]{1,249}$`)

func checkTopic(name string) error {
	if !topicName.MatchString(name) || name == "." || name == ".." {
		return fmt.Errorf("%q is not a topic name: want 1 to 249 letters, digits, dots, underscores and hyphens", name)
	}
	return nil
}

// Dependencies of the embedded broker. All are optional.
type Dependencies struct {
	Logger     *slog.Logger
	Registerer prometheus.Registerer
}
