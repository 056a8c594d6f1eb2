package dashboards

func burstiness() Board {
	poisson := []Step{{0, "transparent"}, {1, "blue"}}
	return Board{Name: "burstiness", Title: "Burstiness", Question: "How uneven are arrivals, at which scale, and when in the week?",
		Variables: []Variable{zoneVariable},
		Panels: []Panel{
			{ID: 1, Title: "CV of the range", Visual: Stat, Width: 4, Height: 4, Targets: []Target{{Metric: "gap_cv", Step: "0"}}, Unit: "none",
				Description: "Over the whole range as one window: it takes the time of day in, so it is larger than that of single windows. For the burstiness of minutes see the next panels."},
			{ID: 2, Title: "For --burstiness", Visual: Stat, Width: 4, Height: 4, Targets: []Target{{Metric: "gamma_shape", Step: "0"}}, Unit: "none",
				Description: "1 / CV² of the range: the value for --burstiness of vLLM's and SGLang's benchmarks that replays this load."},
			{ID: 3, Title: "Windows of 5 min: CV", Visual: Stat, Width: 8, Height: 4, Targets: []Target{{Metric: "window_cv", Step: "300"}}, Unit: "none",
				Description: "Of the range's windows of 5 minutes with at least 10 gaps: the CV that a tenth, half and nine tenths stay below."},
			{ID: 4, Title: "Bursty windows", Visual: Stat, Width: 4, Height: 4, Targets: []Target{{Metric: "share_bursty", Step: "300"}}, Unit: "percentunit",
				Description: "Share of the windows of 5 minutes whose CV is above 1. Near 100 %, plan for bursts as the rule; the width decides the number, so compare 5 minutes with 5 minutes."},
			{ID: 5, Title: "Memory", Visual: Stat, Width: 4, Height: 4, Targets: []Target{{Metric: "memory", Step: "0"}}, Unit: "none"},

			{ID: 10, Title: "Burstiness of gaps (CV)", Visual: Lines, Width: 12, Height: 8, Unit: "none", Min: number(0), Steps: poisson, Targets: []Target{{Metric: "gap_cv"}},
				Description: "By window, of the width chosen above. 1 (the line) is Poisson; above it requests come in bursts. Marks are windows that are unusually bursty for their hour of the week. Look for batch jobs and retries where it jumps."},
			{ID: 11, Title: "Gamma shape, by moments and by maximum likelihood", Visual: Lines, Width: 12, Height: 8, Unit: "none", Steps: poisson,
				Targets: []Target{{Metric: "gamma_shape"}, {Metric: "gamma_shape_mle"}}},
			{ID: 12, Title: "Index of dispersion by scale", Visual: Lines, Width: 12, Height: 8, Unit: "none", LogY: true, Targets: []Target{{Metric: "idc"}}},
			{ID: 13, Title: "Peak to mean by scale", Visual: Lines, Width: 12, Height: 8, Unit: "none", LogY: true, Targets: []Target{{Metric: "peak_to_mean"}}},

			{ID: 20, Title: "Distribution of gaps, with fits", Visual: Curve, Width: 12, Height: 9, Unit: "percentunit",
				Targets: []Target{{Metric: "gap_distribution", SQL: gapDistributionSQL}},
				Fields:  []Field{{Title: "Gap", Unit: "s"}, {Title: "Observed", Filled: true}},
				LogX:    true, X: "Gap",
				Description: "The share of the range's gaps in each bin of a logarithmic scale, and what families fitted by maximum likelihood would have there (Weibull's with Tidegauge's own data source only). The family that follows the observed shares best is the one to generate load with; the table of fits has its parameters."},
			{ID: 21, Title: "Gaps over time", Visual: Grid, Width: 12, Height: 9, Unit: "s", Targets: []Target{{Metric: "gap_histogram", SQL: gapHistogramSQL}}},
			{ID: 22, Title: "Fits", Visual: Rows, Width: 12, Height: 6, Only: &Plugin, Targets: []Target{{Metric: "families"}}},
			{ID: 23, Title: "Windows by their CV", Visual: Histogram, Width: 12, Height: 6, Unit: "none", Targets: []Target{{Metric: "gap_cv", Step: "300"}},
				Description: "How many of the range's windows of 5 minutes have which CV. One hill is one kind of traffic; a second one to the right is times with batch jobs or retries."},

			{ID: 30, Title: "Requests by hour of the week", Visual: Grid, Width: 12, Height: 8, Targets: []Target{{Metric: "by_weekday_hour", SQL: weekSQL}}},
			{ID: 31, Title: "Requests by hour of day", Visual: Curve, Width: 12, Height: 8, Unit: "short", Targets: []Target{{Metric: "by_hour"}},
				Fields: []Field{{Title: "Hour", Unit: "none"}, {Title: "Requests", Filled: true}}, X: "Hour"},
		}}
}

