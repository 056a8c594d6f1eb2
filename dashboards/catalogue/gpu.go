package catalogue

import "slices"

// gpus are section 7 of docs/metrics.md: each GPU and MIG instance, and a service beside those that serve it.
func gpus() []Metric {
	const section = "GPU"
	device := []Column{{Name: "host", Title: "Host", Group: true}, {Name: "gpu", Title: "GPU", Group: true}, {Name: "gpu_instance", Title: "MIG instance", Group: true}}
	of := func(id, title, description string, columns ...Column) Metric {
		return Metric{ID: id, Section: section, Title: title, Description: description, Kind: Series, View: "gpu",
			Parameters: []string{"host", "uuid", "from_us", "to_us", "step_s"}, Time: window, Columns: append(slices.Clone(device), columns...)}
	}
	ratio := func(id, column, title, description string) Metric {
		return of(id, title, description, Column{Name: column + "_mean", Title: "mean", Unit: "percentunit"},
			Column{Name: column + "_max", Title: "max", Unit: "percentunit", Quantile: 1, Optional: true},
			Column{Name: column + "_p95", Title: "p95", Unit: "percentunit", Quantile: 0.95, Optional: true})
	}
	service := func(id, title, description string, columns ...Column) Metric {
		return Metric{ID: id, Section: section, Title: title, Description: description, Kind: Series, View: "gpu_service",
			Parameters: ofServiceWindows, Time: window, Columns: columns}
	}
	return []Metric{
		ratio("gpu_utilisation", "utilisation", "GPU utilisation",
			"Share of time in which any kernel ran (GPU_UTIL). A GPU may show 100 % and be far from full: see SM activity. MIG instances have none: see Graphics engine active."),
		ratio("gpu_graphics_active", "graphics_active", "Graphics engine active", "Share of time in which the compute engine worked (GR_ENGINE_ACTIVE); what MIG instances have instead of a utilisation."),
		ratio("gpu_sm_active", "sm_active", "SM activity", "Share of time in which a multiprocessor had work, averaged over them (SM_ACTIVE). Below half at a full queue, batches are too small or the CPU is the reason."),
		ratio("gpu_sm_occupancy", "sm_occupancy", "SM occupancy", "Resident warps by the most that fit (SM_OCCUPANCY). Low with high SM activity is normal for large matrix kernels."),
		ratio("gpu_tensor_active", "tensor_active", "Tensor cores active", "Share of time in which tensor cores worked (PIPE_TENSOR_ACTIVE). High while prefilling; decoding waits for memory."),
		ratio("gpu_dram_active", "dram_active", "Memory bandwidth in use", "Share of time in which memory moved data (DRAM_ACTIVE). Near 0.8 is as much as can be had: decoding is bound by it."),
		of("gpu_memory_copy", "Memory copy utilisation", "Share of time in which memory was read or written (MEM_COPY_UTIL): the coarse kin of Memory bandwidth in use.",
			Column{Name: "memory_copy_utilisation_mean", Title: "mean", Unit: "percentunit"}),
		of("gpu_memory", "GPU memory", "Framebuffer in use. Engines take nearly all at the start for their KV cache: see KV-cache usage for what of it is full.",
			Column{Name: "fb_used_bytes_mean", Title: "used", Unit: "bytes"}, Column{Name: "fb_total_bytes", Title: "total", Unit: "bytes"},
			Column{Name: "fb_used_bytes_max", Title: "used, max", Unit: "bytes", Quantile: 1, Optional: true},
			Column{Name: "fb_used_bytes_p95", Title: "used, p95", Unit: "bytes", Quantile: 0.95, Optional: true}),
		of("gpu_power", "GPU power", "What the GPU draws, and its limit where the exporter gives one. At the limit clocks fall and answers slow down.",
			Column{Name: "power_w_mean", Title: "power", Unit: "watt"}, Column{Name: "power_limit_w", Title: "limit", Unit: "watt"},
			Column{Name: "power_w_max", Title: "power, max", Unit: "watt", Quantile: 1, Optional: true}, Column{Name: "power_w_p95", Title: "power, p95", Unit: "watt", Quantile: 0.95, Optional: true}),
		of("gpu_temperature", "GPU temperature", "The highest in each window. Beyond some 85 °C GPUs throttle: look at the cooling, and at GPUs held back.",
			Column{Name: "temperature_c_max", Title: "max", Unit: "celsius", Quantile: 1}, Column{Name: "temperature_c_mean", Title: "mean", Unit: "celsius", Optional: true},
			Column{Name: "temperature_c_p95", Title: "p95", Unit: "celsius", Quantile: 0.95, Optional: true}, Column{Name: "memory_temperature_c_max", Title: "memory, max", Unit: "celsius", Optional: true}),
		of("gpu_clocks", "GPU clocks", "The clock of the multiprocessors. It falls when the GPU idles, and when power or heat hold it back.",
			Column{Name: "sm_clock_hz_mean", Title: "SM", Unit: "hertz"}, Column{Name: "sm_clock_hz_max", Title: "SM, max", Unit: "hertz", Quantile: 1, Optional: true},
			Column{Name: "memory_clock_hz_mean", Title: "memory", Unit: "hertz", Optional: true}),
		of("gpu_energy", "GPU energy", "What each GPU used in each window, from its counter.", Column{Name: "energy_j", Title: "energy", Unit: "joule"}),
		of("gpu_xid", "XID errors", "How often a new XID error showed up. The driver keeps the last one for ever, so only changes count: look its number up in NVIDIA's list, and drain the GPU on 48, 63, 64, 74, 79, 94 or 95.",
			Column{Name: "xid_changes", Title: "new errors", Unit: "short"}, Column{Name: "xid_last", Title: "last error", Unit: "none", Optional: true}),
		of("gpu_bytes", "PCIe and NVLink traffic", "Bytes a second in both directions. NVLink carries tensor parallelism, PCIe loads of weights and offloaded caches.",
			Column{Name: "pcie_bytes_per_s", Title: "PCIe", Unit: "Bps"}, Column{Name: "nvlink_bytes_per_s", Title: "NVLink", Unit: "Bps"}),
		of("gpu_violations", "GPUs held back", "Seconds of each window in which the power limit or the temperature held clocks down. Above 0 for long, answers get slower at the same load.",
			Column{Name: "power_violation", Title: "by power", Unit: "s"}, Column{Name: "thermal_violation", Title: "by heat", Unit: "s"}),
		of("gpu_up", "GPU samples", "Share of each window's minutes with a sample. Below 1 the exporter, the GPU or the scraper was away: see Scrape targets.",
			Column{Name: "up", Title: "up", Unit: "percentunit"}),
		{ID: "gpu_devices", Section: section, Title: "GPUs", Kind: Table, View: "gpu_devices", Parameters: []string{"from_us", "to_us"},
			Columns: []Column{
				{Name: "host", Title: "Host"}, {Name: "gpu", Title: "GPU"}, {Name: "gpu_instance", Title: "MIG instance"}, {Name: "profile", Title: "MIG profile"},
				{Name: "model_name", Title: "Model"}, {Name: "service", Title: "Service"}, {Name: "fb_total_bytes", Title: "Memory", Unit: "bytes"},
				{Name: "share", Title: "Share of the GPU", Unit: "percentunit", Optional: true}, {Name: "uuid", Title: "UUID"}, {Name: "driver", Title: "Driver"},
				{Name: "device_name", Title: "Device", Optional: true}, {Name: "namespace", Title: "Namespace", Optional: true}, {Name: "pod", Title: "Pod", Optional: true},
				{Name: "container", Title: "Container", Optional: true}, {Name: "target", Title: "Target", Optional: true}, {Name: "samples", Title: "Samples", Unit: "short", Optional: true},
				{Name: "first_seen", Title: "First seen", Optional: true, SQL: "fromUnixTimestamp64Micro(first_us, 'UTC')"}, {Name: "last_seen", Title: "Last seen", SQL: "fromUnixTimestamp64Micro(last_us, 'UTC')"}},
			Description: "The GPUs and MIG instances that were sampled in the range, as they were last seen. One that is missing has no exporter, or one that does not answer."},

		service("tokens_per_gpu_second", "Tokens per GPU-second", "Tokens of the service by the seconds of GPUs that served it: how well they are used. It falls with idle GPUs, small batches and short answers.",
			Column{Name: "tokens_per_gpu_second", Title: "request and response", Unit: "si:tok/s"}, Column{Name: "response_tokens_per_gpu_second", Title: "response", Unit: "si:tok/s"}),
		service("joules_per_1000_response_tokens", "Energy per 1,000 response tokens", "Energy of the service's GPUs by what they generated: what an answer costs. Idle GPUs make it rise at night.",
			Column{Name: "joules_per_1000_response_tokens", Title: "Energy per 1,000 tokens", Unit: "joule"}),
		service("gpus_of_service", "GPUs of the service", "How many GPUs served the service, MIG instances as their share of one.",
			Column{Name: "gpus", Title: "GPUs", Unit: "short"}, Column{Name: "gpu_seconds", Title: "GPU-seconds", Unit: "s", Optional: true}),
		service("gpu_against_load", "GPUs against load", "Utilisation of the service's GPUs beside its load: draw it as points over what is in flight or over burstiness. Waiting requests at idle GPUs are a fault of scheduling, not of capacity.",
			Column{Name: "in_flight_mean", Title: "In flight", Unit: "short"}, Column{Name: "utilisation_mean", Title: "Utilisation", Unit: "percentunit"},
			Column{Name: "sm_active_mean", Title: "SM activity", Unit: "percentunit"}, Column{Name: "gap_cv", Title: "Burstiness (CV)", Unit: "none"}, Column{Name: "rate", Title: "Rate", Unit: "reqps"}),
		service("gpu_service_power", "Power of the service", "What the service's GPUs draw together, and the energy that they used in each window.",
			Column{Name: "power_w_mean", Title: "Power", Unit: "watt"}, Column{Name: "energy_j", Title: "Energy", Unit: "joule", Optional: true},
			Column{Name: "request_tokens", Title: "Request tokens", Unit: "short", Optional: true}, Column{Name: "response_tokens", Title: "Response tokens", Unit: "short", Optional: true}),
	}
}

