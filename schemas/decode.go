package schemas

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
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
	// follow has, for each field, the two that came right after it lately.
	follow [fieldCount][2]field

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
	for at := start; ; {
		if d.next() != '"' {
			return d.syntax("wants a key")
		}
		f, ok := d.foreseen(at)
		if !ok {
			key, err := d.str()
			if err != nil {
				return err
			}
			if d.next() != ':' {
				return d.syntax("wants a colon after a key")
			}
			d.at++
			f = fields[string(key)]
			d.foresee(at, f)
		}
		at = f
		d.next()
		if err := d.field(f, r); err != nil {
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

// foreseen reads the key at hand if it is one of the two that came after the same field lately, and the colon right after
// it. Producers write their fields in one order, leaving some out: nearly every key is found this way, by one comparison
// and not character by character.
func (d *Decoder) foreseen(after field) (field, bool) {
	rest := d.data[d.at:]
	for _, f := range d.follow[after] {
		if text := fieldTexts[f]; f != unknownField && len(rest) >= len(text) && string(rest[:len(text)]) == text {
			d.at += len(text)
			return f, true
		}
	}
	return unknownField, false
}

// foresee notes that a field came after another, in the place of what came there earlier.
func (d *Decoder) foresee(after, f field) {
	if seen := &d.follow[after]; f != unknownField && f != seen[0] {
		seen[0], seen[1] = f, seen[0]
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

// field reads the value of a field into r.
func (d *Decoder) field(f field, r *Request) (err error) {
	if d.null() {
		return d.reset(f, r)
	}
	switch f {
	case fieldService:
		r.Service, err = d.name("service", lastService)
	case fieldModel:
		r.Model, err = d.name("model", lastModel)
	case fieldLogType:
		r.LogType, err = d.name("log_type", lastLogType)
	case fieldOperation:
		r.Operation, err = d.name("operation", lastOperation)
	case fieldArrivalUS:
		r.ArrivalUS, err = d.integer("arrival_us")
	case fieldRequestID:
		r.RequestID, err = d.id("request_id")
	case fieldSeq:
		r.Seq, err = d.integer("seq")
	case fieldConversation:
		r.Conversation, err = d.id("conversation")
	case fieldClient:
		r.Client, err = d.id("client")
	case fieldPromptID:
		r.PromptID, err = d.id("prompt_id")
	case fieldOutcome:
		var text []byte
		if text, err = d.text("outcome"); err == nil {
			if r.Outcome = ParseOutcome(unsafeString(text)); r.Outcome == OutcomeUnknown {
				err = fieldError("outcome", "%q is not an outcome", clip(text))
			}
		}
	case fieldStatusCode:
		r.StatusCode, err = d.small("status_code")
	case fieldErrorType:
		r.ErrorType, err = d.name("error_type", lastErrorType)
	case fieldFinishReason:
		r.FinishReason, err = d.name("finish_reason", lastFinishReason)
	case fieldRequestTokens:
		r.RequestTokens, err = d.count("request_tokens")
	case fieldResponseTokens:
		r.ResponseTokens, err = d.count("response_tokens")
	case fieldReasoningTokens:
		r.ReasoningTokens, err = d.count("reasoning_tokens")
	case fieldCachedTokens:
		r.CachedTokens, err = d.count("cached_tokens")
	case fieldMaxTokens:
		r.MaxTokens, err = d.count("max_tokens")
	case fieldTargetTokens:
		r.TargetTokens, err = d.count("target_tokens")
	case fieldSteps:
		r.Steps, err = d.count("steps")
	case fieldElapsedUS:
		r.ElapsedUS, err = d.count("elapsed_us")
	case fieldTTFTUS:
		r.TTFTUS, err = d.count("ttft_us")
	case fieldQueueUS:
		r.QueueUS, err = d.count("queue_us")
	case fieldConfig:
		r.Config, err = d.name("config", lastConfig)
	case fieldHost:
		r.Host, err = d.name("host", lastHost)
	case fieldTemperature:
		r.Temperature, err = d.float("temperature")
	case fieldTopP:
		r.TopP, err = d.float("top_p")
	case fieldSeed:
		r.Seed, err = d.integer("seed")
		r.HasSeed = err == nil
	case fieldPrefixHashes:
		r.PrefixHashes, err = d.hashes(r.PrefixHashes[:0])
	case fieldPrefixBlockTokens:
		r.PrefixBlockTokens, err = d.small("prefix_block_tokens")
	case fieldLabels:
		r.Labels, err = d.labels(r.Labels[:0])
	default:
		err = d.skip()
	}
	return err
}

// reset makes one field unknown again: null after a value of the same key.
func (d *Decoder) reset(f field, r *Request) error {
	var one Decoder
	switch f {
	case fieldArrivalUS:
		return fieldError("arrival_us", "is null")
	case fieldService, fieldModel, fieldLogType, fieldOperation, fieldRequestID, fieldConversation, fieldClient, fieldPromptID, fieldErrorType,
		fieldFinishReason, fieldConfig, fieldHost:
		one.data = []byte(`""`)
		return one.field(f, r)
	case fieldOutcome:
		r.Outcome = OutcomeUnknown
	case fieldSeq:
		r.Seq = 0
	case fieldStatusCode:
		r.StatusCode = Unknown
	case fieldRequestTokens:
		r.RequestTokens = Unknown
	case fieldResponseTokens:
		r.ResponseTokens = Unknown
	case fieldReasoningTokens:
		r.ReasoningTokens = Unknown
	case fieldCachedTokens:
		r.CachedTokens = Unknown
	case fieldMaxTokens:
		r.MaxTokens = Unknown
	case fieldTargetTokens:
		r.TargetTokens = Unknown
	case fieldSteps:
		r.Steps = Unknown
	case fieldElapsedUS:
		r.ElapsedUS = Unknown
	case fieldTTFTUS:
		r.TTFTUS = Unknown
	case fieldQueueUS:
		r.QueueUS = Unknown
	case fieldTemperature:
		r.Temperature = math.NaN()
	case fieldTopP:
		r.TopP = math.NaN()
	case fieldSeed:
		r.Seed, r.HasSeed = 0, false
	case fieldPrefixHashes:
		r.PrefixHashes = r.PrefixHashes[:0]
	case fieldPrefixBlockTokens:
		r.PrefixBlockTokens = 0
	case fieldLabels:
		r.Labels = r.Labels[:0]
	}
	return nil
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
