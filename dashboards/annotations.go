package dashboards

import (
	"fmt"

	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"

	"tidegauge/dashboards/catalogue"
)

// Mark is a kind of moments that dashboards of a service show over their panels.
type Mark struct {
	Metric, Name, Colour string
	// On says whether they are shown until somebody turns them off.
	On bool
}

// Marks are the dashboards' annotations.
func Marks() []Mark {
	return []Mark{
		{"bursts", "Unusual bursts", "orange", true},
		{"failure_runs", "Runs of failures", "red", true},
		// A log that is read long after it was written is late throughout: marks would cover everything.
		{"late_data", "Late data", "purple", false},
	}
}

// Query is the mark's query as the flavour's data source takes it.
func (m Mark) Query(f Flavour) (map[string]any, error) {
	metric, ok := catalogue.Find(m.Metric)
	if !ok {
		return nil, fmt.Errorf("annotation %s: no metric is called %q", m.Name, m.Metric)
	}
	if f == ClickHouse {
		sql, err := metric.SQL(nil, sqlArguments)
		if err != nil {
			return nil, err
		}
		return clickhouseQuery("annotation", sql, formatTable), nil
	}
	q := map[string]any{"refId": "annotation", "datasource": map[string]any{"type": f.Type, "uid": f.UID},
		"queryType": "annotations", "metric": m.Metric, "service": "$service"}
	if metric.Has("model") {
		q["model"], q["logType"] = "$model", "$log_type"
	}
	return q, nil
}

func (b Board) annotations(f Flavour) ([]dashboard.AnnotationQuery, error) {
	all := []dashboard.AnnotationQuery{{Name: "Annotations & Alerts", Enable: true, Hide: new(true), IconColor: "rgba(0, 211, 255, 1)", Type: new("dashboard"), BuiltIn: new(1.0),
		Datasource: &common.DataSourceRef{Type: new("grafana"), Uid: new("-- Grafana --")}}}
	if b.Fleet || f == Prometheus {
		return all, nil
	}
	for _, m := range Marks() {
		q, err := m.Query(f)
		if err != nil {
			return nil, err
		}
		all = append(all, dashboard.AnnotationQuery{Name: m.Name, Enable: m.On, Hide: new(false), IconColor: m.Colour,
			Datasource: &common.DataSourceRef{Type: new(f.Type), Uid: new(f.UID)}, Target: variants.UnknownDataquery(q)})
	}
	return all, nil
}
