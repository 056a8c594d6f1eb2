package ingest

import (
	"context"
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"

	"tidegauge/schemas"
)

// stored is a record as a consumer sees it.
type stored struct{ key, value string }

// consume reads all records of the topic, by partition.
func consume(t testing.TB, brokers []string, topic string, partitions int) [][]stored {
	t.Helper()
	out := make([][]stored, partitions)
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(brokers...), Timeout: 10 * time.Second, Transport: transport}
	for p := range partitions {
		for {
			response, err := client.Fetch(context.Background(), &kafka.FetchRequest{Topic: topic, Partition: p, Offset: int64(len(out[p])), MaxBytes: 8 << 20, MinBytes: 1, MaxWait: time.Millisecond})
			if err == nil {
				err = response.Error
			}
			if err != nil {
				t.Fatal(err)
			}
			if response.HighWatermark == int64(len(out[p])) {
				break
			}
			for {
				record, err := response.Records.ReadRecord()
				if err != nil {
					break
				}
				key, _ := kafka.ReadAll(record.Key)
				value, _ := kafka.ReadAll(record.Value)
				out[p] = append(out[p], stored{string(key), string(value)})
			}
		}
	}
	return out
}

// request makes the i-th request of a service.
func request(service string, i int) schemas.Request {
	var q schemas.Request
	q.Reset()
	q.Service, q.Model, q.Outcome, q.ArrivalUS, q.RequestID, q.Seq = service, "m", schemas.OK, int64(i)*1000, fmt.Sprintf("x:%d", i), int64(i)
	return q
}

func newProducer(t testing.TB, c *kfake.Cluster, change func(*ProducerConfig)) *Producer {
	t.Helper()
	config := DefaultProducerConfig()
	config.Kafka.Brokers = c.ListenAddrs()
	config.Linger = 5 * time.Millisecond
	if change != nil {
		change(&config)
	}
	p, err := NewProducer(config)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// checkStored: every request of each service is there, in the partition its key leads to, in order; more often than
// once only where batches were repeated.
func checkStored(t *testing.T, all [][]stored, services []string, each int, repeats bool) {
	t.Helper()
	for _, service := range services {
		next := 0
		for _, record := range all[schemas.Partition(service, len(all))] {
			if record.key != service {
				continue
			}
			var d schemas.Decoder
			var q schemas.Request
			if err := d.Decode([]byte(record.value), &q); err != nil || q.Service != service {
				t.Fatalf("%s: %v", record.value, err)
			}
			switch n := int(q.Seq); {
			case n == next:
				next++
			case n > next, !repeats:
				t.Fatalf("%s: %d where %d should be", service, n, next)
			default:
				next = n + 1 // a batch again, whole and in its order
			}
		}
		if next != each {
			t.Errorf("%s: %d requests of %d", service, next, each)
		}
	}
	total := 0
	for _, p := range all {
		total += len(p)
	}
	if total != each*len(services) && !repeats {
		t.Errorf("%d records of %d", total, each*len(services))
	}
}

var services = []string{"a", "b", "chat", "code", "emb-large", "Zürich", "s6", "s7"}

func TestProduce(t *testing.T) {
	for _, compression := range []string{"none", "lz4", "zstd"} {
		t.Run(compression, func(t *testing.T) {
			c := newCluster(t, 5)
			var progress Progress
			p := newProducer(t, c, func(config *ProducerConfig) {
				config.Compression, config.BatchBytes, config.Progress = compression, 20_000, &progress
			})
			const each = 2_000
			for i := range each {
				var batch []schemas.Request
				for _, s := range services {
					batch = append(batch, request(s, i))
				}
				if err := p.Write(t.Context(), batch); err != nil {
					t.Fatal(err)
				}
				batch[0].Service = "written before it was copied"
			}
			if err := p.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			if n := int64(each * len(services)); p.Written() != n || progress.Written.Load() != n || p.Partitions() != 5 {
				t.Errorf("%d written, %d in progress, %d partitions", p.Written(), progress.Written.Load(), p.Partitions())
			}
			checkStored(t, consume(t, c.ListenAddrs(), schemas.RequestsTopic, 5), services, each, false)
		})
	}
}

// TestLinger: a lone request does not wait for a full batch.
func TestLinger(t *testing.T) {
	c := newCluster(t, 1)
	p := newProducer(t, c, nil)
	if err := p.Write(t.Context(), []schemas.Request{request("a", 0)}); err != nil {
		t.Fatal(err)
	}
	for start := time.Now(); p.Written() == 0; time.Sleep(time.Millisecond) {
		if time.Since(start) > 5*time.Second {
			t.Fatal("nothing was written")
		}
	}
}

// TestTransientErrors: what the cluster refuses at the moment is sent again, in order, and so is what it took without
// saying so.
func TestTransientErrors(t *testing.T) {
	for _, fault := range []*kerr.Error{kerr.NotLeaderForPartition, kerr.RequestTimedOut, kerr.NotEnoughReplicasAfterAppend, kerr.UnknownTopicOrPartition, kerr.UnknownServerError} {
		t.Run(fault.Message, func(t *testing.T) {
			c := newCluster(t, 3)
			p := newProducer(t, c, func(config *ProducerConfig) { config.BatchBytes = 10_000 })
			c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: fault, Count: 3})
			const each = 500
			for i := range each {
				if err := p.Write(t.Context(), []schemas.Request{request("a", i), request("b", i)}); err != nil {
					t.Fatal(err)
				}
			}
			if err := p.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
			checkStored(t, consume(t, c.ListenAddrs(), schemas.RequestsTopic, 3), []string{"a", "b"}, each, true)
			if p.Written() != 2*each {
				t.Errorf("%d written", p.Written())
			}
		})
	}
}