// The families whose maximum likelihood has a form in the sums that views keep; the plugin fits Weibull's, too. What a family
// has in a bin is its density at the middle by the bin's width, of the gap's logarithm.
const gapDistributionSQL = `WITH
    (SELECT (positive_gaps, gap_log / positive_gaps, sqrt(greatest(gap_log2 / positive_gaps - pow(gap_log / positive_gaps, 2), 1e-12)),
        gap_mean * gaps / positive_gaps, gamma_shape_mle, gamma_scale_mle) FROM $also_arrivals) AS fit,
    7 * ln(1.02) AS width
SELECT
    x AS ` + "`Gap`" + `,
    sum(c) / fit.1 AS ` + "`Observed`" + `,
    width * x / fit.4 * exp(-x / fit.4) AS ` + "`Exponential`" + `,
    width * exp(fit.5 * ln(x / fit.6) - x / fit.6 - lgamma(fit.5)) AS ` + "`Gamma`" + `,
    width * exp(-pow((ln(x) - fit.2) / fit.3, 2) / 2) / fit.3 / sqrt(2 * pi()) AS ` + "`Lognormal`" + `
FROM
(
    -- Seven buckets of the sketch make one bin, by its middle.
    SELECT pow(1.02, intDiv(bucket + 35000, 7) * 7 - 35000 + 3) / 1000000 AS x, count AS c
    FROM $view
    WHERE isNotNull(bucket)
)
GROUP BY x
ORDER BY x`

// A heatmap of the official data source has a column a row of cells; its names are what the axis shows, in the columns' order.
const gapHistogramSQL = `SELECT
    window_start AS time,
    sumIf(count, value <= 0.001) AS ` + "`≤ 1 ms`" + `,
    sumIf(count, value > 0.001 AND value <= 0.003) AS ` + "`≤ 3 ms`" + `,
    sumIf(count, value > 0.003 AND value <= 0.01) AS ` + "`≤ 10 ms`" + `,
    sumIf(count, value > 0.01 AND value <= 0.03) AS ` + "`≤ 30 ms`" + `,
    sumIf(count, value > 0.03 AND value <= 0.1) AS ` + "`≤ 100 ms`" + `,
    sumIf(count, value > 0.1 AND value <= 0.3) AS ` + "`≤ 300 ms`" + `,
    sumIf(count, value > 0.3 AND value <= 1) AS ` + "`≤ 1 s`" + `,
    sumIf(count, value > 1 AND value <= 3) AS ` + "`≤ 3 s`" + `,
    sumIf(count, value > 3 AND value <= 10) AS ` + "`≤ 10 s`" + `,
    sumIf(count, value > 10 AND value <= 30) AS ` + "`≤ 30 s`" + `,
    sumIf(count, value > 30 AND value <= 100) AS ` + "`≤ 100 s`" + `,
    sumIf(count, value > 100) AS ` + "`> 100 s`" + `
FROM $view
GROUP BY time
ORDER BY time`

const weekSQL = `SELECT
    hour AS ` + "`Hour`" + `,
    sumIf(requests, weekday = 6) AS ` + "`Sunday`" + `,
    sumIf(requests, weekday = 5) AS ` + "`Saturday`" + `,
    sumIf(requests, weekday = 4) AS ` + "`Friday`" + `,
    sumIf(requests, weekday = 3) AS ` + "`Thursday`" + `,
    sumIf(requests, weekday = 2) AS ` + "`Wednesday`" + `,
    sumIf(requests, weekday = 1) AS ` + "`Tuesday`" + `,
    sumIf(requests, weekday = 0) AS ` + "`Monday`" + `
FROM $view
GROUP BY hour
ORDER BY hour`
