package integration

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"tidegauge/dashboards"
	"tidegauge/dashboards/catalogue"
	"tidegauge/traces"
)

// shown is what a panel shows of a service: its queries' answers, by letter.
type shown struct {
	board dashboards.Board
	panel dashboards.Panel
	by    map[string]*table
}

func (s *shown) name() string { return s.board.Name + ": " + s.panel.Title }

// show asks the queries of panels, as a dashboard in windows of five minutes over the day does.
func (d *day) show(t *testing.T, f dashboards.Flavour, service string, of func(*shown) bool) map[string]*shown {
	v := d.values(t, service, "300")
	all := map[string]*shown{}
	var mutex sync.Mutex
	given := map[string]*table{} // many panels ask for the same
	var group errgroup.Group
	group.SetLimit(2)
	for _, b := range dashboards.Boards() {
		for _, p := range b.Panels {
			s := &shown{b, p, map[string]*table{}}
			if p.Visual == dashboards.Row || p.Visual == dashboards.Text || !p.In(f) || !of(s) {
				continue
			}
			all[fmt.Sprint(b.Name, "/", p.ID)] = s
			at := v
			if p.Range != "" {
				at.From, at.To = d.config.Start.AddDate(-1, 0, 0), d.config.End()
			}
			queries, err := p.Queries(f)
			if err != nil {
				t.Error(err)
			}
			for _, q := range queries {
				q = interpolate(t, q, at, f)
				letter := q["refId"].(string)
				group.Go(func() error {
					q["refId"] = "" // letters differ where the question is the same
					key := fmt.Sprint(at.From, q)
					mutex.Lock()
					answer, ok := given[key]
					mutex.Unlock()
					switch {
					case ok:
					case f == dashboards.ClickHouse:
						answer = d.askClickHouse(t, q["rawSql"].(string))
					default:
						answer = d.askPlugin(t, request(t, q, at.From, at.To))[""]
					}
					mutex.Lock()
					defer mutex.Unlock()
					given[key], s.by[letter] = answer, answer
					return nil
				})
			}
		}
	}
	_ = group.Wait()
	return all
}

// panels asks all panels in both flavours, and holds them against each other, against the timetable and against the requests.
func (d *day) panels(t *testing.T) {
	everything := func(*shown) bool { return true }
	plugin, clickhouse := d.show(t, dashboards.Plugin, d.config.Service, everything), d.show(t, dashboards.ClickHouse, d.config.Service, everything)
	d.panelsOf = map[string]map[string]*shown{dashboards.Plugin.Name: plugin, dashboards.ClickHouse.Name: clickhouse}
	t.Run("Data", func(t *testing.T) {
		for _, of := range []map[string]*shown{plugin, clickhouse} {
			for _, s := range of {
				hasData(t, s)
			}
		}
	})
	t.Run("Flavours", func(t *testing.T) {
		compared := 0
		for id, s := range plugin {
			if other, ok := clickhouse[id]; ok {
				compared += sameNumbers(t, s, other)
			}
		}
		t.Logf("%d numbers of %d panels are the same in both flavours", compared, len(plugin))
		if compared < 10_000 {
			t.Errorf("only %d numbers were compared", compared)
		}
	})
	t.Run("Changes", func(t *testing.T) { d.changes(t, plugin) })
	t.Run("Amounts", func(t *testing.T) { d.amounts(t, plugin) })
	t.Run("Control", func(t *testing.T) { d.control(t) })
}

func hasData(t *testing.T, s *shown) {
	for letter, a := range s.by {
		if a.rows == 0 {
			t.Errorf("%s (%s) has no data", s.name(), letter)
			continue
		}
		for name, values := range a.numbers {
			if !slices.ContainsFunc(values, func(v float64) bool { return !math.IsNaN(v) }) {
				t.Errorf("%s (%s): %q has no number in %d rows", s.name(), letter, name, a.rows)
			}
		}
	}
}

// sameNumbers holds the two flavours of a panel against each other where they ask for the same, and says how many numbers they
// have in common.
func sameNumbers(t *testing.T, s, other *shown) (compared int) {
	for i, target := range s.panel.Targets {
		m, _ := catalogue.Find(target.Metric)
		if target.SQL != "" || m.Computed || m.Kind == catalogue.Heatmap {
			continue // of another shape
		}
		letter := string(rune('A' + i))
		a, b := s.by[letter], other.by[letter]
		for name, values := range a.numbers {
			others := b.numbers[name]
			if grouped(m) && m.Kind == catalogue.Series {
				values, others = byTime(a.times, values, m), byTime(b.times, others, m)
			} else if target.Step == "0" {
				b.times = nil // of a range's one row
			}
			if len(values) != len(others) || len(a.times) != len(b.times) && !grouped(m) {
				t.Errorf("%s: %q has %d numbers from the plugin, %d in SQL (of %v)", s.name(), name, len(values), len(others), b.names)
				continue
			}
			for row, v := range values {
				if !near(v, others[row], 1e-9) || len(a.times) > 0 && !grouped(m) && !a.times[row].Equal(b.times[row]) {
					t.Errorf("%s: row %d of %q is %v from the plugin, %v in SQL", s.name(), row, name, v, others[row])
					break
				}
				compared++
			}
		}
	}
	return compared
}

func grouped(m catalogue.Metric) bool {
	return slices.ContainsFunc(m.Columns, func(c catalogue.Column) bool { return c.Group })
}

