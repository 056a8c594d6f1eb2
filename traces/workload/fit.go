package workload

import (
	"cmp"
	"context"
	"errors"
	"hash/maphash"
	"iter"
	"math"
	"slices"
	"strconv"
	"strings"

	"tidegauge/schemas"
)

// FitOptions says how to fit.
type FitOptions struct {
	Name        string
	Description string
	GeneratedBy string
	// Clients is how many of a log type's clients, the busiest, get flows of their own (ServeGen's decomposition).
	Clients int
	// NoPath leaves out how levels followed each other, and when.
	NoPath bool
}

// fewestRequests is what a flow needs; smaller ones are left out, and counted.
const fewestRequests = 2 * MinBucket

// ErrTooFew says that there is nothing to fit to.
var ErrTooFew = errors.New("too few requests to describe: a profile needs at least 20 of one service and log type")

// row is what the fit keeps of a request: 72 bytes.
type row struct {
	at, elapsed, ttft            int64
	request, response            int32
	maxTokens, reasoning, cached int32
	client, conversation         int32 // -1: none
	model, outcome, reason       uint16
}

// names gives texts small numbers.
type names struct {
	number map[string]int
	text   []string
}

func (n *names) of(text string) int {
	i, ok := n.number[text]
	if !ok {
		if n.number == nil {
			n.number = map[string]int{}
		}
		i = len(n.text)
		text = strings.Clone(text)
		n.number[text] = i
		n.text = append(n.text, text)
	}
	return i
}

// collection is what came of one service.
type collection struct {
	service              string
	rows                 map[string][]row // by log type
	models, ends, reason names
	kinds                []FailureKind // by end; the first two are ok and cancelled
	clients              map[string]int32
	conversations        map[uint64]int32
	from, to             int64
	requests             int64
}

