package dashboards_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"tidegauge/dashboards"
	"tidegauge/dashboards/datasource/pkg/plugin"
	"tidegauge/storage"
)

// pluginPanels asks the plugin what its dashboards and rules ask, with variables filled in as its front end does.
func pluginPanels(t *testing.T, db *storage.DB, values dashboards.Values) {
	f := dashboards.Plugin
	settings, err := json.Marshal(map[string]any{"address": db.Config().Address, "database": db.Database()})
	if err != nil {
		t.Fatal(err)
	}
	instance, err := plugin.New(t.Context(), backend.DataSourceInstanceSettings{UID: f.UID, JSONData: settings})
	if err != nil {
		t.Fatal(err)
	}
	source := instance.(*plugin.Datasource)
	defer source.Dispose()
	given := map[string]data.Frames{}
	ask := func(what string, query map[string]any, from, to time.Time) data.Frames {
		text, err := json.Marshal(query)
		if err != nil {
			t.Fatal(err)
		}
		filled, err := dashboards.Interpolate(string(text), values, f)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			return nil
		}
		key := filled + from.String() + to.String()
		if frames, ok := given[key]; ok {
			return frames
		}
		response, err := source.QueryData(t.Context(), &backend.QueryDataRequest{Queries: []backend.DataQuery{{RefID: "A", JSON: []byte(filled),
			QueryType: query["queryType"].(string), TimeRange: backend.TimeRange{From: from, To: to}, Interval: 5 * time.Minute, MaxDataPoints: 600}}})
		if err == nil {
			err = response.Responses["A"].Error
		}
		if err != nil {
			t.Errorf("%s: %v\n%s", what, err, filled)
		}
		given[key] = response.Responses["A"].Frames
		return given[key]
	}
	for _, b := range dashboards.Boards() {
		for _, p := range b.Panels {
			if !p.In(f) || p.Need != dashboards.Nothing {
				continue // the other flavour asks those that have no data for the same columns
			}
			queries, err := p.Queries(f)
			if err != nil {
				t.Error(err)
			}
			for _, q := range queries {
				frames := ask(b.Name+": "+p.Title, q, values.From, values.To)
				rows, names := 0, []string{}
				for _, frame := range frames {
					rows += frame.Rows()
					for _, field := range frame.Fields {
						names = append(names, field.Name)
						if field.Config != nil && field.Config.DisplayNameFromDS != "" {
							names = append(names, field.Config.DisplayNameFromDS)
						}
					}
				}
				if rows == 0 {
					t.Errorf("%s: %s has no data", b.Name, p.Title)
				}
				drawn(t, b.Name+": "+p.Title, p, names)
			}
		}
	}
	for _, m := range dashboards.Marks() {
		q, err := m.Query(f)
		if err != nil {
			t.Fatal(err)
		}
		ask(m.Name, q, values.From, values.To)
	}
	for _, r := range dashboards.Rules() {
		for _, a := range r.Asks {
			q, err := a.Query(f)
			if err != nil {
				t.Fatal(err)
			}
			for _, frame := range ask(r.Name+" "+a.RefID, q, values.To.Add(-time.Duration(a.From)*time.Second), values.To.Add(-time.Duration(a.To)*time.Second)) {
				if frame.Meta == nil || frame.Meta.Type.Kind() != data.KindNumeric {
					t.Errorf("%s %s: Grafana makes instances of numbers, this is %+v", r.Name, a.RefID, frame.Meta)
				}
			}
		}
	}
}
