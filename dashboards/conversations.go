package dashboards

func conversations() Board {
	stat := func(id uint32, title, metric, unit string, columns ...string) Panel {
		return Panel{ID: id, Title: title, Visual: Stat, Width: 4, Height: 4, Unit: unit, Targets: []Target{{Metric: metric, Columns: columns}}}
	}
	quantiles := func(id uint32, title, metric, unit string) Panel {
		return Panel{ID: id, Title: title, Visual: Stat, Width: 12, Height: 4, Unit: unit, Targets: []Target{{Metric: metric}}}
	}
	return Board{Name: "conversations", Title: "Conversations", Question: "What do conversations look like, and do they go on?",
		Panels: []Panel{
			stat(1, "Conversations", "conversations", "short", "conversations"),
			stat(2, "Turns a conversation", "turns_per_conversation", "short", "turns_mean"),
			stat(3, "Single-turn share", "single_turn_share", "percentunit"),
			stat(4, "History carried", "history_carried_share", "percentunit"),
			stat(5, "Between turns, median", "interval", "s", "interval_p50"),
			stat(6, "Thinking, median", "think_time", "s", "think_time_p50"),

			{ID: 10, Title: "Active conversations", Visual: Lines, Width: 12, Height: 8, Unit: "short", Min: number(0), Targets: []Target{{Metric: "active_conversations"}}},
			{ID: 11, Title: "Follow-up turns a minute, and what they were a week before", Visual: Lines, Width: 12, Height: 8, Unit: "short", Min: number(0),
				Targets:     []Target{{Metric: "conversation_stall", Columns: []string{"turns", "expected_turns", "started"}}},
				Description: "Follow-up turns a minute of conversations that began in the hour before, beside the same a week earlier, and how many began. Turns that fall away while conversations begin: first answers fail or never come, so people do not go on. Without data of a week before there is nothing to compare with."},
			{ID: 12, Title: "Conversations by turns", Visual: Curve, Width: 12, Height: 8, Unit: "short", Targets: []Target{{Metric: "turns_histogram"}},
				Fields: []Field{{Title: "Turns", Unit: "none"}, {Title: "Conversations", Filled: true}}, X: "Turns", LogY: true},
			{ID: 13, Title: "Longest conversations", Visual: Rows, Width: 12, Height: 8, Targets: []Target{{Metric: "conversation_list", SQL: longestSQL}}, Sort: "Turns",
				Fields: []Field{{Title: "Duration", Unit: "s"}, {Title: "Turns", Unit: "short", Meter: true}, {Title: "First turn", Unit: "dateTimeAsIso"}}},

			quantiles(20, "Turns a conversation", "turns_per_conversation", "short"),
			quantiles(21, "Time between turns", "interval", "s"),
			quantiles(22, "Think time", "think_time", "s"),
			quantiles(23, "Duration", "duration", "s"),
			quantiles(24, "Growth of the context, tokens a turn", "context_growth", "short"),
		}}
}

const longestSQL = `SELECT conversation AS ` + "`Conversation`" + `, first_arrival AS ` + "`First turn`" + `, turns AS ` + "`Turns`" + `, duration AS ` + "`Duration`" + `
FROM $view
ORDER BY turns DESC
LIMIT 100`