func TestLastingErrors(t *testing.T) {
	c := newCluster(t, 3)
	p := newProducer(t, c, func(config *ProducerConfig) { config.BatchBytes = 10_000 })
	if err := p.Write(t.Context(), []schemas.Request{request("a", 0)}); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.TopicAuthorizationFailed, Count: -1})
	var err error
	for i := 0; err == nil && i < 100_000; i++ {
		err = p.Write(t.Context(), []schemas.Request{request("a", 1+i)})
	}
	for _, want := range []string{"writing to topic " + schemas.RequestsTopic + ", partition ", c.ListenAddrs()[0], "grant it DESCRIBE and WRITE"} {
		if !strings.Contains(errText(err), want) {
			t.Errorf("%v\nlacks %s", err, want)
		}
	}
	if flushed := p.Flush(t.Context()); !errors.Is(flushed, err) || p.Written() != 1 {
		t.Errorf("%d written, %v", p.Written(), flushed)
	}
}

// TestImpatience: a broker that stays away ends the writing once patience does.
func TestImpatience(t *testing.T) {
	c := newCluster(t, 1)
	p := newProducer(t, c, func(config *ProducerConfig) { config.Patience = 300 * time.Millisecond })
	address := c.ListenAddrs()[0]
	c.Close()
	if err := p.Write(t.Context(), []schemas.Request{request("a", 0)}); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(t.Context()); !strings.Contains(errText(err), "partition 0: kafka at "+address) {
		t.Error(err)
	}
}

