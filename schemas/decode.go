package schemas

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"unicode/utf8"
	"unsafe"
)

// Decoder reads requests from JSON by a scanner written for the request's fields: no reflection, keys in any order,
// several times as fast as a general decoder (BenchmarkDecode). Names, of which there are few, are kept once; ids are
// laid into an arena; so decoding allocates almost nothing, and the strings it hands out stay valid for ever. A Decoder
// is not for concurrent use. The zero Decoder is ready.
type Decoder struct {
	names map[string]string
	last  [8]string // the last value of each name field: most logs repeat it
	arena []byte

	data []byte
	at   int
}

// Sizes of the decoder's memory: names beyond maxNames are no names (the table starts again), and an arena chunk is
// large enough to be rare and small enough not to be kept alive for long by one id in it.
const (
	maxNames   = 100_000
	arenaChunk = 64 << 10
)

// ErrJSON is what Decode's errors wrap where the record is no JSON object at all.
var ErrJSON = errors.New("not a JSON object")

// Decode reads one JSON object into r, which it resets first. Unknown keys are skipped, so that a newer producer's
// records can be read; of a repeated key the last stands; null is absent. An error is a *FieldError where a field is to
// blame, else it wraps ErrJSON. Decode does not Validate.
func (d *Decoder) Decode(data []byte, r *Request) error {
	r.Reset()
	d.data, d.at = data, 0
	err := d.object(r)
	d.data = nil
	return err
}

func (d *Decoder) object(r *Request) error {
	if d.next() != '{' {
		return d.syntax("does not start with {")
	}
	d.at++
	if d.next() == '}' {
		d.at++
		return d.end()
	}
	for {
		if d.next() != '"' {
			return d.syntax("wants a key")
		}
		key, err := d.str()
		if err != nil {
			return err
		}
		if d.next() != ':' {
			return d.syntax("wants a colon after a key")
		}
		d.at++
		d.next()
		if err := d.field(key, r); err != nil {
			return err
		}
		switch d.next() {
		case ',':
			d.at++
			continue
		case '}':
			d.at++
			return d.end()
		}
		return d.syntax("wants a comma or } after a value")
	}
}

func (d *Decoder) end() error {
	if d.next(); d.at < len(d.data) {
		return d.syntax("goes on after its end")
	}
	return nil
}

// Which of Decoder.last a field uses.
const (
	lastService = iota
	lastModel
	lastLogType
	lastOperation
	lastErrorType
	lastFinishReason
	lastConfig
	lastHost
)

func (d *Decoder) field(key []byte, r *Request) (err error) {
	if d.null() {
		return d.reset(key, r)
	}
	switch string(key) {
	case "service":
		r.Service, err = d.name("service", lastService)
	case "model":
		r.Model, err = d.name("model", lastModel)
	case "log_type":
		r.LogType, err = d.name("log_type", lastLogType)
	case "operation":
		r.Operation, err = d.name("operation", lastOperation)
	case "arrival_us":
		r.ArrivalUS, err = d.integer("arrival_us")
	case "request_id":
		r.RequestID, err = d.id("request_id")
	case "seq":
		r.Seq, err = d.integer("seq")
	case "conversation":
		r.Conversation, err = d.id("conversation")
	case "client":
		r.Client, err = d.id("client")
	case "prompt_id":
		r.PromptID, err = d.id("prompt_id")
	case "outcome":
		var text []byte
		if text, err = d.text("outcome"); err == nil {
			if r.Outcome = ParseOutcome(unsafeString(text)); r.Outcome == OutcomeUnknown {
				err = fieldError("outcome", "%q is not an outcome", clip(text))
			}
		}
	case "status_code":
		r.StatusCode, err = d.small("status_code")
	case "error_type":
		r.ErrorType, err = d.name("error_type", lastErrorType)
	case "finish_reason":
		r.FinishReason, err = d.name("finish_reason", lastFinishReason)
	case "request_tokens":
		r.RequestTokens, err = d.count("request_tokens")
	case "response_tokens":
		r.ResponseTokens, err = d.count("response_tokens")
	case "reasoning_tokens":
		r.ReasoningTokens, err = d.count("reasoning_tokens")
	case "cached_tokens":
		r.CachedTokens, err = d.count("cached_tokens")
	case "max_tokens":
		r.MaxTokens, err = d.count("max_tokens")
	case "target_tokens":
		r.TargetTokens, err = d.count("target_tokens")
	case "steps":
		r.Steps, err = d.count("steps")
	case "elapsed_us":
		r.ElapsedUS, err = d.count("elapsed_us")
	case "ttft_us":
		r.TTFTUS, err = d.count("ttft_us")
	case "queue_us":
		r.QueueUS, err = d.count("queue_us")
	case "config":
		r.Config, err = d.name("config", lastConfig)
	case "host":
		r.Host, err = d.name("host", lastHost)
	case "temperature":
		r.Temperature, err = d.float("temperature")
	case "top_p":
		r.TopP, err = d.float("top_p")
	case "seed":
		r.Seed, err = d.integer("seed")
		r.HasSeed = err == nil
	case "prefix_hashes":
		r.PrefixHashes, err = d.hashes(r.PrefixHashes[:0])
	case "prefix_block_tokens":
		r.PrefixBlockTokens, err = d.small("prefix_block_tokens")
	case "labels":
		r.Labels, err = d.labels(r.Labels[:0])
	default:
		err = d.skip()
	}
	return err
}

