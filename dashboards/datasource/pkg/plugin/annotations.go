package plugin

import (
	"context"
	"strings"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"tidegauge/dashboards/catalogue"
)

// annotations answers a query of stretches of time that are worth a mark: rows of time, timeEnd, text and tags, as Grafana takes
// them.
func (d *Datasource) annotations(ctx context.Context, q query) (data.Frames, error) {
	a, err := q.choose()
	if err != nil {
		return nil, err
	}
	if a.metric.Kind != catalogue.Annotations {
		var known []string
		for _, m := range catalogue.All() {
			if m.Kind == catalogue.Annotations {
				known = append(known, m.ID)
			}
		}
		return nil, badQuery("%s gives no annotations: there are %s", q.Metric, strings.Join(known, ", "))
	}
	rows, sql, err := d.askView(ctx, a, a.metric.View, func(source string) (string, error) {
		return a.metric.Select(source, nil, native)
	})
	if err != nil {
		return nil, err
	}
	frame := a.table(rows)
	for _, field := range frame.Fields {
		field.Config = nil // Grafana knows them by name
	}
	a.describe(frame, rows, sql)
	return data.Frames{frame}, nil
}
