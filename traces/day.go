package traces

import (
	"time"

	"tidegauge/schemas"
)

// DayConfig says which day with incidents to make. Equal configurations give equal days, byte for byte.
type DayConfig struct {
	// Seed chooses among the days of one shape.
	Seed uint64
	// Start is the day's midnight (UTC). Weeks days, each a week before the other, come before it: what baselines need.
	Start time.Time
	Weeks int
	// Service is the one that things happen to, Control one of the same traffic to which nothing happens.
	Service, Control string
	// Quiet leaves the incidents out: the same requests as they would have been.
	Quiet bool
}

// DefaultDayConfig is the Monday four weeks after the sample log begins.
func DefaultDayConfig() DayConfig {
	return DayConfig{Seed: 1, Start: time.Date(2026, 2, 2, 0, 0, 0, 0, time.UTC), Weeks: 4, Service: "chat", Control: "control"}
}

// End is the midnight after the day.
func (c DayConfig) End() time.Time { return c.Start.AddDate(0, 0, 1) }

// IncidentKind says what happens.
type IncidentKind string

// The incidents, in the order in which they happen. Each is the only one of its time, and an hour of nothing lies between two.
const (
	// Burst: the requests of a minute all come at its begin, BurstGap apart. There are as many as ever.
	Burst IncidentKind = "burst"
	// Outage: of OutageCycle requests in a row the first OutageFaults are faults, the others succeed.
	Outage IncidentKind = "outage"
	// SlowHour: first tokens, and all tokens after them, take SlowFactor times as long.
	SlowHour IncidentKind = "slow hour"
	// Stall: of a conversation's turns but the first one in StallKeeps comes. New conversations begin as ever.
	Stall IncidentKind = "stall"
	// IdleGPU: one of the service's GPUs does nothing.
	IdleGPU IncidentKind = "idle GPU"
	// XIDError: another GPU reports the XID error XIDCode, and its gauge keeps that for ever.
	XIDError IncidentKind = "XID error"
	// PowerLimit and Heat: clocks of a GPU are held down for PowerShare and HeatShare of the time; in Heat it has HeatC.
	PowerLimit IncidentKind = "power limit"
	Heat       IncidentKind = "heat"
	// Lag: what ends meanwhile is stored LagDelay later than it ended, and not StoreDelay.
	Lag IncidentKind = "lag"
	// LateLog: of every ten minutes the first call of a program is logged by a machine whose log comes LateDelay later.
	LateLog IncidentKind = "late log"
	// Unreadable: DayDeadLetters are found.
	Unreadable IncidentKind = "unreadable"
	// Silence: no request comes.
	Silence IncidentKind = "silence"
)

// How much there is of each incident.
const (
	BurstGap                  = time.Millisecond
	OutageCycle, OutageFaults = 20, 15
	SlowFactor                = 10
	StallKeeps                = 20
	IdleWatts, BusyWatts      = 70, 400
	XIDCode                   = 31
	PowerShare, HeatShare     = 0.8, 0.3
	HeatC                     = 91
	StoreDelay                = 2 * time.Second
	LagDelay                  = 4 * time.Minute
	LateDelay                 = 40 * time.Minute
	LateClient                = "edge"
)

// Incident is something that happens to DayConfig.Service, or to one of its GPUs, from From up to before To.
type Incident struct {
	Kind     IncidentKind
	From, To time.Time
	GPU      int // of the service's host, where the incident is one of a GPU
}

// InLog says whether the incident is one of requests, which a serving log shows, and not one of GPUs or of the pipeline.
func (k IncidentKind) InLog() bool {
	return k == Burst || k == Outage || k == SlowHour || k == Stall || k == Silence
}

// In says whether a moment lies in the incident.
func (i Incident) In(us int64) bool { return us >= i.From.UnixMicro() && us < i.To.UnixMicro() }

// Timetable lists the day's incidents. Between two of them there is nothing but usual traffic, of the same rate all day:
// whatever changes is an incident's doing.
func (c DayConfig) Timetable() []Incident {
	if c.Quiet {
		return nil
	}
	at := func(hour, minute int) time.Time {
		return c.Start.Add(time.Duration(hour)*time.Hour + time.Duration(minute)*time.Minute)
	}
	return []Incident{
		{Burst, at(3, 0), at(3, 25), 0},
		{Outage, at(6, 0), at(6, 30), 0},
		{SlowHour, at(9, 0), at(10, 0), 0},
		{Stall, at(12, 0), at(13, 0), 0},
		{IdleGPU, at(14, 30), at(15, 30), 2},
		{XIDError, at(16, 40), at(16, 45), 1},
		{PowerLimit, at(17, 30), at(18, 0), 0},
		{Heat, at(19, 0), at(19, 20), 3},
		{Lag, at(20, 15), at(20, 45), 0},
		{LateLog, at(21, 30), at(22, 0), 0},
		{Unreadable, at(22, 30), at(22, 35), 0},
		{Silence, at(23, 20), at(23, 50), 0},
	}
}

// Incident gives the incident of a kind.
func (c DayConfig) Incident(kind IncidentKind) Incident {
	for _, i := range c.Timetable() {
		if i.Kind == kind {
			return i
		}
	}
	return Incident{}
}

// Stored is when a request of the day is in ClickHouse.
func (c DayConfig) Stored(r *schemas.Request) time.Time {
	end := time.UnixMicro(r.ArrivalUS + max(r.ElapsedUS, 0)).UTC()
	switch {
	case c.Late(r):
		return end.Add(LateDelay)
	case r.Service == c.Service && c.Incident(Lag).In(end.UnixMicro()):
		return end.Add(LagDelay)
	}
	return end.Add(StoreDelay)
}

// Late says whether a request is one of those that come LateDelay late.
func (c DayConfig) Late(r *schemas.Request) bool {
	return r.Service == c.Service && r.Client == LateClient && c.Incident(LateLog).In(r.ArrivalUS)
}

// DeadLetter is a record that cannot become a request.
type DeadLetter struct {
	Found         time.Time
	Reason, Value string
}

// DayDeadLetters are the records that are found unreadable on the day.
func DayDeadLetters(c DayConfig) []DeadLetter {
	at := c.Incident(Unreadable).From
	return []DeadLetter{
		{at.Add(10 * time.Second), "undecodable: not a JSON object", "GET /v1/chat/completions"},
		{at.Add(70 * time.Second), "undecodable: not a JSON object", "GET /v1/models"},
		{at.Add(130 * time.Second), "refused: arrival_us: is missing", `{"model":"small-8b"}`},
	}
}
