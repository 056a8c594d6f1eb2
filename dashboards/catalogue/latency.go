package catalogue

// latency is section 5 of docs/metrics.md.
func latency() []Metric {
	const section = "Latency"
	levels := []string{"mean", "p50", "p90", "p95", "p99", "max"}
	of := func(id, title, description string) Metric {
		return Metric{ID: id, Section: section, Title: title, Description: description, Kind: Series, View: "latency",
			Parameters: ofStreamWindows, Time: window,
			Columns: append(quantiles(id, title, "s", []string{"p50", "p95", "p99"}, levels...),
				Column{Name: id + "_n", Title: "Known", Unit: "short", Optional: true, Zero: true})}
	}
	return []Metric{
		of("elapsed", "End to end", "From arrival to the complete answer, of requests that succeeded. It grows with the answer's length: set it beside Response length before looking for a fault."),
		of("ttft", "Time to first token", "From arrival to the first token: queueing and prefill. If it rises while the time per token does not, requests wait: add capacity or shed load."),
		of("tpot", "Time per token", "Time between tokens after the first. It rises with the batch size and with memory pressure; beyond about 0.1 s people read faster than it writes."),
		{ID: "goodput", Section: section, Title: "Goodput", Kind: Series, View: "goodput",
			Parameters: append(append([]string{}, ofStreamWindows...), "elapsed_s", "ttft_s", "tpot_s"), Time: window,
			Columns: []Column{{Name: "goodput", Title: "Within limits", Unit: "percentunit"},
				{Name: "good_requests", Title: "Good requests", Unit: "short", Optional: true, Zero: true},
				{Name: "judged_requests", Title: "Judged requests", Unit: "short", Optional: true, Zero: true}},
			Description: "Share of requests within the limits given, failures counting as outside. This is what a latency objective promises. Reads requests: slow over months."},
		{ID: "latency_against_load", Section: section, Title: "Latency against load", Kind: Series, View: "load", Parameters: ofStreamWindows, Time: window,
			Columns: []Column{
				{Name: "rate", Title: "Rate", Unit: "reqps"}, {Name: "gap_cv", Title: "Burstiness (CV)", Unit: "none"},
				{Name: "in_flight_mean", Title: "In flight", Unit: "short"}, {Name: "elapsed_mean", Title: "Mean end to end", Unit: "s"},
				{Name: "ttft_mean", Title: "Mean time to first token", Unit: "s"}, {Name: "tpot_mean", Title: "Mean time per token", Unit: "s"}},
			Description: "Each window's mean latencies beside its load: draw them as points over the rate, the CV or what is in flight. Where the points bend upwards is the capacity."},
		{ID: "ttft_after_end", Section: section, Title: "First tokens after the end", Kind: Series, View: "latency", Parameters: ofStreamWindows, Time: window,
			Columns:     []Column{{Name: "ttft_after_end", Title: "Requests", Unit: "short", Zero: true}},
			Description: "Requests whose log says that the first token came after the last: bad log lines, left out of the time per token. Above 0, look at what writes the log."},
	}
}
