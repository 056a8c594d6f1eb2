package catalogue

// pipeline is what there is, and how complete it is.
func pipeline() []Metric {
	const section = "Pipeline"
	number := func(name, title string) Column { return Column{Name: name, Title: title, Unit: "short"} }
	return []Metric{
		{ID: "services", Section: section, Title: "Services", Kind: Table, View: "services", Parameters: []string{"from_us", "to_us"},
			Columns: []Column{{Name: "service", Title: "Service"}, number("requests", "Requests"),
				{Name: "first_arrival", Title: "First arrival", SQL: "fromUnixTimestamp64Micro(first_arrival_us, 'UTC')"},
				{Name: "last_arrival", Title: "Last arrival", SQL: "fromUnixTimestamp64Micro(last_arrival_us, 'UTC')"}},
			Description: "The services with requests in the range. One that is missing, or whose last arrival is old, has no traffic or a log that does not get here."},
		{ID: "streams", Section: section, Title: "Streams", Kind: Table, View: "streams", Parameters: ofService,
			Columns: []Column{{Name: "model", Title: "Model"}, {Name: "log_type", Title: "Log type"}, number("requests", "Requests"),
				{Name: "first_arrival", Title: "First arrival", SQL: "fromUnixTimestamp64Micro(first_arrival_us, 'UTC')"},
				{Name: "last_arrival", Title: "Last arrival", SQL: "fromUnixTimestamp64Micro(last_arrival_us, 'UTC')"}},
			Description: "The service's models and log types with requests in the range; empty stands for all of them."},
		{ID: "log_quality", Section: section, Title: "What the log knows", Kind: Stat, View: "log_quality", Parameters: ofService,
			Columns: []Column{number("requests", "Requests"), number("request_tokens_known", "with request tokens"), number("response_tokens_known", "with response tokens"),
				number("elapsed_known", "with a duration"), number("ttft_known", "with a time to first token"), number("conversation_known", "with a conversation"),
				number("tokens_unknown", "ok, but tokens unknown"), number("ttft_after_end", "first token after the end")},
			Description: "How many requests of the range know what. What is not logged costs the numbers that need it: see tidegauge doctor. Reads requests: slow over months."},
		{ID: "storing_delay", Section: section, Title: "Storing delay", Kind: Series, View: "storing_delay", Parameters: ofServiceWindows, Time: window,
			Columns: append(quantiles("delay", "Delay", "s", []string{"p50", "p99"}, "mean", "p50", "p90", "p99", "max"),
				Column{Name: "requests", Title: "Requests", Unit: "short", Optional: true, Zero: true}),
			Description: "From a request's end to its row in ClickHouse. Seconds are normal; minutes mean that logs come late or that processors are behind: see the lag on tidegauge's own /metrics. Reads requests: slow over months."},
		{ID: "dead_letters", Section: section, Title: "Dead letters", Kind: Series, View: "dead_letter_counts", Parameters: []string{"from_us", "to_us", "step_s"}, Time: window,
			Columns: []Column{{Name: "topic", Title: "Topic", Group: true}, {Name: "reason", Title: "Reason", Group: true},
				{Name: "records", Title: "Records", Unit: "short"}, {Name: "bytes", Title: "Bytes", Unit: "bytes", Optional: true}},
			Description: "Records that could not become requests, by when they were found and why. They are kept in table dead_letters: mend what writes them, then send them again."},
		{ID: "scrape_targets", Section: section, Title: "Scrape targets", Kind: Table, View: "scrape_targets", Parameters: []string{"from_us", "to_us"},
			Columns: []Column{{Name: "target", Title: "Target"}, {Name: "kind", Title: "Kind"}, {Name: "up", Title: "Up", Unit: "bool_yes_no"}, {Name: "last_error", Title: "Last error"},
				{Name: "since", Title: "Since", SQL: "fromUnixTimestamp64Micro(since_us, 'UTC')"},
				{Name: "last_seen", Title: "Last up", SQL: "fromUnixTimestamp64Micro(last_seen_us, 'UTC')"},
				{Name: "last_error_at", Title: "Last error at", Optional: true, SQL: "fromUnixTimestamp64Micro(last_error_us, 'UTC')"},
				{Name: "last_scrape", Title: "Last scrape", Optional: true, SQL: "fromUnixTimestamp64Micro(last_scrape_us, 'UTC')"},
				{Name: "duration_s_mean", Title: "Duration", Unit: "s", Optional: true}, {Name: "samples", Title: "Samples", Unit: "short", Optional: true},
				number("scrapes", "Scrapes"), number("failures", "Failures")},
			Description: "Whether each exporter answers, and what was wrong the last time that it did not."},
	}
}
