package ingest

import (
	"bytes"

	"github.com/klauspost/compress/zstd"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/collector/pdata/pmetric"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"google.golang.org/protobuf/encoding/protowire"
)

// otlpProto is OpenTelemetry's traces and logs as the collector's file exporter writes them with format proto, or with
// compression: frames, each a message in protobuf or JSON, plain or zstd.
var otlpProto = Format{
	Name:        "otlp-proto",
	Description: "the same in protobuf, as the collector's file exporter writes it",
	recognise: func(head []byte) bool {
		if len(head) < frameHead+4 || head[0] != 0 { // no message reaches 16 MiB
			return false
		}
		message := head[frameHead:]
		// Every message begins with its first resource's spans, logs or metrics: field 1, a message.
		return message[0] == 1<<3|byte(protowire.BytesType) || bytes.HasPrefix(message, zstdMagic) || message[0] == '{'
	},
	newDecoder: func(o Options) decoder { return &otlpProtoDecoder{json: newOTLPDecoder(o).(*otlpDecoder)} },
	frames:     true,
	ordered:    true,
}

var zstdMagic = []byte("\x28\xb5\x2f\xfd")

type otlpProtoDecoder struct {
	json     *otlpDecoder
	unpacker *zstd.Decoder
	unpacked []byte
}

func (d *otlpProtoDecoder) decode(in record, into *Batch) error {
	data := in.data
	if bytes.HasPrefix(data, zstdMagic) {
		if err := d.unpack(data); err != nil {
			return fieldError("zstd", "%v", err)
		}
		data = d.unpacked
	}
	if len(data) > 0 && data[0] == '{' {
		return d.json.decode(record{data: data}, into)
	}
	switch signalOf(data) {
	case aboutLogs:
		var u plog.ProtoUnmarshaler
		logs, err := u.UnmarshalLogs(data)
		if err != nil {
			return otlpError(err)
		}
		d.json.logs(logs, into)
	case aboutMetrics:
		var u pmetric.ProtoUnmarshaler
		if _, err := u.UnmarshalMetrics(data); err != nil {
			return otlpError(err)
		}
	default:
		var u ptrace.ProtoUnmarshaler
		traces, err := u.UnmarshalTraces(data)
		if err != nil {
			return otlpError(err)
		}
		d.json.traces(traces, into)
	}
	return nil
}

func (d *otlpProtoDecoder) unpack(data []byte) (err error) {
	if d.unpacker == nil {
		d.unpacker, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxObject))
		if err != nil {
			return err
		}
	}
	d.unpacked, err = d.unpacker.DecodeAll(data, d.unpacked[:0])
	return err
}

// signal is what an OTLP message is about. The messages of traces, logs and metrics do not say: each is a list of resources,
// of scopes, of records, in the same numbers of fields.
type signal uint8

const (
	aboutTraces signal = iota
	aboutLogs
	aboutMetrics
)

// signalOf tells by the first record: a log record has a time (1 or 11, fixed64) or a severity (2, a number), where a span has
// ids and links; a span has the 16 bytes of its trace's id (1), its kind (6) or its start (7, fixed64); a metric a name (1).
func signalOf(data []byte) signal {
	record := data
	for _, number := range []protowire.Number{1, 2, 2} { // a resource, a scope, a record
		if record = fieldOf(record, number); record == nil {
			return aboutTraces
		}
	}
	found := aboutTraces
	fields(record, func(number protowire.Number, kind protowire.Type, value []byte) bool {
		switch {
		case (number == 1 || number == 11) && kind == protowire.Fixed64Type, number == 2 && kind == protowire.VarintType:
			found = aboutLogs
		case number == 1 && len(value) == 16, number == 6 && kind == protowire.VarintType, number == 7 && kind == protowire.Fixed64Type:
		case number == 1:
			found = aboutMetrics
		default:
			return true // says nothing: look at the next
		}
		return false
	})
	return found
}

// fieldOf gives the first field of a number in a message, nil where there is none.
func fieldOf(message []byte, wanted protowire.Number) (value []byte) {
	fields(message, func(number protowire.Number, kind protowire.Type, v []byte) bool {
		if number == wanted && kind == protowire.BytesType {
			value = v
			return false
		}
		return true
	})
	return value
}

// fields calls f with the fields of a message, of which bytes have their value, until f is false or the message ends.
func fields(message []byte, f func(protowire.Number, protowire.Type, []byte) bool) {
	for len(message) > 0 {
		number, kind, n := protowire.ConsumeTag(message)
		if n < 0 {
			return
		}
		message = message[n:]
		var value []byte
		if kind == protowire.BytesType {
			value, n = protowire.ConsumeBytes(message)
		} else {
			n = protowire.ConsumeFieldValue(number, kind, message)
		}
		if n < 0 || !f(number, kind, value) {
			return
		}
		message = message[n:]
	}
}
