package traces

import (
	"fmt"
	"io"
	"iter"
	"math"
	"math/rand/v2"
	"slices"
	"time"

	"tidegauge/schemas"
)

// What each of the two services takes, all day.
const (
	dayCalls    = 0.05  // calls a second of programs
	dayTalks    = 0.014 // conversations that begin, a second
	dayTurns    = 4     // turns a conversation, on average
	dayPause    = 30.0  // seconds that pass at least between two turns
	dayThinking = 90.0  // seconds that pass beyond that, on average
)

// Day gives the requests of a day with incidents, and of the days before it that baselines need, in the order of their
// arrivals. Both services are Poisson processes, so that burstiness is 1 but for chance, of programs and of people.
//
// The incidents change requests that would have come all the same: Timetable says which, when and by how much. Times are whole
// milliseconds, so that the last bits of a logarithm, which differ between processors, do not show.
func Day(c DayConfig) iter.Seq[*schemas.Request] {
	return func(yield func(*schemas.Request) bool) {
		for week := c.Weeks; week >= 0; week-- {
			var log []schemas.Request
			for n, service := range []string{c.Service, c.Control} {
				d := &dayOf{config: c, service: service, start: c.Start.AddDate(0, 0, -7*week),
					random: rand.New(rand.NewPCG(c.Seed, uint64(2*week+n)))}
				if week == 0 && service == c.Service {
					d.incidents = c.Timetable()
				}
				log = append(log, d.requests()...)
			}
			slices.SortStableFunc(log, func(a, b schemas.Request) int { return int(a.ArrivalUS - b.ArrivalUS) })
			for i := range log {
				if !yield(&log[i]) {
					return
				}
			}
		}
	}
}

// WriteDay writes such a log as canonical JSON lines and says how many.
func WriteDay(w io.Writer, c DayConfig) (requests int, err error) { return Write(w, Day(c)) }

// dayOf makes one day of one service.
type dayOf struct {
	config    DayConfig
	service   string
	start     time.Time
	random    *rand.Rand
	incidents []Incident
	talks     []*dayTalk
}

// dayTalk is a conversation.
type dayTalk struct {
	id, client string
	large      bool
	history    int64
}

// planned is a request that is going to come.
type planned struct {
	at     int64
	talk   *dayTalk // nil for a program's call
	follow bool     // a turn but the first
	lost   bool     // does not come, for an incident
}

func (d *dayOf) in(kind IncidentKind, us int64) bool {
	return slices.ContainsFunc(d.incidents, func(i Incident) bool { return i.Kind == kind && i.In(us) })
}

// requests gives the day's requests by arrival, no two at the same time.
func (d *dayOf) requests() []schemas.Request {
	log := make([]schemas.Request, 0, 10_000)
	outage, late := 0, int64(-1)
	for n, p := range d.arrivals() {
		r := d.request(n, p) // also where it does not come, so that those after it are as they are without incidents
		switch {
		case p.lost:
			continue
		case d.in(Outage, p.at):
			if outage%OutageCycle < OutageFaults {
				d.fault(&r, outage%OutageCycle)
			}
			outage++
		case d.in(SlowHour, p.at):
			r.TTFTUS, r.ElapsedUS = slower(r.TTFTUS), slower(r.ElapsedUS)
			usual(&r, n)
		default:
			usual(&r, n)
		}
		if ten := p.at / (10 * schemas.MinuteUS); d.in(LateLog, p.at) && p.talk == nil && ten != late {
			late, r.Client = ten, LateClient
		}
		log = append(log, r)
	}
	return log
}

func slower(us int64) int64 { return us * SlowFactor }

// arrivals plans when requests come.
func (d *dayOf) arrivals() []planned {
	end := d.start.AddDate(0, 0, 1).UnixMicro()
	next := func(at int64, mean float64) int64 { return at + milliseconds(mean*d.random.ExpFloat64()) }
	var plan []planned
	for at := next(d.start.UnixMicro(), 1/dayCalls); at < end; at = next(at, 1/dayCalls) {
		plan = append(plan, planned{at: at})
	}
	for begin := next(d.start.UnixMicro(), 1/dayTalks); begin < end; begin = next(begin, 1/dayTalks) {
		talk := &dayTalk{id: fmt.Sprintf("%s-%s-c%05d", d.service, d.start.Format("0102"), len(d.talks)),
			client: fmt.Sprintf("user-%03d", d.random.IntN(400)), large: d.random.Float64() < 0.7, history: systemPrompt}
		d.talks = append(d.talks, talk)
		at := begin
		for turn := range 1 + d.random.IntN(2*dayTurns-1) {
			if turn > 0 {
				at = next(at+milliseconds(dayPause), dayThinking)
			}
			if at < end {
				plan = append(plan, planned{at: at, talk: talk, follow: turn > 0})
			}
		}
	}
	byArrival := func(a, b planned) int { return int(a.at - b.at) }
	slices.SortStableFunc(plan, byArrival)
	stalled, minute, place := 0, int64(-1), int64(0)
	for i := range plan {
		if plan[i].follow && d.in(Stall, plan[i].at) {
			stalled++
			plan[i].lost = stalled%StallKeeps != 0
		}
		plan[i].lost = plan[i].lost || d.in(Silence, plan[i].at)
		if d.in(Burst, plan[i].at) {
			if m := plan[i].at / schemas.MinuteUS; m != minute {
				minute, place = m, 0
			}
			plan[i].at = minute*schemas.MinuteUS + place*BurstGap.Microseconds()
			place++
		}
		if i > 0 && plan[i].at <= plan[i-1].at {
			plan[i].at = plan[i-1].at + 1000
		}
	}
	return plan
}

