package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"tidegauge/broker"
)

// KafkaVersion is the Apache Kafka the integration tests run against; deploy/kafka/pom.xml and docker-compose.yml
// name the same one.
const KafkaVersion = "4.3.1"

// KafkaVariable names an Apache Kafka that runs already (host:port). The tests use it and leave it running.
const KafkaVariable = "TIDEGAUGE_TEST_KAFKA"

// ErrKafkaMissing says that there is no Java or that there are no jars here to start an Apache Kafka from.
var ErrKafkaMissing = errors.New("an Apache Kafka cannot be started here")

var sharedKafka struct {
	once    sync.Once
	cluster *Cluster
	addr    string
	err     error
}

// Kafka gives the bootstrap address of a real Apache Kafka with one node. All tests of a binary share it, and all
// binaries of a run where TIDEGAUGE_TEST_KAFKA is set (`make test` sets it): take a topic and a group of your own,
// named with KafkaTopic and Unique. Without Java or jars the test is skipped, or fails where CI=true.
func Kafka(t testing.TB) string {
	t.Helper()
	sharedKafka.once.Do(func() {
		if sharedKafka.addr = os.Getenv(KafkaVariable); sharedKafka.addr != "" {
			ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
			defer cancel()
			if err := awaitBrokers(ctx, []string{sharedKafka.addr}, 1); err != nil {
				sharedKafka.err = fmt.Errorf("%s=%s: %w", KafkaVariable, sharedKafka.addr, err)
			}
			return
		}
		sharedKafka.cluster, sharedKafka.err = StartKafka(1)
		if sharedKafka.err == nil {
			sharedKafka.addr = sharedKafka.cluster.Addrs()[0]
		}
	})
	requireKafka(t, sharedKafka.err)
	return sharedKafka.addr
}

// stopKafka ends the shared Kafka if this process started one. Main calls it after the last test.
func stopKafka() {
	if sharedKafka.cluster != nil {
		sharedKafka.cluster.Stop()
	}
}

// KafkaCluster starts an Apache Kafka of n nodes for one test. With three or more, topics have three replicas and
// acks=all wants two of them, so that any one node may be killed.
func KafkaCluster(t testing.TB, n int) *Cluster {
	t.Helper()
	c, err := StartKafka(n)
	requireKafka(t, err)
	t.Cleanup(func() {
		if t.Failed() {
			for _, node := range c.nodes {
				t.Logf("the log of Kafka node %d ends:\n%s", node.id, node.logTail())
			}
		}
		c.Stop()
	})
	return c
}

func requireKafka(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrKafkaMissing) && os.Getenv("CI") != "true":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}

// KafkaTopic makes a topic of its own for the test on the shared Kafka and gives its name.
func KafkaTopic(t testing.TB, partitions int) string {
	t.Helper()
	addr := Kafka(t)
	topic := Unique(t)
	CreateTopic(t, addr, topic, partitions)
	return topic
}

// Broker starts the embedded broker on a temporary folder for one test and gives its address. It starts in
// milliseconds: for tests that need a log, but not Kafka's own behaviour. It does not flush to the disk, which tests
// that only kill processes do not need.
func Broker(t testing.TB) string {
	t.Helper()
	c := broker.DefaultConfiguration()
	c.Listen = "127.0.0.1:0"
	c.DataDir = t.TempDir()
	c.SyncWrites = false
	b, err := broker.New(c, broker.Dependencies{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Stop(); err != nil {
			t.Error(err)
		}
	})
	return b.Addr()
}

// CreateTopic makes a topic on any broker, with the broker's own replication factor, and waits until every partition
// has a leader.
func CreateTopic(t testing.TB, addr, topic string, partitions int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	client, done := kafkaClient(addr)
	defer done()
	response, err := client.CreateTopics(ctx, &kafka.CreateTopicsRequest{
		Topics: []kafka.TopicConfig{{Topic: topic, NumPartitions: partitions, ReplicationFactor: -1}},
	})
	if err == nil {
		err = response.Errors[topic]
	}
	for err == nil {
		var metadata *kafka.MetadataResponse
		if metadata, err = client.Metadata(ctx, &kafka.MetadataRequest{Topics: []string{topic}}); err != nil {
			break
		}
		led := 0
		for _, t := range metadata.Topics {
			for _, p := range t.Partitions {
				if p.Error == nil && p.Leader.Port != 0 {
					led++
				}
			}
		}
		if led == partitions {
			return
		}
		err = pause(ctx)
	}
	t.Fatalf("making topic %s with %d partitions on %s: %v", topic, partitions, addr, err)
}

var (
	uniqueMu sync.Mutex
	uniqueN  int
)

// Unique gives a name nobody else uses, good for a topic or a consumer group, that says which test it belongs to.
func Unique(t testing.TB) string {
	uniqueMu.Lock()
	uniqueN++
	n := uniqueN
	uniqueMu.Unlock()
	name := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', r == '-':
			return r
		}
		return '-'
	}, t.Name())
	// A name has at most 249 characters; the end of a long test name tells more than its beginning.
	if len(name) > 150 {
		name = name[len(name)-150:]
	}
	return fmt.Sprintf("test-%s-%d-%d-%d", name, os.Getpid(), time.Now().UnixMilli(), n)
}

// kafkaInstallation says where Java and the jars are, or what to do about it.
func kafkaInstallation() (java, jars string, err error) {
	if home := os.Getenv("JAVA_HOME"); home != "" {
		java = filepath.Join(home, "bin", "java")
	} else if java, err = exec.LookPath("java"); err != nil {
		return "", "", fmt.Errorf("%w: no java in PATH: install a Java runtime, 17 or newer (Debian: "+
			"apt-get install default-jre-headless), or name a Kafka that runs: %s=host:port", ErrKafkaMissing, KafkaVariable)
	}
	cache := os.Getenv("XDG_CACHE_HOME")
	if cache == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", "", fmt.Errorf("%w: looking for the jars: %w", ErrKafkaMissing, err)
		}
		cache = filepath.Join(home, ".cache")
	}
	jars = filepath.Join(cache, "tidegauge", "kafka", KafkaVersion)
	// The stamp is written last, when every jar has its checksum.
	if _, err := os.Stat(filepath.Join(jars, "SHA256SUMS")); err != nil {
		return "", "", fmt.Errorf("%w: no jars in %s: run `make kafka`, or name a Kafka that runs: %s=host:port",
			ErrKafkaMissing, jars, KafkaVariable)
	}
	return java, jars, nil
}
