package dashboards

import (
	"fmt"
	"slices"
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"

	"tidegauge/dashboards/catalogue"
)

// What a variable is in SQL. Grafana puts values in before it sends a query: :sqlstring quotes one, and the value of "All"
// is NULL, which views take for all.
var sqlArguments = map[string]string{
	"service":   "${service:sqlstring}",
	"model":     "${model:sqlstring}",
	"log_type":  "${log_type:sqlstring}",
	"host":      "${host:sqlstring}",
	"uuid":      "${gpu:sqlstring}",
	"from_us":   "${__from}000",
	"to_us":     "${__to}000",
	"step_s":    "$step_s",
	"time_zone": "${time_zone:sqlstring}",
	"elapsed_s": plain(objectives.Elapsed),
	"ttft_s":    plain(objectives.TTFT),
	"tpot_s":    plain(objectives.TPOT),
}

// Formats of a query to the official ClickHouse data source.
const (
	formatSeries = 0
	formatTable  = 1
)

// pluginVersion is the version of the official ClickHouse data source whose query format this is.
const pluginVersion = "4.20.0"

// query is a target as a flavour's data source takes it.
func (t Target) query(f Flavour, refID string, visual Visual) (variants.UnknownDataquery, error) {
	source := map[string]any{"type": f.Type, "uid": f.UID}
	if t.PromQL != "" {
		return variants.UnknownDataquery{"refId": refID, "datasource": map[string]any{"type": Prometheus.Type, "uid": Prometheus.UID},
			"expr": t.PromQL, "legendFormat": t.Legend, "range": true, "editorMode": "code"}, nil
	}
	m, ok := catalogue.Find(t.Metric)
	if !ok {
		return nil, fmt.Errorf("no metric is called %q", t.Metric)
	}
	if _, err := m.Choose(t.Columns); err != nil {
		return nil, err
	}
	if f == ClickHouse {
		sql, err := t.sql(m)
		if err != nil {
			return nil, err
		}
		return clickhouseQuery(refID, sql, seriesFormat(m, visual)), nil
	}
	q := variants.UnknownDataquery{"refId": refID, "datasource": source, "queryType": "metric", "metric": t.Metric}
	if len(t.Columns) > 0 {
		q["columns"] = t.Columns
	}
	for _, p := range m.Parameters {
		switch p {
		case "service":
			q["service"] = "$service"
		case "model":
			q["model"] = "$model"
		case "log_type":
			q["logType"] = "$log_type"
		case "host":
			q["host"] = "$host"
		case "uuid":
			q["gpu"] = "$gpu"
		case "step_s":
			q["step"] = t.Step
			if t.Step == "" {
				q["step"] = "$step"
			}
		case "time_zone":
			q["timeZone"] = "$time_zone"
		case "ttft_s":
			q["limits"] = map[string]float64{"elapsed": objectives.Elapsed, "ttft": objectives.TTFT, "tpot": objectives.TPOT}
		}
	}
	return q, nil
}

func seriesFormat(m catalogue.Metric, visual Visual) int {
	if m.Time != "" && slices.Contains([]Visual{Lines, Stat, Histogram, Grid}, visual) {
		return formatSeries
	}
	return formatTable
}

func clickhouseQuery(refID, sql string, format int) variants.UnknownDataquery {
	queryType := "table"
	if format == formatSeries {
		queryType = "timeseries"
	}
	return variants.UnknownDataquery{"refId": refID, "datasource": map[string]any{"type": ClickHouse.Type, "uid": ClickHouse.UID},
		"editorType": "sql", "queryType": queryType, "format": format, "rawSql": sql, "pluginVersion": pluginVersion}
}

// sql is the target's query for a client of views, with the columns called by their titles.
func (t Target) sql(m catalogue.Metric) (string, error) {
	arguments := make(map[string]string, len(sqlArguments))
	for name, argument := range sqlArguments {
		arguments[name] = argument
	}
	switch {
	case t.Step != "":
		arguments["step_s"] = t.Step
	case m.Time == "" && m.Width == 0:
		arguments["step_s"] = "0" // a distribution is of the range
	}
	if t.SQL != "" {
		return t.fill(m, arguments), nil
	}
	inner, err := m.SQL(t.Columns, arguments)
	if err != nil {
		return "", err
	}
	chosen, err := m.Choose(t.Columns)
	if err != nil {
		return "", err
	}
	var groups, list []string
	for _, c := range chosen {
		if c.Group {
			groups = append(groups, "toString("+quoted(c.Name)+")")
		}
	}
	filled := m.Kind == catalogue.Series && m.Has("step_s") && len(groups) == 0 && arguments["step_s"] != "0"
	for _, c := range chosen {
		switch {
		case c.Group:
		case c.Zero && filled:
			list = append(list, "ifNull("+quoted(c.Name)+", 0) AS "+quoted(c.Title))
		case filled:
			// A window that is filled in has a column's default: of what it has nothing of, that has to be NULL.
			list = append(list, "toNullable("+quoted(c.Name)+") AS "+quoted(c.Title))
		default:
			list = append(list, quoted(c.Name)+" AS "+quoted(c.Title))
		}
	}
	if len(groups) > 0 && m.Kind == catalogue.Series {
		// One text beside the numbers: it names the series.
		list = append([]string{"arrayStringConcat(arrayFilter(v -> notEmpty(v), [" + ifNulls(groups) + "]), ' ') AS series"}, list...)
	} else {
		for _, c := range slices.Backward(chosen) {
			if c.Group {
				list = append([]string{quoted(c.Name) + " AS " + quoted(c.Title)}, list...)
			}
		}
	}
	if m.Time != "" {
		list = append([]string{"time"}, list...)
	}
	sql := "SELECT " + strings.Join(list, ", ") + "\nFROM (" + inner + ")"
	switch {
	case filled:
		// Windows without requests are not listed by views. Between the first and the last that is, they end lines, or are 0
		// of what they have 0 of; before and after nothing is known.
		sql += "\nORDER BY time WITH FILL STEP " + arguments["step_s"]
	case m.Time != "":
		sql += "\nORDER BY time"
	}
	return sql, nil
}

// fill puts a view's call in place of $view(name) and arguments in place of $argument(name).
func (t Target) fill(m catalogue.Metric, arguments map[string]string) string {
	call := func(view string, parameters []string) string {
		var given []string
		for _, p := range parameters {
			given = append(given, p+" = "+arguments[p])
		}
		return view + "(" + strings.Join(given, ", ") + ")"
	}
	sql := strings.ReplaceAll(t.SQL, "$view", call(m.View, m.Parameters))
	for _, other := range m.Also {
		sql = strings.ReplaceAll(sql, "$also_"+other, call(other, m.Parameters))
	}
	return sql
}

func ifNulls(expressions []string) string {
	var all []string
	for _, e := range expressions {
		all = append(all, "ifNull("+e+", '')")
	}
	return strings.Join(all, ", ")
}

func quoted(name string) string { return "`" + strings.ReplaceAll(name, "`", "``") + "`" }
