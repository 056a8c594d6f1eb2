package catalogue

// conversations are section 2 of docs/metrics.md. Those of the range are the ones whose first turn lies in it.
func conversations() []Metric {
	const section = "Conversations"
	summary := func(id, title, description string, columns ...Column) Metric {
		return Metric{ID: id, Section: section, Title: title, Description: description, Kind: Stat, View: "conversation_summary",
			Parameters: ofService, Columns: columns}
	}
	return []Metric{
		summary("conversations", "Conversations", "Conversations that began in the range, and the requests in them.",
			Column{Name: "conversations", Title: "Conversations", Unit: "short"}, Column{Name: "turns", Title: "Turns", Unit: "short"}),
		summary("turns_per_conversation", "Turns a conversation",
			"How many requests a conversation has. Many turns mean long contexts and a use for prefix caching; a fall may be users who give up.",
			quantiles("turns", "Turns", "short", []string{"mean", "p50", "p90", "p99", "max"}, "mean", "p50", "p75", "p90", "p99", "max")...),
		summary("single_turn_share", "Single-turn share",
			"Conversations of one request by all. If it jumps, answers disappoint, or a client has stopped sending conversation ids.",
			Column{Name: "single_turn_share", Title: "Single turn", Unit: "percentunit"}),
		summary("interval", "Time between turns",
			"From a turn's arrival to the next one's, seconds: how long a conversation's cache has to be kept to be of use.",
			append(quantiles("interval", "Interval", "s", []string{"p10", "p50", "p90", "p99"}, "mean", "p10", "p25", "p50", "p75", "p90", "p99"),
				Column{Name: "interval_n", Title: "Follow-up turns", Unit: "short", Optional: true},
				Column{Name: "interval_lognormal_mu", Title: "Lognormal mu", Unit: "none", Optional: true},
				Column{Name: "interval_lognormal_sigma", Title: "Lognormal sigma", Unit: "none", Optional: true})...),
		summary("think_time", "Think time",
			"From the end of an answer to the next turn, seconds: what people take to read and write. Overlaps are turns sent before the answer was complete, as agents and impatient users do.",
			append(quantiles("think_time", "Think time", "s", []string{"p10", "p50", "p90"}, "p10", "p50", "p90"),
				Column{Name: "think_time_n", Title: "Known", Unit: "short", Optional: true},
				Column{Name: "think_time_overlaps", Title: "Overlaps", Unit: "short", Optional: true})...),
		summary("duration", "Duration of conversations", "From the first turn to the end of the last answer, seconds; single turns included.",
			quantiles("duration", "Duration", "s", []string{"p50", "p99"}, "p50", "p99")...),
		summary("context_growth", "Growth of the context",
			"How many more request tokens a turn has than the one before. With the turns it says how large contexts get; negative where clients cut their history.",
			append(quantiles("context_growth", "Growth", "short", []string{"mean", "p10", "p50", "p90"}, "mean", "p10", "p50", "p90"),
				Column{Name: "context_growth_n", Title: "Known", Unit: "short", Optional: true})...),
		summary("history_carried_share", "History carried",
			"Share of follow-up turns that send the earlier request and answer along. These are the tokens that a prefix cache saves.",
			Column{Name: "history_carried_share", Title: "History carried", Unit: "percentunit"}),
		{ID: "active_conversations", Section: section, Title: "Active conversations", Kind: Series, View: "active_conversations",
			Parameters: ofServiceWindows, Time: window,
			Columns:     []Column{{Name: "active_conversations", Title: "Active", Unit: "short", Zero: true}},
			Description: "Conversations between their first and last turn in each window: how many users are there. A fall while new ones still begin means that conversations stall."},
		{ID: "turns_histogram", Section: section, Title: "Conversations by turns", Kind: Distribution, View: "turns_histogram", Parameters: ofService, X: "turns",
			Columns:     []Column{{Name: "turns", Title: "Turns", Unit: "none"}, {Name: "conversations", Title: "Conversations", Unit: "short"}},
			Description: "How many conversations have how many turns. A long tail is where most of the tokens are."},
		{ID: "conversation_list", Section: section, Title: "List of conversations", Kind: Table, View: "conversations_view", Parameters: ofService,
			Columns: []Column{
				{Name: "conversation", Title: "Conversation"}, {Name: "first_arrival", Title: "First turn"}, {Name: "turns", Title: "Turns", Unit: "short"},
				{Name: "duration", Title: "Duration", Unit: "s"}, {Name: "cut", Title: "Cut", Unit: "bool_yes_no"}},
			Description: "One row a conversation that began in the range. Cut marks those of more than 10,000 turns, of which only these are kept."},
		{ID: "turn_list", Section: section, Title: "List of follow-up turns", Kind: Table, View: "conversation_intervals", Parameters: ofService,
			Columns: []Column{
				{Name: "conversation", Title: "Conversation"}, {Name: "turn", Title: "Turn", Unit: "none"}, {Name: "arrival", Title: "Arrival"},
				{Name: "interval", Title: "Interval", Unit: "s"}, {Name: "think_time", Title: "Think time", Unit: "s"},
				{Name: "context_growth", Title: "Growth of the context", Unit: "short"}, {Name: "history_carried", Title: "History carried", Unit: "bool_yes_no"}},
			Description: "One row a turn but the first, with what lies between it and the one before."},
	}
}
