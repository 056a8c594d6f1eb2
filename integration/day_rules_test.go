package integration

import (
	"bytes"
	"fmt"
	"maps"
	"math"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"tidegauge/dashboards"
	"tidegauge/dashboards/catalogue"
	"tidegauge/schemas"
	"tidegauge/traces"
)

// fires says when a rule has to fire: for which incident and instance, how long after its begin, and how long after its end it
// has to be over.
type fires struct {
	incident traces.IncidentKind
	instance string
	// first is from the incident's begin to the alert, over from its end to the alert's. within is how far either may be off,
	// where chance has a part in it: 0 where the timetable decides alone.
	first, over, within time.Duration
}

const min1 = time.Minute

// expected is worked out by hand from the rules' ranges and the timetable: docs/runbook.md says how rules work.
func expected(c traces.DayConfig) map[string]fires {
	gpu := func(kind traces.IncidentKind) string { return fmt.Sprint(traces.DayHost, " ", c.Incident(kind).GPU) }
	return map[string]fires{
		// 75 % of faults make 7.2 % of an hour in 6 min; rules look back from a minute ago, and wait for 2. The 5 min that end
		// it have none 6 min after the last.
		"fault-burn-fast": {traces.Outage, c.Service, 9 * min1, 6 * min1, min1},
		// 3 % of six hours in 14 min, 1 and 15 as above; 30 min after the last fault it is over.
		"fault-burn-slow":     {traces.Outage, c.Service, 30 * min1, 31 * min1, 2 * min1},
		"first-token-slow":    {traces.SlowHour, c.Service, 10 * min1, 13 * min1, 3 * min1},
		"answers-slow":        {traces.SlowHour, c.Service, 20 * min1, 7 * min1, 2 * min1},
		"conversations-stall": {traces.Stall, c.Service, 15 * min1, 3 * min1, 2 * min1},
		"silent":              {traces.Silence, c.Service, 16 * min1, 2 * min1, min1},
		// Asked every five minutes: three windows end 15 min after the begin, the last one at the end.
		"burst":        {traces.Burst, c.Service, 20 * min1, 10 * min1, 0},
		"stored-late":  {traces.Lag, c.Service, 6 * min1, 10 * min1, min1},
		"dead-letters": {traces.Unreadable, "tidegauge.requests.v1 undecodable", min1, 12 * min1, 0},
		"gpu-xid":      {traces.XIDError, gpu(traces.XIDError), min1, 6 * min1, 0},
		// Of ten minutes, 0.3 of each second: above 30 s after 2 min, for 5 min; over when less than 2 are left.
		"gpu-heat": {traces.Heat, gpu(traces.Heat), 7 * min1, 9 * min1, min1},
		"gpu-hot":  {traces.Heat, gpu(traces.Heat), 6 * min1, 5 * min1, 0},
		// 0.8 of each second: above 300 s after 6.5 min, for 15 min.
		"gpu-power": {traces.PowerLimit, gpu(traces.PowerLimit), 22 * min1, 4 * min1, min1},
	}
}

