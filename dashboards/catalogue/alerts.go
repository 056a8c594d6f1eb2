package catalogue

import "slices"

// alerts are what alert rules and annotations look at: a service over time, and all services at once with a row each.
func alerts() []Metric {
	const section = "Alerts"
	number := func(name, title, unit string) Column { return Column{Name: name, Title: title, Unit: unit} }
	optional := func(name, title, unit string) Column {
		return Column{Name: name, Title: title, Unit: unit, Optional: true}
	}
	services := func(id, title, description, view string, parameters []string, columns ...Column) Metric {
		return Metric{ID: id, Section: section, Title: title, Description: description, Kind: Stat, View: view, Parameters: parameters,
			Columns: append([]Column{{Name: "service", Title: "Service", Group: true}}, columns...)}
	}
	span := []string{"from_us", "to_us"}
	marks := func(id, title, description, view string, parameters []string, over string) Metric {
		return Metric{ID: id, Section: section, Title: title, Description: description, Kind: Annotations, View: view, Parameters: parameters, over: over,
			Columns: []Column{{Name: "time", Title: "From"}, {Name: "timeEnd", Title: "To"}, {Name: "text", Title: "Text"}, {Name: "tags", Title: "Tags"}}}
	}
	return []Metric{
		{ID: "fault_burn", Section: section, Title: "Fault rate by completion", Kind: Series, View: "fault_burn", Parameters: ofStreamWindows, Time: window,
			Columns: []Column{number("fault_rate", "Fault rate", "percentunit"), {Name: "faults", Title: "Faults", Unit: "short", Optional: true, Zero: true},
				{Name: "considered", Title: "Considered", Unit: "short", Optional: true, Zero: true}, {Name: "requests", Title: "Requests", Unit: "short", Optional: true, Zero: true}},
			Description: "Faults by the requests that could have succeeded, by when they ended: errors end at once and long answers late, so by arrival the last minutes look worse than they are. Divided by the objective's budget it is the burn rate."},
		{ID: "burst_baseline", Section: section, Title: "Burstiness against its baseline", Kind: Series, View: "burst_baseline", Parameters: ofStream, Time: window,
			Columns: []Column{number("gap_cv", "CV", "none"), number("baseline_p99", "Usual up to", "none"), optional("baseline_windows", "Windows of the baseline", "short"),
				optional("above", "Above", "bool_yes_no"), optional("run", "Windows in a row", "short")},
			Description: "The CV of windows of 300 s beside the 99th percentile of it at the same hour of the week over the four weeks before. Three windows above in a row are a burst out of the ordinary: look for its client among log types and models."},
		{ID: "conversation_stall", Section: section, Title: "Follow-up turns against a week before", Kind: Series, View: "conversation_stall", Parameters: ofServiceWindows, Time: window,
			Columns: []Column{number("turns", "Turns a minute", "short"), number("expected_turns", "A week before", "short"), optional("started", "Conversations started", "short"),
				optional("ratio", "Ratio", "percentunit"), optional("stalled", "Stalled", "bool_yes_no")},
			Description: "Follow-up turns a minute of conversations that started within the hour, and the same a week before. Under a fifth while new conversations still start, people get first answers and no second ones: look at the sessions' routing and the cache."},

		services("fault_burn_services", "Fault rate by completion, all services", "fault_burn of all services, the range as one window.", "fault_burn_services", span,
			number("fault_rate", "Fault rate", "percentunit"), optional("faults", "Faults", "short"), optional("considered", "Considered", "short"), optional("requests", "Requests", "short")),
		services("burst_services", "Windows above the baseline, all services", "burst_baseline of all services: how many of the last windows in a row, up to the range's end, are above what is usual.", "burst_services", []string{"to_us"},
			number("run", "Windows in a row", "short"), optional("gap_cv", "CV", "none"), optional("baseline_p99", "Usual up to", "none"), optional("baseline_ratio", "By the usual", "none"),
			optional("baseline_windows", "Windows of the baseline", "short"), optional("above", "Above", "bool_yes_no")),
		services("stall_services", "Stalled conversations, all services", "conversation_stall of all services, the range as one window.", "stall_services", span,
			number("stalled", "Stalled", "bool_yes_no"), optional("ratio", "Ratio", "percentunit"), optional("turns", "Turns a minute", "short"),
			optional("expected_turns", "A week before", "short"), optional("started", "Conversations started", "short")),
		services("latency_services", "Latency, all services", "Quantiles of end to end and time to first token of all services, the range as one window.", "latency_services", span,
			number("elapsed_p99", "End to end p99", "s"), number("ttft_p99", "Time to first token p99", "s"), optional("elapsed_p50", "End to end p50", "s"), optional("elapsed_p90", "End to end p90", "s"),
			optional("ttft_p50", "Time to first token p50", "s"), optional("ttft_p90", "Time to first token p90", "s"), optional("elapsed_n", "End to end known", "short"), optional("ttft_n", "Time to first token known", "short")),
		services("load_services", "Load, all services", "What all services take and how it ends, the range as one window.", "load_services", span,
			number("rate", "Rate", "reqps"), number("in_flight_mean", "In flight", "short"), number("failure_rate", "Failure rate", "percentunit"), number("response_tokens_per_s", "Response tokens/s", "si:tok/s"),
			optional("request_tokens_per_s", "Request tokens/s", "si:tok/s"), optional("requests", "Requests", "short"), optional("failures", "Failures", "short")),
		services("conversation_services", "Conversations, all services", "Conversations with turns in the range, and their turns, of all services. Reads requests.", "conversation_services", span,
			number("conversations", "Conversations", "short"), optional("turns", "Turns", "short")),
		services("silent_services", "Silent services", "Services with requests in the 24 hours before the range and none in it: no traffic, or a log that does not get here any more.", "silent_services", span,
			number("silent", "Silent", "bool_yes_no"), optional("requests", "Requests", "short"), optional("requests_before", "Requests before", "short"),
			Column{Name: "last_arrival", Title: "Last arrival", Optional: true, SQL: "fromUnixTimestamp64Micro(last_arrival_us, 'UTC')"}),

		// A window's begin less its place in the run is the same for a run's windows.
		marks("bursts", "Bursts", "Stretches of at least three windows of 300 s whose burstiness is above its own baseline.", "burst_baseline", slices.Clone(ofStream),
			`SELECT min(window_start) AS time, max(window_start) + toIntervalSecond(300) AS timeEnd,
    concat('Burst: CV up to ', toString(round(max(gap_cv), 2)), ', usual up to ', toString(round(max(baseline_p99), 2))) AS text, 'burst' AS tags
FROM {source} WHERE above = 1
GROUP BY toUnixTimestamp(window_start) - 300 * run HAVING max(run) >= 3 ORDER BY time`),
		marks("failure_runs", "Runs of failures", "At least ten failures in a row.", "failure_runs_view", slices.Clone(ofStream),
			`SELECT fromUnixTimestamp64Micro(start_us, 'UTC') AS time, fromUnixTimestamp64Micro(end_us, 'UTC') AS timeEnd,
    concat(toString(length), ' failures in a row, the first: ', toString(outcome)) AS text, 'failures' AS tags
FROM {source} ORDER BY time`),
		marks("late_data", "Late data", "Stretches whose requests were stored more than ten minutes after they ended: numbers there have changed since they could first be seen.", "late_data", slices.Clone(ofService),
			`SELECT min(minute) AS time, max(minute) + toIntervalSecond(60) AS timeEnd,
    concat(toString(sum(requests)), ' requests were stored late, by up to ', toString(max(delay_s)), ' s') AS text, 'late' AS tags
FROM (SELECT minute, requests, delay_s, toUnixTimestamp(minute) - 60 * row_number() OVER (ORDER BY minute) AS stretch FROM {source})
GROUP BY stretch ORDER BY time`),
	}
}
