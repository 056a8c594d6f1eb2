package dashboards

// Board is a dashboard: a question that somebody has, and the panels that answer it.
type Board struct {
	// Name is the last part of the uid and the name of the file.
	Name string
	// Title is what links say, Question what the dashboard answers.
	Title, Question string
	Panels          []Panel
	// Variables beside those that every dashboard has.
	Variables []Variable
	// Fleet says that the dashboard is about machines: it has no model, log type and annotations.
	Fleet bool
}

// Visual says how a panel is drawn.
type Visual string

// The visuals, by Grafana's names of its panels; a row begins a group of panels.
const (
	Row       Visual = "row"
	Text      Visual = "text"
	Stat      Visual = "stat"
	Lines     Visual = "timeseries"
	Curve     Visual = "trend" // lines over a number
	Points    Visual = "xychart"
	Grid      Visual = "heatmap"
	Histogram Visual = "histogram"
	Rows      Visual = "table"
)

// Need is what a panel needs beside requests in the range: a panel that needs nothing has data wherever a service has.
type Need string

// The needs. Panels with one stand in a row that is closed until somebody opens it, or on a dashboard of their own, so
// that nobody looks at empty panels who has no use for them.
const (
	Nothing   Need = ""
	GPUs      Need = "GPUs that tidegauge scrape reads"
	Engines   Need = "engines whose /metrics tidegauge scrape reads"
	Prompts   Need = "logs that name their prompts"
	Faults    Need = "failures, or letters that could not be read"
	History   Need = "weeks of data"
	Processor Need = "Prometheus scraping tidegauge"
)

// Panel is one panel.
type Panel struct {
	// ID is the panel's number in its dashboard, for ever.
	ID    uint32
	Title string
	// Description says what the number means and what to do; "" takes that of the first target's metric.
	Description string
	Visual      Visual
	// Width is in the grid's 24 columns, Height in its rows of 38 pixels or so. Panels fill lines from left to right.
	Width, Height uint32
	Targets       []Target
	// Unit is Grafana's name for the unit of what Units does not name.
	Unit string
	// Fields says how single series or columns differ from the rest, by title.
	Fields []Field
	// Steps colour the value: the first is from -infinity on. In lines they are drawn as dashed lines.
	Steps []Step
	// Empty is shown where there is nothing to show.
	Empty string
	Need  Need
	// Min and Max bound the axis or the gauge.
	Min, Max *float64
	// LogX and LogY make an axis logarithmic; FromZero leaves an x of 0 on it.
	LogX, LogY, FromZero bool
	// Stacked stacks lines.
	Stacked bool
	// X is the axis of points and Y what is drawn over it, by title.
	X string
	Y []string
	// Size is the column that sizes and colours points.
	Size string
	// Sort is the column that a table is sorted by, largest first.
	Sort string
	// Markdown is a text panel's.
	Markdown string
	// Closed is a row's that is opened by hand.
	Closed bool
	// Only limits a panel to one flavour, where the other has no way to make it.
	Only *Flavour
}

// Target is one query of a panel.
type Target struct {
	// Metric is the catalogue's, Columns are of it; none for those it shows by default.
	Metric  string
	Columns []string
	// Step is the width of windows in seconds, "" for the dashboard's choice, "0" for the range as one window.
	Step string
	// AllTime asks about all that is stored, whatever the dashboard's range is. (Grafana's own override of a panel's time does
	// nothing where the dashboard's range is of fixed dates.)
	AllTime bool
	// Goal asks goodput for the share within the objectives.
	Goal bool
	// SQL is the official ClickHouse data source's query where the metric's own SQL is of another shape, or is worked out
	// by the plugin. It may use the macros of query.go.
	SQL string
	// PromQL asks Prometheus instead of either.
	PromQL, Legend string
}

// Field is how one series or column is shown.
type Field struct {
	// Title names it; where two queries give series of one title, Query is the letter of the one that is meant.
	Title, Query string
	// As renames it, Unit gives it a unit of its own, Right draws it against an axis on the right.
	As, Unit string
	Right    bool
	// Colour fixes its colour, Width its width in a table, Link makes it a link, Hidden leaves it out.
	Colour string
	Width  int
	Link   string // {prefix} in it is that of the flavour's dashboards
	Hidden bool
	// Filled draws it as steps with an area below.
	Filled bool
	// Meter draws a table's cell as a bar.
	Meter bool
	// Steps are thresholds of its own.
	Steps []Step
}

// Step is a threshold: from From on the colour is Colour.
type Step struct {
	From   float64
	Colour string
}

// Boards gives the dashboards in the order in which a page leads to the next. Processors is apart: it needs Prometheus.
func Boards() []Board {
	return []Board{overview(), burstiness(), conversations(), lengths(), latency(), failures(), gpus(), pipeline(), runbook()}
}

// UID is the dashboard's uid in a flavour.
func (b Board) UID(f Flavour) string { return f.Prefix + b.Name }

func number(v float64) *float64 { return &v }

// Titles are the names of the series or columns that the panel's queries give, as far as they do not depend on data.
func (p Panel) Titles() []string {
	var titles []string
	for _, t := range p.Targets {
		m, ok := find(t.Metric)
		if !ok {
			continue
		}
		chosen, err := m.Choose(t.Columns)
		if err != nil {
			continue
		}
		for _, c := range chosen {
			titles = append(titles, c.Title)
		}
	}
	return titles
}
