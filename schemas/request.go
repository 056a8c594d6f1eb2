package schemas

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
)

// Unknown is the value of a number that the log did not give. It is never 0: a count of 0 tokens says that there
// were none, Unknown that nobody counted.
const Unknown = -1

// Limits of a request. A record outside them is refused, with the field and the reason, rather than stored in a form
// that would bend every number computed from it.
const (
	// MinArrivalUS and MaxArrivalUS bound accepted arrivals: [1970-01-01, 2100-01-01), in microseconds. ClickHouse's
	// DateTime ends in 2106, and an arrival beyond 2100 is a wrong unit, not a request.
	MinArrivalUS = 0
	MaxArrivalUS = 4_102_444_800_000_000
	// MaxElapsedUS is 24 h. A longer elapsed, ttft or queue time is cut to it and counted: one forgotten connection
	// must not spread over a year of minutes in flight.
	MaxElapsedUS = 24 * 3600 * 1_000_000
	// MaxTokens bounds every token count. Ten times the longest context window anyone sells (10 million tokens), so
	// whatever exceeds it is another quantity (a timestamp, bytes) in the wrong column.
	MaxTokens = 100_000_000
	// MaxSeq bounds seq: 17 trillion lines. Processors pack it into 44 bits.
	MaxSeq = 1<<44 - 1
	// MaxName bounds, in bytes, the strings that name something few (service, model, error type, …).
	MaxName = 256
	// MaxID bounds, in bytes, the strings that name something many (request, conversation, client, prompt).
	MaxID = 512
	// MaxLabels, MaxLabelKey and MaxLabelValue bound the labels, MaxPrefixHashes the prefix blocks: a million-token
	// prompt in blocks of 16.
	MaxLabels       = 16
	MaxLabelKey     = 64
	MaxLabelValue   = 256
	MaxPrefixHashes = 65_536
)

// Microseconds in the units that the definitions use.
const (
	SecondUS = 1_000_000
	MinuteUS = 60 * SecondUS
	DayUS    = 24 * 60 * MinuteUS
)

// Outcome is how a request ended.
type Outcome uint8

// The outcomes. OutcomeUnknown is no outcome: a request without one is refused.
const (
	OutcomeUnknown Outcome = iota
	OK                     // finished with an answer
	Empty                  // a generation that finished with zero response tokens (BurstGPT's failure)
	Error                  // ended with an error; ErrorType says which, StatusCode where known
	Timeout                // gave no answer in time
	RateLimited            // turned away for load (HTTP 429)
	Cancelled              // its caller gave up
	Filtered               // stopped by a content filter
	outcomes
)

// Outcomes is the number of outcomes, OutcomeUnknown included: the size of an array indexed by Outcome.
const Outcomes = int(outcomes)

var outcomeNames = [Outcomes]string{"", "ok", "empty", "error", "timeout", "rate_limited", "cancelled", "filtered"}

// String gives the outcome's name as it stands in JSON and in ClickHouse, "" for OutcomeUnknown.
func (o Outcome) String() string {
	if int(o) >= Outcomes {
		return ""
	}
	return outcomeNames[o]
}

// ParseOutcome gives the outcome of a name, OutcomeUnknown for any other text.
func ParseOutcome(name string) Outcome {
	for o, n := range outcomeNames {
		if n == name {
			return Outcome(o)
		}
	}
	return OutcomeUnknown
}

// Failed says whether the outcome is a failure in BurstGPT's sense: anything that gave no answer, unless its caller
// gave up on it.
func (o Outcome) Failed() bool { return o != OK && o != Cancelled }

// ClientError says whether an error is its caller's: outcome error with a status of 400-499. Such errors are failures
// but not faults, and stand outside fault_rate. An error without a status is a fault.
func ClientError(o Outcome, status int32) bool { return o == Error && status >= 400 && status < 500 }

// Fault says whether operators answer for the request's end: empty, timeout, and errors but for client errors.
func Fault(o Outcome, status int32) bool {
	return o == Empty || o == Timeout || (o == Error && !ClientError(o, status))
}

// Judged says whether a request counts in fault_rate's denominator: all but cancelled, rate_limited, filtered and
// client errors.
func Judged(o Outcome, status int32) bool {
	return o != Cancelled && o != RateLimited && o != Filtered && !ClientError(o, status)
}

// Label is one entry of a request's labels (team, region, replica, route, adapter).
type Label struct{ Key, Value string }

