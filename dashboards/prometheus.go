package dashboards

import (
	"bytes"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// PrometheusRule is an alert over what tidegauge says of itself on /metrics.
type PrometheusRule struct {
	Alert       string            `yaml:"alert"`
	Expr        string            `yaml:"expr"`
	For         string            `yaml:"for,omitempty"`
	Labels      map[string]string `yaml:"labels"`
	Annotations map[string]string `yaml:"annotations"`
}

// PrometheusRuleList are the rules for those who alert in Prometheus. A section of docs/runbook.md is about each.
func PrometheusRuleList() []PrometheusRule {
	rule := func(alert, severity, hold, section, expr, summary string) PrometheusRule {
		return PrometheusRule{Alert: alert, Expr: expr, For: hold, Labels: map[string]string{"severity": severity},
			Annotations: map[string]string{"summary": summary, "runbook_url": Runbook + "#" + section}}
	}
	return []PrometheusRule{
		// Until a partition has moved, two processes may show it: the smaller one counts.
		rule("TidegaugeLag", "critical", "5m", "lag", fmt.Sprintf("min by (partition) (tidegauge_processor_lag_seconds) > %s", plain(objectives.Lag)),
			"Partition {{ $labels.partition }} is {{ $value | humanizeDuration }} behind"),
		rule("TidegaugeDown", "critical", "5m", "processors-away", "absent(tidegauge_processor_assigned_partitions) or sum(tidegauge_processor_assigned_partitions) == 0",
			"No tidegauge processor owns a partition"),
		rule("TidegaugeRecordsLost", "critical", "", "records-lost", `increase(tidegauge_processor_errors_total{doing="reading records deleted by retention"}[10m]) > 0`,
			"Records were deleted by the topic's retention before they were read"),
		rule("TidegaugeQuarantine", "critical", "", "quarantine", "sum by (table) (increase(tidegauge_storage_quarantined_rows_total[10m])) > 0",
			"ClickHouse refuses {{ $value | humanize }} rows of {{ $labels.table }} for good"),
		rule("TidegaugeInsertsFail", "warning", "5m", "inserts-fail", `sum by (table, result) (rate(tidegauge_storage_inserts_total{result!="ok"}[5m])) > 0.1`,
			"Inserts into {{ $labels.table }} fail: {{ $labels.result }}"),
		rule("TidegaugeDeadLetters", "warning", "", "dead-letters", "sum(increase(tidegauge_processor_dead_letters_total[15m])) > 0",
			"{{ $value | humanize }} records could not become requests"),
		rule("TidegaugeRebalances", "warning", "15m", "rebalances", "sum(increase(tidegauge_processor_generations_total[15m])) > 10",
			"The group of processors has started {{ $value | humanize }} generations in 15 minutes"),
	}
}

// PrometheusRules is the file of these rules.
func PrometheusRules() ([]byte, error) {
	type group struct {
		Name  string           `yaml:"name"`
		Rules []PrometheusRule `yaml:"rules"`
	}
	var out bytes.Buffer
	out.WriteString("# Written by go generate ./dashboards: change dashboards/prometheus.go or dashboards/objectives.yaml instead.\n")
	encoder := yaml.NewEncoder(&out)
	encoder.SetIndent(2)
	if err := encoder.Encode(map[string]any{"groups": []group{{Name: "tidegauge", Rules: PrometheusRuleList()}}}); err != nil {
		return nil, err
	}
	return out.Bytes(), encoder.Close()
}
