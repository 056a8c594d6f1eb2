package dashboards

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
	"github.com/grafana/grafana-foundation-sdk/go/text"

	"tidegauge/dashboards/catalogue"
)

// columns is the width of Grafana's grid.
const columns = 24

// JSON is the dashboard as Grafana reads it from a file. It is of the classic schema, which 12 and 13 both read as it is; 12 takes
// the second one only where an administrator has turned it on.
func (b Board) JSON(f Flavour) ([]byte, error) {
	d := dashboard.NewDashboard()
	d.Uid, d.Title, d.Description = new(b.UID(f)), new("Tidegauge "+b.Title), new(b.Question)
	d.Tags = []string{"tidegauge", f.Name}
	d.Time = &dashboard.DashboardDashboardTime{From: "now-6h", To: "now"}
	d.Refresh = new("1m")
	d.GraphTooltip = new(dashboard.DashboardCursorSyncCrosshair)
	d.Links = b.links(f)
	d.Version = new(uint32(1))
	var err error
	if d.Templating.List, err = b.variables(f); err != nil {
		return nil, fmt.Errorf("dashboard %s: %w", b.Name, err)
	}
	if d.Annotations.List, err = b.annotations(f); err != nil {
		return nil, fmt.Errorf("dashboard %s: %w", b.Name, err)
	}
	if d.Panels, err = b.panels(f); err != nil {
		return nil, fmt.Errorf("dashboard %s: %w", b.Name, err)
	}
	if err := d.Validate(); err != nil {
		return nil, fmt.Errorf("dashboard %s: %w", b.Name, err)
	}
	file, err := json.MarshalIndent(d, "", "  ")
	return append(file, '\n'), err
}

// links lead to the other dashboards, in one order everywhere, with the time range and the variables.
func (b Board) links(f Flavour) []dashboard.DashboardLink {
	var links []dashboard.DashboardLink
	for _, other := range Boards() {
		if other.Name != b.Name {
			links = append(links, dashboard.DashboardLink{Title: other.Title, Type: dashboard.DashboardLinkTypeLink, Icon: "dashboard",
				Tooltip: other.Question, Url: new("/d/" + other.UID(f)), Tags: []string{}, IncludeVars: true, KeepTime: true})
		}
	}
	return links
}

// In says whether the panel is in the flavour's dashboard.
func (p Panel) In(f Flavour) bool { return p.Only == nil || *p.Only == f }

// panels lays the panels out, from left to right and line by line; a line is as high as its highest panel.
func (b Board) panels(f Flavour) ([]dashboard.PanelOrRowPanel, error) {
	var all []dashboard.PanelOrRowPanel
	var errs []error
	var x, y, line uint32
	var closed *dashboard.RowPanel
	for _, p := range b.Panels {
		if !p.In(f) {
			continue
		}
		if p.Visual == Row || x+p.Width > columns {
			x, y, line = 0, y+line, 0
		}
		if p.Visual == Row {
			row := &dashboard.RowPanel{Type: "row", Title: new(p.Title), Id: p.ID, Collapsed: p.Closed, Panels: []dashboard.Panel{},
				GridPos: &dashboard.GridPos{H: 1, W: columns, X: 0, Y: y}}
			all = append(all, dashboard.PanelOrRowPanel{RowPanel: row})
			closed, line = nil, 1
			x = columns
			if p.Closed {
				closed = row
			}
			continue
		}
		panel, err := p.panel(f)
		if err != nil {
			errs = append(errs, fmt.Errorf("panel %d, %q: %w", p.ID, p.Title, err))
			continue
		}
		panel.GridPos = &dashboard.GridPos{H: p.Height, W: p.Width, X: x, Y: y}
		x, line = x+p.Width, max(line, p.Height)
		if closed != nil {
			closed.Panels = append(closed.Panels, panel)
		} else {
			all = append(all, dashboard.PanelOrRowPanel{Panel: &panel})
		}
	}
	return all, errors.Join(errs...)
}

