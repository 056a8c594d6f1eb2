package dashboards

import (
	"fmt"
	"strings"

	"tidegauge/dashboards/catalogue"
)

// Rule is an alert rule: one for all services, GPUs or topics there are, each of which is an instance with labels of its own.
type Rule struct {
	// Name is the last part of its uid and its section in docs/runbook.md.
	Name, Title string
	// Severity is critical where somebody has to get up, warning where it can wait for the morning, info else.
	Severity string
	Asks     []Ask
	// Condition is over the queries' letters; the rule fires where it is not 0.
	Condition string
	// For is how long it has to hold, Every how often it is asked.
	For, Every string
	// Summary is a Go template with the instance's labels and values.
	Summary string
	// NoData and Error are the states where there is no row, and where the question could not be asked.
	NoData, Error string
	// Board and Panel are where to look first.
	Board string
	Panel uint32
	Need  Need
}

// Ask is one query of a rule: a metric over a range that ends some time ago.
type Ask struct {
	RefID, Metric, Column string
	// From and To are seconds before now.
	From, To int
}

// UID is the rule's uid in a flavour.
func (r Rule) UID(f Flavour) string { return f.Prefix + r.Name }

// Query is the question as the flavour's data source takes it. Rules know no variables.
func (a Ask) Query(f Flavour) (map[string]any, error) {
	m, ok := catalogue.Find(a.Metric)
	if !ok {
		return nil, fmt.Errorf("no metric is called %q", a.Metric)
	}
	if _, ok := m.Column(a.Column); !ok {
		return nil, fmt.Errorf("metric %s has no column %q", a.Metric, a.Column)
	}
	if f == ClickHouse {
		sql, err := a.sql(m)
		if err != nil {
			return nil, err
		}
		return clickhouseQuery(a.RefID, sql, formatTable), nil
	}
	q := map[string]any{"refId": a.RefID, "datasource": map[string]any{"type": f.Type, "uid": f.UID},
		"queryType": "metric", "metric": a.Metric, "columns": []string{a.Column}}
	if m.Has("step_s") {
		q["step"] = "0"
	}
	if m.Has("host") {
		q["host"], q["gpu"] = "*", "*"
	}
	return q, nil
}

// sql gives texts that name the instance and one number, which is what Grafana makes an instance of.
func (a Ask) sql(m catalogue.Metric) (string, error) {
	inner, err := m.SQL([]string{a.Column}, map[string]string{
		"from_us": "toUnixTimestamp($__fromTime) * 1000000", "to_us": "toUnixTimestamp($__toTime) * 1000000", "step_s": "0",
		"host": "NULL", "uuid": "NULL",
	})
	if err != nil {
		return "", err
	}
	var list []string
	for _, c := range m.Columns {
		if c.Group {
			list = append(list, "toString("+quoted(c.Name)+") AS "+quoted(c.Name))
		}
	}
	// An integer would do too, but not one that may be NULL.
	list = append(list, "toFloat64("+quoted(a.Column)+") AS value")
	return "SELECT " + strings.Join(list, ", ") + "\nFROM (" + inner + ")\nWHERE isNotNull(" + quoted(a.Column) + ")", nil
}
