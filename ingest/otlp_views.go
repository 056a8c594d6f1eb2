package ingest

import (
	"cmp"
	"fmt"
	"slices"
	"sync"

	"go.opentelemetry.io/collector/pdata/ptrace"

	"tidegauge/schemas"
)

// SpanPolicy says which spans of one call to a model are counted.
type SpanPolicy string

// The policies. Each but SpansAll counts a call once.
const (
	// SpansInnermost counts the span nearest the model: the engine's rather than the gateway's, the gateway's rather
	// than the agent's. It is what "" means.
	SpansInnermost SpanPolicy = "innermost"
	// SpansServer counts only what servers say of themselves, SpansClient only what callers say.
	SpansServer SpanPolicy = "server"
	SpansClient SpanPolicy = "client"
	// SpansAll counts every span of a call.
	SpansAll SpanPolicy = "all"
)

// SpanPolicies lists them, the default first.
var SpanPolicies = []string{string(SpansInnermost), string(SpansServer), string(SpansClient), string(SpansAll)}

// ParseSpanPolicy reads a policy's name.
func ParseSpanPolicy(text string) (SpanPolicy, error) {
	if slices.Contains(SpanPolicies, text) {
		return SpanPolicy(text), nil
	}
	return "", fmt.Errorf("spans %q is none of innermost, server, client, all", text)
}

// views decides which span of a call counts, where it shows in several.
//
// Two spans show one call if one lies below the other and no agent's or tool's span between them, or if they name the same
// response (or vLLM's request) and overlap in time. Servers that give every response the same id would otherwise have one
// call for ever. Within a message the innermost counts, then a server's before a client's, then the earlier. Of spans
// that come in different messages the first that came counts: it cannot be taken back. So with policy innermost what
// counts can depend on how exporters put spans into messages, while the number of requests does not; server and client
// take one side's word, whoever comes first.
//
// What is decided stays decided, also where the request that came of it could not be stored: a span that comes again is
// counted again if it was before. So a message that is sent again for lack of an answer is neither lost nor counted twice,
// and a call of which only that message is never sent again is lost with it.
//
// What came is remembered in two generations of maxSpans spans: when the younger is full, the older is forgotten.
type views struct {
	mutex      sync.Mutex // a receiver's decoders share one
	policy     SpanPolicy
	young, old seenSpans
}

// maxSpans times about 150 bytes, twice, is the most that views keeps: 80 MB. It is some minutes of a busy trace store,
// where the spans of a call come within seconds of each other.
const maxSpans = 1 << 18

type seenSpans struct {
	spans map[spanKey]*seenSpan
	calls map[uint64]seenCall
}

// spanKey is the hashes of a trace's and a span's id.
type spanKey struct{ trace, span uint64 }

type seenSpan struct {
	parent spanKey // zero where there is none, or where the span has not come
	// counted: it is a request. covered: one below it is. deciding: its role.
	counted, covered, deciding bool
}

// seenCall is the span that was counted of a call that has an id.
type seenCall struct {
	span       spanKey
	start, end int64
}

// choose sets counted of the spans of a message.
func (v *views) choose(spans []traceSpan) {
	if v.policy == SpansAll {
		for i := range spans {
			spans[i].counted = spans[i].role == call
		}
		return
	}
	keys := make([]spanKey, len(spans))
	at := make(map[spanKey]int, len(spans))
	for i := range spans {
		keys[i] = keyOf(spans[i].trace, spans[i].id)
		if spans[i].id != "" {
			at[keys[i]] = i
		}
	}
	depths := make([]int, len(spans))
	order := make([]int, len(spans))
	for i := range spans {
		order[i] = i
		// A chain of parents that bites its own tail must end, too.
		for p, ok := i, true; ok && depths[i] < maxDepth; depths[i]++ {
			if spans[p].parent == "" {
				break
			}
			p, ok = at[keyOf(spans[p].trace, spans[p].parent)]
		}
	}
	slices.SortFunc(order, func(i, j int) int {
		return cmp.Or(cmp.Compare(depths[j], depths[i]), cmp.Compare(nearness(spans[i].kind), nearness(spans[j].kind)),
			cmp.Compare(spans[i].start, spans[j].start), cmp.Compare(spans[i].id, spans[j].id))
	})
	v.mutex.Lock()
	defer v.mutex.Unlock()
	for _, i := range order {
		v.see(&spans[i], keys[i])
	}
}

