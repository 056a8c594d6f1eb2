// Command harness prints what the plugin's backend answers to GET metrics, the catalogue, for the page that shows the editors without
// a Grafana server.
package main

import (
	"encoding/json"
	"fmt"
	"os"

	"tidegauge/dashboards/catalogue"
)

func main() {
	err := json.NewEncoder(os.Stdout).Encode(map[string]any{"sections": catalogue.Sections, "metrics": catalogue.All()})
	if err != nil {
		fmt.Fprintln(os.Stderr, "harness: printing the catalogue:", err)
		os.Exit(1)
	}
}