// TestTooLarge: a batch that is too much for the topic is sent in halves; a request that is, alone, is told of.
func TestTooLarge(t *testing.T) {
	c := newCluster(t, 1, kfake.BrokerConfigs(map[string]string{"message.max.bytes": "5000"}))
	var mutex sync.Mutex
	var large []*TooLargeError
	p := newProducer(t, c, func(config *ProducerConfig) {
		config.TooLarge = func(e *TooLargeError) {
			mutex.Lock()
			defer mutex.Unlock()
			large = append(large, e)
		}
	})
	var batch []schemas.Request
	for i := range 500 {
		batch = append(batch, request("a", i))
	}
	huge := request("a", 500)
	huge.PrefixHashes = make([]uint64, 5000)
	batch = append(batch, huge)
	if err := p.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkStored(t, consume(t, c.ListenAddrs(), schemas.RequestsTopic, 1), []string{"a"}, 500, false)
	if len(large) != 1 || p.Written() != 500 || !strings.HasPrefix(large[0].Error(), "request x:500 of service a takes 10") {
		t.Errorf("%d written, %v", p.Written(), large)
	}
	strict := newProducer(t, c, nil)
	if err := strict.Write(t.Context(), batch); err != nil {
		t.Fatal(err)
	}
	var e *TooLargeError
	if err := strict.Flush(t.Context()); !errors.As(err, &e) {
		t.Error(err)
	}
}

// TestRestart: the broker goes away in the middle and comes back with what it had.
func TestRestart(t *testing.T) {
	dir := t.TempDir()
	port := freePort(t)
	start := func() (*kfake.Cluster, error) {
		return kfake.NewCluster(kfake.NumBrokers(1), kfake.Ports(port), kfake.DataDir(dir), kfake.SyncWrites(), kfake.SeedTopics(3, schemas.RequestsTopic))
	}
	c, err := start()
	if err != nil {
		t.Fatal(err)
	}
	p := newProducer(t, c, func(config *ProducerConfig) { config.BatchBytes = 5_000 })
	const each = 3_000
	restarted := make(chan struct{})
	for i := range each {
		if i == each/3 {
			c.Close()
			go func() {
				defer close(restarted)
				time.Sleep(100 * time.Millisecond)
				c, err = start()
			}()
		}
		if err := p.Write(t.Context(), []schemas.Request{request("a", i), request("b", i), request("chat", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if <-restarted; err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkStored(t, consume(t, c.ListenAddrs(), schemas.RequestsTopic, 3), []string{"a", "b", "chat"}, each, true)
}

// TestMovedLeader: partitions change their leader while they are written to.
func TestMovedLeader(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(3), kfake.SeedTopics(3, schemas.RequestsTopic))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	p := newProducer(t, c, func(config *ProducerConfig) { config.BatchBytes = 5_000 })
	const each = 1_000
	for i := range each {
		if i == each/2 {
			for partition := range int32(3) {
				if err := c.MoveTopicPartition(schemas.RequestsTopic, partition, (c.LeaderFor(schemas.RequestsTopic, partition)+1)%3); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := p.Write(t.Context(), []schemas.Request{request("a", i), request("b", i), request("chat", i)}); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	checkStored(t, consume(t, c.ListenAddrs(), schemas.RequestsTopic, 3), []string{"a", "b", "chat"}, each, true)
}

func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

func TestTopic(t *testing.T) {
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.DefaultNumPartitions(3))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	newProducerOn := func(topic string, partitions int) (*Producer, error) {
		config := DefaultProducerConfig()
		config.Kafka.Brokers, config.Topic, config.Partitions = c.ListenAddrs(), topic, partitions
		p, err := NewProducer(config)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { p.Close() })
		return p, p.Start(t.Context())
	}
	for _, test := range []struct {
		topic      string
		ask, found int
		err        string
	}{
		{"new", 0, DefaultPartitions, ""},
		{"new", 0, DefaultPartitions, ""},
		{"new", DefaultPartitions, DefaultPartitions, ""},
		{"new", 7, 0, "topic new has 12 partitions, not the 7 asked for: leave --kafka-partitions out"},
		{"seven", 7, 7, ""},
	} {
		p, err := newProducerOn(test.topic, test.ask)
		if !strings.HasPrefix(errText(err), test.err) && !strings.Contains(errText(err), test.err) || (test.err == "") != (err == nil) || (err == nil && p.Partitions() != test.found) {
			t.Errorf("%s, %d: %d partitions, %v", test.topic, test.ask, p.Partitions(), err)
		}
	}
	c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.CreateTopics}, Err: kerr.TopicAuthorizationFailed, Count: 1})
	if _, err := newProducerOn("forbidden", 0); !strings.Contains(errText(err), "topic forbidden does not exist, and the broker does not let it be made") ||
		!strings.Contains(errText(err), "kafka-topics.sh --create --topic forbidden --partitions 12") {
		t.Error(err)
	}
}

func TestNoBroker(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // takes connections and says nothing
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	secure, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.EnableSASL(), kfake.Superuser("PLAIN", "admin", "secret"), kfake.User("SCRAM-SHA-256", "u", "p"), kfake.SeedTopics(1, schemas.RequestsTopic))
	if err != nil {
		t.Fatal(err)
	}
	defer secure.Close()
	refused := fmt.Sprintf("127.0.0.1:%d", freePort(t))
	for name, test := range map[string]struct {
		change func(*KafkaConfig)
		want   string
	}{
		"refused":       {func(k *KafkaConfig) { k.Brokers = []string{refused} }, "kafka at " + refused + ": "},
		"refused, hint": {func(k *KafkaConfig) { k.Brokers = []string{refused} }, "connection refused (nothing listens there: is the broker running, and is its address right (--brokers)?)"},
		"one of two": {func(k *KafkaConfig) {
			k.Brokers = []string{refused, secure.ListenAddrs()[0]}
			k.SASL = SASLConfig{"plain", "admin", "secret"}
		}, ""},
		"silent":         {func(k *KafkaConfig) { k.Brokers = []string{silent.Addr().String()} }, "no answer in time"},
		"wrong password": {func(k *KafkaConfig) { k.Brokers = secure.ListenAddrs(); k.SASL = SASLConfig{"plain", "admin", "x"} }, "the user"},
		"no login":       {func(k *KafkaConfig) { k.Brokers = secure.ListenAddrs() }, "does this port want TLS or SASL?"},
		"plain": {func(k *KafkaConfig) {
			k.Brokers = secure.ListenAddrs()
			k.SASL = SASLConfig{"plain", "admin", "secret"}
		}, ""},
		"tls": {func(k *KafkaConfig) { k.Brokers = secure.ListenAddrs(); k.TLS.Enabled = true }, "kafka at "},
	} {
		t.Run(name, func(t *testing.T) {
			config := DefaultProducerConfig()
			config.ConnectPatience = 500 * time.Millisecond
			if test.want == "" { // which a busy machine takes its time for
				config.ConnectPatience = time.Minute
			}
			test.change(&config.Kafka)
			p, err := NewProducer(config)
			if err != nil {
				t.Fatal(err)
			}
			defer p.Close()
			if err := p.Start(context.Background()); (test.want == "") != (err == nil) || !strings.Contains(errText(err), test.want) {
				t.Errorf("%v, want %s", err, test.want)
			}
		})
	}
}

