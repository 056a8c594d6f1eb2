package dashboards

import "fmt"

// Files gives every file that is made of this package, by its path in the project.
func Files() (map[string][]byte, error) {
	files := map[string][]byte{}
	for _, f := range Flavours() {
		for _, b := range Boards() {
			text, err := b.JSON(f)
			if err != nil {
				return nil, err
			}
			files[fmt.Sprintf("dashboards/json/%s/%s.json", f.Name, b.Name)] = text
		}
		text, err := RulesYAML(f)
		if err != nil {
			return nil, err
		}
		files[fmt.Sprintf("deploy/grafana/provisioning/%s/alerting/tidegauge.yaml", f.Name)] = text
	}
	processors := Processors()
	text, err := processors.JSON(Prometheus)
	if err != nil {
		return nil, err
	}
	files["dashboards/json/prometheus/processors.json"] = text
	if files["deploy/prometheus/tidegauge.rules.yaml"], err = PrometheusRules(); err != nil {
		return nil, err
	}
	return files, nil
}
