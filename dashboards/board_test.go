package dashboards_test

import (
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/cog/plugins"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"tidegauge/dashboards"
)

// all are every dashboard in every flavour it is made in.
func all() map[string]struct {
	board   dashboards.Board
	flavour dashboards.Flavour
} {
	type made = struct {
		board   dashboards.Board
		flavour dashboards.Flavour
	}
	m := map[string]made{"prometheus/processors": {dashboards.Processors(), dashboards.Prometheus}}
	for _, f := range dashboards.Flavours() {
		for _, b := range dashboards.Boards() {
			m[f.Name+"/"+b.Name] = made{b, f}
		}
	}
	return m
}

// TestSchema reads every dashboard with Grafana's own schema of dashboards and of each panel's options, which refuses what it
// does not know.
func TestSchema(t *testing.T) {
	plugins.RegisterDefaultPlugins()
	for name, m := range all() {
		text, err := m.board.JSON(m.flavour)
		if err != nil {
			t.Fatal(err)
		}
		d := dashboard.NewDashboard()
		if err := json.Unmarshal(text, d); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		// Without errors it gives a list of none, which is not nil.
		var refused cog.BuildErrors
		if err := dashboard.NewDashboard().UnmarshalJSONStrict(text); errors.As(err, &refused) && len(refused) > 0 {
			t.Errorf("%s: %v", name, err)
		}
		if err := d.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

var variable = regexp.MustCompile(`\$\{?(\w+)`)

// TestBoards holds what makes a dashboard legible, and what Grafana would not complain about.
func TestBoards(t *testing.T) {
	uids := map[string]bool{}
	for name, m := range all() {
		text, err := m.board.JSON(m.flavour)
		if err != nil {
			t.Fatal(err)
		}
		d := dashboard.NewDashboard()
		if err := json.Unmarshal(text, d); err != nil {
			t.Fatal(err)
		}
		if uids[*d.Uid] {
			t.Errorf("%s: uid %s is another's", name, *d.Uid)
		}
		uids[*d.Uid] = true
		known := map[string]bool{"__from": true, "__to": true, "__interval": true, "__value": true, "__data": true, "__field": true, "__rate_interval": true, "__all": true}
		for _, v := range d.Templating.List {
			known[v.Name] = true
			if *v.Description == "" {
				t.Errorf("%s: variable %s has no description", name, v.Name)
			}
		}
		for _, found := range variable.FindAllStringSubmatch(string(text), -1) {
			if !known[found[1]] {
				t.Errorf("%s: variable $%s is not defined", name, found[1])
			}
		}
		var panels []dashboard.Panel
		ids := map[uint32]bool{}
		for _, p := range d.Panels {
			if p.RowPanel != nil {
				if ids[p.RowPanel.Id] || *p.RowPanel.Title == "" {
					t.Errorf("%s: row %d is there twice or has no title", name, p.RowPanel.Id)
				}
				ids[p.RowPanel.Id] = true
				panels = append(panels, p.RowPanel.Panels...)
				continue
			}
			panels = append(panels, *p.Panel)
		}
		overlaps(t, name, panels)
		for _, p := range panels {
			if ids[*p.Id] {
				t.Errorf("%s: panel %d is there twice", name, *p.Id)
			}
			ids[*p.Id] = true
			where := name + ": " + *p.Title
			switch {
			case *p.Title == "" || len(*p.Description) < 40 || !strings.HasSuffix(*p.Description, "."):
				t.Errorf("%s: title or description %q says too little", where, *p.Description)
			case p.Type == "text":
			case p.Datasource == nil || len(p.Targets) == 0:
				t.Errorf("%s: has no data source or no query", where)
			case p.FieldConfig.Defaults.NoValue == nil:
				t.Errorf("%s: says nothing where there is nothing", where)
			case p.FieldConfig.Defaults.Unit == nil && !slices.Contains([]string{"table", "heatmap"}, p.Type):
				t.Errorf("%s: no unit", where)
			}
		}
		for _, link := range d.Links {
			if !link.KeepTime || !link.IncludeVars {
				t.Errorf("%s: link %s forgets the time or the variables", name, link.Title)
			}
		}
	}
	for name, m := range all() {
		text, _ := m.board.JSON(m.flavour)
		for _, link := range regexp.MustCompile(`"url": "/d/([\w-]+)`).FindAllStringSubmatch(string(text), -1) {
			if !uids[link[1]] {
				t.Errorf("%s links to %s, which is no dashboard", name, link[1])
			}
		}
	}
}

func overlaps(t *testing.T, name string, panels []dashboard.Panel) {
	for i, p := range panels {
		a := p.GridPos
		if a.X+a.W > 24 || a.H < 3 || a.W < 4 {
			t.Errorf("%s: %s is %d by %d at column %d of 24", name, *p.Title, a.W, a.H, a.X)
		}
		for _, q := range panels[:i] {
			b := q.GridPos
			if a.X < b.X+b.W && b.X < a.X+a.W && a.Y < b.Y+b.H && b.Y < a.Y+a.H {
				t.Errorf("%s: %s and %s overlap", name, *p.Title, *q.Title)
			}
		}
	}
}

// TestEmptyCells: what a panel says where it has no data is not said in each cell of a table, nor in tooltips of gaps.
func TestEmptyCells(t *testing.T) {
	for name, m := range all() {
		for _, p := range panels(t, m.board, m.flavour) {
			first := ""
			if overrides := p.FieldConfig; overrides != nil && len(overrides.Overrides) > 0 {
				first = overrides.Overrides[0].Properties[0].Id
			}
			if (p.Type == "table" || p.Type == "timeseries" || p.Type == "trend") && first != "noValue" {
				t.Errorf("%s: %s has its text for no data in cells and tooltips, too", name, *p.Title)
			}
		}
	}
}

// TestSeriesAreToldApart: where series of the official ClickHouse data source are of several things, each of which has several
// numbers, both are in their names.
func TestSeriesAreToldApart(t *testing.T) {
	want := map[string]string{"Held back by power or heat": "${__field.labels.series} ${__field.name}", "PCIe and NVLink": "${__field.labels.series} ${__field.name}",
		"SM clock": "${__field.labels.series}", "By error type and status": "${__field.labels.series}"}
	for _, b := range dashboards.Boards() {
		for _, p := range panels(t, b, dashboards.ClickHouse) {
			if name, ok := want[*p.Title]; ok {
				delete(want, *p.Title)
				if got := p.FieldConfig.Defaults.DisplayName; got == nil || *got != name {
					t.Errorf("%s: series are called %v, want %s", *p.Title, got, name)
				}
			}
		}
	}
	if len(want) > 0 {
		t.Errorf("panels that are gone: %v", want)
	}
}

// panels are a dashboard's as they are in its file, those of closed rows too.
func panels(t *testing.T, b dashboards.Board, f dashboards.Flavour) (list []dashboard.Panel) {
	t.Helper()
	text, err := b.JSON(f)
	if err != nil {
		t.Fatal(err)
	}
	d := dashboard.NewDashboard()
	if err := json.Unmarshal(text, d); err != nil {
		t.Fatal(err)
	}
	for _, p := range d.Panels {
		if p.RowPanel != nil {
			list = append(list, p.RowPanel.Panels...)
		} else {
			list = append(list, *p.Panel)
		}
	}
	return list
}

// TestFields: what a panel renames, colours or draws is called by the title of a column that it asks for.
func TestFields(t *testing.T) {
	for _, b := range dashboards.Boards() {
		for _, p := range b.Panels {
			titles := p.Titles()
			for _, f := range p.Fields {
				if f.Query == "" && !slices.Contains(titles, f.Title) {
					t.Errorf("%s: %s says how to show %q, and has %q", b.Name, p.Title, f.Title, titles)
				}
			}
		}
	}
}
