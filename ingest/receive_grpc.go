package ingest

import (
	"context"
	"crypto/tls"
	"time"

	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials"
	_ "google.golang.org/grpc/encoding/gzip" // exporters may compress
	"google.golang.org/grpc/keepalive"
	"google.golang.org/grpc/peer"
	"google.golang.org/grpc/status"
	"google.golang.org/grpc/tap"
)

// grpcEndpoints name OTLP's methods in metrics.
var grpcEndpoints = map[string]string{
	"/opentelemetry.proto.collector.trace.v1.TraceService/Export":     "grpc traces",
	"/opentelemetry.proto.collector.logs.v1.LogsService/Export":       "grpc logs",
	"/opentelemetry.proto.collector.metrics.v1.MetricsService/Export": "grpc metrics",
}

func (r *Receiver) grpcServer(secure *tls.Config) *grpc.Server {
	options := []grpc.ServerOption{
		grpc.MaxRecvMsgSize(int(r.maxMessage())),
		grpc.MaxConcurrentStreams(100),
		grpc.MaxHeaderListSize(32 << 10),
		grpc.ConnectionTimeout(10 * time.Second),
		grpc.KeepaliveParams(keepalive.ServerParameters{MaxConnectionIdle: 5 * time.Minute, Time: time.Minute}), // 2 h else, for one whose client has died
		grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 10 * time.Second, PermitWithoutStream: true}),
		grpc.InTapHandle(r.tap),
		grpc.UnaryInterceptor(r.observe),
	}
	if secure != nil {
		options = append(options, grpc.Creds(credentials.NewTLS(secure)))
	}
	s := grpc.NewServer(options...)
	ptraceotlp.RegisterGRPCServer(s, &grpcTraces{r: r})
	plogotlp.RegisterGRPCServer(s, &grpcLogs{r: r})
	pmetricotlp.RegisterGRPCServer(s, &grpcMetrics{})
	return s
}

func (r *Receiver) maxMessage() int64 { return min(r.config.MaxBody, MaxMessage) }

// claimKey is where a stream's claim is in its context.
type claimKey struct{}

// tap sees a stream's headers before any of its message is read: who may not send, or has to come again, costs nothing
// more. Room is claimed for the largest message that may follow.
func (r *Receiver) tap(ctx context.Context, info *tap.Info) (context.Context, error) {
	var who caller
	if header := info.Header.Get("authorization"); len(header) > 0 {
		who.authorization = header[0]
	}
	if p, ok := peer.FromContext(ctx); ok {
		who.address = p.Addr.String()
		if t, ok := p.AuthInfo.(credentials.TLSInfo); ok {
			who.certificates = t.State.PeerCertificates
		}
	}
	denied, which := r.admission.admit(who)
	c := r.budget.claim()
	if denied == nil && !c.take(r.maxMessage()) {
		denied, which = noRoom(), "memory"
	}
	if denied != nil {
		c.drop()
		if denied.code == codes.ResourceExhausted {
			r.metrics.throttled.WithLabelValues(which).Inc()
		}
		if endpoint, ok := grpcEndpoints[info.FullMethodName]; ok {
			r.metrics.posts.WithLabelValues(endpoint, denied.code.String()).Inc()
		}
		return ctx, denied.grpc().Err()
	}
	// A stream that brings no message, or breaks off in one without a word, would keep its room for as long as its connection.
	ctx, cancel := context.WithTimeout(ctx, r.config.patience+r.config.Wait)
	context.AfterFunc(ctx, func() { // the stream has ended
		cancel()
		c.drop()
	})
	return context.WithValue(ctx, claimKey{}, c), nil
}

// observe counts what gets as far as a whole message.
func (r *Receiver) observe(ctx context.Context, request any, info *grpc.UnaryServerInfo, handle grpc.UnaryHandler) (any, error) {
	began := time.Now()
	endpoint := grpcEndpoints[info.FullMethod]
	response, err := handle(ctx, request)
	r.metrics.seconds.WithLabelValues(endpoint).Observe(time.Since(began).Seconds())
	r.metrics.posts.WithLabelValues(endpoint, status.Code(err).String()).Inc()
	return response, err
}

// message makes a stream's claim what its message takes, now that it is there.
func (r *Receiver) message(ctx context.Context, endpoint string, size int) (*claim, error) {
	r.metrics.bytes.WithLabelValues(endpoint).Add(float64(size))
	c := ctx.Value(claimKey{}).(*claim)
	if !c.take(bodyCost * int64(size)) {
		return nil, r.noRoom().grpc().Err()
	}
	return c, nil
}

// alreadyRead is for messages that gRPC has read.
func alreadyRead() *denial { return nil }

type grpcTraces struct {
	ptraceotlp.UnimplementedGRPCServer
	r *Receiver
}

// Export takes a message of spans.
func (s *grpcTraces) Export(ctx context.Context, request ptraceotlp.ExportRequest) (ptraceotlp.ExportResponse, error) {
	const endpoint = "grpc traces"
	c, err := s.r.message(ctx, endpoint, new(ptrace.ProtoMarshaler).TracesSize(request.Traces()))
	if err != nil {
		return ptraceotlp.NewExportResponse(), err
	}
	response, denied := s.r.exportTraces(ctx, endpoint, c, request, alreadyRead)
	if denied != nil {
		return response, denied.grpc().Err()
	}
	return response, nil
}

type grpcLogs struct {
	plogotlp.UnimplementedGRPCServer
	r *Receiver
}

// Export takes a message of log records.
func (s *grpcLogs) Export(ctx context.Context, request plogotlp.ExportRequest) (plogotlp.ExportResponse, error) {
	const endpoint = "grpc logs"
	c, err := s.r.message(ctx, endpoint, new(plog.ProtoMarshaler).LogsSize(request.Logs()))
	if err != nil {
		return plogotlp.NewExportResponse(), err
	}
	response, denied := s.r.exportLogs(ctx, endpoint, c, request, alreadyRead)
	if denied != nil {
		return response, denied.grpc().Err()
	}
	return response, nil
}

type grpcMetrics struct {
	pmetricotlp.UnimplementedGRPCServer
}

// Export answers for metrics.
func (s *grpcMetrics) Export(_ context.Context, request pmetricotlp.ExportRequest) (pmetricotlp.ExportResponse, error) {
	return rejectMetrics(request), nil
}
