package ingest

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kmsg"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploggrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlplog/otlploghttp"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracegrpc"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/genproto/googleapis/rpc/errdetails"
	spb "google.golang.org/genproto/googleapis/rpc/status"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	grpcgzip "google.golang.org/grpc/encoding/gzip"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/proto"

	"tidegauge/schemas"
)

// TestReceiveFromSDK: OpenTelemetry's own SDK for Go sends spans and log events, over HTTP and gRPC, plain and compressed.
func TestReceiveFromSDK(t *testing.T) {
	c := newCluster(t, 4)
	const token = "a token of the tests"
	r := startReceiver(t, c.ListenAddrs(), func(config *ReceiverConfig) { config.Tokens = []string{token} })
	header := map[string]string{"Authorization": "Bearer " + token}
	ctx := t.Context()
	exporters := map[string]func() (sdktrace.SpanExporter, error){
		"http": func() (sdktrace.SpanExporter, error) {
			return otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(r.HTTPAddr()), otlptracehttp.WithInsecure(), otlptracehttp.WithHeaders(header))
		},
		"http-gzip": func() (sdktrace.SpanExporter, error) {
			return otlptracehttp.New(ctx, otlptracehttp.WithEndpoint(r.HTTPAddr()), otlptracehttp.WithInsecure(), otlptracehttp.WithHeaders(header), otlptracehttp.WithCompression(otlptracehttp.GzipCompression))
		},
		"grpc": func() (sdktrace.SpanExporter, error) {
			return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(r.GRPCAddr()), otlptracegrpc.WithInsecure(), otlptracegrpc.WithHeaders(header))
		},
		"grpc-gzip": func() (sdktrace.SpanExporter, error) {
			return otlptracegrpc.New(ctx, otlptracegrpc.WithEndpoint(r.GRPCAddr()), otlptracegrpc.WithInsecure(), otlptracegrpc.WithHeaders(header), otlptracegrpc.WithCompressor("gzip"))
		},
	}
	logExporters := map[string]func() (sdklog.Exporter, error){
		"http-logs": func() (sdklog.Exporter, error) {
			return otlploghttp.New(ctx, otlploghttp.WithEndpoint(r.HTTPAddr()), otlploghttp.WithInsecure(), otlploghttp.WithHeaders(header), otlploghttp.WithCompression(otlploghttp.GzipCompression))
		},
		"grpc-logs": func() (sdklog.Exporter, error) {
			return otlploggrpc.New(ctx, otlploggrpc.WithEndpoint(r.GRPCAddr()), otlploggrpc.WithInsecure(), otlploggrpc.WithHeaders(header))
		},
	}
	about := func(name string) *resource.Resource {
		return resource.NewSchemaless(attribute.String("service.name", name))
	}
	start := time.UnixMicro(1_767_571_201_000_000)
	const calls = 20
	want := map[string]int{}
	for name, exporter := range exporters {
		want[name] = calls
		e, err := exporter()
		if err != nil {
			t.Fatal(err)
		}
		provider := sdktrace.NewTracerProvider(sdktrace.WithBatcher(e, sdktrace.WithMaxExportBatchSize(7)), sdktrace.WithResource(about(name)))
		tracer := provider.Tracer("test")
		for i := range calls {
			attributes := trace.WithAttributes(attribute.String("gen_ai.operation.name", "chat"), attribute.String("gen_ai.request.model", "m"), attribute.Int("gen_ai.usage.input_tokens", i))
			at := start.Add(time.Duration(i) * time.Second)
			outer, agent := tracer.Start(ctx, "invoke_agent", trace.WithTimestamp(at), trace.WithAttributes(attribute.String("gen_ai.operation.name", "invoke_agent")))
			between, library := tracer.Start(outer, "chat m", trace.WithTimestamp(at), attributes, trace.WithSpanKind(trace.SpanKindInternal))
			_, request := tracer.Start(between, "chat m", trace.WithTimestamp(at), attributes, trace.WithSpanKind(trace.SpanKindClient))
			for _, span := range []trace.Span{request, library, agent} {
				span.End(trace.WithTimestamp(at.Add(500 * time.Millisecond)))
			}
		}
		if err := provider.Shutdown(ctx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for name, exporter := range logExporters {
		want[name] = calls
		e, err := exporter()
		if err != nil {
			t.Fatal(err)
		}
		provider := sdklog.NewLoggerProvider(sdklog.WithProcessor(sdklog.NewBatchProcessor(e, sdklog.WithExportMaxBatchSize(7))), sdklog.WithResource(about(name)))
		logger := provider.Logger("test")
		for i := range calls {
			var l log.Record
			l.SetTimestamp(start.Add(time.Duration(i) * time.Second))
			l.SetEventName(inferenceEvent)
			l.AddAttributes(attribute.String("gen_ai.operation.name", "chat"), attribute.String("gen_ai.request.model", "m"), attribute.Int("gen_ai.usage.input_tokens", i))
			logger.Emit(ctx, l)
			l.SetEventName("gen_ai.choice")
			logger.Emit(ctx, l)
		}
		if err := provider.Shutdown(ctx); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	all, _ := onTopic(t, c.ListenAddrs(), 4)
	got, tokens := map[string]int{}, map[string]int64{}
	for _, q := range all {
		got[q.Service]++
		tokens[q.Service] += q.RequestTokens
		if q.ElapsedUS != 500_000 && !strings.HasSuffix(q.Service, "logs") {
			t.Errorf("%s", schemas.AppendJSON(nil, &q))
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("requests by exporter: %s", diff)
	}
	for name, n := range tokens {
		if n != calls*(calls-1)/2 {
			t.Errorf("%s: %d tokens", name, n)
		}
	}
}

// tracesOf gives a message as pdata has it.
func tracesOf(t testing.TB, text string) ptraceotlp.ExportRequest {
	t.Helper()
	request := ptraceotlp.NewExportRequest()
	if err := request.UnmarshalJSON([]byte(text)); err != nil {
		t.Fatal(err)
	}
	return request
}

// TestReceiveOTLPAnswers: what of a message cannot be a request is rejected, counted and explained; the rest is kept. Answers
// come in the encoding of the message.
func TestReceiveOTLPAnswers(t *testing.T) {
	c := newCluster(t, 1)
	r := startReceiver(t, c.ListenAddrs(), nil)
	bad := message("s", spanOf("a", "", client, 1, 2, "gen_ai.request.model=m"), spanOf("b", "", client, 2, 1, "gen_ai.request.model=m"), spanOf("c", "", client, 1, 2, "http.request.method=GET"))
	entries := logMessage("s", logOf(`"eventName":"`+inferenceEvent+`"`, "gen_ai.request.model=m"), logOf(inference, "gen_ai.request.model=m"))
	sampled := logMessage("s", logOf(inference+`,"flags":1,"traceId":"00000000000000000000000000000001","spanId":"000000000000000f"`, "gen_ai.request.model=m"))
	metrics := `{"resourceMetrics":[{"scopeMetrics":[{"metrics":[{"name":"x","gauge":{"dataPoints":[{"asDouble":1},{"asDouble":2}]}}]}]}]}`
	for _, test := range []struct{ path, body, want string }{
		{"/v1/traces", bad, `{"partialSuccess":{"rejectedSpans":"1","errorMessage":"1 spans cannot be requests, the first because of endTimeUnixNano: is before startTimeUnixNano (span 000000000000000b)"}}`},
		{"/v1/logs", entries, `{"partialSuccess":{"rejectedLogRecords":"1","errorMessage":"1 log records cannot be requests, the first because of timeUnixNano: is missing"}}`},
		{"/v1/logs", sampled, `{"partialSuccess":{"errorMessage":"1 events of sampled spans were left to their spans, which say more: if those are not sent here, set receive.sampled_events"}}`},
		{"/v1/metrics", metrics, `{"partialSuccess":{"rejectedDataPoints":"2","errorMessage":"metrics are not kept here, only spans and log events of calls to models: turn their export off (OTEL_METRICS_EXPORTER=none)"}}`},
		{"/v1/traces", message("s"), `{}`},
		{"/v1/traces", `{}`, `{}`},
	} {
		got := send(t, r, test.path, test.body, "Content-Type", "application/json; charset=utf-8")
		if got.body == `{"partialSuccess":{}}` {
			got.body = "{}"
		}
		if diff := cmp.Diff(test.want, got.body); diff != "" || got.status != 200 || got.header.Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", test.path, got.status, diff)
		}
	}
	// The same in protobuf.
	body, err := tracesOf(t, bad).MarshalProto()
	if err != nil {
		t.Fatal(err)
	}
	got := send(t, r, "/v1/traces", string(body), "Content-Type", "application/x-protobuf")
	response := ptraceotlp.NewExportResponse()
	if err := response.UnmarshalProto([]byte(got.body)); err != nil || response.PartialSuccess().RejectedSpans() != 1 || got.header.Get("Content-Type") != "application/x-protobuf" {
		t.Errorf("%+v, %v", got, err)
	}
	if all, identities := onTopic(t, c.ListenAddrs(), 1); len(identities) != 2 {
		t.Errorf("%d requests", len(all))
	}
	for _, test := range []struct {
		name, kind, body string
		status           int
		want             string
	}{
		{"no OTLP", "text/plain", "hello", 415, "Content-Type"},
		{"no protobuf", "application/x-protobuf", "hello", 400, "otlp"},
		{"no JSON", "application/json", "hello", 400, "an object was expected"},
		{"JSON of another shape", "application/json", `{"resourceSpans":7}`, 400, "otlp"},
		{"nested", "application/json", `{"resourceSpans":` + strings.Repeat("[", 100_000), 400, "nested too deeply"},
	} {
		got := send(t, r, "/v1/traces", test.body, "Content-Type", test.kind)
		message := got.body
		if test.kind != "application/json" {
			var s spb.Status
			if err := proto.Unmarshal([]byte(got.body), &s); err != nil {
				t.Errorf("%s: %v", test.name, err)
			}
			message = s.Message
		}
		if got.status != test.status || !strings.Contains(message, test.want) {
			t.Errorf("%s: %+v", test.name, got)
		}
	}
	// Values within values, as deep as a message has room for.
	deep := ptraceotlp.NewExportRequest()
	span := deep.Traces().ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans().AppendEmpty()
	v := span.Attributes().PutEmpty("x")
	for range 5000 {
		v = v.SetEmptySlice().AppendEmpty()
	}
	if body, err = deep.MarshalProto(); err != nil {
		t.Fatal(err)
	}
	if got := send(t, r, "/v1/traces", string(body), "Content-Type", "application/x-protobuf"); got.status != 400 {
		t.Errorf("%+v", got)
	}
}

// dial gives a connection to the receiver over gRPC.
func dial(t testing.TB, r *Receiver, secure *tls.Config) *grpc.ClientConn {
	t.Helper()
	how := insecure.NewCredentials()
	if secure != nil {
		how = credentials.NewTLS(secure)
	}
	conn, err := grpc.NewClient(r.GRPCAddr(), grpc.WithTransportCredentials(how), grpc.WithDefaultCallOptions(grpc.UseCompressor(grpcgzip.Name)))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	return conn
}

// retryDelay is when a status says to come again.
func retryDelay(err error) time.Duration {
	for _, d := range status.Convert(err).Details() {
		if info, ok := d.(*errdetails.RetryInfo); ok {
			return info.RetryDelay.AsDuration()
		}
	}
	return 0
}

func TestReceiveGRPC(t *testing.T) {
	c := newCluster(t, 1)
	const token = "a token of the tests"
	now := time.Now()
	r := startReceiver(t, c.ListenAddrs(), func(config *ReceiverConfig) {
		config.Tokens, config.ClientRate, config.Wait = []string{token}, 6, 200*time.Millisecond
		config.MaxBody, config.Memory = 1<<20, 16<<20
	})
	r.admission.now = func() time.Time { return now }
	conn := dial(t, r, nil)
	traces, logs, metrics := ptraceotlp.NewGRPCClient(conn), plogotlp.NewGRPCClient(conn), pmetricotlp.NewGRPCClient(conn)
	with := func(token string) context.Context {
		return metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+token)
	}
	one := tracesOf(t, message("s", spanOf("a", "", client, 1, 2, "gen_ai.request.model=m"), spanOf("b", "", client, 2, 1, "gen_ai.request.model=m")))
	for _, wrong := range []context.Context{t.Context(), with("a token of others!")} {
		if _, err := traces.Export(wrong, one); status.Code(err) != codes.Unauthenticated {
			t.Error(err)
		}
	}
	response, err := traces.Export(with(token), one)
	if err != nil || response.PartialSuccess().RejectedSpans() != 1 || !strings.Contains(response.PartialSuccess().ErrorMessage(), "endTimeUnixNano") {
		t.Errorf("%d, %v", response.PartialSuccess().RejectedSpans(), err)
	}
	l := plogotlp.NewExportRequest()
	if err := l.UnmarshalJSON([]byte(logMessage("s", logOf(inference, "gen_ai.request.model=m")))); err != nil {
		t.Fatal(err)
	}
	if _, err := logs.Export(with(token), l); err != nil {
		t.Error(err)
	}
	m := pmetricotlp.NewExportRequest()
	m.Metrics().ResourceMetrics().AppendEmpty().ScopeMetrics().AppendEmpty().Metrics().AppendEmpty().SetEmptyGauge().DataPoints().AppendEmpty()
	if response, err := metrics.Export(with(token), m); err != nil || response.PartialSuccess().RejectedDataPoints() != 1 {
		t.Error(response, err)
	}
	// Too large, though it compresses well.
	large := ptraceotlp.NewExportRequest()
	large.Traces().ResourceSpans().AppendEmpty().SetSchemaUrl(strings.Repeat(" ", 2<<20))
	if _, err := traces.Export(with(token), large); status.Code(err) != codes.ResourceExhausted || retryDelay(err) != 0 {
		t.Error(err)
	}
	// Kafka away.
	fault := c.Fault(kfake.Fault{Keys: []kmsg.Key{kmsg.Produce}, Err: kerr.NotEnoughReplicas, Count: -1})
	if _, err := traces.Export(with(token), one); status.Code(err) != codes.Unavailable || retryDelay(err) != time.Second {
		t.Error(err)
	}
	fault.Remove()
	if _, err := traces.Export(with(token), one); err != nil {
		t.Error(err)
	}
	// Six in this second: no more.
	if _, err := traces.Export(with(token), one); status.Code(err) != codes.ResourceExhausted || retryDelay(err) != time.Second {
		t.Error(err)
	}
	// No room.
	now = now.Add(time.Minute)
	r.budget.used.Add(r.budget.limit)
	if _, err := traces.Export(with(token), one); status.Code(err) != codes.ResourceExhausted || retryDelay(err) != time.Second || !strings.Contains(err.Error(), "receive.memory") {
		t.Error(err)
	}
	r.budget.used.Add(-r.budget.limit)
	if _, err := traces.Export(with(token), one); err != nil {
		t.Error(err)
	}
	if all, identities := onTopic(t, c.ListenAddrs(), 1); len(identities) != 2 {
		t.Errorf("%d requests, %d different ones", len(all), len(identities))
	}
}

// TestReceiveSlow: who begins to send and does not go on gives its room back, and hears that it may send again.
func TestReceiveSlow(t *testing.T) {
	c := newCluster(t, 1)
	r := startReceiver(t, c.ListenAddrs(), func(config *ReceiverConfig) {
		config.patience, config.Wait = 100*time.Millisecond, 100*time.Millisecond
	})
	for method := range grpcEndpoints {
		stream, err := dial(t, r, nil).NewStream(t.Context(), &grpc.StreamDesc{ClientStreams: true}, method)
		if err != nil {
			t.Fatal(err)
		}
		if err := stream.RecvMsg(nil); status.Code(err) != codes.DeadlineExceeded {
			t.Errorf("%s: %v", method, err)
		}
	}
	for _, path := range []string{"/v1/requests", "/v1/traces"} {
		conn, err := net.Dial("tcp", r.HTTPAddr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if _, err := io.WriteString(conn, "POST "+path+" HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(path, err)
		}
		response.Body.Close()
		if response.StatusCode != 408 || response.Header.Get("Retry-After") != "1" {
			t.Errorf("%s: %d, %v", path, response.StatusCode, response.Header)
		}
	}
}

// authority makes certificates.
type authority struct {
	t    testing.TB
	key  *ecdsa.PrivateKey
	cert *x509.Certificate
	pem  []byte
}

func newAuthority(t testing.TB) *authority {
	t.Helper()
	a := &authority{t: t}
	a.cert, a.key, a.pem, _ = a.make("authority")
	return a
}

// make makes a certificate for a name, signed by the authority, or its own.
func (a *authority) make(name string) (*x509.Certificate, *ecdsa.PrivateKey, []byte, []byte) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(time.Now().UnixNano()), Subject: pkix.Name{CommonName: name}, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}, IsCA: a.key == nil, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageCertSign,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}}
	parent, signer := template, key
	if a.key != nil {
		parent, signer = a.cert, a.key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	cert, err := x509.ParseCertificate(der)
	if err != nil {
		a.t.Fatal(err)
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	return cert, key, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})
}

