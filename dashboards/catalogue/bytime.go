package catalogue

// byTime is section 6 of docs/metrics.md.
func byTime() []Metric {
	const section = "Time"
	counts := []Column{
		{Name: "requests", Title: "Requests", Unit: "short"}, {Name: "failures", Title: "Failures", Unit: "short", Optional: true},
		{Name: "request_tokens", Title: "Request tokens", Unit: "short", Optional: true},
		{Name: "response_tokens", Title: "Response tokens", Unit: "short", Optional: true},
	}
	parameters := append(append([]string{}, ofStream...), "time_zone")
	return []Metric{
		{ID: "by_hour", Section: section, Title: "By hour of day", Kind: Distribution, View: "by_hour", Parameters: parameters, X: "hour",
			Columns:     append([]Column{{Name: "hour", Title: "Hour", Unit: "none"}}, counts...),
			Description: "What each hour of day has seen over the range, in the panel's time zone: when to do maintenance, and when not to."},
		{ID: "by_weekday_hour", Section: section, Title: "By hour of the week", Kind: Heatmap, View: "by_weekday_hour", Parameters: parameters, X: "hour", Y: "weekday",
			Columns:     append([]Column{{Name: "weekday", Title: "Weekday", Unit: "none"}, {Name: "hour", Title: "Hour", Unit: "none"}}, counts...),
			Description: "What each hour of the week has seen over the range, Monday first: the rhythm that baselines and capacity plans follow."},
	}
}
