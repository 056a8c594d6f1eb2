package encode

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"tidegauge/schemas"
	"tidegauge/traces/columnar"
)

// Options say what becomes of requests on the way into a file. The zero value changes nothing.
type Options struct {
	// Origin is where a format that counts time has its zero.
	Origin Origin
	// StartUS, where above 0, is the time that the first arrival is moved to, and all others with it, in microseconds since
	// the Unix epoch.
	StartUS int64
	// ScaleTime stretches the time between arrivals: 2 is half the load, 0.5 twice. The shape of the gaps (gap_cv) stays. 0
	// is 1. Durations stay what was measured.
	ScaleTime float64
	// Labels are what models are called instead, by their names; the key * is for all that are not named.
	Labels map[string]string
	// DropFailures leaves out requests that failed (schemas.Outcome.Failed).
	DropFailures bool
	// Conversations, where above 0, is which share of the conversations to keep, each of them whole, chosen by a hash of their
	// ids; clients where there is no conversation. Requests with neither are kept: taking some of them would bring their
	// arrivals closer to a Poisson process than they were.
	Conversations float64
	// Secret, where given, has ids replaced by keyed hashes and names by consistent others (anonymise.go).
	Secret []byte
	// LaterTurns says when a later turn of a conversation is due, where a format can say it in two ways.
	LaterTurns LaterTurns
	// FillHashes makes up block ids that nobody shares for requests without prefix hashes: some tools build their prompts from
	// these alone, and would send empty ones.
	FillHashes bool
}

// Origin says where a format that counts time has its zero.
type Origin struct {
	Kind OriginKind
	US   int64 // of OriginAt, microseconds since the Unix epoch
}

// OriginKind is a way to find an origin.
type OriginKind int

// The origins: the format's own choice, the first arrival, the UTC midnight before it, a time.
const (
	OriginOwn OriginKind = iota
	OriginFirst
	OriginMidnight
	OriginAt
)

// LaterTurns says how Mooncake's later turns are timed: by their arrival and by the pause since the answer before, or by one.
type LaterTurns string

// The ways to time later turns. "" is TurnsBoth.
const (
	TurnsBoth      LaterTurns = "both"
	TurnsDelay     LaterTurns = "delay"
	TurnsTimestamp LaterTurns = "timestamp"
)

// Format is one kind of file.
type Format struct {
	// Name is what --format calls it; Description says in half a line what it is and who reads it.
	Name, Description string
	// Extension is what files of it are usually called, with the dot.
	Extension string
	// Folder says that it is a folder of files (NewFolder); New makes none of it.
	Folder bool
	// Beside, where given, is the extension of a second file that belongs to the first, with the text of Companion.
	Beside string

	// counts says that times count from an origin; origin is the format's own.
	counts bool
	origin OriginKind
	// carries are the fields that a file of it has; the rest is lost.
	carries fieldSet
	// outcomes says that a file tells all outcomes apart; else a failure is no more than an answer without tokens.
	outcomes bool
	// lengths says that rows need both lengths.
	lengths bool
	// text makes what writes rows as text; columns says that columnar writes them.
	text    func(*sheet) layout
	columns func(io.Writer) (*columnar.Writer, error)
	// companion is the text of the file beside.
	companion func() []byte
}

// Encoder writes the requests of one file.
type Encoder interface {
	// Encode writes a request. Those of formats that count time have to come in the order of their arrivals, or nearly.
	Encode(*schemas.Request) error
	// Close writes what is left. It does not close the writer.
	Close() error
	// Losses says what the file does not have of what was encoded.
	Losses() []Loss
	// Written gives how many requests were written.
	Written() int64
}

var formats = []*Format{&burstGPT, &burstGPT2, &mooncake, &azure, &vidur, &splitwise, &guideLLM, &bailian, &serveGen, &blis, &canonical, &parquet, &arrow}

// Formats gives all formats, in the order in which to list them.
func Formats() []*Format { return append([]*Format(nil), formats...) }

// Find gives the format of a name. Its error lists the names there are.
func Find(name string) (*Format, error) {
	names := make([]string, len(formats))
	for i, f := range formats {
		if f.Name == name {
			return f, nil
		}
		names[i] = f.Name
	}
	return nil, fmt.Errorf("unknown format %q: use one of %s", name, strings.Join(names, ", "))
}

// New makes an encoder that writes to w.
func (f *Format) New(w io.Writer, o Options) (Encoder, error) {
	if f.Folder {
		return nil, fmt.Errorf("format %s is a folder, not a file", f.Name)
	}
	p, err := newPrepare(f, o)
	if err != nil {
		return nil, err
	}
	e := &encoder{format: f, prepare: p}
	if f.columns != nil {
		columns, err := f.columns(w)
		if err != nil {
			return nil, err
		}
		e.sink = columnSink{columns}
		return e, nil
	}
	s := &sheet{w: w, options: o, losses: &p.losses}
	s.layout = f.text(s)
	e.sink = s
	return e, nil
}

// Timed says that its times count from an origin, so that requests have to come in the order of their arrivals.
func (f *Format) Timed() bool { return f.counts }

// Companion gives the text of the file that belongs beside one of this format, nil for most.
func (f *Format) Companion() []byte {
	if f.companion == nil {
		return nil
	}
	return f.companion()
}

// encoder is what formats have in common: options before, losses after.
type encoder struct {
	format  *Format
	prepare *prepare
	sink    sink
	written int64
}

// sink takes prepared requests. us is the arrival as the format counts it.
type sink interface {
	write(r *schemas.Request, us int64) error
	close() error
}

func (e *encoder) Encode(r *schemas.Request) error {
	out, us, err := e.prepare.request(r)
	if out == nil || err != nil {
		return err
	}
	e.written++
	return e.sink.write(out, us)
}

func (e *encoder) Close() error   { return e.sink.close() }
func (e *encoder) Losses() []Loss { return e.prepare.losses.list(e.written) }
func (e *encoder) Written() int64 { return e.written }

// layout writes rows as text.
type layout interface {
	header(dst []byte) []byte
	row(dst []byte, r *schemas.Request, us int64) []byte
}

// sheet is a file of rows of text.
type sheet struct {
	w       io.Writer
	options Options
	losses  *losses
	layout  layout
	buffer  []byte
	begun   bool
}

const sheetBytes = 64 << 10

func (s *sheet) write(r *schemas.Request, us int64) error {
	s.begin()
	s.buffer = s.layout.row(s.buffer, r, us)
	if len(s.buffer) < sheetBytes {
		return nil
	}
	return s.flush()
}

func (s *sheet) begin() {
	if !s.begun {
		s.begun = true
		s.buffer = s.layout.header(s.buffer)
	}
}

func (s *sheet) flush() error {
	_, err := s.w.Write(s.buffer)
	s.buffer = s.buffer[:0]
	return err
}

func (s *sheet) close() error {
	s.begin() // a file without rows has its header all the same
	return s.flush()
}

type columnSink struct{ *columnar.Writer }

func (c columnSink) write(r *schemas.Request, _ int64) error { return c.Write(r) }
func (c columnSink) close() error                            { return c.Close() }

var errScale = errors.New("the time scale must be above 0")
