package traces

import (
	"bufio"
	"container/heap"
	"fmt"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"time"

	"gonum.org/v1/gonum/stat/distuv"

	"tidegauge/schemas"
)

// SampleConfig says which sample log to make. Equal configurations give equal logs, byte for byte.
type SampleConfig struct {
	// Seed chooses among the logs of one shape.
	Seed uint64
	// Start is the first midnight (UTC), Days how many days follow.
	Start time.Time
	Days  int
	// Service names the service that all requests belong to.
	Service string
}

// DefaultSampleConfig is three working days, Monday to Wednesday, of about 85,000 requests together.
func DefaultSampleConfig() SampleConfig {
	return SampleConfig{Seed: 1, Start: time.Date(2026, 1, 5, 0, 0, 0, 0, time.UTC), Days: 3, Service: "demo"}
}

// SyntheticLabel is on every request that was made and not measured.
var SyntheticLabel = schemas.Label{Key: "synthetic", Value: "true"}

// Sample gives the requests of a sample log in the order of their arrivals. The request is reused by the next.
//
// It simulates two models behind one endpoint. Programs send them bursts of short calls (log type api: Gamma gaps of
// shape 0.3, BurstGPT's range), people hold conversations with them (log type conversation: each turn carries what was
// said before). Both follow the time of day. A model that has more in flight than it can take makes requests wait, and
// now and then breaks down for a while, which ends the requests of that while in runs of failures.
//
// All waiting is summed in whole microseconds, and what people do is rounded to milliseconds: the last bits of a
// logarithm, which differ between processors, do not add up.
func Sample(c SampleConfig) iter.Seq[*schemas.Request] {
	return func(yield func(*schemas.Request) bool) {
		s := newSimulation(c)
		for s.next() {
			if !yield(&s.request) {
				return
			}
		}
	}
}

// WriteSample writes a sample log as canonical JSON lines and says how many.
func WriteSample(w io.Writer, c SampleConfig) (requests int, err error) { return Write(w, Sample(c)) }

// Write writes requests as canonical JSON lines and says how many.
func Write(w io.Writer, log iter.Seq[*schemas.Request]) (requests int, err error) {
	b := bufio.NewWriterSize(w, 1<<20)
	var line []byte
	for r := range log {
		line = append(schemas.AppendJSON(line[:0], r), '\n')
		if _, err := b.Write(line); err != nil {
			return requests, err
		}
		requests++
	}
	return requests, b.Flush()
}

// dayShape is the rate at each hour of a working day (UTC) relative to the day's mean; between hours it is interpolated.
var dayShape = [24]float64{
	0.30, 0.22, 0.18, 0.16, 0.18, 0.28, 0.50, 0.90, 1.45, 1.80, 1.90, 1.80,
	1.50, 1.65, 1.95, 1.90, 1.70, 1.40, 1.10, 0.95, 0.85, 0.70, 0.50, 0.40,
}

func relativeRate(us int64) float64 {
	hours := float64(us%(24*3600*schemas.SecondUS)) / (3600 * schemas.SecondUS)
	h := int(hours)
	part := hours - float64(h)
	return dayShape[h]*(1-part) + dayShape[(h+1)%24]*part
}

const (
	apiRate     = 0.20  // calls a second
	sessionRate = 0.042 // new conversations a second

	systemPrompt = 350    // tokens that a chat front end puts before every conversation
	contextLimit = 32_768 // tokens, above which the front end drops the older half of the history
	chatLimit    = 2_048  // max_tokens of a chat turn
)

// model is one of the two models and how its replicas fare.
type model struct {
	name     string
	prefill  float64 // tokens a second
	perToken float64 // seconds a response token, unloaded
	slots    int     // requests it can work on at once
	ends     endHeap // of the requests in flight, microseconds
	downTill int64   // until when it is broken down
}

func (m *model) load(now int64) float64 {
	for len(m.ends) > 0 && m.ends[0] <= now {
		heap.Pop(&m.ends)
	}
	return float64(len(m.ends)) / float64(m.slots)
}

// conversation is what a person and a front end keep between two turns.
type conversation struct {
	id, client string
	model      *model
	turnsLeft  int
	history    int64 // tokens of all that was said
	cached     int64 // of those, what the model may still have in its cache
}

// turn is a conversation's next request. Turns are ordered by arrival, and by the conversation's number where those are
// equal, so that the order never depends on the heap.
type turn struct {
	at int64
	c  *conversation
}

type simulation struct {
	config       SampleConfig
	random       *rand.Rand
	apiGap       distuv.Gamma // of mean 1
	sessionGap   distuv.Gamma
	small, large *model
	end          int64
	nextAPI      int64
	nextSession  int64
	turns        turnHeap
	sessions     int
	requests     int
	request      schemas.Request
}

