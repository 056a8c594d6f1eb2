package dashboards

func gpus() Board {
	lines := func(id uint32, title, unit string, need Need, metric string, columns ...string) Panel {
		return Panel{ID: id, Title: title, Visual: Lines, Width: 8, Height: 7, Unit: unit, Min: number(0), Need: need, Targets: []Target{{Metric: metric, Columns: columns}}}
	}
	points := func(id uint32, title, x string) Panel {
		return Panel{ID: id, Title: title, Visual: Points, Width: 12, Height: 8, Unit: "percentunit", X: x, Y: []string{"Utilisation"}, Need: GPUs,
			Targets: []Target{{Metric: "gpu_against_load"}},
			Fields:  []Field{{Title: "In flight", Unit: "short"}, {Title: "Burstiness (CV)", Unit: "none"}, {Title: "Rate", Unit: "reqps"}}}
	}
	return Board{Name: "gpus", Title: "GPUs", Question: "Are the GPUs the reason, and are they well used?", Fleet: true,
		Variables: []Variable{hostVariable, gpuVariable},
		Panels: []Panel{
			{ID: 1, Title: "GPUs", Visual: Rows, Width: 16, Height: 7, Need: GPUs, Targets: []Target{{Metric: "gpu_devices"}},
				Fields: []Field{{Title: "Memory", Unit: "bytes"}, {Title: "Last seen", Unit: "dateTimeAsIso"}},
				Empty:  "No GPU was sampled in this time range: start tidegauge scrape with your DCGM exporters (docs/grafana.md)"},
			{ID: 2, Title: "Exporters", Visual: Rows, Width: 8, Height: 7, Need: GPUs, Targets: []Target{{Metric: "scrape_targets", Columns: []string{"target", "up", "last_error", "last_seen"}}},
				Fields: []Field{{Title: "Up", Unit: "bool_yes_no", Steps: []Step{{0, "red"}, {1, "green"}}}, {Title: "Last up", Unit: "dateTimeAsIso"}}},

			{ID: 10, Title: "The service on its GPUs", Visual: Row},
			lines(11, "Tokens per GPU-second", "short", GPUs, "tokens_per_gpu_second"),
			lines(12, "Energy per 1,000 response tokens", "joule", GPUs, "joules_per_1000_response_tokens"),
			lines(13, "GPUs of the service", "short", GPUs, "gpus_of_service"),
			points(14, "Utilisation against requests in flight", "In flight"),
			points(15, "Utilisation against burstiness", "Burstiness (CV)"),

			{ID: 20, Title: "Each GPU", Visual: Row},
			lines(21, "GPU utilisation", "percentunit", GPUs, "gpu_utilisation"),
			lines(22, "SM activity", "percentunit", GPUs, "gpu_sm_active"),
			lines(23, "Memory bandwidth in use", "percentunit", GPUs, "gpu_dram_active"),
			lines(24, "GPU memory used", "bytes", GPUs, "gpu_memory", "fb_used_bytes_mean"),
			lines(25, "GPU power", "watt", GPUs, "gpu_power", "power_w_mean"),
			{ID: 26, Title: "GPU temperature", Visual: Lines, Width: 8, Height: 7, Unit: "celsius", Need: GPUs, Steps: []Step{{0, "transparent"}, {85, "orange"}},
				Targets: []Target{{Metric: "gpu_temperature"}}},
			lines(27, "SM clock", "hertz", GPUs, "gpu_clocks"),
			lines(28, "New XID errors", "short", GPUs, "gpu_xid"),
			lines(29, "Held back by power or heat", "s", GPUs, "gpu_violations"),
			lines(30, "SM occupancy", "percentunit", GPUs, "gpu_sm_occupancy"),
			lines(31, "Tensor cores active", "percentunit", GPUs, "gpu_tensor_active"),
			lines(32, "PCIe and NVLink", "Bps", GPUs, "gpu_bytes"),

			{ID: 40, Title: "Engines (where tidegauge scrape reads vLLM's /metrics)", Visual: Row, Closed: true},
			lines(41, "Requests in the engines", "short", Engines, "engine_requests"),
			lines(42, "KV-cache usage", "percentunit", Engines, "kv_cache_usage"),
			lines(43, "Preemptions", "short", Engines, "preemptions"),
		}}
}
