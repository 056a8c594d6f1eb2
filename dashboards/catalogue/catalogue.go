// Package catalogue is the one list of numbers that dashboards show: what each is called, what it means, in which unit, and
// which view of ClickHouse gives it. The data source plugin runs an entry's view, dashboards for the official ClickHouse data
// source take their SQL from the same entry, and the query editor offers the list itself. It asks no database.
//
// Start at Metric; the entries are in a file for each section of docs/metrics.md.
package catalogue

import (
	"slices"
)

// Kind says what a metric's answer looks like.
type Kind string

// The kinds.
const (
	Series       Kind = "series"       // numbers by window of time, and by the Group columns where there are any
	Heatmap      Kind = "heatmap"      // a count for each cell of X and Y; X is time where it is the Time column
	Distribution Kind = "distribution" // a count for each value of X, the whole range as one
	Table        Kind = "table"        // rows as they are
	Stat         Kind = "stat"         // one row about the range
	Annotations  Kind = "annotations"  // moments and stretches of time with a text
)

// Metric is an entry: a number, or a few that are shown together (its quantiles, its bin widths).
type Metric struct {
	ID      string `json:"id"` // as in docs/metrics.md
	Section string `json:"section"`
	Title   string `json:"title"`
	// Description says what the number means and what to do about it.
	Description string `json:"description"`
	Kind        Kind   `json:"kind"`
	View        string `json:"view"`
	// Parameters are those of the view; all of them have to be given.
	Parameters []string `json:"parameters"`
	// Time is the column with the time of a row, "" where rows have none.
	Time    string   `json:"time,omitempty"`
	Columns []Column `json:"columns"`
	// X and Y are the axes of a heatmap, X that of a distribution: names of columns.
	X string `json:"x,omitempty"`
	Y string `json:"y,omitempty"`
	// Width is the width of windows, in seconds, of a metric that is about windows without listing them (the share of bursty
	// ones). It decides the number, so it is not fitted to a panel's width. 0: step_s is a matter of resolution.
	Width int `json:"width,omitempty"`
	// Computed says that the columns are not the view's: the plugin works them out from what View and Also give (fits of
	// distributions), which SQL cannot.
	Computed bool     `json:"computed,omitempty"`
	Also     []string `json:"also,omitempty"`

	over string // the query over {source}, where it is more than a list of columns
}

// Column is one number, text or time of a metric.
type Column struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	// Unit is Grafana's name of the unit; "" for texts.
	Unit        string `json:"unit,omitempty"`
	Description string `json:"description,omitempty"`
	// Quantile is the level of a quantile, 1 for a maximum, 0 for all else.
	Quantile float64 `json:"quantile,omitempty"`
	// Group marks a column that names what the row is about: it becomes a label of a series.
	Group bool `json:"group,omitempty"`
	// Optional columns are shown where they are asked for by name only.
	Optional bool `json:"optional,omitempty"`
	// Zero says that a window without requests has 0 of it. Of the rest such a window has nothing: no latency, no gap.
	Zero bool `json:"zero,omitempty"`
	// SQL is the column as an expression over the view's columns, "" where it is one. In it {step_s}, {from_us} and {to_us}
	// stand for the view's arguments.
	SQL string `json:"-"`
}

// Sections are the metrics' sections in the order in which they are read.
var Sections = []string{"Arrivals", "Conversations", "Lengths", "Failures", "Latency", "Time", "GPU", "Engine", "Pipeline", "Alerts"}

// All lists every metric, by section.
func All() []Metric {
	return slices.Concat(arrivals(), conversations(), lengths(), failures(), latency(), byTime(), gpus(), engines(), pipeline(), alerts())
}

// Find gives the metric of that id.
func Find(id string) (Metric, bool) {
	all := All()
	if i := slices.IndexFunc(all, func(m Metric) bool { return m.ID == id }); i >= 0 {
		return all[i], true
	}
	return Metric{}, false
}

// Column gives the column of that name.
func (m Metric) Column(name string) (Column, bool) {
	if i := slices.IndexFunc(m.Columns, func(c Column) bool { return c.Name == name }); i >= 0 {
		return m.Columns[i], true
	}
	return Column{}, false
}

// Has says whether the view takes the parameter.
func (m Metric) Has(parameter string) bool { return slices.Contains(m.Parameters, parameter) }

// The parameters that views share: a stream's, a service's, and those with windows.
var (
	ofStream         = []string{"service", "model", "log_type", "from_us", "to_us"}
	ofStreamWindows  = append(slices.Clone(ofStream), "step_s")
	ofService        = []string{"service", "from_us", "to_us"}
	ofServiceWindows = append(slices.Clone(ofService), "step_s")
)

// window is the time column of views by window.
const window = "window_start"

// one is a series of the one column that is called as the metric is.
func one(section, view, id, title, unit, description string) Metric {
	return Metric{ID: id, Section: section, Title: title, Description: description, Kind: Series, View: view,
		Parameters: ofStreamWindows, Time: window, Columns: []Column{{Name: id, Title: title, Unit: unit}}}
}

// zero makes all of a metric's columns ones of which a window without requests has 0.
func (m Metric) zero() Metric {
	for i := range m.Columns {
		m.Columns[i].Zero = !m.Columns[i].Group
	}
	return m
}

// quantiles are the columns prefix_p50 and so on of a quantity, the mean and the maximum; those in shown are shown by
// default.
func quantiles(prefix, title, unit string, shown []string, names ...string) []Column {
	var columns []Column
	for _, name := range names {
		level := map[string]float64{"p5": 0.05, "p10": 0.1, "p25": 0.25, "p50": 0.5, "p75": 0.75, "p90": 0.9, "p95": 0.95, "p99": 0.99, "max": 1}[name]
		columns = append(columns, Column{Name: prefix + "_" + name, Title: title + " " + name, Unit: unit, Quantile: level,
			Optional: !slices.Contains(shown, name)})
	}
	return columns
}