func (p Panel) panel(f Flavour) (dashboard.Panel, error) {
	panel := dashboard.Panel{Type: string(p.Visual), Id: new(p.ID), Title: new(p.Title), Description: new(p.About()), Options: p.options()}
	if p.Visual == Text {
		content, err := inGrafana(p.Markdown, f)
		panel.Options = text.Options{Mode: text.TextModeMarkdown, Content: content}
		return panel, err
	}
	panel.Datasource = &common.DataSourceRef{Type: new(f.Type), Uid: new(f.UID)}
	panel.FieldConfig = p.fields(f)
	for i, t := range p.Targets {
		q, err := t.query(f, string(rune('A'+i)), p.Visual)
		if err != nil {
			return panel, err
		}
		panel.Targets = append(panel.Targets, q)
	}
	return panel, nil
}

// Queries gives the panel's targets as the flavour's data source takes them.
func (p Panel) Queries(f Flavour) ([]map[string]any, error) {
	var all []map[string]any
	for i, t := range p.Targets {
		q, err := t.query(f, string(rune('A'+i)), p.Visual)
		if err != nil {
			return nil, fmt.Errorf("panel %d, %q: %w", p.ID, p.Title, err)
		}
		all = append(all, q)
	}
	return all, nil
}

func (p Panel) fields(f Flavour) *dashboard.FieldConfigSource {
	empty := p.Empty
	if empty == "" {
		empty = "No data in this time range"
	}
	defaults := dashboard.FieldConfig{Min: p.Min, Max: p.Max, NoValue: new(empty), Custom: p.custom()}
	if p.Unit != "" && p.Visual != Grid { // a heatmap's is that of its y axis
		defaults.Unit = new(p.Unit)
	}
	switch {
	case len(p.Steps) > 0:
		defaults.Thresholds = thresholds(p.Steps)
	case p.Visual == Stat || p.Visual == Rows:
		defaults.Thresholds = thresholds([]Step{{0, "text"}})
	}
	switch p.Visual {
	case Stat, Rows:
		defaults.Color = &dashboard.FieldColor{Mode: dashboard.FieldColorModeIdThresholds}
	case Grid, Text:
	default:
		defaults.Color = &dashboard.FieldColor{Mode: dashboard.FieldColorModeIdPaletteClassic}
	}
	source := &dashboard.FieldConfigSource{Defaults: defaults, Overrides: []dashboard.DashboardFieldConfigSourceOverrides{}}
	// The defaults' text is for a panel without data. Grafana would put it into each empty cell and tooltip, too.
	switch p.Visual {
	case Rows:
		source.Overrides = append(source.Overrides, everywhere("noValue", "–"))
	case Lines, Curve, Points, Histogram:
		source.Overrides = append(source.Overrides, everywhere("noValue", nil))
	}
	for _, field := range p.Fields {
		if o := field.override(p.Visual, f); len(o.Properties) > 0 {
			source.Overrides = append(source.Overrides, o)
		}
	}
	source.Overrides = append(source.Overrides, p.axes()...)
	if f == ClickHouse {
		source.Defaults.DisplayName = p.seriesName()
	}
	return source
}

// everywhere sets a property of each field, or takes it away.
func everywhere(property string, value any) dashboard.DashboardFieldConfigSourceOverrides {
	return dashboard.DashboardFieldConfigSourceOverrides{Matcher: dashboard.MatcherConfig{Id: "byRegexp", Options: ".*"},
		Properties: []dashboard.DynamicConfigValue{{Id: property, Value: value}}}
}

// axes make the x of curves and points, and what points draw over it, logarithmic. The y of curves is a default of the panel.
func (p Panel) axes() (overrides []dashboard.DashboardFieldConfigSourceOverrides) {
	set := func(title string, scale map[string]any) {
		overrides = append(overrides, dashboard.DashboardFieldConfigSourceOverrides{Matcher: dashboard.MatcherConfig{Id: "byName", Options: title},
			Properties: []dashboard.DynamicConfigValue{{Id: "custom.scaleDistribution", Value: scale}}})
	}
	log := map[string]any{"type": "log", "log": 10}
	switch {
	case p.X == "":
	case p.LogX && p.FromZero:
		set(p.X, map[string]any{"type": "symlog", "log": 10, "linearThreshold": 1})
	case p.LogX:
		set(p.X, log)
	case p.LogY:
		set(p.X, map[string]any{"type": "linear"})
	}
	if p.Size != "" {
		overrides = append(overrides, dashboard.DashboardFieldConfigSourceOverrides{Matcher: dashboard.MatcherConfig{Id: "byName", Options: p.Size},
			Properties: []dashboard.DynamicConfigValue{{Id: "color", Value: map[string]any{"mode": "continuous-BlPu"}}}})
	}
	if p.Visual == Points && p.LogY {
		for _, y := range p.Y {
			set(y, log)
		}
	}
	return overrides
}

