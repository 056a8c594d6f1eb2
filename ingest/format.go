package ingest

import (
	"fmt"
	"strings"
	"time"

	"tidegauge/schemas"
)

// Options say what a log does not, or overrule what it says.
type Options struct {
	// Service, Model and LogType stand in every request in place of what the log or its format says; "" leaves it.
	Service, Model, LogType string
	// Source names the log in the ids made for its rows; "" takes the first KiB of its contents, or the path of a
	// file that is followed.
	Source string
	// EpochUS is where the origin of a trace that counts from its own lies, in microseconds since the Unix epoch. It
	// does not move wall clocks.
	EpochUS int64
	// Spans says which spans count, where a log of spans shows one call in several; "" is SpansInnermost.
	Spans SpanPolicy
	// HashKey, where given, has conversation and client ids replaced by hashes with this key (HashKey checks one).
	HashKey []byte
	// Labels are the keys of the labels to keep; nil keeps all, an empty list none. A key with a number, like tenant/64,
	// has its values put into that many buckets.
	Labels []string
	// LabelValues is how many buckets the values are put into that look like ids, of labels that Labels does not name; 0
	// keeps them.
	LabelValues int

	// views, where given, is what a receiver's decoders share; unsampledEvents has GenAI log events of sampled spans left
	// out, whose spans come too and say more.
	views           *views
	unsampledEvents bool
}

// ParseEpoch reads an origin: seconds since the Unix epoch, with decimals, or a date and time as in RFC 3339. It gives
// microseconds.
func ParseEpoch(text string) (int64, error) {
	if us, _, err := scaled([]byte(text), 6); err == nil {
		return us, nil
	}
	if us, err := clock([]byte(text)); err == nil {
		return us, nil
	}
	if day, err := time.Parse(time.DateOnly, text); err == nil {
		return day.UnixMicro(), nil
	}
	return 0, fmt.Errorf("epoch %q is neither seconds since 1970 nor a time like 2024-05-10T00:00:00Z", text)
}

// Format is one kind of serving log.
type Format struct {
	// Name is what --format calls it; Description says in half a line what it is.
	Name, Description string
	// recognise says whether a log that starts so is of this format. Its argument starts with the first line that is
	// not blank and may end anywhere. No text is recognised by two formats.
	recognise func(head []byte) bool
	// newDecoder makes a decoder for one goroutine.
	newDecoder func(Options) decoder
	// table is what the header of a CSV format may name; nil where every line is a record of its own.
	table *table
	// objects says that records are JSON objects, which may be spread over lines or be the elements of a list.
	objects bool
	// chained says that what a record means depends on those before it, from the log's start. Such a log cannot be read on
	// from its middle.
	chained bool
	// frames says that records are binary, each after its length (cut_frames.go).
	frames bool
	// ordered says that decoders carry state from record to record: then one of them sees all of them in order.
	ordered bool
}

// decoder turns records into requests.
type decoder interface {
	// decode adds the record's requests to the batch, with the format's defaults for what the log does not say. None
	// without an error means that the record is no request (another kind of event). An error that names a field is a
	// *schemas.FieldError; whatever was added before it is taken back. The record's bytes are only lent.
	//
	// A record that holds many things (a message of spans) has what cannot be read of it refused one by one
	// (Batch.refuse) and counts what it passes over itself.
	decode(r record, into *Batch) error
}

// record is one record of a log: a line without its end, or the lines of a CSV row with quoted line breaks.
type record struct {
	data []byte
	// layout is the header in force, nil but for CSV formats.
	layout *layout
	// quoted says that a CSV record may have quotes in it.
	quoted bool
}

// formats are all formats, in the order in which help lists them.
var formats = []*Format{&burstGPT, &azure, &mooncake, &bailian, &guideLLM, &vidur, &splitwise, &blis, &dynamo, &liteLLM, &otlp, &otlpProto, &envoy, &openAI, &sgLang, &canonical}

// Formats gives all formats, in the order in which to list them.
func Formats() []*Format { return append([]*Format(nil), formats...) }

// FindFormat gives the format of a name. Its error lists the names there are.
func FindFormat(name string) (*Format, error) {
	for _, f := range formats {
		if f.Name == name {
			return f, nil
		}
	}
	return nil, fmt.Errorf("unknown format %q: use one of %s", name, formatNames(func(*Format) bool { return true }))
}

// posted says that the records of a format stand alone, so that they can be posted: a CSV's need their header.
func (f *Format) posted() bool { return f.table == nil }

func formatNames(which func(*Format) bool) string {
	var names []string
	for _, f := range formats {
		if which(f) {
			names = append(names, f.Name)
		}
	}
	return strings.Join(names, ", ")
}

func fieldError(field, format string, arguments ...any) error {
	return &schemas.FieldError{Field: field, Reason: fmt.Sprintf(format, arguments...)}
}
