package dashboards

func failures() Board {
	points := func(id uint32, title, x string) Panel {
		return Panel{ID: id, Title: title, Visual: Points, Width: 8, Height: 8, Unit: "percentunit", X: x, Y: []string{"Failure rate"},
			Targets: []Target{{Metric: "failures_against_load"}}, Fields: []Field{{Title: "Rate", Unit: "reqps"}, {Title: "In flight", Unit: "short"}, {Title: "Burstiness (CV)", Unit: "none"}}}
	}
	return Board{Name: "failures", Title: "Failures", Question: "What fails, since when, and does it follow load or burstiness?",
		Panels: []Panel{
			{ID: 1, Title: "Failure rate", Visual: Stat, Width: 8, Height: 4, Unit: "percentunit", Targets: []Target{{Metric: "failure_rate", Step: "0", Columns: []string{"failure_rate", "wilson_low", "wilson_high"}}},
				Description: "Failures (all but ok and cancelled) of the range by its requests, with the 95 % interval: between its ends the true rate lies, so small differences within it mean nothing."},
			{ID: 2, Title: "Fault rate", Visual: Stat, Width: 4, Height: 4, Unit: "percentunit", Targets: []Target{{Metric: "fault_rate", Step: "0"}}, Steps: faultSteps()},
			{ID: 3, Title: "Failures go with …", Visual: Stat, Width: 12, Height: 4, Unit: "none", Targets: []Target{{Metric: "load_correlation", Step: "300"}}},
			{ID: 10, Title: "Outcomes but ok", Visual: Lines, Width: 12, Height: 8, Unit: "short", Stacked: true, Min: number(0),
				Targets: []Target{{Metric: "outcomes", Columns: []string{"empty", "error", "timeout", "rate_limited", "cancelled", "filtered"}}}},
			{ID: 11, Title: "By error type and status", Visual: Lines, Width: 12, Height: 8, Unit: "short", Min: number(0), Targets: []Target{{Metric: "error_types"}}},
			{ID: 12, Title: "Failure rate with its 95 % interval", Visual: Lines, Width: 12, Height: 8, Unit: "percentunit", Min: number(0),
				Targets: []Target{{Metric: "failure_rate", Columns: []string{"failure_rate", "wilson_low", "wilson_high"}}},
				Fields:  []Field{{Title: "95 % low", Colour: "super-light-blue"}, {Title: "95 % high", Colour: "super-light-blue"}}},
			{ID: 13, Title: "Fault rate by time of completion", Visual: Lines, Width: 12, Height: 8, Unit: "percentunit", Min: number(0), Steps: faultSteps(),
				Targets:     []Target{{Metric: "fault_burn"}},
				Description: "Faults by when requests ended: what burn alerts go by. Errors are logged at once and long answers late, so by arrival the last minutes look worse than they are. The lines are the objective's budget, and 14.4 times that: at the latter a month's budget is gone in two days."},
			points(20, "Failures against the rate", "Rate"),
			points(21, "Failures against burstiness", "Burstiness (CV)"),
			points(22, "Failures against requests in flight", "In flight"),
			{ID: 30, Title: "Runs of failures", Visual: Lines, Width: 12, Height: 7, Unit: "short", Min: number(0), Targets: []Target{{Metric: "failure_run"}}},
			{ID: 31, Title: "Failure after failure", Visual: Lines, Width: 12, Height: 7, Unit: "percentunit", Min: number(0), Targets: []Target{{Metric: "failure_after_failure"}}},
		}}
}
