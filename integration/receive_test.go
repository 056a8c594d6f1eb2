package integration

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	oteltrace "go.opentelemetry.io/otel/trace"

	"tidegauge/ingest"
	"tidegauge/schemas"
	"tidegauge/testenv"
)

// poster is a client that repeats what was not acknowledged, and notes what was.
type poster struct {
	name string
	// post has the n-th batch acknowledged, however often it has to be sent. Its requests are those of batchOf.
	post func(ctx context.Context, n int) error
}

const batchOf = 20

// TestReceiveThroughRestarts: Kafka is killed and comes back while clients post lines, and OpenTelemetry's SDK spans over
// HTTP and gRPC. Everything that was acknowledged is on the topic; nothing that was repeated is there as something else.
func TestReceiveThroughRestarts(t *testing.T) {
	if testing.Short() {
		t.Skip("the long lane restarts Kafka")
	}
	cluster := testenv.KafkaCluster(t, 1)
	const parts = 6
	topic := testenv.Unique(t)
	testenv.CreateTopic(t, cluster.Addrs()[0], topic, parts)
	config := ingest.DefaultReceiverConfig()
	config.HTTP, config.GRPC = "127.0.0.1:0", "127.0.0.1:0"
	config.Producer.Kafka.Brokers, config.Producer.Topic, config.Wait = cluster.Addrs(), topic, 500*time.Millisecond
	receiver, err := ingest.NewReceiver(config, ingest.ReceiverDependencies{})
	if err != nil {
		t.Fatal(err)
	}
	if err := receiver.Start(t.Context()); err != nil {
		t.Fatal(err)
	}

	var repeated atomic.Int64
	ledger := make(map[string]int64) // acknowledged requests by service
	var mutex sync.Mutex
	var all sync.WaitGroup
	stop := make(chan struct{})
	posters := []poster{httpTraces(t, receiver.HTTPAddr()), grpcTraces(t, receiver.GRPCAddr())}
	for i := range 3 {
		posters = append(posters, lines(fmt.Sprint("lines-", i), receiver.HTTPAddr(), &repeated))
	}
	for _, p := range posters {
		all.Go(func() {
			for n := 0; ; n++ {
				select {
				case <-stop:
					return
				default:
				}
				if err := p.post(t.Context(), n); err != nil {
					t.Errorf("%s, batch %d: %v", p.name, n, err)
					return
				}
				mutex.Lock()
				ledger[p.name] += batchOf
				mutex.Unlock()
			}
		})
	}
	acknowledged := func() (n int64) {
		mutex.Lock()
		defer mutex.Unlock()
		least := int64(1 << 62)
		for _, p := range posters {
			least = min(least, ledger[p.name])
		}
		return least
	}
	began := time.Now()
	lap := func(what string) { t.Logf("%s: %v", what, time.Since(began).Round(time.Millisecond)) }
	await := func(n int64) {
		t.Helper()
		for deadline := time.Now().Add(time.Minute); acknowledged() < n; time.Sleep(5 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatalf("%d requests are acknowledged after a minute", acknowledged())
			}
		}
	}
	await(3 * batchOf)
	lap("begun")
	if err := cluster.Kill(0); err != nil {
		t.Fatal(err)
	}
	for repeated.Load() < 3 {
		time.Sleep(5 * time.Millisecond)
	}
	if err := receiver.Ready(t.Context()); err == nil {
		t.Error("ready without Kafka")
	}
	if err := cluster.Restart(0); err != nil {
		t.Fatal(err)
	}
	lap("restarted")
	await(acknowledged() + 3*batchOf)
	close(stop)
	all.Wait()
	lap("acknowledged")
	if err := receiver.Stop(t.Context()); err != nil {
		t.Error(err)
	}
	lap("stopped")

	records, found := topicRequests(t, cluster.Addrs()[0], topic, parts)
	for _, p := range posters {
		if int64(len(found[p.name])) != ledger[p.name] {
			t.Errorf("%s: %d requests are on the topic, %d were acknowledged", p.name, len(found[p.name]), ledger[p.name])
		}
	}
	lap("read")
	t.Logf("%d records; posts of lines repeated: %d; acknowledged: %v", records, repeated.Load(), ledger)
}