// engines are what inference engines say of themselves.
func engines() []Metric {
	of := func(id, title, description string, columns ...Column) Metric {
		return Metric{ID: id, Section: "Engine", Title: title, Description: description, Kind: Series, View: "engine_load",
			Parameters: ofServiceWindows, Time: window, Columns: columns}
	}
	return []Metric{
		of("engine_requests", "Requests in the engines", "Requests that the engines compute and that wait in them. Any that wait for long are the queueing in the time to first token: add replicas, or shed load.",
			Column{Name: "running_mean", Title: "running", Unit: "short"}, Column{Name: "waiting_mean", Title: "waiting", Unit: "short"},
			Column{Name: "running_max", Title: "running, max", Unit: "short", Quantile: 1, Optional: true}, Column{Name: "waiting_max", Title: "waiting, max", Unit: "short", Quantile: 1, Optional: true},
			Column{Name: "engines", Title: "engines", Unit: "short", Optional: true}),
		of("kv_cache_usage", "KV-cache usage", "Share of the engines' KV cache that is in use. Near 1 requests wait or are preempted: shorter contexts, more memory or more replicas.",
			Column{Name: "kv_cache_usage_mean", Title: "mean", Unit: "percentunit"}, Column{Name: "kv_cache_usage_max", Title: "max", Unit: "percentunit", Quantile: 1}),
		of("preemptions", "Preemptions", "Requests whose work was thrown away for want of KV cache, to be done again. Above 0 capacity is lost when it is needed most: lower the engine's limit of sequences.",
			Column{Name: "preemptions", Title: "Preemptions", Unit: "short"}),
	}
}
