package dashboards

import "math"

// What values mean on every dashboard: green within the objective, orange beyond it, red at twice that.
func beyond(objective float64) []Step {
	return []Step{{0, "green"}, {objective, "orange"}, {2 * objective, "red"}}
}

// faultSteps are those of a fault rate: the budget, and the burn that wakes somebody.
func faultSteps() []Step {
	budget := 1 - objectives.Availability
	round := func(v float64) float64 { return math.Round(v*1e6) / 1e6 }
	return []Step{{0, "green"}, {round(budget), "orange"}, {round(14.4 * budget), "red"}}
}

// burstSteps are those of a CV: Poisson is 1.
var burstSteps = []Step{{0, "green"}, {1.2, "orange"}, {3, "red"}}

func overview() Board {
	return Board{Name: "overview", Title: "Overview", Question: "Is it busy, bursty, failing or slow now? Start here.",
		Panels: []Panel{
			{ID: 1, Title: "Requests/s", Visual: Stat, Width: 4, Height: 4, Targets: []Target{{Metric: "rate"}}, Unit: "reqps",
				Description: "Requests a second in the last window, by arrival; behind it the course. Judge it by the same hour of other days: Burstiness has a map of the week."},
			{ID: 2, Title: "In flight", Visual: Stat, Width: 4, Height: 4, Targets: []Target{{Metric: "in_flight_mean"}}, Unit: "short",
				Description: "Requests that were being answered, on average over the last window. If it rises at the same rate, answers got slower: go to Latency."},
			{ID: 3, Title: "Response tokens/s", Visual: Stat, Width: 4, Height: 4, Unit: "short",
				Targets:     []Target{{Metric: "tokens_per_second", Columns: []string{"response_tokens_per_second"}}},
				Description: "Tokens generated a second, of the requests that arrived in the last window. Near 0 while requests come in, an engine has stalled, or answers are still being written."},
			{ID: 4, Title: "Fault rate", Visual: Stat, Width: 4, Height: 4, Targets: []Target{{Metric: "fault_rate"}}, Unit: "percentunit", Steps: faultSteps(),
				Description: "Empty answers, timeouts and errors (but for status 400 to 499) by the requests that could have succeeded, in the last window. Orange: over the budget of the objective. Red: a month's budget would be gone in two days. Go to Failures."},
			{ID: 5, Title: "First token, p90", Visual: Stat, Width: 4, Height: 4, Targets: []Target{{Metric: "ttft", Columns: []string{"ttft_p90"}}}, Unit: "s",
				Steps:       beyond(objectives.TTFT),
				Description: "Nine of ten users waited less than this for the first token, in the last window. Orange: beyond the objective, red: beyond twice that. Go to Latency."},
			{ID: 6, Title: "Burstiness (CV)", Visual: Stat, Width: 4, Height: 4, Targets: []Target{{Metric: "gap_cv", Step: "300"}}, Unit: "none", Steps: burstSteps,
				Description: "How uneven arrivals were in the last 5 minutes: 1 is Poisson, above it requests come in bursts and queue at a lower mean load. Whether it is unusual for the hour, the alert and the marks on Burstiness say."},

			{ID: 10, Title: "Load", Visual: Lines, Width: 12, Height: 7, Unit: "reqps",
				Targets:     []Target{{Metric: "rate"}, {Metric: "in_flight_mean"}},
				Fields:      []Field{{Title: "In flight (mean)", Unit: "short", Right: true}},
				Description: "Requests a second (left) and requests in flight (right). They should move together; in flight rising alone means that answers take longer."},
			{ID: 11, Title: "Tokens/s", Visual: Lines, Width: 12, Height: 7, Unit: "short", Targets: []Target{{Metric: "tokens_per_second"}}},
			{ID: 12, Title: "Fault and failure rate", Visual: Lines, Width: 8, Height: 7, Unit: "percentunit", Min: number(0), Steps: faultSteps(),
				Targets:     []Target{{Metric: "fault_rate"}, {Metric: "failure_rate"}},
				Description: "Faults are what operators answer for; failures are all that is neither ok nor cancelled, with rate limits and client errors. Failures without faults: clients or limits. Both: the service. The lines are the objective's budget and 14.4 times that."},
			{ID: 13, Title: "Latency, p90", Visual: Lines, Width: 8, Height: 7, Unit: "s", LogY: true,
				Targets:     []Target{{Metric: "ttft", Columns: []string{"ttft_p90"}}, {Metric: "elapsed", Columns: []string{"elapsed_p90"}}},
				Description: "Time to the first token and to the complete answer, of nine of ten requests, on a logarithmic scale. The first token alone rising means queues; the whole alone means longer answers or a slower engine."},
			{ID: 14, Title: "Burstiness, 5 min windows", Visual: Lines, Width: 8, Height: 7, Unit: "none", Steps: []Step{{0, "transparent"}, {1, "blue"}},
				Targets: []Target{{Metric: "gap_cv", Step: "300"}}, Min: number(0)},

			{ID: 20, Title: "Services and where their data lies", Visual: Rows, Width: 24, Height: 6, Sort: "Requests",
				Targets: []Target{{Metric: "services", AllTime: true}}, Unit: "short",
				Fields: []Field{
					{Title: "Service", Width: 260, Link: "/d/{prefix}overview?var-service=${__value.text:percentencode}&from=${__data.fields[\"First arrival\"].numeric}&to=${__data.fields[\"Last arrival\"].numeric}"},
					{Title: "First arrival", Unit: "dateTimeAsIso"}, {Title: "Last arrival", Unit: "dateTimeAsIso"}},
				Empty:       "No service has sent requests: see docs/grafana.md",
				Description: "Every service there is, whatever the time range. A click on a service opens this dashboard with it and with the whole time that it has data of: where panels are empty, the data lies elsewhere. Traces that count from their own origin lie in 1970."},

			{ID: 30, Title: "GPUs (where tidegauge scrape runs)", Visual: Row, Closed: true},
			{ID: 31, Title: "GPU utilisation and requests in flight", Visual: Lines, Width: 12, Height: 7, Unit: "percentunit", Min: number(0), Need: GPUs,
				Targets:     []Target{{Metric: "gpu_against_load", Columns: []string{"utilisation_mean", "in_flight_mean"}}},
				Fields:      []Field{{Title: "In flight", Unit: "short", Right: true}},
				Description: "How busy the service's GPUs were, beside what it had in flight. Both low: no load. GPUs low while much is in flight: requests wait for something else. Both high: capacity is the reason."},
			{ID: 32, Title: "Tokens per GPU-second", Visual: Lines, Width: 12, Height: 7, Unit: "short", Min: number(0), Need: GPUs,
				Targets: []Target{{Metric: "tokens_per_gpu_second"}}},
		}}
}