// seriesName is how Grafana is to call series of the official ClickHouse data source that are of several things: it gives them that
// as a label. Where each thing has several numbers, they are told apart by the column, as the plugin does.
func (p Panel) seriesName() *string {
	for _, t := range p.Targets {
		m, ok := find(t.Metric)
		if !ok || !grouped(m) || p.Visual != Lines {
			continue
		}
		chosen, err := m.Choose(t.Columns)
		if err != nil {
			continue
		}
		numbers := slices.DeleteFunc(chosen, func(c catalogue.Column) bool { return c.Group })
		if len(numbers) > 1 || len(p.Targets) > 1 {
			return new("${__field.labels.series} ${__field.name}")
		}
		return new("${__field.labels.series}")
	}
	return nil
}

func (f Field) override(visual Visual, of Flavour) dashboard.DashboardFieldConfigSourceOverrides {
	o := dashboard.DashboardFieldConfigSourceOverrides{Matcher: dashboard.MatcherConfig{Id: "byName", Options: f.Title}}
	if f.Query != "" {
		o.Matcher = dashboard.MatcherConfig{Id: "byFrameRefID", Options: f.Query}
	}
	set := func(id string, value any) {
		o.Properties = append(o.Properties, dashboard.DynamicConfigValue{Id: id, Value: value})
	}
	if f.As != "" {
		set("displayName", f.As)
	}
	if f.Unit != "" {
		set("unit", f.Unit)
	}
	if f.Right {
		set("custom.axisPlacement", "right")
	}
	if f.Colour != "" {
		set("color", map[string]any{"mode": "fixed", "fixedColor": f.Colour})
	}
	if f.Filled {
		set("custom.fillOpacity", 35)
		set("custom.lineInterpolation", "stepBefore")
	}
	if f.Width > 0 {
		set("custom.width", f.Width)
	}
	if f.Hidden {
		if visual == Rows {
			set("custom.hideFrom", map[string]any{"viz": true})
		} else {
			set("custom.hideFrom", map[string]any{"viz": true, "legend": true, "tooltip": true})
		}
	}
	if f.Meter {
		set("custom.cellOptions", map[string]any{"type": "gauge", "mode": "basic"})
	}
	if len(f.Steps) > 0 {
		set("thresholds", thresholds(f.Steps))
		set("color", map[string]any{"mode": "thresholds"})
		if visual == Rows {
			set("custom.cellOptions", map[string]any{"type": "color-text"})
		}
	}
	if f.Link != "" {
		set("links", []map[string]any{{"title": "Open", "url": strings.ReplaceAll(f.Link, "{prefix}", of.Prefix)}})
	}
	return o
}

func thresholds(steps []Step) *dashboard.ThresholdsConfig {
	config := &dashboard.ThresholdsConfig{Mode: dashboard.ThresholdsModeAbsolute}
	for i, s := range steps {
		t := dashboard.Threshold{Color: s.Colour}
		if i > 0 {
			t.Value = new(s.From)
		}
		config.Steps = append(config.Steps, t)
	}
	return config
}

// About is the panel's description, and where it does not show the whole range, that.
func (p Panel) About() string {
	about := p.means()
	if slices.ContainsFunc(p.Targets, func(t Target) bool { m, _ := find(t.Metric); return m.Raw }) {
		about += fmt.Sprintf(" Of a range of more than %[1]d days it shows the last %[1]d.", rawRange/86_400)
	}
	return about
}

// means is the panel's own description, or what its metrics mean, each once.
func (p Panel) means() string {
	if p.Description != "" {
		return p.Description
	}
	var all []string
	seen := map[string]bool{}
	for _, t := range p.Targets {
		if m, ok := find(t.Metric); ok && !seen[m.ID] {
			seen[m.ID] = true
			all = append(all, m.Description)
		}
	}
	return strings.Join(all, "\n\n")
}
