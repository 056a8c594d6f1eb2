package ingest

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"go.opentelemetry.io/collector/pdata/plog/plogotlp"
	"go.opentelemetry.io/collector/pdata/pmetric/pmetricotlp"
	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"
	"google.golang.org/grpc/codes"
	"google.golang.org/protobuf/encoding/protojson"
	"google.golang.org/protobuf/proto"
)

// otlpMessage is a message or an answer of OTLP: pdata's types are not one type, but all can do this.
type otlpMessage interface {
	MarshalProto() ([]byte, error)
	MarshalJSON() ([]byte, error)
	UnmarshalProto([]byte) error
	UnmarshalJSON([]byte) error
}

// otlpTraces takes POST /v1/traces.
func (r *Receiver) otlpTraces(p *post) {
	request := ptraceotlp.NewExportRequest()
	r.otlpPost(p, request, func(ctx context.Context, c *claim, read func() *denial) (otlpMessage, *denial) {
		return r.exportTraces(ctx, p.endpoint, c, request, read)
	})
}

// otlpLogs takes POST /v1/logs.
func (r *Receiver) otlpLogs(p *post) {
	request := plogotlp.NewExportRequest()
	r.otlpPost(p, request, func(ctx context.Context, c *claim, read func() *denial) (otlpMessage, *denial) {
		return r.exportLogs(ctx, p.endpoint, c, request, read)
	})
}

// otlpMetrics takes POST /v1/metrics.
func (r *Receiver) otlpMetrics(p *post) {
	request := pmetricotlp.NewExportRequest()
	r.otlpPost(p, request, func(_ context.Context, _ *claim, read func() *denial) (otlpMessage, *denial) {
		if denied := read(); denied != nil {
			return nil, denied
		}
		return rejectMetrics(request), nil
	})
}

// otlpPost takes a body, has its message read and taken, and answers in the message's encoding.
func (r *Receiver) otlpPost(p *post, request otlpMessage, take func(context.Context, *claim, func() *denial) (otlpMessage, *denial)) {
	kind := mediaType(p.in)
	if !isOTLPType(kind) {
		r.denyOTLP(p, &denial{http.StatusUnsupportedMediaType, codes.InvalidArgument, 0, "the Content-Type is not one of " + strings.Join(otlpTypes, ", ")})
		return
	}
	c := r.budget.claim()
	defer c.drop()
	body, free, denied := r.body(p, c)
	if denied != nil {
		r.denyOTLP(p, denied)
		return
	}
	defer free()
	response, denied := take(p.in.Context(), c, func() *denial {
		if kind == "application/json" {
			return unmarshalJSON(body, request)
		}
		if err := request.UnmarshalProto(body); err != nil {
			return malformed("%v", otlpError(err))
		}
		return nil
	})
	if denied != nil {
		r.denyOTLP(p, denied)
		return
	}
	answer, _ := response.MarshalProto()
	if kind == "application/json" {
		answer, _ = response.MarshalJSON()
	}
	r.answer(p, http.StatusOK, kind, answer)
}

// unmarshalJSON reads a message in JSON. pdata's parser takes more for JSON than is, and nests without a bound.
func unmarshalJSON(body []byte, into otlpMessage) *denial {
	c := cursor{data: body}
	if c.peek() != '{' {
		return malformed("%v", c.fail("an object was expected"))
	}
	err := c.skip()
	if err == nil {
		err = c.end()
	}
	if err == nil {
		if err = into.UnmarshalJSON(body); err != nil {
			err = otlpError(err)
		}
	}
	if err != nil {
		return malformed("%v", err)
	}
	return nil
}

// denyOTLP answers as OTLP wants it: with a google.rpc.Status, in the encoding of the message.
func (r *Receiver) denyOTLP(p *post, d *denial) {
	r.denied(p, d)
	message := d.grpc().Proto()
	if mediaType(p.in) == "application/json" {
		body, _ := protojson.Marshal(message)
		r.answer(p, d.status, "application/json", body)
		return
	}
	body, _ := proto.Marshal(message)
	r.answer(p, d.status, "application/x-protobuf", body)
}

// itemCost is what a span or a log record takes beside the bytes it came in, while it is decoded.
const itemCost = 1 << 10

// exportTraces takes a message of spans, which read reads where it was not read yet.
func (r *Receiver) exportTraces(ctx context.Context, endpoint string, c *claim, request ptraceotlp.ExportRequest, read func() *denial) (ptraceotlp.ExportResponse, *denial) {
	response := ptraceotlp.NewExportResponse()
	t, denied := r.take(ctx, endpoint, c, func(in *intake) *denial {
		if denied := read(); denied != nil {
			return denied
		}
		traces := request.Traces()
		if !c.add(itemCost * int64(traces.SpanCount())) {
			return r.noRoom()
		}
		in.begin("")
		return in.traces(traces)
	})
	if denied == nil && t.Refused > 0 {
		response.PartialSuccess().SetRejectedSpans(t.Refused)
		response.PartialSuccess().SetErrorMessage(t.reason("spans"))
	}
	return response, denied
}

// exportLogs takes a message of log records, which read reads where it was not read yet.
func (r *Receiver) exportLogs(ctx context.Context, endpoint string, c *claim, request plogotlp.ExportRequest, read func() *denial) (plogotlp.ExportResponse, *denial) {
	response := plogotlp.NewExportResponse()
	t, denied := r.take(ctx, endpoint, c, func(in *intake) *denial {
		if denied := read(); denied != nil {
			return denied
		}
		logs := request.Logs()
		if !c.add(itemCost * int64(logs.LogRecordCount())) {
			return r.noRoom()
		}
		in.begin("")
		return in.logs(logs)
	})
	switch {
	case denied != nil:
	case t.Refused > 0:
		response.PartialSuccess().SetRejectedLogRecords(t.Refused)
		response.PartialSuccess().SetErrorMessage(t.reason("log records"))
	case t.sampled > 0:
		response.PartialSuccess().SetErrorMessage(fmt.Sprintf("%d events of sampled spans were left to their spans, which say more: if those are not sent here, set receive.sampled_events", t.sampled))
	}
	return response, denied
}

// noRoom counts back-pressure.
func (r *Receiver) noRoom() *denial {
	r.metrics.throttled.WithLabelValues("memory").Inc()
	return noRoom()
}

// rejectMetrics answers for metrics: that they are not kept is said once a message, and is no reason to send them again.
func rejectMetrics(request pmetricotlp.ExportRequest) pmetricotlp.ExportResponse {
	response := pmetricotlp.NewExportResponse()
	if n := request.Metrics().DataPointCount(); n > 0 {
		response.PartialSuccess().SetRejectedDataPoints(int64(n))
		response.PartialSuccess().SetErrorMessage("metrics are not kept here, only spans and log events of calls to models: turn their export off (OTEL_METRICS_EXPORTER=none)")
	}
	return response
}

// reason says what was wrong with the first of those that were refused.
func (t *taken) reason(what string) string {
	text := fmt.Sprintf("%d %s cannot be requests", t.Refused, what)
	if len(t.Errors) > 0 {
		text += ", the first because of " + t.Errors[0].Field + ": " + t.Errors[0].Reason
	}
	return text
}
