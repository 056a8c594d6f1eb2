package dashboards

import "fmt"

func latency() Board {
	d := objectives
	limits := fmt.Sprintf("first token within %s s, each token within %s s, all within %s s", plain(d.TTFT), plain(d.TPOT), plain(d.Elapsed))
	quantiles := func(id uint32, title, metric string, objective float64) Panel {
		return Panel{ID: id, Title: title, Visual: Stat, Width: 8, Height: 4, Unit: "s", Steps: beyond(objective),
			Targets: []Target{{Metric: metric, Step: "0", Columns: []string{metric + "_p50", metric + "_p90", metric + "_p99"}}}}
	}
	lines := func(id uint32, title, metric string, objective float64) Panel {
		return Panel{ID: id, Title: title, Visual: Lines, Width: 8, Height: 8, Unit: "s", LogY: true, Steps: []Step{{0, "transparent"}, {objective, "orange"}},
			Targets: []Target{{Metric: metric, Columns: []string{metric + "_p50", metric + "_p90", metric + "_p99"}}}}
	}
	points := func(id uint32, title, x string, y ...string) Panel {
		return Panel{ID: id, Title: title, Visual: Points, Width: 12, Height: 9, Unit: "s", X: x, Y: y,
			Targets: []Target{{Metric: "latency_against_load"}}, Fields: []Field{{Title: "Rate", Unit: "reqps"}, {Title: "In flight", Unit: "short"}, {Title: "Burstiness (CV)", Unit: "none"}}}
	}
	return Board{Name: "latency", Title: "Latency", Question: "How long do users wait, is it within the objectives, and does load explain it?",
		Panels: []Panel{
			quantiles(1, "Time to first token", "ttft", d.TTFT),
			quantiles(2, "Time per token", "tpot", d.TPOT),
			quantiles(3, "End to end", "elapsed", d.Elapsed),
			lines(10, "Time to first token", "ttft", d.TTFT),
			lines(11, "Time per token", "tpot", d.TPOT),
			lines(12, "End to end", "elapsed", d.Elapsed),
			{ID: 20, Title: "Goodput", Visual: Lines, Width: 16, Height: 7, Unit: "percentunit", Max: number(1), Targets: []Target{{Metric: "goodput", Goal: true}},
				Steps:       []Step{{0, "transparent"}, {d.Goodput, "green"}},
				Description: "Share of requests within the objectives (" + limits + "), failures counting as outside. Below the line the promise is broken: see which of the three limits by the panels above. The limits are those of dashboards/objectives.yaml."},
			{ID: 21, Title: "Goodput of the range", Visual: Stat, Width: 4, Height: 7, Unit: "percentunit", Targets: []Target{{Metric: "goodput", Goal: true, Step: "0"}},
				Steps:       []Step{{0, "red"}, {d.Goodput, "green"}},
				Description: "Share of the range's requests within the objectives (" + limits + "). Red: below the promise."},
			{ID: 22, Title: "Bad log lines", Visual: Stat, Width: 4, Height: 7, Unit: "short", Targets: []Target{{Metric: "ttft_after_end", Step: "0"}}, Steps: []Step{{0, "green"}, {1, "orange"}}},
			points(30, "Latency against the rate", "Rate", "Mean time to first token", "Mean end to end"),
			points(31, "Latency against requests in flight", "In flight", "Mean time to first token", "Mean end to end"),
			points(32, "Time per token against requests in flight", "In flight", "Mean time per token"),
			points(33, "First token against burstiness", "Burstiness (CV)", "Mean time to first token"),
		}}
}