// Fit describes requests, of any number of services and in any order. It keeps 72 bytes of each (at its peak, with what the collector has not
// cleared away, some 250), sorts them by arrival
// (equal ones stay as they came), and reads no clock: equal requests give equal profiles.
func Fit(ctx context.Context, requests iter.Seq2[*schemas.Request, error], o FitOptions) (*Profile, error) {
	services := map[string]*collection{}
	seed := maphash.MakeSeed()
	p := &Profile{Schema: SchemaName, Name: o.Name, Description: o.Description, GeneratedBy: o.GeneratedBy, MinBucket: MinBucket, Fitted: &Fitted{}}
	n := 0
	for r, err := range requests {
		if err != nil {
			return nil, err
		}
		if n++; n&4095 == 0 && ctx.Err() != nil {
			return nil, ctx.Err()
		}
		c := services[r.Service]
		if c == nil {
			c = &collection{service: strings.Clone(r.Service), rows: map[string][]row{}, clients: map[string]int32{}, conversations: map[uint64]int32{},
				from: r.ArrivalUS, to: r.ArrivalUS}
			services[c.service] = c
		}
		c.add(r, seed)
	}
	for _, name := range slices.Sorted(keysOf(services)) {
		c := services[name]
		s, leftOut := c.fit(o)
		p.Fitted.Requests += c.requests
		p.Fitted.LeftOut += leftOut
		if p.Fitted.FromUS == 0 || c.from < p.Fitted.FromUS {
			p.Fitted.FromUS = c.from
		}
		p.Fitted.ToUS = max(p.Fitted.ToUS, c.to)
		if len(s.Flows) > 0 {
			p.Services = append(p.Services, s)
		}
		delete(services, name)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	if len(p.Services) == 0 {
		return nil, ErrTooFew
	}
	return p, nil
}

func keysOf(m map[string]*collection) iter.Seq[string] {
	return func(yield func(string) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

func small(tokens int64) int32 { return int32(max(tokens, schemas.Unknown)) }

func (c *collection) add(r *schemas.Request, seed maphash.Seed) {
	c.from, c.to = min(c.from, r.ArrivalUS), max(c.to, r.ArrivalUS)
	c.requests++
	w := row{at: r.ArrivalUS, elapsed: r.ElapsedUS, ttft: r.TTFTUS, request: small(r.RequestTokens), response: small(r.ResponseTokens),
		maxTokens: small(r.MaxTokens), reasoning: small(r.ReasoningTokens), cached: small(r.CachedTokens), client: -1, conversation: -1}
	w.model = uint16(min(c.models.of(r.Model+"\x00"+r.Operation), 1<<16-1))
	w.reason = uint16(min(c.reason.of(r.FinishReason), 1<<16-1))
	switch r.Outcome {
	case schemas.OK:
	case schemas.Cancelled:
		w.outcome = endCancelled
	default:
		w.outcome = uint16(min(int(endFailed)+c.kind(r), 1<<16-1))
	}
	if r.Client != "" {
		i, ok := c.clients[r.Client]
		if !ok {
			i = int32(len(c.clients))
			c.clients[strings.Clone(r.Client)] = i
		}
		w.client = i
	}
	if r.Conversation != "" {
		h := maphash.String(seed, r.Conversation)
		i, ok := c.conversations[h]
		if !ok {
			i = int32(len(c.conversations))
			c.conversations[h] = i
		}
		w.conversation = i
	}
	c.rows[r.LogType] = append(c.rows[r.LogType], w)
}

// The outcomes as rows have them: endFailed and above are kinds of failure.
const (
	endOK uint16 = iota
	endCancelled
	endFailed
)

// kind numbers a way to fail.
func (c *collection) kind(r *schemas.Request) int {
	k := FailureKind{Outcome: r.Outcome.String(), StatusCode: r.StatusCode, ErrorType: r.ErrorType, FinishReason: r.FinishReason}
	before := len(c.ends.text)
	i := c.ends.of(k.Outcome + "\x00" + k.ErrorType + "\x00" + k.FinishReason + "\x00" + strconv.Itoa(int(k.StatusCode)))
	if i == before {
		k.ErrorType, k.FinishReason = strings.Clone(k.ErrorType), strings.Clone(k.FinishReason)
		c.kinds = append(c.kinds, k)
	}
	return i
}

// fit describes the service, and says how many requests it left out.
func (c *collection) fit(o FitOptions) (Service, int64) {
	s := Service{Service: c.service, Requests: c.requests}
	var leftOut int64
	var silent []span
	s.Silences, silent = fitSilences(c.times())
	r := fitRecorded(c.from, c.to, silent)
	if !o.NoPath {
		s.Recorded = r
	}
	for _, logType := range sortedKeys(c.rows) {
		rows := c.rows[logType]
		slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.at, b.at) })
		for _, part := range c.divide(rows, o.Clients) {
			if len(part.rows) < fewestRequests {
				leftOut += int64(len(part.rows))
				continue
			}
			windows := max(fewestWindowsOf, min(mostServiceWindows*int64(len(part.rows))/c.requests, mostWindows))
			if o.NoPath {
				windows = 0
			}
			s.Flows = append(s.Flows, c.flow(logType, part, silent, r, windows))
		}
		delete(c.rows, logType)
	}
	return s, leftOut
}

// times are all arrivals, sorted.
func (c *collection) times() []int64 {
	times := make([]int64, 0, c.requests)
	for _, rows := range c.rows {
		for i := range rows {
			times = append(times, rows[i].at)
		}
	}
	slices.Sort(times)
	return times
}

func sortedKeys(m map[string][]row) []string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	slices.Sort(keys)
	return keys
}

// part is the rows of one flow.
type part struct {
	rows          []row
	client        string
	conversations bool
}

