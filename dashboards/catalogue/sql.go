package catalogue

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// BucketsPerBin is how many of a sketch's buckets, each 2 % wider than the one before, make one bin of a heatmap: five bins
// for each doubling.
const BucketsPerBin = 7

// SQL is the metric's query for a client that calls views: SELECT columns FROM view(parameter = argument, …). Columns are
// names of the metric's, none for those that are shown by default; arguments are SQL, one for each of the metric's
// Parameters. Rows have the time first, as "time", then what they are grouped by, then the numbers.
func (m Metric) SQL(columns []string, arguments map[string]string) (string, error) {
	if m.Computed {
		return "", fmt.Errorf("metric %s is worked out by the plugin: no SQL gives it", m.ID)
	}
	given := make([]string, 0, len(m.Parameters))
	for _, p := range m.Parameters {
		argument, ok := arguments[p]
		if !ok {
			return "", fmt.Errorf("metric %s: view %s needs an argument for %s", m.ID, m.View, p)
		}
		given = append(given, p+" = "+argument)
	}
	return m.Select(m.View+"("+strings.Join(given, ", ")+")", columns, arguments)
}

// Select is the metric's query over a source that gives the view's rows: a view's call, or its query in parentheses.
func (m Metric) Select(source string, columns []string, arguments map[string]string) (string, error) {
	chosen, err := m.Choose(columns)
	if err != nil {
		return "", err
	}
	fill := func(expression string) string {
		for _, p := range []string{"step_s", "from_us", "to_us"} {
			expression = strings.ReplaceAll(expression, "{"+p+"}", arguments[p])
		}
		return expression
	}
	if m.over != "" {
		return strings.ReplaceAll(m.over, "{source}", source), nil
	}
	var list []string
	if m.Time != "" {
		list = append(list, quote(m.Time)+" AS time")
	}
	for _, c := range chosen {
		if c.SQL == "" {
			list = append(list, quote(c.Name))
		} else {
			list = append(list, fill(c.SQL)+" AS "+quote(c.Name))
		}
	}
	return "SELECT " + strings.Join(list, ", ") + " FROM " + source, nil
}

// overGaps puts a sketch's buckets, of which there are more than a heatmap can show, into bins: value is a bin's upper limit in
// seconds, 0 for gaps of 0. Buckets are of microseconds.
var overGaps = "SELECT window_start AS time, if(isNull(bucket), 0., pow(1.02, intDiv(bucket + 35000 + " + strconv.Itoa(BucketsPerBin-1) + ", " +
	strconv.Itoa(BucketsPerBin) + ") * " + strconv.Itoa(BucketsPerBin) + " - 35000) / 1000000) AS value, sum(buckets.count) AS count " +
	"FROM {source} AS buckets GROUP BY time, value ORDER BY time, value"

// Choose gives the columns of those names, in the metric's order and with those that rows are grouped by and that are axes;
// without names those that are shown by default.
func (m Metric) Choose(names []string) ([]Column, error) {
	for _, name := range names {
		if _, ok := m.Column(name); !ok {
			var known []string
			for _, c := range m.Columns {
				known = append(known, c.Name)
			}
			return nil, fmt.Errorf("metric %s has no column %q; it has %s", m.ID, name, strings.Join(known, ", "))
		}
	}
	var chosen []Column
	for _, c := range m.Columns {
		if c.Group || c.Name == m.X || c.Name == m.Y || slices.Contains(names, c.Name) || len(names) == 0 && !c.Optional {
			chosen = append(chosen, c)
		}
	}
	return chosen, nil
}

func quote(name string) string {
	if name == "from" || name == "count" || name == "min" || name == "max" || name == "interval" {
		return "`" + name + "`" // words of SQL
	}
	return name
}