func (a *authority) pair(name string) tls.Certificate {
	_, _, cert, key := a.make(name)
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		a.t.Fatal(err)
	}
	return pair
}

// TestReceiveTLS: clients without a certificate of the right authority do not get through, over HTTP and gRPC; renewed
// certificates and tokens are used without a restart.
func TestReceiveTLS(t *testing.T) {
	ours, others := newAuthority(t), newAuthority(t)
	folder := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	serve := func(name string) {
		_, _, cert, key := ours.make(name)
		file("cert", cert)
		file("key", key)
	}
	serve("first")
	c := newCluster(t, 1)
	r := startReceiver(t, c.ListenAddrs(), func(config *ReceiverConfig) {
		config.CertFile, config.KeyFile, config.ClientCAFile = filepath.Join(folder, "cert"), filepath.Join(folder, "key"), file("ca", ours.pem)
		config.TokensFile = file("tokens", []byte("# of the tests\nthe first token of it\n"))
	})
	trusted := x509.NewCertPool()
	trusted.AddCert(ours.cert)
	config := func(certificates ...tls.Certificate) *tls.Config {
		return &tls.Config{RootCAs: trusted, Certificates: certificates, MinVersion: tls.VersionTLS12}
	}
	post := func(secure *tls.Config, token string) (status int, server string, err error) {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "https://"+r.HTTPAddr()+"/v1/requests", strings.NewReader(posted("a", 1)))
		if err != nil {
			t.Fatal(err)
		}
		request.Header.Set("Authorization", "Bearer "+token)
		client := &http.Client{Transport: &http.Transport{TLSClientConfig: secure, DisableKeepAlives: true, ForceAttemptHTTP2: true}}
		response, err := client.Do(request)
		if err != nil {
			return 0, "", err
		}
		defer response.Body.Close()
		return response.StatusCode, response.TLS.PeerCertificates[0].Subject.CommonName, nil
	}
	for name, secure := range map[string]*tls.Config{"none": config(), "others'": config(others.pair("x"))} {
		if status, _, err := post(secure, "the first token of it"); err == nil {
			t.Errorf("certificate %s: %d", name, status)
		}
		if _, err := ptraceotlp.NewGRPCClient(dial(t, r, secure)).Export(t.Context(), ptraceotlp.NewExportRequest()); status.Code(err) != codes.Unavailable {
			t.Errorf("gRPC, certificate %s: %v", name, err)
		}
	}
	mine := config(ours.pair("me"))
	if status, server, err := post(mine, "the first token of it"); err != nil || status != 200 || server != "first" {
		t.Error(status, server, err)
	}
	for authorization, want := range map[string]bool{"bearer the first token of it": true, "BEARER  the first token of it": true, "Basic the first token of it": false,
		"the first token of it": false, "Bearer": false, "Bearer ": false, "": false} {
		if denied, _ := r.admission.admit(caller{authorization: authorization}); (denied == nil) != want {
			t.Errorf("%q: %v", authorization, denied)
		}
	}
	if status, _, err := post(mine, "another token than it"); err != nil || status != 401 {
		t.Error(status, err)
	}
	ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer the first token of it")
	if _, err := ptraceotlp.NewGRPCClient(dial(t, r, mine)).Export(ctx, ptraceotlp.NewExportRequest()); err != nil {
		t.Error(err)
	}
	if got := send(t, r, "/v1/requests", posted("a", 1)); got.status != 400 {
		t.Errorf("without TLS: %+v", got)
	}
	// Renewed; the clock of the files may be coarse, and they are looked at once a second.
	serve("second")
	file("tokens", []byte("the second token of it"))
	for _, name := range []string{"cert", "key", "tokens"} {
		if err := os.Chtimes(filepath.Join(folder, name), time.Now(), time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
	}
	for {
		status, server, err := post(mine, "the second token of it")
		if err != nil {
			t.Fatal(err)
		}
		if status == 200 && server == "second" {
			break
		}
		time.Sleep(20 * time.Millisecond)
	}
	if status, _, err := post(mine, "the first token of it"); err != nil || status != 401 {
		t.Error(status, err)
	}
}

