package ingest

import (
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"tidegauge/schemas"
)

// envoy is the access log of Envoy AI Gateway: JSON lines, or the same fields as attributes of OTLP logs, which otlp reads
// too. Which fields there are, and what they are called, is for whoever configures it; read are the names of its documentation and of its defaults.
// Envoy writes what it does not know as null or "-", durations are milliseconds.
var envoy = Format{
	Name:        "envoy",
	Description: "Envoy AI Gateway's access log, JSON lines or OTLP logs",
	recognise: func(head []byte) bool {
		head = inList(head)
		return hasKeys(head, "response_code") && hasKeys(head, "start_time") && !hasKeys(head, "arrival_us") &&
			(hasKeys(head, "genai_model_name") || hasKeys(head, "gen_ai.request.model"))
	},
	newDecoder: func(Options) decoder { return &envoyDecoder{} },
	objects:    true,
}

type envoyDecoder struct {
	models, few names
	ids         texts
	// What the entry at hand says, beside the request it fills.
	service, answered, flags, route string
	arrived, mcp                    bool
}

func (d *envoyDecoder) decode(in record, into *Batch) error {
	c := cursor{data: in.data}
	if c.peek() != '{' {
		return c.fail("an object was expected")
	}
	if isLogs(in.data) {
		return d.message(in.data, into)
	}
	r := into.add()
	d.begin()
	err := members(&c, func(key []byte) error {
		if b := c.peek(); b == '{' || b == '[' || b == 't' || b == 'f' {
			return c.skip()
		}
		b, err := c.idOf(string(key))
		if err != nil {
			return err
		}
		return d.set(string(key), b, r)
	})
	if err == nil {
		err = c.end()
	}
	if err != nil {
		return err
	}
	is, err := d.finish(r)
	if !is {
		into.drop()
	}
	return err
}

// message reads an OTLP message of log records, each an entry of the access log.
func (d *envoyDecoder) message(data []byte, into *Batch) error {
	c := cursor{data: data}
	if err := c.skip(); err != nil {
		return err
	}
	if err := c.end(); err != nil {
		return err
	}
	var u plog.JSONUnmarshaler
	logs, err := u.UnmarshalLogs(data)
	if err != nil {
		return otlpError(err)
	}
	for l, resource := range logRecords(logs) {
		into.oneOf(l, func(r *schemas.Request) (bool, error) { return d.entry(l, resource, r) })
	}
	return nil
}

func (d *envoyDecoder) entry(l plog.LogRecord, resource pcommon.Map, r *schemas.Request) (bool, error) {
	d.begin()
	d.service = d.few.keep([]byte(attributes{resource}.text("service.name")))
	for name, v := range l.Attributes().All() {
		switch v.Type() {
		case pcommon.ValueTypeStr, pcommon.ValueTypeInt, pcommon.ValueTypeDouble:
			if err := d.set(name, []byte(v.AsString()), r); err != nil {
				return false, err
			}
		}
	}
	if !d.arrived && l.Timestamp() != 0 { // Envoy stamps its logs with the request's start
		r.ArrivalUS, d.arrived = microseconds(uint64(l.Timestamp())), true
	}
	return d.finish(r)
}

func (d *envoyDecoder) begin() {
	d.service, d.answered, d.flags, d.route = "", "", "", ""
	d.arrived, d.mcp = false, false
}

// set takes one field of an entry, a text or a number.
func (d *envoyDecoder) set(name string, b []byte, r *schemas.Request) (err error) {
	if len(b) == 0 || string(b) == "-" {
		return nil
	}
	switch name {
	case "service.name":
		d.service = d.few.keep(b)
	case "start_time":
		if r.ArrivalUS, err = clock(b); err != nil {
			return fieldError(name, "%s %v", clip(b), err)
		}
		d.arrived = true
	case "duration", "duration_ms":
		r.ElapsedUS, err = duration(name, b, 3)
	case "genai_model_name", "gen_ai.request.model":
		r.Model = d.models.keep(b)
	case "genai_model_name_override", "gen_ai.response.model":
		d.answered = d.models.keep(b)
	case "genai_backend_name", "gen_ai.provider.name":
		d.route = d.few.keep(b)
	case "genai_tokens_input", "gen_ai.usage.input_tokens":
		r.RequestTokens, err = count(name, b)
	case "genai_tokens_output", "gen_ai.usage.output_tokens":
		r.ResponseTokens, err = count(name, b)
	case "genai_tokens_cached_input", "gen_ai.usage.cache_read.input_tokens":
		r.CachedTokens, err = count(name, b)
	case "response_code":
		var code int64
		if code, err = count(name, b); code > 0 && code <= 999 {
			r.StatusCode = int32(code)
		}
	case "response_flags":
		d.flags = d.few.keep(b)
	case "llm_error_type", "error.type":
		r.ErrorType = d.few.keep(b)
	case "upstream_host":
		r.Host = d.few.keep(b)
	case "session.id":
		r.Conversation = d.ids.keep(b)
	case "x-envoy-origin-path", "path", ":path":
		r.Operation = d.few.keep(operationAt(b))
	case "mcp_method", "mcp.method.name":
		d.mcp = true
	}
	return err
}

// finish says whether the entry is a request to a model, and completes it. One that was turned away before its model was
// known, and a call of a tool, name none.
func (d *envoyDecoder) finish(r *schemas.Request) (bool, error) {
	if r.Model == "" {
		r.Model = d.answered
	}
	if r.Model == "" || d.mcp {
		return false, nil
	}
	if !d.arrived {
		return true, fieldError("start_time", "is missing")
	}
	r.LogType = "api"
	if r.Service = d.service; r.Service == "" {
		r.Service = r.Model
	}
	if d.route != "" && len(d.route) <= schemas.MaxLabelValue {
		r.Labels = append(r.Labels, schemas.Label{Key: "route", Value: d.route})
	}
	failed := false
	r.ErrorType = shorten(r.ErrorType)
	for flag := range strings.SplitSeq(d.flags, ",") {
		switch flag {
		case "DC": // downstream connection termination
			r.Outcome = schemas.Cancelled
			return true, nil
		case "UT", "SI", "DT": // upstream request, stream idle, duration
			r.Outcome = schemas.Timeout
			return true, nil
		case "RL", "RLSE":
			r.Outcome = schemas.RateLimited
			return true, nil
		case "UC", "UF", "UR", "UO", "UH", "LR", "NR", "NC", "UPE", "DPE", "OM", "URX":
			failed = true
			if r.ErrorType == "" {
				r.ErrorType = flag
			}
		}
	}
	ended(r, failed)
	return true, nil
}