func newSimulation(c SampleConfig) *simulation {
	source := rand.NewPCG(c.Seed, 0x7469646567617567)
	s := &simulation{
		config:     c,
		random:     rand.New(source),
		apiGap:     distuv.Gamma{Alpha: 0.3, Beta: 0.3, Src: source},
		sessionGap: distuv.Gamma{Alpha: 0.7, Beta: 0.7, Src: source},
		small:      &model{name: "small-8b", prefill: 12_000, perToken: 0.011, slots: 6},
		large:      &model{name: "large-70b", prefill: 5_000, perToken: 0.028, slots: 7},
		end:        c.Start.AddDate(0, 0, c.Days).UnixMicro(),
	}
	s.nextAPI = s.after(c.Start.UnixMicro(), s.apiGap, apiRate)
	s.nextSession = s.after(c.Start.UnixMicro(), s.sessionGap, sessionRate)
	return s
}

// after draws the arrival after one at now, in a process with the given gaps and mean rate.
func (s *simulation) after(now int64, gap distuv.Gamma, rate float64) int64 {
	return now + microseconds(gap.Rand()/(rate*relativeRate(now)))
}

// next makes s.request the next request; false at the end.
func (s *simulation) next() bool {
	for {
		now := min(s.nextAPI, s.nextSession)
		if len(s.turns) > 0 {
			now = min(now, s.turns[0].at)
		}
		if now >= s.end {
			return false
		}
		switch {
		case now == s.nextAPI:
			s.call(now)
			s.nextAPI = s.after(now, s.apiGap, apiRate)
			return true
		case now == s.nextSession:
			s.open(now)
			s.nextSession = s.after(now, s.sessionGap, sessionRate)
		default:
			t := heap.Pop(&s.turns).(turn)
			s.turn(t)
			return true
		}
	}
}

// open starts a conversation, whose first turn is now.
func (s *simulation) open(now int64) {
	s.sessions++
	c := &conversation{
		id: fmt.Sprintf("c%06d", s.sessions), client: fmt.Sprintf("user-%03d", s.few(600)), model: s.small,
		turnsLeft: 1 + int(min(s.lognormal(0.35, 1.1), 60)),
	}
	if s.random.Float64() < 0.7 {
		c.model = s.large
	}
	heap.Push(&s.turns, turn{now, c})
}

// begin starts s.request.
func (s *simulation) begin(now int64, m *model, logType, client string) *schemas.Request {
	s.requests++
	r := &s.request
	r.Reset()
	r.Service, r.Model, r.LogType, r.Client = s.config.Service, m.name, logType, client
	r.ArrivalUS, r.RequestID = now, fmt.Sprintf("%s-%06d", s.config.Service, s.requests)
	r.Labels = append(r.Labels, SyntheticLabel)
	return r
}

// call is one request of a program: a short verdict on a text, or a summary of a longer one.
func (s *simulation) call(now int64) {
	m := s.small
	if s.random.Float64() < 0.25 {
		m = s.large
	}
	r := s.begin(now, m, "api", fmt.Sprintf("program-%02d", s.few(12)))
	if s.random.Float64() < 0.6 {
		r.RequestTokens, r.MaxTokens = s.tokens(6.2, 0.5, 8_000), 64
		r.ResponseTokens = s.tokens(1.8, 0.7, r.MaxTokens)
	} else {
		r.RequestTokens, r.MaxTokens = s.tokens(7.6, 0.6, 16_000), 512
		r.ResponseTokens = s.tokens(5.0, 0.5, r.MaxTokens)
	}
	s.serve(r, m)
}

// turn is one request of a conversation, and plans the next.
func (s *simulation) turn(t turn) {
	c := t.c
	if c.history == 0 {
		c.history = systemPrompt
	}
	said := s.tokens(4.0, 1.1, 6_000)
	if c.history+said > contextLimit {
		c.history, c.cached = c.history/2, 0
	}
	r := s.begin(t.at, c.model, "conversation", c.client)
	r.Conversation, r.RequestTokens, r.MaxTokens = c.id, c.history+said, chatLimit
	r.ResponseTokens = s.tokens(5.3, 0.85, r.MaxTokens)
	r.CachedTokens = c.cached
	s.serve(r, c.model)

	pause := int64(s.lognormal(3.9, 1.3)*1000) * 1000 // reading, thinking, typing
	if r.Outcome == schemas.OK {
		c.history += said + r.ResponseTokens
		c.cached = r.RequestTokens / 16 * 16 // caches keep whole blocks
		c.turnsLeft--
	} else if s.random.Float64() < 0.6 {
		pause = int64(s.lognormal(1.6, 0.6)*1000) * 1000 // tries again, soon
	} else {
		c.turnsLeft = 0
	}
	if c.turnsLeft > 0 {
		heap.Push(&s.turns, turn{t.at + r.ElapsedUS + pause, c})
	}
}

