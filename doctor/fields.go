package doctor

import (
	"cmp"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"tidegauge/schemas"
	"tidegauge/stats"
)

// fieldKind is one field of a request: where it is, who could have it, and what its absence costs.
type fieldKind struct {
	name string
	// text or number reads it; an empty text and a negative number are unknown.
	text   func(*schemas.Request) string
	number func(*schemas.Request) float64
	unit   string // of numbers: "us", "" for counts
	// applies says whether a request could have it; nil: all.
	applies func(*schemas.Request) bool
	costs   string
	// optional fields are shown only where the log has them; of mixed ones it is usual that some requests lack them.
	optional, mixed bool
}

func answered(r *schemas.Request) bool { return r.Outcome == schemas.OK }
func generated(r *schemas.Request) bool {
	return answered(r) && (r.Operation == "" || r.Operation == "generation")
}

func status(r *schemas.Request) string {
	if r.StatusCode == schemas.Unknown {
		return ""
	}
	return strconv.Itoa(int(r.StatusCode))
}

// errorType leaves out what stands for an error that the log does not name.
func errorType(r *schemas.Request) string {
	if r.ErrorType == "_OTHER" {
		return ""
	}
	return r.ErrorType
}

func whole(v int64) float64 { return float64(v) }

// kinds are the fields in the order in which they are shown.
var kinds = []fieldKind{
	{name: "service", text: func(r *schemas.Request) string { return r.Service }},
	{name: "model", text: func(r *schemas.Request) string { return r.Model }},
	{name: "log_type", text: func(r *schemas.Request) string { return r.LogType }, optional: true},
	{name: "operation", text: func(r *schemas.Request) string { return r.Operation }, optional: true},
	{name: "outcome", text: func(r *schemas.Request) string { return r.Outcome.String() }},
	{name: "request_tokens", number: func(r *schemas.Request) float64 { return whole(r.RequestTokens) }, applies: answered,
		costs: "lengths, context_growth, history_carried_share"},
	{name: "response_tokens", number: func(r *schemas.Request) float64 { return whole(r.ResponseTokens) }, applies: generated,
		costs: "lengths, tpot, tokens per second, failures of kind empty"},
	{name: "elapsed", unit: "us", number: func(r *schemas.Request) float64 { return whole(r.ElapsedUS) },
		costs: "elapsed, tpot, goodput, in_flight, think_time, fault_rate by completion (alerts)"},
	{name: "ttft", unit: "us", number: func(r *schemas.Request) float64 { return whole(r.TTFTUS) }, applies: generated,
		costs: "ttft and tpot quantiles, goodput by ttft and tpot"},
	{name: "conversation", text: func(r *schemas.Request) string { return r.Conversation }, mixed: true,
		costs: "conversations: turns, intervals, think_time, context_growth"},
	{name: "client", text: func(r *schemas.Request) string { return r.Client }, mixed: true,
		costs: "--infer-conversations"},
	{name: "status_code", text: status,
		applies: func(r *schemas.Request) bool { return r.Outcome == schemas.Error },
		costs:   "telling callers' errors (400 to 499) from faults: fault_rate is too high"},
	{name: "error_type", text: errorType,
		applies: func(r *schemas.Request) bool { return r.Outcome == schemas.Error }, costs: "failures by error type"},
	{name: "queue", unit: "us", number: func(r *schemas.Request) float64 { return whole(r.QueueUS) }, optional: true},
	{name: "finish_reason", text: func(r *schemas.Request) string { return r.FinishReason }, optional: true},
	{name: "cached_tokens", number: func(r *schemas.Request) float64 { return whole(r.CachedTokens) }, optional: true},
	{name: "reasoning_tokens", number: func(r *schemas.Request) float64 { return whole(r.ReasoningTokens) }, optional: true},
	{name: "max_tokens", number: func(r *schemas.Request) float64 { return whole(r.MaxTokens) }, optional: true},
	{name: "prompt_id", text: func(r *schemas.Request) string { return r.PromptID }, optional: true},
	{name: "prefix_hashes", optional: true, number: func(r *schemas.Request) float64 {
		if len(r.PrefixHashes) == 0 {
			return schemas.Unknown
		}
		return whole(int64(len(r.PrefixHashes)))
	}},
	{name: "host", text: func(r *schemas.Request) string { return r.Host }, optional: true},
	{name: "config", text: func(r *schemas.Request) string { return r.Config }, optional: true},
}

// mostValues is how many values of a text are told apart.
const mostValues = 1000

// fieldCount collects one field.
type fieldCount struct {
	known, of int64
	// Of numbers.
	min, max float64
	zeros    uint64
	buckets  map[int16]uint64
	// Of texts: how often each of the first mostValues came; more says that there are others.
	values map[string]int64
	more   bool
}

func (c *fieldCount) add(k *fieldKind, r *schemas.Request) {
	if k.text != nil {
		c.addText(k.text(r), k.applies == nil || k.applies(r))
		return
	}
	v := k.number(r)
	c.addNumber(v, v >= 0 || k.applies == nil || k.applies(r))
}

func (c *fieldCount) addText(v string, applies bool) {
	if v != "" || applies {
		c.of++
	}
	if v == "" {
		return
	}
	c.known++
	n, ok := c.values[v]
	switch {
	case ok:
		c.values[v] = n + 1
	case len(c.values) == mostValues:
		c.more = true
	default:
		if c.values == nil {
			c.values = make(map[string]int64)
		}
		c.values[strings.Clone(v)] = 1
	}
}

func (c *fieldCount) addNumber(v float64, applies bool) {
	if applies {
		c.of++
	}
	if v < 0 {
		return
	}
	if c.known == 0 {
		c.min, c.max, c.buckets = v, v, make(map[int16]uint64)
	}
	c.known++
	c.min, c.max = min(c.min, v), max(c.max, v)
	if v == 0 {
		c.zeros++
	} else {
		c.buckets[stats.BucketFloat(v)]++
	}
}

// median is right to 1 %, and within min and max.
func (c *fieldCount) median() float64 {
	half := (uint64(c.known) + 1) / 2
	if half <= c.zeros {
		return 0
	}
	seen := c.zeros
	for _, b := range slices.Sorted(maps.Keys(c.buckets)) {
		if seen += c.buckets[b]; seen >= half {
			return min(max(stats.BucketValue(b), c.min), c.max)
		}
	}
	return c.max
}

// shownExamples is how many values of a text are shown.
const shownExamples = 3

func (c *fieldCount) field(k *fieldKind) Field {
	f := Field{Name: k.name, Known: c.known, Of: c.of, unit: k.unit, optional: k.optional, mixed: k.mixed}
	if c.known == 0 {
		if c.of > 0 {
			f.Costs = k.costs
		}
		return f
	}
	if !f.Enough() {
		f.Costs = k.costs
	}
	if k.number != nil {
		middle := math.Round(c.median())
		f.Min, f.Median, f.Max = &c.min, &middle, &c.max
		return f
	}
	names := slices.SortedFunc(maps.Keys(c.values), func(a, b string) int {
		return cmp.Or(cmp.Compare(c.values[b], c.values[a]), cmp.Compare(a, b))
	})
	f.Distinct = len(names)
	if c.more {
		f.Distinct++
	}
	f.Examples = names[:min(len(names), shownExamples)]
	return f
}

// FieldNames gives the names of the fields of every diagnosis.
func FieldNames() (names []string) {
	for i := range kinds {
		names = append(names, kinds[i].name)
	}
	return names
}