// reset makes one field unknown again: null after a value of the same key.
func (d *Decoder) reset(key []byte, r *Request) error {
	var one Decoder
	switch string(key) {
	case "arrival_us":
		return fieldError("arrival_us", "is null")
	case "service", "model", "log_type", "operation", "request_id", "conversation", "client", "prompt_id", "error_type",
		"finish_reason", "config", "host":
		one.data = []byte(`""`)
		return one.field(key, r)
	case "outcome":
		r.Outcome = OutcomeUnknown
	case "seq":
		r.Seq = 0
	case "status_code":
		r.StatusCode = Unknown
	case "request_tokens":
		r.RequestTokens = Unknown
	case "response_tokens":
		r.ResponseTokens = Unknown
	case "reasoning_tokens":
		r.ReasoningTokens = Unknown
	case "cached_tokens":
		r.CachedTokens = Unknown
	case "max_tokens":
		r.MaxTokens = Unknown
	case "target_tokens":
		r.TargetTokens = Unknown
	case "steps":
		r.Steps = Unknown
	case "elapsed_us":
		r.ElapsedUS = Unknown
	case "ttft_us":
		r.TTFTUS = Unknown
	case "queue_us":
		r.QueueUS = Unknown
	case "temperature":
		r.Temperature = math.NaN()
	case "top_p":
		r.TopP = math.NaN()
	case "seed":
		r.Seed, r.HasSeed = 0, false
	case "prefix_hashes":
		r.PrefixHashes = r.PrefixHashes[:0]
	case "prefix_block_tokens":
		r.PrefixBlockTokens = 0
	case "labels":
		r.Labels = r.Labels[:0]
	}
	return nil
}

// next skips white space and gives the byte at hand, 0 at the end.
func (d *Decoder) next() byte {
	for d.at < len(d.data) {
		switch c := d.data[d.at]; c {
		case ' ', '\t', '\n', '\r':
			d.at++
		default:
			return c
		}
	}
	return 0
}

func (d *Decoder) null() bool {
	if d.at < len(d.data) && d.data[d.at] == 'n' && bytes.HasPrefix(d.data[d.at:], []byte("null")) {
		d.at += 4
		return true
	}
	return false
}

// str reads the string at hand. The bytes are d.data's own unless it has escapes.
func (d *Decoder) str() ([]byte, error) {
	start := d.at + 1
	ascii := true
	for i := start; i < len(d.data); i++ {
		switch c := d.data[i]; {
		case c == '"':
			d.at = i + 1
			s := d.data[start:i]
			if !ascii && !utf8.Valid(s) {
				return d.unquote(d.data[start-1 : i+1])
			}
			return s, nil
		case c == '\\':
			return d.escaped(start - 1)
		case c < ' ':
			return nil, d.syntax("has a control character in a string")
		case c >= utf8.RuneSelf:
			ascii = false
		}
	}
	return nil, d.syntax("ends inside a string")
}

// escaped reads a string with escapes from its opening quote, as encoding/json does.
func (d *Decoder) escaped(open int) ([]byte, error) {
	for i := open + 1; i < len(d.data); i++ {
		switch d.data[i] {
		case '\\':
			i++
		case '"':
			d.at = i + 1
			return d.unquote(d.data[open : i+1])
		}
	}
	return nil, d.syntax("ends inside a string")
}

func (d *Decoder) unquote(quoted []byte) ([]byte, error) {
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return nil, d.syntax("has a bad escape in a string")
	}
	return []byte(s), nil
}

func (d *Decoder) text(field string) ([]byte, error) {
	if d.at >= len(d.data) || d.data[d.at] != '"' {
		return nil, d.kind(field, "a text")
	}
	return d.str()
}

// name reads a text of which there are few.
func (d *Decoder) name(field string, last int) (string, error) {
	b, err := d.text(field)
	if err != nil {
		return "", err
	}
	if d.last[last] == string(b) {
		return d.last[last], nil
	}
	s, ok := d.names[string(b)]
	if !ok {
		if d.names == nil || len(d.names) >= maxNames {
			d.names = make(map[string]string)
		}
		s = string(b)
		d.names[s] = s
	}
	d.last[last] = s
	return s, nil
}

// id reads a text of which there are many.
func (d *Decoder) id(field string) (string, error) {
	b, err := d.text(field)
	if err != nil || len(b) == 0 {
		return "", err
	}
	if len(b) > cap(d.arena)-len(d.arena) {
		d.arena = make([]byte, 0, max(arenaChunk, len(b)))
	}
	start := len(d.arena)
	d.arena = append(d.arena, b...)
	return unsafeString(d.arena[start:]), nil
}

