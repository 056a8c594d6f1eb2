package catalogue

// failures are section 4 of docs/metrics.md.
func failures() []Metric {
	const section = "Failures"
	of := func(id, title, description string, columns ...Column) Metric {
		return Metric{ID: id, Section: section, Title: title, Description: description, Kind: Series, View: "outcomes",
			Parameters: ofStreamWindows, Time: window, Columns: columns}
	}
	load := func(id, title, unit, description string) Metric {
		return Metric{ID: id, Section: section, Title: title, Description: description, Kind: Series, View: "load", Parameters: ofStreamWindows, Time: window,
			Columns: []Column{
				{Name: "rate", Title: "Rate", Unit: "reqps"}, {Name: "gap_cv", Title: "Burstiness (CV)", Unit: "none"},
				{Name: "in_flight_mean", Title: "In flight", Unit: "short"}, {Name: id, Title: title, Unit: unit}}}
	}
	againstLoad := load("failure_rate", "Failure rate", "percentunit",
		"Each window's failure rate beside its load: draw it as points over the rate, the CV or what is in flight. Failures that grow with load call for capacity or admission control, those that do not for a look at the errors.")
	againstLoad.ID, againstLoad.Title = "failures_against_load", "Failures against load"
	return []Metric{
		of("failure_rate", "Failure rate", "Failures (all but ok and cancelled) by requests, by arrival, with the 95 % interval. Where the interval is wide there are too few requests to judge.",
			Column{Name: "failure_rate", Title: "Failure rate", Unit: "percentunit"},
			Column{Name: "wilson_low", Title: "95 % low", Unit: "percentunit", Optional: true}, Column{Name: "wilson_high", Title: "95 % high", Unit: "percentunit", Optional: true}),
		of("fault_rate", "Fault rate", "What operators answer for (empty answers, timeouts, errors but for status 400 to 499), by the requests that could have succeeded. Budget burn is alerted on by time of completion, see Fault burn.",
			Column{Name: "fault_rate", Title: "Fault rate", Unit: "percentunit"}),
		of("failures", "Failures and faults", "How many requests failed in each window, and how many of them operators answer for.",
			Column{Name: "failures", Title: "Failures", Unit: "short"}, Column{Name: "faults", Title: "Faults", Unit: "short"}).zero(),
		of("outcomes", "Outcomes", "Requests by how they ended. Rate-limited ones say that admission control works, empty ones that generation broke, cancelled ones that users gave up.",
			Column{Name: "ok", Title: "ok", Unit: "short"}, Column{Name: "empty", Title: "empty", Unit: "short"}, Column{Name: "error", Title: "error", Unit: "short"},
			Column{Name: "timeout", Title: "timeout", Unit: "short"}, Column{Name: "rate_limited", Title: "rate limited", Unit: "short"},
			Column{Name: "cancelled", Title: "cancelled", Unit: "short"}, Column{Name: "filtered", Title: "filtered", Unit: "short"},
			Column{Name: "client_errors", Title: "errors with status 400-499", Unit: "short", Optional: true}).zero(),
		of("failure_run", "Runs of failures", "Lengths of unbroken runs of failures in each window. Long runs are outages or one client in a loop; short ones are chance.",
			quantiles("failure_run", "Run", "short", []string{"p50", "p99", "max"}, "p50", "p99", "max")...),
		of("failure_after_failure", "Failure after failure", "Share of failures among requests whose previous one failed. Far above the failure rate, failures come together: one cause, not many.",
			Column{Name: "failure_after_failure", Title: "After a failure", Unit: "percentunit"}, Column{Name: "failure_rate", Title: "Overall", Unit: "percentunit"}),
		{ID: "error_types", Section: section, Title: "Failures by type", Kind: Series, View: "error_types", Parameters: ofStreamWindows, Time: window,
			Columns: []Column{
				{Name: "outcome", Title: "Outcome", Group: true}, {Name: "error_type", Title: "Error type", Group: true},
				{Name: "status_code", Title: "Status", Group: true}, {Name: "requests", Title: "Requests", Unit: "short", Zero: true},
				{Name: "share", Title: "Share", Unit: "percentunit", Optional: true}},
			Description: "What was not ok, by outcome, error type and status code. Reads requests: slow over months."},
		{ID: "load_correlation", Section: section, Title: "Failures and load", Kind: Stat, View: "load_correlation", Parameters: ofStreamWindows, Width: 300,
			Columns: []Column{
				{Name: "rate", Title: "with the rate", Unit: "none"}, {Name: "gap_cv", Title: "with burstiness", Unit: "none"},
				{Name: "in_flight_mean", Title: "with requests in flight", Unit: "none"}, {Name: "windows", Title: "Windows", Unit: "short", Optional: true}},
			Description: "Rank correlation, over windows of this width with at least 20 requests, of the failure rate with load. Near 1 with requests in flight the service fails because it is full; near 0 load is not the reason."},
		againstLoad,
	}
}