// Request is one line of a serving log: an arrival, what was asked, what came back, how it ended. It never holds the
// text of a prompt or of a response. The names of its JSON fields, with the OpenTelemetry attribute that each comes
// from, are in request.schema.json; TestSchema holds the two together.
//
// Counts and durations that the log does not give are Unknown, Temperature and TopP NaN, strings empty. The zero
// Request therefore claims counts of 0: start with Reset.
type Request struct {
	// Service names the replicas that are provisioned together and share one arrival process; the topic's key.
	Service string
	// Model is the model that was asked for; never empty.
	Model string
	// LogType tells kinds of traffic apart (BurstGPT: conversation, api); may be empty.
	LogType string
	// Operation is what the engine did; empty means "generation". Embeddings and reranking have no response tokens.
	Operation string
	// ArrivalUS is when the request was submitted, in microseconds since the Unix epoch, UTC.
	ArrivalUS int64
	// RequestID is the log's own id, or one made from the source and the line (see ingest). Empty only where neither
	// was stamped.
	RequestID string
	// Seq orders requests of equal arrival: the line in its own file where the log gives no ids, else 0.
	Seq int64
	// Conversation groups turns; Client is who asked; PromptID names equal prompts.
	Conversation, Client, PromptID string
	Outcome                        Outcome
	// StatusCode is the HTTP status, Unknown where not logged.
	StatusCode int32
	// ErrorType says what went wrong where Outcome is Error; FinishReason why generation ended.
	ErrorType, FinishReason string
	// Tokens: asked, answered (reasoning included), of the answer spent on reasoning, of the prompt found in a cache,
	// the caller's limit, the length the caller asked for. Steps: decoding iterations.
	RequestTokens, ResponseTokens, ReasoningTokens, CachedTokens, MaxTokens, TargetTokens, Steps int64
	// ElapsedUS is from arrival to the complete answer, TTFTUS to its first token, QueueUS spent waiting before work
	// began; microseconds.
	ElapsedUS, TTFTUS, QueueUS int64
	// Config labels the version of the serving configuration; Host the replica.
	Config, Host string
	// Temperature, TopP and Seed are the sampling parameters. HasSeed says whether Seed was given.
	Temperature, TopP float64
	Seed              int64
	HasSeed           bool
	// PrefixHashes are the ids of the prompt's leading blocks of PrefixBlockTokens tokens each (0: not given).
	PrefixHashes      []uint64
	PrefixBlockTokens int32
	// Labels are sorted by key, keys distinct.
	Labels []Label
}

// Reset makes r the request of which nothing is known. It keeps r's slices for reuse.
func (r *Request) Reset() {
	*r = Request{
		ArrivalUS: Unknown, StatusCode: Unknown, RequestTokens: Unknown, ResponseTokens: Unknown, ReasoningTokens: Unknown,
		CachedTokens: Unknown, MaxTokens: Unknown, TargetTokens: Unknown, Steps: Unknown,
		ElapsedUS: Unknown, TTFTUS: Unknown, QueueUS: Unknown, Temperature: math.NaN(), TopP: math.NaN(),
		PrefixHashes: r.PrefixHashes[:0], Labels: r.Labels[:0],
	}
}

// GenerationEnd gives the outcome of a request whose log names none: Empty for a generation that is known to have
// given zero response tokens, else OK.
func (r *Request) GenerationEnd() Outcome {
	if r.ResponseTokens == 0 && (r.Operation == "" || r.Operation == "generation") {
		return Empty
	}
	return OK
}

// FieldError says which field of a request cannot be accepted and why.
type FieldError struct{ Field, Reason string }

// Error gives "field: reason".
func (e *FieldError) Error() string { return e.Field + ": " + e.Reason }

func fieldError(field, format string, arguments ...any) error {
	return &FieldError{Field: field, Reason: fmt.Sprintf(format, arguments...)}
}

// Validate says everything that is wrong with r, joined; nil if it can be accepted. It first cuts durations above 24 h
// to MaxElapsedUS and says how many it cut, and sorts the labels. Errors are *FieldError.
func (r *Request) Validate() (cut int, err error) {
	// The common case runs through without building anything.
	for _, d := range [...]*int64{&r.ElapsedUS, &r.TTFTUS, &r.QueueUS} {
		if *d > MaxElapsedUS {
			*d = MaxElapsedUS
			cut++
		}
	}
	if len(r.Labels) > 1 {
		slices.SortFunc(r.Labels, func(a, b Label) int { return strings.Compare(a.Key, b.Key) })
	}
	if r.valid() {
		return cut, nil
	}
	return cut, r.explain()
}