// request is what a planned request comes to where all is well.
func (d *dayOf) request(n int, p planned) schemas.Request {
	var r schemas.Request
	r.Reset()
	r.Service, r.ArrivalUS, r.RequestID = d.service, p.at, fmt.Sprintf("%s-%s-%06d", d.service, d.start.Format("0102"), n)
	r.Labels = append(r.Labels, SyntheticLabel)
	r.Outcome, r.StatusCode, r.FinishReason, r.MaxTokens = schemas.OK, 200, "stop", 1024
	var large bool
	if p.talk == nil {
		prompt := d.random.IntN(20)
		large = d.random.Float64() < 0.25
		r.LogType, r.Client, r.PromptID = "api", fmt.Sprintf("program-%02d", prompt%8), fmt.Sprintf("prompt-%02d", prompt)
		r.RequestTokens, r.ResponseTokens = d.tokens(6.2, 0.5, 8_000), d.tokens(4.5, 0.6, r.MaxTokens)
	} else {
		large = p.talk.large
		r.LogType, r.Conversation, r.Client = "conversation", p.talk.id, p.talk.client
		if p.follow {
			r.CachedTokens = p.talk.history / 16 * 16
		}
		r.RequestTokens, r.ResponseTokens = p.talk.history+d.tokens(4, 1, 4_000), d.tokens(4.9, 0.6, r.MaxTokens)
		if !p.lost {
			p.talk.history = r.RequestTokens + r.ResponseTokens
		}
	}
	r.Model = "small-8b"
	perToken := 0.02
	if large {
		r.Model, perToken = "large-70b", 0.035
	}
	if r.ResponseTokens == r.MaxTokens {
		r.FinishReason = "length"
	}
	r.QueueUS = 0
	r.TTFTUS = milliseconds((0.15 + float64(r.RequestTokens-max(r.CachedTokens, 0))/6000) * d.scatter())
	r.ElapsedUS = r.TTFTUS + milliseconds(float64(r.ResponseTokens-1)*perToken*d.scatter())
	return r
}

// usual makes request n of the day end as some do on every day: of 1,000 three are faults and five other failures.
func usual(r *schemas.Request, n int) {
	unanswered := func(o schemas.Outcome, status int32, kind string, elapsed time.Duration) {
		r.Outcome, r.StatusCode, r.ErrorType, r.FinishReason = o, status, kind, ""
		r.ResponseTokens, r.CachedTokens, r.TTFTUS, r.ElapsedUS = schemas.Unknown, schemas.Unknown, schemas.Unknown, elapsed.Microseconds()
	}
	switch n % 1000 {
	case 101:
		unanswered(schemas.Error, 500, "internal", 300*time.Millisecond)
	case 303:
		unanswered(schemas.Empty, 200, "", 400*time.Millisecond)
		r.ResponseTokens = 0
	case 505:
		unanswered(schemas.Timeout, 504, "timeout", 30*time.Second)
	case 151, 651:
		unanswered(schemas.RateLimited, 429, "rate_limit_exceeded", 12*time.Millisecond)
	case 820, 920:
		unanswered(schemas.Error, 400, "invalid_request", 5*time.Millisecond)
	case 700:
		r.Outcome, r.FinishReason = schemas.Filtered, "content_filter"
	case 77, 277, 477, 877:
		r.Outcome, r.FinishReason = schemas.Cancelled, ""
	}
}

// fault makes a request one of the outage's.
func (d *dayOf) fault(r *schemas.Request, n int) {
	r.FinishReason, r.ResponseTokens, r.CachedTokens, r.TTFTUS = "", schemas.Unknown, schemas.Unknown, schemas.Unknown
	switch n % 3 {
	case 0:
		r.Outcome, r.StatusCode, r.ErrorType, r.ElapsedUS = schemas.Error, 503, "overloaded", 900_000
	case 1:
		r.Outcome, r.StatusCode, r.ErrorType, r.ElapsedUS = schemas.Timeout, 504, "timeout", 30*schemas.SecondUS
	default:
		r.Outcome, r.StatusCode, r.ResponseTokens, r.ElapsedUS = schemas.Empty, 200, 0, 400_000
	}
}

// tokens draws a lognormal count between 1 and most.
func (d *dayOf) tokens(mu, sigma float64, most int64) int64 {
	return max(1, min(int64(math.Exp(mu+sigma*d.random.NormFloat64())), most))
}

// scatter is a factor around 1.
func (d *dayOf) scatter() float64 { return math.Exp(0.1 * d.random.NormFloat64()) }

func milliseconds(seconds float64) int64 { return int64(seconds*1000) * 1000 }