// lines posts canonical lines.
func lines(name, address string, repeated *atomic.Int64) poster {
	return poster{name, func(ctx context.Context, n int) error {
		var body strings.Builder
		for i := range batchOf {
			fmt.Fprintf(&body, `{"service":%q,"model":"m","arrival_us":%d,"request_id":"r%d","outcome":"ok"}`+"\n", name, trafficStart.UnixMicro()+int64(i), n*batchOf+i)
		}
		for {
			request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+address+"/v1/requests", strings.NewReader(body.String()))
			if err != nil {
				return err
			}
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				return err
			}
			text, err := io.ReadAll(response.Body)
			response.Body.Close()
			switch {
			case err != nil:
				return err
			case response.StatusCode == http.StatusOK:
				return nil
			case response.StatusCode != http.StatusServiceUnavailable:
				return fmt.Errorf("status %d: %s", response.StatusCode, text)
			}
			repeated.Add(1)
		}
	}}
}

func httpTraces(t *testing.T, address string) poster {
	exporter, err := otlptracehttp.New(t.Context(), otlptracehttp.WithEndpoint(address), otlptracehttp.WithInsecure(), otlptracehttp.WithTimeout(time.Minute),
		otlptracehttp.WithRetry(otlptracehttp.RetryConfig{Enabled: true, InitialInterval: 50 * time.Millisecond, MaxInterval: 200 * time.Millisecond, MaxElapsedTime: time.Minute}))
	if err != nil {
		t.Fatal(err)
	}
	return spans(t, "traces-http", exporter)
}

func grpcTraces(t *testing.T, address string) poster {
	exporter, err := otlptracegrpc.New(t.Context(), otlptracegrpc.WithEndpoint(address), otlptracegrpc.WithInsecure(), otlptracegrpc.WithTimeout(time.Minute),
		otlptracegrpc.WithRetry(otlptracegrpc.RetryConfig{Enabled: true, InitialInterval: 50 * time.Millisecond, MaxInterval: 200 * time.Millisecond, MaxElapsedTime: time.Minute}))
	if err != nil {
		t.Fatal(err)
	}
	return spans(t, "traces-grpc", exporter)
}

// spans posts calls that show as two spans each, a client's below a library's.
func spans(t *testing.T, name string, exporter sdktrace.SpanExporter) poster {
	provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(exporter, sdktrace.WithExportTimeout(time.Minute), sdktrace.WithBlocking()),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", name))))
	t.Cleanup(func() { provider.Shutdown(context.Background()) })
	tracer := provider.Tracer("test")
	return poster{name, func(ctx context.Context, n int) error {
		for i := range batchOf {
			attributes := oteltrace.WithAttributes(attribute.String("gen_ai.operation.name", "chat"), attribute.String("gen_ai.request.model", "m"), attribute.Int("gen_ai.usage.input_tokens", n*batchOf+i))
			outer, library := tracer.Start(ctx, "chat m", attributes)
			_, call := tracer.Start(outer, "chat m", attributes, oteltrace.WithSpanKind(oteltrace.SpanKindClient))
			call.End()
			library.End()
		}
		return provider.ForceFlush(ctx)
	}}
}

// topicRequests gives the number of records on a topic, and the identities of the requests by service. A request without a
// twin of another identity is there once, however many records it has.
func topicRequests(t *testing.T, address, topic string, parts int) (records int, found map[string]map[string]bool) {
	t.Helper()
	transport := &kafka.Transport{}
	defer transport.CloseIdleConnections()
	client := &kafka.Client{Addr: kafka.TCP(address), Timeout: 10 * time.Second, Transport: transport}
	found = make(map[string]map[string]bool)
	for p := range parts {
		for offset := int64(0); ; {
			response, err := client.Fetch(t.Context(), &kafka.FetchRequest{Topic: topic, Partition: p, Offset: offset, MaxBytes: 8 << 20, MinBytes: 1, MaxWait: time.Millisecond})
			if err == nil {
				err = response.Error
			}
			if err != nil {
				t.Fatal(err)
			}
			if response.HighWatermark == offset {
				break
			}
			for {
				record, err := response.Records.ReadRecord()
				if err != nil {
					break
				}
				value, err := kafka.ReadAll(record.Value)
				if err != nil {
					t.Fatal(err)
				}
				offset = record.Offset + 1
				records++
				var d schemas.Decoder
				var q schemas.Request
				if err := d.Decode(value, &q); err != nil {
					t.Fatal(err)
				}
				if found[q.Service] == nil {
					found[q.Service] = make(map[string]bool)
				}
				found[q.Service][fmt.Sprint(q.ArrivalUS, " ", q.RequestID, " ", q.Content())] = true
			}
		}
	}
	return records, found
}