// byTime gives the numbers that there are, by time. SQL lists the windows of a group that has rows in them; of the others the plugin
// knows that there were 0 of what is counted.
func byTime(times []time.Time, values []float64, m catalogue.Metric) (known []float64) {
	zero := slices.ContainsFunc(m.Columns, func(c catalogue.Column) bool { return c.Zero })
	order := make([]int, len(times))
	for i := range order {
		order[i] = i
	}
	slices.SortFunc(order, func(a, b int) int { return times[a].Compare(times[b]) })
	for _, i := range order {
		if v := values[i]; !math.IsNaN(v) && !(zero && v == 0) {
			known = append(known, float64(times[i].Unix()), v)
		}
	}
	return known
}

// width is that of the windows that panels are asked for.
const width = 300 * time.Second

// quiet says whether a window lies apart from all incidents, and from what they leave behind.
func (d *day) quiet(at time.Time) bool {
	if at.Before(d.config.Start.Add(time.Hour)) {
		return false // conversations only begin
	}
	return !slices.ContainsFunc(d.config.Timetable(), func(i traces.Incident) bool {
		return !at.Before(i.From.Add(-2*width)) && at.Before(i.To.Add(3*width))
	})
}

// changed says of which incidents a series shows anything: most of whose windows lie outside of all that quiet windows have, or
// have a number where these have none, or none where these have one. It fails where the series is not as usual again
// after the incident, or was not before.
func (d *day) changed(t *testing.T, name string, times []time.Time, values []float64) (kinds []traces.IncidentKind) {
	at := func(from, to time.Time) (inside []float64) {
		for row, v := range values {
			if !times[row].Before(from) && times[row].Before(to) {
				inside = append(inside, v)
			}
		}
		return inside
	}
	for _, incident := range d.config.Timetable() {
		low, high, known, all := math.Inf(1), math.Inf(-1), 0, 0
		near := func(at time.Time) bool {
			return !at.Before(incident.From.Add(-time.Hour)) && at.Before(incident.To.Add(time.Hour))
		}
		for row, v := range values {
			if d.quiet(times[row]) && !near(times[row]) {
				all++
				if !math.IsNaN(v) {
					low, high, known = min(low, v), max(high, v), known+1
				}
			}
		}
		margin := 0.05 * (high - low)
		outside := func(v float64) bool {
			if math.IsNaN(v) {
				return 10*known > 9*all
			}
			return 10*known < all || v < low-margin || v > high+margin
		}
		share := func(from, to time.Time) float64 {
			inside := at(from, to)
			n := 0
			for _, v := range inside {
				if outside(v) {
					n++
				}
			}
			return float64(n) / float64(len(inside))
		}
		if share(incident.From, incident.To) < 0.5 {
			continue
		}
		kinds = append(kinds, incident.Kind)
		for what, s := range map[string]float64{"before": share(incident.From.Add(-30*time.Minute), incident.From),
			"after": share(incident.To.Add(2*width), min2(incident.To.Add(2*width+30*time.Minute), d.config.End()))} {
			if s > 0.2 {
				t.Errorf("%s is not as usual %s the %s: %.0f %% of the windows", name, what, incident.Kind, 100*s)
			}
		}
	}
	return kinds
}

func min2(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

// changes finds which panels show which incident, and holds that against the list in day_expected_test.go.
func (d *day) changes(t *testing.T, panels map[string]*shown) {
	found := map[traces.IncidentKind][]string{}
	for _, s := range panels {
		d.eachSeries(s, func(name string, times []time.Time, values []float64) {
			for _, kind := range d.changed(t, name, times, values) {
				if !slices.Contains(found[kind], name) {
					found[kind] = append(found[kind], name)
				}
			}
		})
	}
	for _, incident := range d.config.Timetable() {
		slices.Sort(found[incident.Kind])
		if got, want := found[incident.Kind], changesOf[incident.Kind]; !slices.Equal(got, want) {
			t.Errorf("the %s changes\n\t%s\nwant\n\t%s", incident.Kind, strings.Join(got, "\n\t"), strings.Join(want, "\n\t"))
		}
	}
}

// eachSeries gives the series of a panel over the day's windows: by the panel, and by the GPU where it is one of several.
func (d *day) eachSeries(s *shown, do func(name string, times []time.Time, values []float64)) {
	for i, target := range s.panel.Targets {
		m, _ := catalogue.Find(target.Metric)
		a := s.by[string(rune('A'+i))]
		if m.Kind != catalogue.Series || len(a.times) == 0 || s.panel.Visual == dashboards.Points {
			continue
		}
		for column, values := range a.numbers {
			name := s.name()
			if strings.HasPrefix(column, traces.DayHost) || strings.HasPrefix(column, traces.DayControlHost) {
				host, rest, _ := strings.Cut(column, " ")
				gpu, _, _ := strings.Cut(rest, " ")
				name += " of " + host + " " + gpu
			}
			// All windows of the day, also those that the answer does not list.
			var times []time.Time
			every := make([]float64, 24*time.Hour/width)
			for i := range every {
				every[i] = math.NaN()
				times = append(times, d.config.Start.Add(time.Duration(i)*width))
			}
			for row, at := range a.times {
				every[at.Sub(d.config.Start)/width] = values[row]
			}
			do(name, times, every)
		}
	}
}

// control asks the same of the service to which nothing happens.
func (d *day) control(t *testing.T) {
	ofService := func(s *shown) bool {
		return slices.ContainsFunc(s.panel.Targets, func(target dashboards.Target) bool {
			m, _ := catalogue.Find(target.Metric)
			return m.Has("service") && m.Kind == catalogue.Series && target.Step != "0"
		}) && s.panel.Visual != dashboards.Points
	}
	for _, s := range d.show(t, dashboards.Plugin, d.config.Control, ofService) {
		hasData(t, s)
		d.eachSeries(s, func(name string, times []time.Time, values []float64) {
			if kinds := d.changed(t, name, times, values); len(kinds) > 0 {
				t.Errorf("%s of the service to which nothing happens shows %v", name, kinds)
			}
		})
	}
}
