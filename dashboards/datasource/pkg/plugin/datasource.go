// Package plugin is the backend of Grafana's data source for Tidegauge. It asks the views of ClickHouse for the numbers of
// the metric catalogue and makes typed frames of the answers: for panels, for alert rules, for annotations and for live
// streams. It writes nothing, and reads tables only through views' queries.
//
// Start at QueryData (query.go): a query names a metric (metric.go), brings its own SQL (sql.go) or asks for annotations
// (annotations.go).
package plugin

import (
	"context"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/backend/instancemgmt"
	"golang.org/x/sync/semaphore"
	"golang.org/x/sync/singleflight"
)

// ID is the plugin's id in plugin.json.
const ID = "tidegauge-serving-datasource"

// Datasource is one configured data source. Grafana makes a new one, and disposes of the old, when settings change. It is
// safe for use by several goroutines.
type Datasource struct {
	backend.CallResourceHandler

	settings Settings
	// wrong is what is wrong with the settings. A data source that cannot work exists all the same, so that its health check
	// and each panel can say why.
	wrong error

	connection connection
	opening    singleflight.Group
	slots      *semaphore.Weighted // queries that ClickHouse is asked at once
}

var (
	_ backend.QueryDataHandler      = (*Datasource)(nil)
	_ backend.CheckHealthHandler    = (*Datasource)(nil)
	_ backend.StreamHandler         = (*Datasource)(nil)
	_ instancemgmt.InstanceDisposer = (*Datasource)(nil)
)

// New makes a data source. It connects when it is first asked something.
func New(_ context.Context, from backend.DataSourceInstanceSettings) (instancemgmt.Instance, error) {
	settings, err := parseSettings(from)
	d := &Datasource{settings: settings, wrong: err}
	d.slots = semaphore.NewWeighted(int64(max(settings.MaxConcurrentQueries, 1)))
	d.CallResourceHandler = d.resources()
	return d, nil
}

// Dispose closes the connections. Queries that still run end with an error.
func (d *Datasource) Dispose() { d.connection.close() }
