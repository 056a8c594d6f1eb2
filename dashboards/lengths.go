package dashboards

func lengths() Board {
	levels := func(prefix string) []string { return []string{prefix + "_p50", prefix + "_p90", prefix + "_p99"} }
	return Board{Name: "lengths", Title: "Lengths", Question: "How long are requests and answers, and does that drift?",
		Panels: []Panel{
			{ID: 1, Title: "Request tokens", Visual: Stat, Width: 8, Height: 4, Unit: "short", Targets: []Target{{Metric: "request_length", Step: "0", Columns: append(levels("request"), "request_max")}}},
			{ID: 2, Title: "Response tokens", Visual: Stat, Width: 8, Height: 4, Unit: "short", Targets: []Target{{Metric: "response_length", Step: "0", Columns: append(levels("response"), "response_max")}}},
			{ID: 3, Title: "Response by request length", Visual: Stat, Width: 8, Height: 4, Unit: "none", Targets: []Target{{Metric: "length_fit", Step: "0"}}},

			{ID: 10, Title: "Request length", Visual: Lines, Width: 12, Height: 8, Unit: "short", LogY: true, Targets: []Target{{Metric: "request_length", Columns: levels("request")}}},
			{ID: 11, Title: "Response length", Visual: Lines, Width: 12, Height: 8, Unit: "short", LogY: true, Targets: []Target{{Metric: "response_length", Columns: levels("response")}}},

			{ID: 20, Title: "Request and response lengths", Visual: Grid, Width: 12, Height: 10, Unit: "short", Targets: []Target{{Metric: "length_joint"}}, Only: &Plugin},
			{ID: 21, Title: "Request and response lengths", Visual: Points, Width: 12, Height: 10, Unit: "short", Targets: []Target{{Metric: "length_joint", SQL: jointSQL}}, Only: &ClickHouse,
				X: "Request tokens", Y: []string{"Response tokens"}, Size: "Requests", LogX: true, LogY: true},
			{ID: 22, Title: "Response length by request length", Visual: Curve, Width: 12, Height: 10, Unit: "short", LogX: true, FromZero: true, LogY: true, X: "Request tokens",
				Targets: []Target{{Metric: "length_profile"}}},
			{ID: 23, Title: "Distribution of request lengths, with fit", Visual: Curve, Width: 12, Height: 8, Unit: "percentunit", LogX: true, X: "Tokens",
				Targets: []Target{{Metric: "request_distribution", SQL: lengthDistributionSQL("request")}}, Fields: []Field{{Title: "Observed", Filled: true}, {Title: "Tokens", Unit: "short"}}},
			{ID: 24, Title: "Distribution of response lengths, with fit", Visual: Curve, Width: 12, Height: 8, Unit: "percentunit", LogX: true, X: "Tokens",
				Targets: []Target{{Metric: "response_distribution", SQL: lengthDistributionSQL("response")}}, Fields: []Field{{Title: "Observed", Filled: true}, {Title: "Tokens", Unit: "short"}}},

			{ID: 30, Title: "Drift: shape of the answers", Visual: Lines, Width: 12, Height: 7, Unit: "none", Targets: []Target{{Metric: "bimodality"}, {Metric: "lag1"}}, Steps: []Step{{0, "transparent"}, {5. / 9, "blue"}},
				Description: "Bimodality of the answers' lengths (above the line, 5/9, there are probably two kinds of request) and their lag-1 correlation (above 0 long answers come together). A step is another kind of traffic: look at it by log type and model."},
			{ID: 31, Title: "Drift: spread and heaviness", Visual: Lines, Width: 12, Height: 7, Unit: "none",
				Targets:     []Target{{Metric: "request_length", Columns: []string{"request_cv"}}, {Metric: "response_length", Columns: []string{"response_cv"}}},
				Fields:      []Field{{Query: "A", As: "Request length CV"}, {Query: "B", As: "Response length CV"}},
				Description: "Standard deviation by mean of request and of response lengths. What planners assume to be constant is not where this moves: plan with the window's own quantiles."},
			{ID: 40, Title: "Prompts (where the log names them)", Visual: Row, Closed: true},
			{ID: 41, Title: "Answers by prompt", Visual: Rows, Width: 24, Height: 9, Need: Prompts, Targets: []Target{{Metric: "prompt_lengths"}}, Sort: "Answers"},
			{ID: 42, Title: "Variance of answers", Visual: Rows, Width: 24, Height: 5, Need: Prompts, Targets: []Target{{Metric: "prompt_variance"}}},
		}}
}

const jointSQL = `SELECT request_from AS ` + "`Request tokens`" + `, response_from AS ` + "`Response tokens`" + `, sum(count) AS ` + "`Requests`" + `
FROM $view
WHERE request_bucket < 255
GROUP BY request_from, response_from
ORDER BY request_from, response_from`

// lengthDistributionSQL is the share of requests in each half doubling of tokens, and what the lognormal distribution has there.
func lengthDistributionSQL(of string) string {
	return `WITH (SELECT (n, ` + of + `_lognormal_mu, ` + of + `_lognormal_sigma) FROM $also_lengths) AS fit
SELECT
    pow(2, (bin + 1) / 4) AS ` + "`Tokens`" + `,
    sum(c) / fit.1 AS ` + "`Observed`" + `,
    ln(2) / 2 * exp(-pow((ln(` + "`Tokens`" + `) - fit.2) / fit.3, 2) / 2) / fit.3 / sqrt(2 * pi()) AS ` + "`Lognormal`" + `
FROM
(
    -- Four cells of an eighth of a doubling make one bin.
    SELECT intDiv(` + of + `_bucket, 4) * 2 AS bin, count AS c
    FROM $view
    WHERE ` + of + `_bucket < 255
)
GROUP BY bin
ORDER BY bin`
}