// divide makes flows of a log type's rows: conversations, the busiest clients, the rest. Flows too small to stand alone go
// into the rest.
func (c *collection) divide(rows []row, clients int) []part {
	rank := map[int32]int{}
	if clients > 0 {
		count := map[int32]int{}
		for i := range rows {
			if rows[i].client >= 0 {
				count[rows[i].client]++
			}
		}
		busiest := make([]int32, 0, len(count))
		for k, n := range count {
			if n >= 10*fewestRequests {
				busiest = append(busiest, k)
			}
		}
		slices.SortFunc(busiest, func(a, b int32) int { return cmp.Or(count[b]-count[a], int(a-b)) })
		for i, k := range busiest[:min(clients, len(busiest))] {
			rank[k] = i + 1
		}
	}
	type key struct {
		conversations bool
		client        int
	}
	of := func(r *row) key {
		k := key{r.conversation >= 0, rank[r.client]}
		if r.client < 0 {
			k.client = 0
		}
		return k
	}
	count := map[key]int{}
	for i := range rows {
		count[of(&rows[i])]++
	}
	parts := map[key][]row{}
	if len(count) == 1 {
		parts[of(&rows[0])] = rows // nothing to divide
	} else {
		for i := range rows {
			k := of(&rows[i])
			if parts[k] == nil {
				parts[k] = make([]row, 0, count[k])
			}
			parts[k] = append(parts[k], rows[i])
		}
	}
	var all []part
	for _, talks := range [2]bool{false, true} {
		for client := range len(rank) + 1 {
			if r := parts[key{talks, client}]; len(r) > 0 {
				p := part{rows: r, conversations: talks}
				if client > 0 {
					p.client = "client-" + strconv.Itoa(client)
				}
				all = append(all, p)
			}
		}
	}
	return all
}

// flow describes one flow.
func (c *collection) flow(logType string, p part, silent []span, r *Recorded, windows int64) Flow {
	f := Flow{Kind: KindRequests, LogType: logType, Client: p.client, Requests: int64(len(p.rows))}
	times := make([]int64, 0, len(p.rows))
	var talks [][]int32
	if p.conversations {
		f.Kind = KindConversations
		talks = conversationsOf(p.rows)
		for _, turns := range talks {
			times = append(times, p.rows[turns[0]].at)
		}
	} else {
		for i := range p.rows {
			times = append(times, p.rows[i].at)
		}
	}
	var load func(us int64) int
	f.Arrivals, load = fitArrivals(times, c.from, c.to, silent, r, windows)
	before := previous(p.rows, talks)
	if p.conversations {
		f.Conversations = fitConversations(p.rows, talks, c.to)
		// Conversations that began before the log look as if they began in it. So many begin that the turns add up.
		if expected := f.Conversations.expectedTurns() * float64(len(talks)); expected > 0 {
			part := max(0.5, min(float64(len(p.rows))/expected, 1))
			f.Arrivals.Rate = roundTo(f.Arrivals.Rate*part, 6)
			// In the log's course, that is how they look: its beginning has those from before it, too.
			if path := f.Arrivals.Path; path != nil {
				for i, l := range path.Levels {
					path.Levels[i] = int(math.Round(min(float64(l)/part, mostLevel*One)))
				}
			}
		}
	}
	c.fitModels(&f, p.rows, talks, before, load)
	f.Failures = c.fitFailures(p.rows, load)
	f.relateFailures()
	return f
}

// relateFailures makes the models' failure rates relative to the flow's.
func (f *Flow) relateFailures() {
	rate := 0.0
	for i := range f.Models {
		rate += float64(f.Models[i].FailureFactor) * float64(f.Models[i].Requests) / float64(f.Requests)
	}
	for i := range f.Models {
		if m := &f.Models[i]; rate > 0 {
			m.FailureFactor = int(float64(m.FailureFactor)/rate*One + 0.5)
		} else {
			m.FailureFactor = One
		}
	}
}

// conversationsOf gives the turns of each conversation, in order, the conversations in the order of their first turns.
func conversationsOf(rows []row) [][]int32 {
	place := map[int32]int{}
	var talks [][]int32
	for i := range rows {
		id := rows[i].conversation
		k, ok := place[id]
		if !ok {
			k = len(talks)
			place[id] = k
			talks = append(talks, nil)
		}
		talks[k] = append(talks[k], int32(i))
	}
	return talks
}

// previous gives each row's previous one, -1 where there is none: the conversation's, or else the model's last that
// counts in lengths.
func previous(rows []row, talks [][]int32) []int32 {
	before := make([]int32, len(rows))
	if talks != nil {
		for _, turns := range talks {
			last := int32(-1)
			for _, i := range turns {
				before[i] = last
				last = i
			}
		}
		return before
	}
	last := map[uint16]int32{}
	for i := range rows {
		before[i] = -1
		if l, ok := last[rows[i].model]; ok {
			before[i] = l
		}
		if rows[i].outcome < endFailed {
			last[rows[i].model] = int32(i)
		}
	}
	return before
}