// serve decides how the request ends and when. RequestTokens and ResponseTokens are what it would be with an answer.
func (s *simulation) serve(r *schemas.Request, m *model) {
	load := m.load(r.ArrivalUS)
	// The more there is in flight the likelier a breakdown, which takes a while whatever comes then.
	if r.ArrivalUS >= m.downTill && load > 0.75 && s.random.Float64() < 0.1*load {
		m.downTill = r.ArrivalUS + microseconds(min(s.lognormal(4.0, 0.7), 600))
	}
	switch draw := s.random.Float64(); {
	case r.ArrivalUS < m.downTill && draw < 0.9:
		s.fail(r)
	case draw > 0.999:
		r.Outcome, r.StatusCode, r.ErrorType = schemas.Error, 500, "internal"
		r.ResponseTokens, r.ElapsedUS = schemas.Unknown, s.around(0.3)
	case draw > 0.9985:
		r.Outcome, r.StatusCode, r.ErrorType = schemas.Error, 400, "invalid_request"
		r.ResponseTokens, r.ElapsedUS = schemas.Unknown, s.around(0.005)
	default:
		s.answer(r, m, load)
	}
	heap.Push(&m.ends, r.ArrivalUS+r.ElapsedUS)
}

// fail ends a request at a model that is broken down.
func (s *simulation) fail(r *schemas.Request) {
	r.ResponseTokens, r.CachedTokens = schemas.Unknown, schemas.Unknown
	switch draw := s.random.Float64(); {
	case draw < 0.40:
		r.Outcome, r.StatusCode, r.ErrorType, r.ElapsedUS = schemas.RateLimited, 429, "rate_limit_exceeded", s.around(0.012)
	case draw < 0.65:
		r.Outcome, r.StatusCode, r.ErrorType, r.ElapsedUS = schemas.Error, 503, "overloaded", s.around(0.9)
	case draw < 0.80:
		r.Outcome, r.StatusCode, r.ErrorType, r.ElapsedUS = schemas.Timeout, 504, "timeout", 30*schemas.SecondUS
	default:
		r.Outcome, r.StatusCode, r.ResponseTokens, r.ElapsedUS = schemas.Empty, 200, 0, s.around(0.4)
	}
}

// answer gives the request its answer, or most of it.
func (s *simulation) answer(r *schemas.Request, m *model, load float64) {
	r.Outcome, r.StatusCode, r.FinishReason = schemas.OK, 200, "stop"
	if r.ResponseTokens == r.MaxTokens {
		r.FinishReason = "length"
	}
	r.QueueUS = 0
	if load > 0.6 {
		r.QueueUS = s.around(1.5 * (load - 0.6))
	}
	uncached := float64(r.RequestTokens - max(r.CachedTokens, 0))
	r.TTFTUS = r.QueueUS + s.around(0.03+uncached/m.prefill*(1+load))
	r.ElapsedUS = r.TTFTUS + s.around(float64(r.ResponseTokens)*m.perToken*(1+0.6*load))
	switch draw := s.random.Float64(); {
	case draw < 0.004 && r.ResponseTokens > 1: // the reader has seen enough
		kept := 1 + s.random.Int64N(r.ResponseTokens)
		r.ElapsedUS = r.TTFTUS + (r.ElapsedUS-r.TTFTUS)*kept/r.ResponseTokens
		r.ResponseTokens, r.Outcome, r.FinishReason = kept, schemas.Cancelled, ""
	case draw < 0.006:
		r.Outcome, r.FinishReason = schemas.Filtered, "content_filter"
	}
}

func (s *simulation) lognormal(mu, sigma float64) float64 {
	return math.Exp(mu + sigma*s.random.NormFloat64())
}

// tokens draws a lognormal count between 1 and most.
func (s *simulation) tokens(mu, sigma float64, most int64) int64 {
	return max(1, min(int64(s.lognormal(mu, sigma)), most))
}

// around gives microseconds that scatter by a tenth around a number of seconds.
func (s *simulation) around(seconds float64) int64 {
	return microseconds(seconds * math.Exp(0.1*s.random.NormFloat64()))
}

// few draws one of n, the low ones far more often than the high ones, as clients are.
func (s *simulation) few(n int) int {
	u := s.random.Float64()
	return int(float64(n) * u * u * u)
}

func microseconds(seconds float64) int64 { return int64(math.Round(seconds * schemas.SecondUS)) }

// endHeap is a heap of times.
type endHeap []int64

func (h endHeap) Len() int           { return len(h) }
func (h endHeap) Less(i, j int) bool { return h[i] < h[j] }
func (h endHeap) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *endHeap) Push(v any)        { *h = append(*h, v.(int64)) }
func (h *endHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}

// turnHeap is a heap of turns.
type turnHeap []turn

func (h turnHeap) Len() int { return len(h) }
func (h turnHeap) Less(i, j int) bool {
	return h[i].at < h[j].at || h[i].at == h[j].at && h[i].c.id < h[j].c.id
}
func (h turnHeap) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *turnHeap) Push(v any)   { *h = append(*h, v.(turn)) }
func (h *turnHeap) Pop() any {
	last := (*h)[len(*h)-1]
	*h = (*h)[:len(*h)-1]
	return last
}