// rules plays the day to Grafana's alerting. From the raw requests and samples it works out, for each minute, which instances of
// which rules hold, and what becomes of them; these have to be the expected ones and no other. At the moments that matter it
// evaluates the rules as Grafana does, with the flavours' own queries, and gets the same numbers and the same answers.
func (d *day) rules(t *testing.T) {
	f := d.reference(func(r *schemas.Request) bool { return !d.config.Late(r) })
	documented, err := os.ReadFile("../docs/grafana.md")
	if err != nil {
		t.Fatal(err)
	}
	want := expected(d.config)
	moments := map[time.Time][]string{} // when to ask which rules for real
	seen := map[string]bool{}
	for _, r := range dashboards.Rules() {
		seen[r.Name] = true
		e, ok := want[r.Name]
		if !ok {
			t.Errorf("rule %s: the day has nothing that it fires at, so that nobody knows whether it does", r.Name)
			continue
		}
		incident := d.config.Incident(e.incident)
		held := f.play(t, r)
		for instance, alerts := range held {
			if instance != e.instance && !(r.Name == "dead-letters" && strings.HasSuffix(instance, " refused")) {
				t.Errorf("rule %s fires for %s, to whom nothing happens: %v", r.Name, instance, alerts)
			}
		}
		alerts := held[e.instance]
		if len(alerts) != 1 {
			t.Errorf("rule %s fires for %s %d times, want once: %v", r.Name, e.instance, len(alerts), alerts)
			continue
		}
		a := alerts[0]
		t.Logf("%-20s %-35s holds from %s, fires from %s to %s (%s %s to %s)", r.Name, e.instance, a.pending.Format("15:04"), a.firing.Format("15:04"),
			a.over.Format("15:04"), e.incident, incident.From.Format("15:04"), incident.To.Format("15:04"))
		if off := a.firing.Sub(incident.From) - e.first; off.Abs() > e.within {
			t.Errorf("rule %s fires %v after the %s begins, want %v", r.Name, a.firing.Sub(incident.From), e.incident, e.first)
		}
		if off := a.over.Sub(incident.To) - e.over; off.Abs() > e.within {
			t.Errorf("rule %s is over %v after the %s ends, want %v", r.Name, a.over.Sub(incident.To), e.incident, e.over)
		}
		text := fmt.Sprintf("%s %s to %s", r.Name, a.firing.Format("15:04"), a.over.Format("15:04"))
		if e.incident.InLog() && !bytes.Contains(documented, []byte(text)) {
			t.Errorf("docs/grafana.md does not say %q", text)
		}
		every, _ := time.ParseDuration(r.Every)
		for _, at := range []time.Time{a.pending.Add(-every), a.pending, a.firing, a.over.Add(-every), a.over} {
			if !slices.Contains(moments[at], r.Name) {
				moments[at] = append(moments[at], r.Name)
			}
		}
	}
	for name := range want {
		if !seen[name] {
			t.Errorf("there is no rule %s", name)
		}
	}
	// A minute before the end of an incident that might move other rules, all those about requests, or about GPUs, are asked.
	for _, kind := range []traces.IncidentKind{traces.Outage, traces.Stall, traces.Heat, traces.Silence} {
		at := d.config.Incident(kind).To.Add(-min1)
		for _, r := range dashboards.Rules() {
			if (r.Need == dashboards.GPUs) == (kind == traces.Heat) && !slices.Contains(moments[at], r.Name) {
				moments[at] = append(moments[at], r.Name)
			}
		}
	}
	d.ask(t, f, moments)
}

// alert is one time that an instance held long enough.
type alert struct{ pending, firing, over time.Time }

// play evaluates a rule for each minute of the day, and gives each instance's alerts.
func (f *reference) play(t *testing.T, r dashboards.Rule) map[string][]alert {
	every, err := time.ParseDuration(r.Every)
	if err != nil {
		t.Fatal(err)
	}
	hold, err := time.ParseDuration(r.For)
	if err != nil {
		t.Fatal(err)
	}
	alerts, since := map[string][]alert{}, map[string]time.Time{}
	for at := range f.minutes {
		if at.Sub(f.config.Start)%every != 0 {
			continue
		}
		holds := holding(t, r, f.answers(r, at))
		open := func(instance string) *alert {
			if n := len(alerts[instance]); n > 0 && alerts[instance][n-1].over.IsZero() {
				return &alerts[instance][n-1]
			}
			return nil
		}
		for instance := range holds {
			if _, ok := since[instance]; !ok {
				since[instance] = at
			}
			if at.Sub(since[instance]) >= hold && open(instance) == nil {
				alerts[instance] = append(alerts[instance], alert{pending: since[instance], firing: at})
			}
		}
		for instance := range since {
			if holds[instance] {
				continue
			}
			if a := open(instance); a != nil {
				a.over = at
			}
			delete(since, instance)
		}
	}
	return alerts
}

// answers are what a rule's queries give at a moment, by letter and instance.
func (f *reference) answers(r dashboards.Rule, at time.Time) map[string]map[string]float64 {
	all := map[string]map[string]float64{}
	for _, a := range r.Asks {
		from, to := at.Add(-time.Duration(a.From)*time.Second), at.Add(-time.Duration(a.To)*time.Second)
		all[a.RefID] = f.of(a.Metric, a.Column, from.UnixMicro(), to.UnixMicro())
	}
	return all
}

