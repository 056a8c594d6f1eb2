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
	}
}
