// Command gpx_tidegauge_serving is the backend of the Grafana data source plugin. Grafana starts it and talks to it over gRPC;
// run by hand it only says so. What it does is in package plugin.
package main

import (
	"os"
	_ "time/tzdata" // the container of Grafana need not have time zones

	"github.com/grafana/grafana-plugin-sdk-go/backend/datasource"
	"github.com/grafana/grafana-plugin-sdk-go/backend/log"

	"tidegauge/dashboards/datasource/pkg/plugin"
)

func main() {
	if err := datasource.Manage(plugin.ID, plugin.New, datasource.ManageOpts{}); err != nil {
		log.DefaultLogger.Error(err.Error())
		os.Exit(1)
	}
}
