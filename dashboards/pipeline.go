package dashboards

func pipeline() Board {
	return Board{Name: "pipeline", Title: "Pipeline health", Question: "Can these dashboards be believed: is everything here, in time, and readable?",
		Panels: []Panel{
			{ID: 1, Title: "Stored after", Visual: Stat, Width: 6, Height: 4, Unit: "s", Steps: beyond(objectives.Lag),
				Targets:     []Target{{Metric: "storing_delay", Columns: []string{"delay_p99"}}},
				Description: "From a request's end to its row in ClickHouse, 99 of 100, in the last window with any. Minutes: logs come late, or processors are behind. A log that was read long after it was written (a trace, a sample) shows its age here."},
			{ID: 2, Title: "What the log knows", Visual: Stat, Width: 18, Height: 4, Unit: "short", Targets: []Target{{Metric: "log_quality"}}},
			{ID: 10, Title: "Stored after", Visual: Lines, Width: 12, Height: 8, Unit: "s", LogY: true, Targets: []Target{{Metric: "storing_delay"}}, Steps: []Step{{0, "transparent"}, {objectives.Lag, "orange"}}},
			{ID: 11, Title: "Requests that arrived", Visual: Lines, Width: 12, Height: 8, Unit: "short", Min: number(0), Targets: []Target{{Metric: "requests"}}},
			{ID: 12, Title: "Services in this time range", Visual: Rows, Width: 12, Height: 7, Targets: []Target{{Metric: "services"}}, Sort: "Requests",
				Fields: []Field{{Title: "First arrival", Unit: "dateTimeAsIso"}, {Title: "Last arrival", Unit: "dateTimeAsIso"}}},
			{ID: 13, Title: "Models and log types of the service", Visual: Rows, Width: 12, Height: 7, Targets: []Target{{Metric: "streams"}}, Sort: "Requests",
				Fields: []Field{{Title: "First arrival", Unit: "dateTimeAsIso"}, {Title: "Last arrival", Unit: "dateTimeAsIso"}}},
			{ID: 20, Title: "Dead letters (empty is good)", Visual: Row, Closed: true},
			{ID: 21, Title: "Dead letters", Visual: Lines, Width: 24, Height: 7, Unit: "short", Need: Faults, Targets: []Target{{Metric: "dead_letters"}}, Empty: "No dead letters in this time range: good"},
		}}
}

// Processors is the dashboard over what tidegauge says of itself on /metrics, for those who scrape it with Prometheus. It is a
// file of its own (dashboards/json/prometheus): without Prometheus it would be all empty panels.
func Processors() Board {
	lines := func(id uint32, title, description, unit, promQL, legend string) Panel {
		return Panel{ID: id, Title: title, Description: description, Visual: Lines, Width: 12, Height: 7, Unit: unit, Min: number(0), Need: Processor,
			Targets: []Target{{PromQL: promQL, Legend: legend}}}
	}
	lag := lines(1, "Lag by partition", "The age of the oldest record that is not committed. One partition growing while others are 0 is a service too hot for one core; all of them growing is ClickHouse, or too few processors.",
		"s", "min by (partition) (tidegauge_processor_lag_seconds)", "partition {{partition}}")
	lag.Steps = []Step{{0, "transparent"}, {objectives.Lag, "orange"}}
	return Board{Name: "processors", Title: "Processors", Question: "Do the processors keep up, and what holds them back?", Fleet: true,
		Panels: []Panel{
			lag,
			lines(2, "Delay from Kafka to ClickHouse", "From a record's timestamp to ClickHouse's acknowledgement, for the record of each flush that waited longest.", "s",
				"histogram_quantile(0.99, sum by (le) (rate(tidegauge_processor_end_to_end_delay_seconds_bucket[$__rate_interval])))", "p99"),
			lines(3, "Requests stored", "Requests that were new, and duplicates: retries, restarts, logs that are read twice.", "reqps",
				"sum(rate(tidegauge_processor_requests_total[$__rate_interval]))", "new"),
			lines(4, "Flushes", "How long ClickHouse takes to acknowledge a flush. Rising, it is what holds processors back: look at merges and disks there.", "s",
				"histogram_quantile(0.99, sum by (le) (rate(tidegauge_processor_flush_seconds_bucket[$__rate_interval])))", "p99"),
			lines(5, "Sets read back", "Sets that were no longer in memory when a late request came for them. Many beside many evictions: give processor.cache more.", "ops",
				"sum by (entity) (rate(tidegauge_processor_reloads_total[$__rate_interval]))", "{{entity}}"),
			lines(6, "Memory held by sets", "By partition. At the limit of processor.cache sets are evicted.", "bytes", "max by (partition) (tidegauge_processor_cache_bytes)", "partition {{partition}}"),
			lines(7, "Dead letters", "Records that are no requests: look at table dead_letters, mend the producer.", "short", "sum(increase(tidegauge_processor_dead_letters_total[$__rate_interval]))", "dead letters"),
			lines(8, "Inserts by result", "Inserts into ClickHouse. Anything but ok is tried again; row and schema need a person.", "ops",
				"sum by (result) (rate(tidegauge_storage_inserts_total[$__rate_interval]))", "{{result}}"),
			lines(9, "Errors that were retried", "What processors were doing when it failed. reading records deleted by retention are lost records.", "ops",
				"sum by (doing) (rate(tidegauge_processor_errors_total[$__rate_interval]))", "{{doing}}"),
			lines(10, "Partitions without a processor", "Partitions that processes own. Below the topic's count, some are not read.", "short", "count(min by (partition) (tidegauge_processor_lag_seconds))", "owned"),
		}}
}
