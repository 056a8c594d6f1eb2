package traces

import (
	"crypto/sha256"
	"encoding/hex"
	"math"
	"slices"
	"testing"
	"time"

	"tidegauge/schemas"
)

func dayLog(c DayConfig) (log []schemas.Request) {
	for r := range Day(c) {
		log = append(log, *r)
	}
	return log
}

// TestDayIsFixed pins the day: what dashboards show of it is in tests.
func TestDayIsFixed(t *testing.T) {
	if testing.Short() {
		t.Skip("makes five days; the full tests do")
	}
	sum := sha256.New()
	var line []byte
	n := 0
	for r := range Day(DefaultDayConfig()) {
		line = schemas.AppendJSON(line[:0], r)
		sum.Write(line)
		n++
	}
	const want = "5eccefbee92097c1"
	if got := hex.EncodeToString(sum.Sum(nil)[:8]); n != 91_139 || got != want {
		t.Errorf("%d requests, SHA-256 %s…; want 91139 and %s…", n, got, want)
	}
}

// TestDayIncidents holds the requests against the timetable, and against the same day without incidents.
func TestDayIncidents(t *testing.T) {
	c := DefaultDayConfig()
	c.Weeks = 0
	quiet := c
	quiet.Quiet = true
	log, usual := dayLog(c), map[string]schemas.Request{}
	for _, r := range dayLog(quiet) {
		usual[r.RequestID] = r
	}
	last, ids := int64(0), map[string]bool{}
	changed := map[IncidentKind]int{}
	var outage []bool
	for i := range log {
		r := &log[i]
		if _, err := r.Validate(); err != nil {
			t.Fatalf("request %s: %v", r.RequestID, err)
		}
		if r.ArrivalUS < last || ids[r.RequestID] {
			t.Fatalf("request %s arrives at %d, after one at %d, or is there twice", r.RequestID, r.ArrivalUS, last)
		}
		last, ids[r.RequestID] = r.ArrivalUS, true
		was := usual[r.RequestID]
		kind := IncidentKind("")
		for _, incident := range c.Timetable() {
			if r.Service == c.Service && (incident.In(r.ArrivalUS) || incident.In(was.ArrivalUS)) {
				kind = incident.Kind
			}
		}
		same := r.ArrivalUS == was.ArrivalUS && r.Outcome == was.Outcome && r.ElapsedUS == was.ElapsedUS && r.TTFTUS == was.TTFTUS && r.Client == was.Client
		// A conversation that lost turns has a shorter history from then on.
		if !same && (kind != "" || r.Conversation == "") {
			changed[kind]++
		}
		switch kind {
		case Outage:
			outage = append(outage, schemas.Fault(r.Outcome, r.StatusCode))
		case SlowHour:
			if was.TTFTUS >= 0 && (r.TTFTUS != SlowFactor*was.TTFTUS || r.ElapsedUS != SlowFactor*was.ElapsedUS) {
				t.Fatalf("request %s of the slow hour takes %d us, and %d us without it", r.RequestID, r.ElapsedUS, was.ElapsedUS)
			}
		case Burst:
			if r.ArrivalUS%schemas.MinuteUS > 100*BurstGap.Microseconds() || r.ArrivalUS/schemas.MinuteUS != was.ArrivalUS/schemas.MinuteUS {
				t.Fatalf("request %s of the burst arrives at %d", r.RequestID, r.ArrivalUS)
			}
		case Silence:
			t.Fatalf("request %s breaks the silence", r.RequestID)
		}
		delete(usual, r.RequestID)
	}
	if changed[""] > 0 || changed[IdleGPU] > 0 || changed[Lag] > 0 || changed[LateLog] != 3 {
		t.Errorf("requests that are not as usual, by incident: %v", changed)
	}
	for i, fault := range outage {
		if fault != (i%OutageCycle < OutageFaults) {
			t.Fatalf("request %d of the outage is a fault: %v", i, fault)
		}
	}
	lost := map[IncidentKind]int{}
	for _, r := range usual {
		for _, incident := range c.Timetable() {
			if incident.In(r.ArrivalUS) && r.Service == c.Service {
				lost[incident.Kind]++
			}
		}
	}
	if len(usual) != lost[Stall]+lost[Silence] || lost[Stall] < 100 || lost[Silence] < 100 {
		t.Errorf("%d requests do not come, by incident: %v", len(usual), lost)
	}
}

// TestDaySamples: the GPUs' counters only grow, by what the timetable says.
func TestDaySamples(t *testing.T) {
	c := DefaultDayConfig()
	energy := map[string]float64{}
	held, hot := map[string]float64{}, map[string]float64{}
	n := 0
	for r := range DaySamples(c) {
		if err := r.Validate(); err != nil {
			t.Fatal(err)
		}
		if s := r.GPU; s != nil {
			n++
			if *s.EnergyJ < energy[s.UUID] {
				t.Fatalf("the energy of %s falls", s.UUID)
			}
			energy[s.UUID], held[s.UUID], hot[s.UUID] = *s.EnergyJ, *s.PowerViolationS, *s.ThermalS
		}
	}
	if want := (DayGPUs + DayControlGPUs) * 24 * 3600 / int(DayScrape.Seconds()); n != want {
		t.Errorf("%d samples of GPUs, want %d", n, want)
	}
	for gpu := range DayGPUs {
		id := DayGPUUUID(DayHost, gpu)
		seconds := func(kind IncidentKind) float64 {
			if i := c.Incident(kind); i.GPU == gpu {
				return i.To.Sub(i.From).Seconds()
			}
			return 0
		}
		for what, v := range map[string][2]float64{
			"energy": {energy[id], 86_400*BusyWatts - seconds(IdleGPU)*(BusyWatts-IdleWatts)},
			"power":  {held[id], seconds(PowerLimit) * PowerShare}, "heat": {hot[id], seconds(Heat) * HeatShare},
		} {
			if math.Abs(v[0]-v[1]) > 1e-6*v[1] {
				t.Errorf("GPU %d: %s of %v, want %v", gpu, what, v[0], v[1])
			}
		}
	}
	if letters := DayDeadLetters(c); !slices.IsSortedFunc(letters, func(a, b DeadLetter) int { return a.Found.Compare(b.Found) }) ||
		letters[len(letters)-1].Found.Sub(c.Incident(Unreadable).From) > 5*time.Minute {
		t.Errorf("dead letters %v", letters)
	}
}