// holding gives the instances for which a rule's condition holds.
func holding(t *testing.T, r dashboards.Rule, answers map[string]map[string]float64) map[string]bool {
	t.Helper()
	holds := map[string]bool{}
	for _, by := range answers {
		for instance := range by {
			letters := map[string]float64{}
			for letter, values := range answers {
				if v, ok := values[instance]; ok {
					letters[letter] = v
				}
			}
			v, ok, err := evaluate(r.Condition, letters)
			if err != nil {
				t.Fatal(err)
			}
			if ok && v != 0 && !math.IsNaN(v) {
				holds[instance] = true
			}
		}
	}
	return holds
}

// ask evaluates rules at moments as Grafana does, at every other one in the one flavour and in the other.
func (d *day) ask(t *testing.T, f *reference, moments map[time.Time][]string) {
	var group errgroup.Group
	group.SetLimit(2)
	asked, plugin := 0, false
	for _, at := range slices.SortedFunc(maps.Keys(moments), time.Time.Compare) {
		plugin = !plugin
		source := dashboards.ClickHouse
		if plugin {
			source = dashboards.Plugin
		}
		for _, r := range dashboards.Rules() {
			if !slices.Contains(moments[at], r.Name) {
				continue
			}
			asked += len(r.Asks)
			group.Go(func() error {
				got, want := d.askRule(t, r, source, at), f.answers(r, at)
				where := fmt.Sprintf("rule %s at %s (%s)", r.Name, at.Format("15:04"), source.Name)
				for _, a := range r.Asks {
					compareAsk(t, where, a, got[a.RefID], want[a.RefID])
				}
				if got, want := holding(t, r, got), holding(t, r, want); !maps.Equal(got, want) {
					t.Errorf("%s holds for %v, want %v", where, got, want)
				}
				return nil
			})
		}
	}
	_ = group.Wait()
	t.Logf("%d queries of rules at %d moments", asked, len(moments))
}

func compareAsk(t *testing.T, where string, a dashboards.Ask, got, want map[string]float64) {
	within := 1e-9
	if strings.HasSuffix(a.Column, "_p90") {
		within = 0.01 // of sketches
	}
	for instance, v := range want {
		if math.IsNaN(v) {
			continue // no number: the one flavour leaves it out, the other says so
		}
		if g, ok := got[instance]; !ok || !near(g, v, within) {
			t.Errorf("%s, %s: %s of %s is %v (%v), want %v", where, a.RefID, a.Column, instance, g, ok, v)
		}
	}
	for instance, g := range got {
		if _, ok := want[instance]; !ok {
			t.Errorf("%s, %s: %s of %s is %v, want none", where, a.RefID, a.Column, instance, g)
		}
	}
}

// askRule runs a rule's queries over their ranges.
func (d *day) askRule(t *testing.T, r dashboards.Rule, source dashboards.Flavour, at time.Time) map[string]map[string]float64 {
	answers := map[string]map[string]float64{}
	for _, a := range r.Asks {
		q, err := a.Query(source)
		if err != nil {
			t.Error(err)
			continue
		}
		from, to := at.Add(-time.Duration(a.From)*time.Second), at.Add(-time.Duration(a.To)*time.Second)
		var got *table
		value := "value"
		if source == dashboards.ClickHouse {
			got = d.askClickHouse(t, dashboards.ExpandMacros(q["rawSql"].(string), from, to))
		} else {
			// Alert rules come with one second, and as many points as that makes.
			query := request(t, q, from, to)
			query.Interval, query.MaxDataPoints = time.Second, 43_200
			got = d.askPlugin(t, query)[a.RefID]
			m, _ := catalogue.Find(a.Metric)
			c, _ := m.Column(a.Column)
			value = c.Title
		}
		answers[a.RefID] = got.instances(value)
	}
	return answers
}

// instances are a table's numbers by what its texts name, as Grafana makes instances of rows.
func (a *table) instances(value string) map[string]float64 {
	all := map[string]float64{}
	for row, v := range a.numbers[value] {
		var parts []string
		for _, name := range a.names {
			if texts, ok := a.texts[name]; ok && texts[row] != "" {
				parts = append(parts, texts[row])
			}
		}
		all[strings.Join(parts, " ")] = v
	}
	return all
}
