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
	budget := 1 - objectives.Availability
	// Two processes may show a service for a while: see docs/operations.md.
	of := func(metric string) string { return "max by (service) (tidegauge_service_" + metric + ")" }
	burn := func(alert, severity, hold, section string, times float64, long, short string) PrometheusRule {
		return rule(alert, severity, hold, section, fmt.Sprintf("%[1]s > %[3]s and %[2]s > %[3]s", of(`fault_rate{window="`+long+`"}`), of(`fault_rate{window="`+short+`"}`), plain(times*budget)),
			fmt.Sprintf("{{ $labels.service }}: {{ $value | humanizePercentage }} faults over %s, and over %s still: more than %s times the budget", long, short, plain(times)))
	}
	return []PrometheusRule{
		burn("TidegaugeFaultBurnFast", "critical", "2m", "fault-burn-fast", 14.4, "1h", "5m"),
		burn("TidegaugeFaultBurnSlow", "warning", "15m", "fault-burn-slow", 6, "6h", "30m"),
		rule("TidegaugeFirstTokenSlow", "warning", "10m", "first-token-slow", fmt.Sprintf("%s > %s", of(`ttft_seconds{quantile="0.9"}`), plain(objectives.TTFT)),
			fmt.Sprintf("{{ $labels.service }}: 90 %% of requests have their first token after {{ $value | humanizeDuration }}, the objective is %s s", plain(objectives.TTFT))),
		rule("TidegaugeAnswersSlow", "warning", "10m", "answers-slow", fmt.Sprintf("%s > %s", of(`elapsed_seconds{quantile="0.9"}`), plain(objectives.Elapsed)),
			fmt.Sprintf("{{ $labels.service }}: 90 %% of requests have their whole answer after {{ $value | humanizeDuration }}, the objective is %s s", plain(objectives.Elapsed))),
		rule("TidegaugeBurst", "info", "", "burst", of("burst_run")+" >= 3",
			"{{ $labels.service }}: {{ $value }} windows of 5 min in a row are burstier than 99 % of this hour of the week over four weeks"),
		rule("TidegaugeConversationsStall", "critical", "5m", "conversations-stall", of("conversation_stalled")+" == 1",
			"{{ $labels.service }}: conversations begin and do not go on"),
		rule("TidegaugeHeadlineOld", "warning", "5m", "headline-old", "max(tidegauge_headline_age_seconds) > 900 or absent(tidegauge_headline_age_seconds)",
			"The numbers of services on /metrics are not renewed: alerts over them see nothing"),
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