func (r *Request) valid() bool {
	const tokens = MaxTokens + 1 // known counts are 0 … MaxTokens, Unknown is -1: one unsigned comparison each
	return r.Service != "" && len(r.Service) <= MaxName && r.Model != "" && len(r.Model) <= MaxName &&
		len(r.LogType) <= MaxName && len(r.Operation) <= MaxName && len(r.ErrorType) <= MaxName &&
		len(r.FinishReason) <= MaxName && len(r.Config) <= MaxName && len(r.Host) <= MaxName &&
		len(r.RequestID) <= MaxID && len(r.Conversation) <= MaxID && len(r.Client) <= MaxID && len(r.PromptID) <= MaxID &&
		r.ArrivalUS >= MinArrivalUS && r.ArrivalUS < MaxArrivalUS && uint64(r.Seq) <= MaxSeq &&
		r.Outcome != OutcomeUnknown && int(r.Outcome) < Outcomes && r.StatusCode >= Unknown && r.StatusCode <= 999 &&
		uint64(r.RequestTokens+1) <= tokens && uint64(r.ResponseTokens+1) <= tokens &&
		uint64(r.ReasoningTokens+1) <= tokens && uint64(r.CachedTokens+1) <= tokens &&
		uint64(r.MaxTokens+1) <= tokens && uint64(r.TargetTokens+1) <= tokens && uint64(r.Steps+1) <= tokens &&
		r.ElapsedUS >= Unknown && r.TTFTUS >= Unknown && r.QueueUS >= Unknown &&
		!math.IsInf(r.Temperature, 0) && !math.IsInf(r.TopP, 0) && r.PrefixBlockTokens >= 0 &&
		len(r.PrefixHashes) <= MaxPrefixHashes && validLabels(r.Labels)
}

func validLabels(labels []Label) bool {
	if len(labels) > MaxLabels {
		return false
	}
	for i, l := range labels {
		if l.Key == "" || len(l.Key) > MaxLabelKey || len(l.Value) > MaxLabelValue || (i > 0 && labels[i-1].Key == l.Key) {
			return false
		}
	}
	return true
}

func (r *Request) explain() error {
	var errs []error
	text := func(field, value string, most int, required bool) {
		if required && value == "" {
			errs = append(errs, fieldError(field, "is missing"))
		}
		if len(value) > most {
			errs = append(errs, fieldError(field, "has %d bytes, more than the %d allowed", len(value), most))
		}
	}
	number := func(field string, value, most int64) {
		if value < Unknown {
			errs = append(errs, fieldError(field, "%d is negative", value))
		} else if value > most {
			errs = append(errs, fieldError(field, "%d is more than the %d allowed", value, most))
		}
	}
	text("service", r.Service, MaxName, true)
	text("model", r.Model, MaxName, true)
	text("log_type", r.LogType, MaxName, false)
	text("operation", r.Operation, MaxName, false)
	text("error_type", r.ErrorType, MaxName, false)
	text("finish_reason", r.FinishReason, MaxName, false)
	text("config", r.Config, MaxName, false)
	text("host", r.Host, MaxName, false)
	text("request_id", r.RequestID, MaxID, false)
	text("conversation", r.Conversation, MaxID, false)
	text("client", r.Client, MaxID, false)
	text("prompt_id", r.PromptID, MaxID, false)
	if r.ArrivalUS == Unknown {
		errs = append(errs, fieldError("arrival_us", "is missing"))
	} else if r.ArrivalUS < MinArrivalUS || r.ArrivalUS >= MaxArrivalUS {
		errs = append(errs, fieldError("arrival_us", "%d is not within 1970 to 2100; is the unit microseconds since the Unix epoch?", r.ArrivalUS))
	}
	if uint64(r.Seq) > MaxSeq {
		errs = append(errs, fieldError("seq", "%d is not within 0 to %d", r.Seq, int64(MaxSeq)))
	}
	if r.Outcome == OutcomeUnknown || int(r.Outcome) >= Outcomes {
		errs = append(errs, fieldError("outcome", "is missing or not one of %s", strings.Join(outcomeNames[1:], ", ")))
	}
	number("status_code", int64(r.StatusCode), 999)
	number("request_tokens", r.RequestTokens, MaxTokens)
	number("response_tokens", r.ResponseTokens, MaxTokens)
	number("reasoning_tokens", r.ReasoningTokens, MaxTokens)
	number("cached_tokens", r.CachedTokens, MaxTokens)
	number("max_tokens", r.MaxTokens, MaxTokens)
	number("target_tokens", r.TargetTokens, MaxTokens)
	number("steps", r.Steps, MaxTokens)
	number("elapsed_us", r.ElapsedUS, MaxElapsedUS)
	number("ttft_us", r.TTFTUS, MaxElapsedUS)
	number("queue_us", r.QueueUS, MaxElapsedUS)
	if math.IsInf(r.Temperature, 0) || math.IsInf(r.TopP, 0) {
		errs = append(errs, fieldError("temperature", "temperature or top_p is infinite"))
	}
	if r.PrefixBlockTokens < 0 {
		errs = append(errs, fieldError("prefix_block_tokens", "%d is negative", r.PrefixBlockTokens))
	}
	if len(r.PrefixHashes) > MaxPrefixHashes {
		errs = append(errs, fieldError("prefix_hashes", "has %d entries, more than the %d allowed", len(r.PrefixHashes), MaxPrefixHashes))
	}
	if !validLabels(r.Labels) {
		errs = append(errs, fieldError("labels", "more than %d, or a key that is empty, repeated or over %d bytes, or a value over %d bytes",
			MaxLabels, MaxLabelKey, MaxLabelValue))
	}
	return errors.Join(errs...)
}
