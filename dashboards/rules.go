package dashboards

import "fmt"

// What to do without an answer. A rule about all services has no row only where there is no service, which is no alert: a
// service that falls silent has a rule. A question that could not be asked is told once, by that rule; the others keep the
// state they had, so that a restart of ClickHouse does not resolve what is going on, nor fire everything at once.
const (
	ok       = "OK"
	keepLast = "KeepLast"
	failed   = "Error"
)

// settle is how many seconds rules leave a request to be stored, before they judge the time it ended in.
const settle = 60

// Rules are the alert rules, those that wake people first.
func Rules() []Rule {
	budget := 1 - objectives.Availability
	burn := func(name, title, severity string, times float64, long, short int, hold string) Rule {
		return Rule{Name: name, Title: title, Severity: severity, For: hold, Every: "1m", NoData: ok, Error: keepLast, Board: "failures", Panel: 13,
			Asks: []Ask{
				{"A", "fault_burn_services", "fault_rate", long + settle, settle}, {"B", "fault_burn_services", "fault_rate", short + settle, settle},
				{"N", "fault_burn_services", "considered", long + settle, settle}},
			// The short range ends the alert soon after the faults end. Of fewer than 20 requests a rate says little.
			Condition: fmt.Sprintf("$A > %[1]s && $B > %[1]s && $N >= 20", plain(times*budget)),
			Summary: fmt.Sprintf("{{ $labels.service }}: {{ humanizePercentage $values.A.Value }} faults over %s, {{ humanizePercentage $values.B.Value }} over %s: more than %s times the budget of %s %%",
				duration(long), duration(short), plain(times), plain(100*budget))}
	}
	latency := func(name, title, column, n, what string, objective float64, panel uint32) Rule {
		return Rule{Name: name, Title: title, Severity: "warning", For: "5m", Every: "1m", NoData: ok, Error: keepLast, Board: "latency", Panel: panel,
			Asks:      []Ask{{"A", "latency_services", column, 900 + settle, settle}, {"N", "latency_services", n, 900 + settle, settle}},
			Condition: fmt.Sprintf("$A > %s && $N >= 20", plain(objective)),
			Summary:   fmt.Sprintf("{{ $labels.service }}: 90 %% of requests have %s after {{ printf \"%%.1f\" $values.A.Value }} s, the objective is %s s", what, plain(objective))}
	}
	gpu := "{{ $labels.host }} GPU {{ $labels.gpu }}{{ if $labels.gpu_instance }} instance {{ $labels.gpu_instance }}{{ end }}"
	return []Rule{
		burn("fault-burn-fast", "Faults burn the budget fast", "critical", 14.4, 3600, 300, "2m"),
		burn("fault-burn-slow", "Faults burn the budget slowly", "warning", 6, 6*3600, 1800, "15m"),
		latency("first-token-slow", "First tokens come late", "ttft_p90", "ttft_n", "their first token", objectives.TTFT, 10),
		latency("answers-slow", "Answers come late", "elapsed_p90", "elapsed_n", "their whole answer", objectives.Elapsed, 12),
		{Name: "conversations-stall", Title: "Conversations do not go on", Severity: "critical", For: "5m", Every: "1m", NoData: ok, Error: keepLast, Board: "conversations", Panel: 11,
			Asks:      []Ask{{"A", "stall_services", "stalled", 600 + settle, settle}, {"R", "stall_services", "ratio", 600 + settle, settle}},
			Condition: "$A > 0",
			Summary:   "{{ $labels.service }}: follow-up turns are at {{ humanizePercentage $values.R.Value }} of a week ago, while new conversations begin"},
		{Name: "silent", Title: "No requests any more", Severity: "critical", For: "0s", Every: "1m", NoData: ok, Error: failed, Board: "pipeline", Panel: 12,
			// A service of a few requests a day is silent all the time.
			Asks:      []Ask{{"A", "silent_services", "silent", int(objectives.Silence) + settle, settle}, {"N", "silent_services", "requests_before", int(objectives.Silence) + settle, settle}},
			Condition: fmt.Sprintf("$A > 0 && $N >= %.0f", 10*86400/objectives.Silence),
			Summary:   fmt.Sprintf("{{ $labels.service }}: no request for %s, after {{ printf \"%%.0f\" $values.N.Value }} in the 24 hours before", duration(int(objectives.Silence)))},
		{Name: "burst", Title: "Burstier than this hour ever is", Severity: "info", For: "0s", Every: "5m", NoData: ok, Error: keepLast, Board: "burstiness", Panel: 10,
			Asks:      []Ask{{"A", "burst_services", "run", 3600 + settle, settle}, {"C", "burst_services", "gap_cv", 3600 + settle, settle}},
			Condition: "$A >= 3",
			Summary:   "{{ $labels.service }}: {{ printf \"%.0f\" $values.A.Value }} windows of 5 min in a row are burstier (CV {{ printf \"%.1f\" $values.C.Value }}) than 99 % of this hour of the week over four weeks"},
		{Name: "stored-late", Title: "Requests are stored late", Severity: "warning", For: "5m", Every: "1m", NoData: ok, Error: keepLast, Board: "pipeline", Panel: 10,
			Asks:      []Ask{{"A", "storing_delay_services", "delay_p99", 600, 0}},
			Condition: fmt.Sprintf("$A > %s", plain(objectives.Lag)),
			Summary:   fmt.Sprintf("{{ $labels.service }}: requests are stored {{ printf \"%%.0f\" $values.A.Value }} s after they ended (99 of 100), the objective is %s s", plain(objectives.Lag))},
		{Name: "dead-letters", Title: "Records that cannot be read", Severity: "warning", For: "0s", Every: "1m", NoData: ok, Error: keepLast, Board: "pipeline", Panel: 21, Need: Faults,
			Asks:      []Ask{{"A", "dead_letters", "records", 900, 0}},
			Condition: "$A > 0",
			Summary:   "{{ $labels.topic }}: {{ printf \"%.0f\" $values.A.Value }} records in 15 min could not become requests: {{ $labels.reason }}"},
		{Name: "gpu-xid", Title: "GPU reports an XID error", Severity: "critical", For: "0s", Every: "1m", NoData: ok, Error: keepLast, Board: "gpus", Panel: 28, Need: GPUs,
			// The gauge keeps the last error for ever: only a change is news.
			Asks:      []Ask{{"A", "gpu_xid", "xid_changes", 600, 0}, {"X", "gpu_xid", "xid_last", 600, 0}},
			Condition: "$A > 0",
			Summary:   gpu + ": XID {{ printf \"%.0f\" $values.X.Value }}"},
		{Name: "gpu-heat", Title: "Heat holds a GPU back", Severity: "warning", For: "5m", Every: "1m", NoData: ok, Error: keepLast, Board: "gpus", Panel: 29, Need: GPUs,
			Asks:      []Ask{{"A", "gpu_violations", "thermal_violation", 600, 0}},
			Condition: "$A > 30",
			Summary:   gpu + ": clocks were held down by heat for {{ printf \"%.0f\" $values.A.Value }} of the last 600 s"},
		{Name: "gpu-hot", Title: "A GPU is hot", Severity: "warning", For: "5m", Every: "1m", NoData: ok, Error: keepLast, Board: "gpus", Panel: 26, Need: GPUs,
			Asks:      []Ask{{"A", "gpu_temperature", "temperature_c_max", 300, 0}},
			Condition: "$A > 87",
			Summary:   gpu + ": {{ printf \"%.0f\" $values.A.Value }} °C"},
		{Name: "gpu-power", Title: "The power limit holds a GPU back", Severity: "info", For: "15m", Every: "1m", NoData: ok, Error: keepLast, Board: "gpus", Panel: 29, Need: GPUs,
			Asks:      []Ask{{"A", "gpu_violations", "power_violation", 600, 0}},
			Condition: "$A > 300",
			Summary:   gpu + ": clocks were held down by the power limit for {{ printf \"%.0f\" $values.A.Value }} of the last 600 s"},
	}
}

func duration(seconds int) string {
	if seconds%3600 == 0 {
		return fmt.Sprintf("%d h", seconds/3600)
	}
	return fmt.Sprintf("%d min", seconds/60)
}