// TestSecure: encrypted, and logged in by SCRAM.
func TestSecure(t *testing.T) {
	server := httptest.NewTLSServer(nil) // for its certificate
	defer server.Close()
	c, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(1, schemas.RequestsTopic), kfake.TLS(&tls.Config{Certificates: server.TLS.Certificates}),
		kfake.EnableSASL(), kfake.Superuser("SCRAM-SHA-256", "u", "p"), kfake.Superuser("SCRAM-SHA-512", "v", "q"))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	ca := writeFile(t, "ca.pem", string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: server.Certificate().Raw})))
	for _, test := range []struct {
		tls      TLSConfig
		sasl     SASLConfig
		want     string
		patience time.Duration
	}{
		{TLSConfig{Enabled: true, CAFile: ca}, SASLConfig{"scram-sha-256", "u", "p"}, "", time.Minute},
		{TLSConfig{Enabled: true, Insecure: true}, SASLConfig{"scram-sha-512", "v", "q"}, "", time.Minute},
		{TLSConfig{Enabled: true}, SASLConfig{"scram-sha-256", "u", "p"}, "certificate is not trusted", time.Minute},
		{TLSConfig{Enabled: true, CAFile: ca, ServerName: "elsewhere"}, SASLConfig{"scram-sha-256", "u", "p"}, "certificate is not trusted", time.Minute},
		{TLSConfig{Enabled: true, CAFile: ca + "x"}, SASLConfig{}, "ca.pemx: no such file", time.Minute},
		{TLSConfig{Enabled: true, CAFile: "kafka.go"}, SASLConfig{}, "kafka.go holds no certificate", time.Minute},
		{TLSConfig{}, SASLConfig{"scram-sha-256", "u", "p"}, "kafka at ", 500 * time.Millisecond}, // which is tried until the end
	} {
		config := DefaultProducerConfig()
		config.ConnectPatience = test.patience
		config.Kafka.Brokers, config.Kafka.TLS, config.Kafka.SASL = c.ListenAddrs(), test.tls, test.sasl
		p, err := NewProducer(config)
		if err != nil {
			t.Fatal(err)
		}
		err = p.Start(t.Context())
		if (test.want == "") != (err == nil) || !strings.Contains(errText(err), test.want) {
			t.Errorf("%+v %+v: %v, want %s", test.tls, test.sasl, err, test.want)
		}
		if err == nil {
			err = errors.Join(p.Write(t.Context(), []schemas.Request{request("a", 0)}), p.Flush(t.Context()))
		}
		if test.want == "" && err != nil {
			t.Error(err)
		}
		p.Close()
		if test.want == "" { // the other way of franz-go
			from := fromTopicConfig("", schemas.RequestsTopic, "copies", "canonical")
			from.Group = test.sasl.Mechanism
			from.Producer.Kafka = config.Kafka
			if result, err := RunFromTopic(t.Context(), from); err != nil || result.Written == 0 {
				t.Errorf("%+v, %v", result, err)
			}
		}
	}
}

