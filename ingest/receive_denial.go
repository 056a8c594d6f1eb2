package ingest

import (
	"fmt"
	"net/http"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

// denial is why a post was not taken, for HTTP and for gRPC.
type denial struct {
	status int        // of HTTP
	code   codes.Code // of gRPC
	after  time.Duration
	reason string
}

func (d *denial) Error() string { return d.reason }

func unauthorized() *denial {
	return &denial{http.StatusUnauthorized, codes.Unauthenticated, 0, "a token is needed: send it as Authorization: Bearer TOKEN"}
}

func malformed(format string, arguments ...any) *denial {
	return &denial{http.StatusBadRequest, codes.InvalidArgument, 0, fmt.Sprintf(format, arguments...)}
}

func bodyTooLarge(limit int64) *denial {
	return &denial{http.StatusRequestEntityTooLarge, codes.ResourceExhausted, 0,
		fmt.Sprintf("the body has more than %d bytes, uncompressed: send smaller ones, or raise receive.max_body", limit)}
}

func throttled(after time.Duration, reason string) *denial {
	return &denial{http.StatusTooManyRequests, codes.ResourceExhausted, max(after, time.Second), reason}
}

// away is for while Kafka cannot be written to. Whoever comes again after a wait finds the batch decided that is under way.
func away(wait time.Duration) *denial {
	return &denial{http.StatusServiceUnavailable, codes.Unavailable, max(wait, time.Second), errAway.Error()}
}

// noRoom is back-pressure: what was posted before is still on its way to Kafka.
func noRoom() *denial {
	return throttled(time.Second, "more is under way than fits into receive.memory: send the same again later")
}

// grpc gives the denial as an OTLP exporter understands it: it tries again only where it is told when.
func (d *denial) grpc() *status.Status {
	s := status.New(d.code, d.reason)
	if d.after > 0 {
		if with, err := s.WithDetails(&errdetails.RetryInfo{RetryDelay: durationpb.New(d.after)}); err == nil {
			return with
		}
	}
	return s
}

// retryAfter gives whole seconds for the header, "" where coming again does not help.
func (d *denial) retryAfter() string {
	if d.after <= 0 {
		return ""
	}
	return fmt.Sprint(int64((d.after + time.Second - 1) / time.Second))
}
