package testenv

import (
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
)

func TestMain(m *testing.M) { Main(m) }

// roundTrip produces one record through a broker and reads it back through a consumer group that commits.
func roundTrip(t *testing.T, addr, topic, value string) {
	t.Helper()
	client, done := kafkaClient(addr)
	defer done()
	response, err := client.Produce(t.Context(), &kafka.ProduceRequest{
		Topic: topic, RequiredAcks: kafka.RequireAll,
		Records: kafka.NewRecordReader(kafka.Record{Value: kafka.NewBytes([]byte(value))}),
	})
	if err == nil {
		err = response.Error
	}
	if err != nil {
		t.Fatalf("producing: %v", err)
	}
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{addr}, Topic: topic, GroupID: Unique(t), StartOffset: kafka.FirstOffset,
		JoinGroupBackoff: 50 * time.Millisecond, MaxWait: 100 * time.Millisecond,
	})
	defer reader.Close()
	for {
		message, err := reader.FetchMessage(t.Context())
		if err != nil {
			t.Fatalf("fetching: %v", err)
		}
		if err := reader.CommitMessages(t.Context(), message); err != nil {
			t.Fatalf("committing: %v", err)
		}
		if string(message.Value) == value {
			return
		}
	}
}

func TestKafka(t *testing.T) {
	topic := KafkaTopic(t, 1)
	roundTrip(t, Kafka(t), topic, "through Apache Kafka")
}

func TestBroker(t *testing.T) {
	addr := Broker(t)
	topic := Unique(t)
	CreateTopic(t, addr, topic, 1)
	roundTrip(t, addr, topic, "through the embedded broker")
}

// TestKafkaClusterLosesANode kills the leader of three nodes; with two left, acks from all go on.
func TestKafkaClusterLosesANode(t *testing.T) {
	if os.Getenv(LongVariable) == "" {
		t.Skip("starts three Kafka nodes and waits for one to be missed: make long; make chaos does the same to a pipeline")
	}
	c := KafkaCluster(t, 3)
	topic := Unique(t)
	CreateTopic(t, c.Addrs()[0], topic, 1)
	conn, err := kafka.DialLeader(t.Context(), "tcp", c.Addrs()[0], topic, 0)
	if err != nil {
		t.Fatal(err)
	}
	leader := slices.Index(c.Addrs(), conn.RemoteAddr().String())
	conn.Close()
	if err := c.Kill(leader); err != nil {
		t.Fatal(err)
	}
	client, done := kafkaClient(c.Addrs()[(leader+1)%3])
	defer done()
	for deadline := time.Now().Add(time.Minute); ; {
		response, err := client.Produce(t.Context(), &kafka.ProduceRequest{
			Topic: topic, RequiredAcks: kafka.RequireAll,
			Records: kafka.NewRecordReader(kafka.Record{Value: kafka.NewBytes([]byte("with two nodes"))}),
		})
		if err == nil && response.Error == nil {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("with node %d dead, producing still fails: %v", leader, err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err := c.Restart(leader); err != nil {
		t.Fatal(err)
	}
	roundTrip(t, c.Addrs()[leader], topic, "with three again")
}

// TestKafkaVersionIsOne: the tests, the jars and the compose file name one Kafka.
func TestKafkaVersionIsOne(t *testing.T) {
	for file, pattern := range map[string]string{
		"../deploy/kafka/pom.xml": `<kafka\.version>(.*)</kafka\.version>`,
		"../docker-compose.yml":   `image: apache/kafka:([^@\s]*)`,
	} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		found := regexp.MustCompile(pattern).FindStringSubmatch(string(text))
		if found == nil || found[1] != KafkaVersion {
			t.Errorf("%s names Kafka %q, testenv %q", strings.TrimPrefix(file, "../"), found, KafkaVersion)
		}
	}
}
