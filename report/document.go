package report

// SchemaName is the value of Summary.Schema: the document's name and version.
const SchemaName = "tidegauge.summary/1"

// Summary is the whole document. Names, units and definitions are those of docs/metrics.md: times in seconds unless the
// name ends in _us, lengths in tokens, an undefined number is null and a key is never missing.
type Summary struct {
	Schema   string `json:"schema"`
	Requests int64  `json:"requests"`
	// GeneratedBy names the program and version, Range what was asked for, Warnings what a reader must know before
	// using the numbers. These three are not part of what two summaries are compared by.
	GeneratedBy string    `json:"generated_by"`
	Range       Range     `json:"range"`
	Warnings    []Warning `json:"warnings"`
	// Services are in byte order of their names.
	Services []Service `json:"services"`
}

// Range is what the numbers cover.
type Range struct {
	// FromUS (included) and ToUS (excluded) limit the arrivals; null: not limited.
	FromUS *int64 `json:"from_us"`
	ToUS   *int64 `json:"to_us"`
	// TimeZone is the zone of by_hour and by_weekday_hour.
	TimeZone string `json:"time_zone"`
}

// Service is one service: the replicas that share one arrival process.
type Service struct {
	Service        string `json:"service"`
	Requests       int64  `json:"requests"`
	FirstArrivalUS int64  `json:"first_arrival_us"`
	LastArrivalUS  int64  `json:"last_arrival_us"`
	ByHour         Day    `json:"by_hour"`
	// ByWeekdayHour begins on Monday.
	ByWeekdayHour [7]Day `json:"by_weekday_hour"`
	// Streams are ordered by model, then log type, null first; streams without requests are left out.
	Streams       []Stream      `json:"streams"`
	Conversations Conversations `json:"conversations"`
}

// Day is 24 hours of day.
type Day [24]Hour

// Hour is what one hour of day, over the whole range, has seen. Unknown token counts add nothing.
type Hour struct {
	Requests       int64 `json:"requests"`
	Failures       int64 `json:"failures"`
	RequestTokens  int64 `json:"request_tokens"`
	ResponseTokens int64 `json:"response_tokens"`
}

// Add adds what another hour has seen.
func (h *Hour) Add(o Hour) {
	h.Requests += o.Requests
	h.Failures += o.Failures
	h.RequestTokens += o.RequestTokens
	h.ResponseTokens += o.ResponseTokens
}

// Stream is a service's requests of one model and log type.
type Stream struct {
	// Model and LogType are null where the stream takes all of them. An empty log type is one that was not logged.
	Model    *string  `json:"model"`
	LogType  *string  `json:"log_type"`
	Requests int64    `json:"requests"`
	Arrivals Arrivals `json:"arrivals"`
	Lengths  Lengths  `json:"lengths"`
	Failures Failures `json:"failures"`
	Latency  Latency  `json:"latency"`
}

// Warning says something about the log that bends numbers or leaves them out.
type Warning struct {
	// Code is one of the Warn constants.
	Code string `json:"code"`
	// Service is whom it concerns, empty for all.
	Service string `json:"service"`
	// Count is how many requests, ids or durations it concerns; 0 where that is no question.
	Count int64 `json:"count"`
	// Text is a sentence for a person.
	Text string `json:"text"`
}

// The codes of warnings. They are names a script may rely on.
const (
	WarnCoarseClock      = "coarse_clock"           // zero_gap_share above CoarseClock: the maximum-likelihood fits are unsafe
	WarnNegativeTPOT     = "negative_tpot"          // a first token after the end: kept out of tpot
	WarnCutDurations     = "cut_durations"          // durations above 24 h, cut to it
	WarnConflictingIDs   = "conflicting_ids"        // one request id on requests that differ
	WarnDuplicates       = "duplicates"             // equal requests, an id among them: counted once
	WarnNoRequestTokens  = "no_request_tokens"      // no request knows them: lengths are empty
	WarnNoResponseTokens = "no_response_tokens"     // likewise
	WarnSomeTokens       = "some_tokens_unknown"    // requests that are left out of lengths because a count is unknown
	WarnNoElapsed        = "no_elapsed"             // in flight, elapsed, tpot and think time are null
	WarnNoTTFT           = "no_ttft"                // ttft and tpot are null
	WarnNoConversations  = "no_conversations"       // the section conversations is empty
	WarnInferred         = "conversations_inferred" // from clients: Options.InferConversations
)

// CoarseClock is the zero_gap_share above which a clock is too coarse for the maximum-likelihood fits of gaps.
const CoarseClock = 0.01