// TestExplain: every kind of error comes with what to do.
func TestExplain(t *testing.T) {
	for want, err := range map[string]error{
		"no answer in time":             &net.OpError{Op: "read", Err: os.ErrDeadlineExceeded},
		"the name is not known here":    &net.DNSError{Name: "kafka-1", Err: "no such host"},
		"certificate is not trusted":    &tls.CertificateVerificationError{Err: errors.New("x509")},
		"does not speak TLS":            tls.RecordHeaderError{Msg: "first record does not look like a TLS handshake"},
		"knows no such SASL mechanism":  kafka.UnsupportedSASLMechanism,
		"refuses the user":              kafka.SASLAuthenticationFailed,
		"nothing listens there":         syscall.ECONNREFUSED,
		"kafka at localhost:9092: what": errors.New("what"),
	} {
		if got := DefaultKafkaConfig().explain(fmt.Errorf("call: %w", err)); !strings.Contains(strings.Replace(got.Error(), "call: ", "", 1), want) || !errors.Is(got, err) {
			t.Errorf("%v, want %s", got, want)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	c := DefaultConfig()
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	c.Producer.Kafka = KafkaConfig{Brokers: []string{"localhost"}, SASL: SASLConfig{Mechanism: "gssapi", User: "u"}, TLS: TLSConfig{CAFile: "x", CertFile: "y"}}
	c.Producer.Topic, c.Producer.Compression, c.Producer.BatchBytes, c.Producer.Partitions = "a topic", "brotli", 0, -1
	c.Reader.Format, c.Pace = "xml", -1
	err := c.Validate()
	for _, want := range []string{`"localhost" is not host:port`, "unknown mechanism", "configured but not enabled", "needs both", `topic: "a topic" is no name`, "brotli", "batch bytes", "negative", `unknown format "xml"`, "pace"} {
		if !strings.Contains(errText(err), want) {
			t.Errorf("%v\nlacks %s", err, want)
		}
	}
	if err := (KafkaConfig{SASL: SASLConfig{Mechanism: "plain"}}).Validate(); !strings.Contains(errText(err), "the user is missing") || !strings.Contains(errText(err), "none is given") {
		t.Error(err)
	}
}