// nearness orders kinds by how near to the model they are.
func nearness(k ptrace.SpanKind) int {
	switch k {
	case ptrace.SpanKindServer, ptrace.SpanKindConsumer:
		return 0
	case ptrace.SpanKindClient, ptrace.SpanKindProducer:
		return 1
	}
	return 2
}

func keyOf(trace, id string) spanKey { return spanKey{schemas.IDHash(trace), schemas.IDHash(id)} }

// asked says whether the policy looks at spans of this kind. Libraries that call a model in their own process say
// internal.
func (v *views) asked(k ptrace.SpanKind) bool {
	server := k == ptrace.SpanKindServer || k == ptrace.SpanKindConsumer
	switch v.policy {
	case SpansServer:
		return server
	case SpansClient:
		return !server
	}
	return true
}

// see decides about one span, after those below it in its message.
func (v *views) see(s *traceSpan, key spanKey) {
	if s.id == "" {
		s.counted = s.role == call && v.asked(s.kind) && v.first(s, key)
		return
	}
	n := v.span(key)
	if s.parent != "" && s.parent != s.id {
		n.parent = keyOf(s.trace, s.parent)
	}
	n.deciding = s.role == deciding
	shows := n.covered && !n.deciding // a call that is counted, itself or another span of it
	if s.role == call && v.asked(s.kind) {
		// A span that comes again is the same request again: its identity makes that harmless.
		if !n.counted && !n.covered && !v.above(n) {
			n.counted = v.first(s, key)
			shows = true
		}
		s.counted = n.counted
	}
	if shows || n.counted {
		v.cover(n.parent)
	}
}

// cover notes that a call shows below the span, for it and for all above it, up to who decided to call.
func (v *views) cover(key spanKey) {
	for range maxDepth {
		if key == (spanKey{}) {
			return
		}
		n := v.span(key)
		if n.covered {
			return
		}
		n.covered = true
		if n.deciding {
			return
		}
		key = n.parent
	}
}

// above says whether a span above is counted, up to who decided to call.
func (v *views) above(n *seenSpan) bool {
	for range maxDepth {
		if n.parent == (spanKey{}) {
			return false
		}
		n = v.span(n.parent)
		if n.counted || n.deciding {
			return n.counted
		}
	}
	return false
}

// first says whether no other span was counted of the call that this one names; from then on it is the one.
func (v *views) first(s *traceSpan, key spanKey) bool {
	id := attributes{s.attributes}.text(callIDNames...)
	if id == "" {
		return true
	}
	hash := schemas.IDHash(id)
	end := max(s.start, s.end)
	before, ok := v.young.calls[hash]
	if !ok {
		before, ok = v.old.calls[hash]
	}
	if ok && before.span != key && before.start <= end && s.start <= before.end {
		return false
	}
	v.room()
	v.young.calls[hash] = seenCall{key, s.start, end}
	return true
}

// span gives what is known of a span.
func (v *views) span(key spanKey) *seenSpan {
	if n, ok := v.young.spans[key]; ok {
		return n
	}
	n, ok := v.old.spans[key]
	if !ok {
		n = &seenSpan{}
	}
	v.room()
	v.young.spans[key] = n
	return n
}

// room forgets the older generation when the younger is full.
func (v *views) room() {
	if v.young.spans == nil || len(v.young.spans)+len(v.young.calls) >= maxSpans {
		v.old = v.young
		v.young = seenSpans{make(map[spanKey]*seenSpan), make(map[uint64]seenCall)}
	}
}