// TestReceiveViewsByConnection: spans of one call count once, whatever they come over, and again when they come again.
func TestReceiveViewsByConnection(t *testing.T) {
	c := newCluster(t, 1)
	r := startReceiver(t, c.ListenAddrs(), nil)
	// The engine's span over gRPC, then the gateway's over HTTP, and both again.
	engine := tracesOf(t, message("s", spanOf("2", "1", server, 2, 8, "gen_ai.request.model=m")))
	gateway := message("s", spanOf("1", "", server, 1, 9, "gen_ai.request.model=m"))
	for range 2 {
		if _, err := ptraceotlp.NewGRPCClient(dial(t, r, nil)).Export(t.Context(), engine); err != nil {
			t.Fatal(err)
		}
		if got := send(t, r, "/v1/traces", gateway, "Content-Type", "application/json"); got.status != 200 {
			t.Fatal(got)
		}
	}
	all, identities := onTopic(t, c.ListenAddrs(), 1)
	if len(all) != 2 || len(identities) != 1 {
		t.Errorf("%d records, %v", len(all), identities)
	}
}

// FuzzReceiveOTLP decodes any protobuf message of spans or log records.
func FuzzReceiveOTLP(f *testing.F) {
	body, err := tracesOf(f, message("s", spanOf("1", "2", server, 1, 9, "gen_ai.request.model=m", "gen_ai.usage.input_tokens=5"))).MarshalProto()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	l := plogotlp.NewExportRequest()
	if err := l.UnmarshalJSON([]byte(logMessage("s", logOf(inference, "gen_ai.request.model=m"), logOf(`"timeUnixNano":"1"`, "genai_model_name=m")))); err != nil {
		f.Fatal(err)
	}
	if body, err = l.MarshalProto(); err != nil {
		f.Fatal(err)
	}
	f.Add(body)
	f.Fuzz(func(t *testing.T, message []byte) {
		_ = signalOf(message)
		traces, logs := ptraceotlp.NewExportRequest(), plogotlp.NewExportRequest()
		isTraces, isLogs := traces.UnmarshalProto(message) == nil, logs.UnmarshalProto(message) == nil
		ids := func() (ids []string) {
			in := &intake{receiveWorker: newReceiveWorker(Options{}), queue: collect(t, &ids)}
			if isTraces {
				in.begin("")
				in.traces(traces.Traces())
			}
			if isLogs {
				in.begin("")
				in.logs(logs.Logs())
			}
			return ids
		}
		if first, second := ids(), ids(); !slices.Equal(first, second) {
			t.Fatal(fmt.Sprint(first, second))
		}
	})
}