func unsafeString(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// count reads a known number: Unknown cannot be written out.
func (d *Decoder) count(field string) (int64, error) {
	v, err := d.integer(field)
	if err == nil && v < 0 {
		err = fieldError(field, "%d is negative", v)
	}
	return v, err
}

func (d *Decoder) small(field string) (int32, error) {
	v, err := d.count(field)
	if err == nil && v > math.MaxInt32 {
		err = fieldError(field, "%d is too large", v)
	}
	return int32(v), err
}

func (d *Decoder) integer(field string) (int64, error) {
	i, negative := d.at, false
	if i < len(d.data) && d.data[i] == '-' {
		negative = true
		i++
	}
	first := i
	var v uint64
	for ; i < len(d.data) && d.data[i]-'0' <= 9; i++ {
		if i-first == 19 {
			return 0, fieldError(field, "%s is too large", clip(d.data[d.at:]))
		}
		v = v*10 + uint64(d.data[i]-'0')
	}
	switch {
	case i == first:
		return 0, d.kind(field, "a whole number")
	case i < len(d.data) && (d.data[i] == '.' || d.data[i]|0x20 == 'e'):
		return 0, fieldError(field, "%s is not a whole number", clip(d.data[d.at:]))
	case d.data[first] == '0' && i > first+1:
		return 0, d.syntax("has a number that starts with 0")
	case v > math.MaxInt64:
		return 0, fieldError(field, "%s is too large", clip(d.data[d.at:]))
	}
	d.at = i
	if negative {
		return -int64(v), nil
	}
	return int64(v), nil
}

func (d *Decoder) float(field string) (float64, error) {
	start := d.at
	if err := d.skip(); err != nil {
		return 0, err
	}
	raw := d.data[start:d.at]
	if len(raw) == 0 || (raw[0] != '-' && raw[0]-'0' > 9) || !json.Valid(raw) {
		return 0, fieldError(field, "%s is not a number", clip(raw))
	}
	v, err := strconv.ParseFloat(unsafeString(raw), 64)
	if err != nil {
		return 0, fieldError(field, "%s is out of range", clip(raw))
	}
	return v, nil
}

func (d *Decoder) hashes(into []uint64) ([]uint64, error) {
	start := d.at
	if err := d.skip(); err != nil {
		return into, err
	}
	raw := d.data[start:d.at]
	if err := json.Unmarshal(raw, &into); err != nil {
		return into[:0], fieldError("prefix_hashes", "is not a list of whole numbers of 0 or more")
	}
	return into, nil
}

func (d *Decoder) labels(into []Label) ([]Label, error) {
	start := d.at
	if err := d.skip(); err != nil {
		return into, err
	}
	var labels map[string]string
	if err := json.Unmarshal(d.data[start:d.at], &labels); err != nil {
		return into, fieldError("labels", "is not an object of texts")
	}
	for k, v := range labels {
		into = append(into, Label{k, v})
	}
	return into, nil
}

// skip passes over any JSON value. What lies inside a list or an object is checked as a whole.
func (d *Decoder) skip() error {
	start := d.at
	switch d.next() {
	case '"':
		_, err := d.str()
		return err
	case '{', '[':
		depth := 0
		for d.at < len(d.data) {
			switch d.data[d.at] {
			case '"':
				if _, err := d.str(); err != nil {
					return err
				}
				continue
			case '{', '[':
				depth++
			case '}', ']':
				depth--
			}
			d.at++
			if depth == 0 {
				if !json.Valid(d.data[start:d.at]) {
					return d.syntax("has a value that is not JSON")
				}
				return nil
			}
		}
		return d.syntax("ends inside a value")
	}
	for d.at < len(d.data) && !bytes.ContainsRune([]byte(",}] \t\r\n"), rune(d.data[d.at])) {
		d.at++
	}
	if !json.Valid(d.data[start:d.at]) {
		return d.syntax("has a value that is not JSON")
	}
	return nil
}

func (d *Decoder) kind(field, want string) error {
	if d.at >= len(d.data) {
		return d.syntax("ends where a value should be")
	}
	return fieldError(field, "%s is not %s", clip(d.data[d.at:]), want)
}

func (d *Decoder) syntax(what string) error {
	return &syntaxError{what: what, at: d.at}
}

type syntaxError struct {
	what string
	at   int
}

func (e *syntaxError) Error() string {
	return ErrJSON.Error() + ": " + e.what + " (byte " + strconv.Itoa(e.at) + ")"
}

func (e *syntaxError) Unwrap() error { return ErrJSON }

// clip gives the start of what cannot be read, up to its end where that is near.
func clip(b []byte) string {
	const most = 40
	if i := bytes.IndexAny(b, ",}\n"); i > 0 && i < most {
		b = b[:i]
	}
	if len(b) > most {
		return string(bytes.ToValidUTF8(b[:most], nil)) + "…"
	}
	return string(bytes.ToValidUTF8(b, nil))
}
