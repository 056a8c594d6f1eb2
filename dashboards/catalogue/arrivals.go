package catalogue

// gapHistogram are the columns of view gap_histogram.
var gapHistogram = []Column{
	{Name: "value", Title: "Gap", Unit: "s"},
	{Name: "count", Title: "Gaps", Unit: "short"},
}

// arrivals are section 1 of docs/metrics.md.
func arrivals() []Metric {
	const section = "Arrivals"
	of := func(id, title, unit, description string) Metric {
		return one(section, "arrivals", id, title, unit, description)
	}
	byScale := func(id, title, unit, description string) Metric {
		m := of(id, title, unit, description)
		m.Columns = []Column{
			{Name: id + "_1", Title: "1 s", Unit: unit}, {Name: id + "_10", Title: "10 s", Unit: unit}, {Name: id + "_60", Title: "60 s", Unit: unit},
		}
		return m
	}
	windowBurstiness := func(id, title, description string, columns ...Column) Metric {
		return Metric{ID: id, Section: section, Title: title, Description: description, Kind: Stat, View: "window_burstiness",
			Parameters: ofStreamWindows, Width: 300, Columns: columns}
	}
	return []Metric{
		of("requests", "Requests", "short",
			"How many requests arrived in each window, whatever became of them. A fall to nothing is either no traffic or a log that stopped: see Pipeline health.").zero(),
		of("rate", "Request rate", "reqps",
			"Requests a second, by arrival. Compare it with the same hour of other days before calling it high; capacity is decided by its peaks, see Peak to mean.").zero(),
		of("gap_mean", "Mean gap", "s",
			"The mean time between one arrival and the next: the reciprocal of the rate inside a window."),
		of("gap_cv", "Burstiness of gaps (CV)", "none",
			"Standard deviation of the times between arrivals by their mean. 1 is what independent users give (Poisson); above 1 requests come in bursts, so queues form at a lower mean load. Look for batch jobs and retries where it rises, and size for the bursts."),
		of("gamma_shape", "Gamma shape (--burstiness)", "none",
			"1 / CV²: the value for --burstiness of vLLM's and SGLang's benchmarks that replays this load. 1 is Poisson, smaller is burstier."),
		of("gamma_scale", "Gamma scale", "s",
			"Variance of the gaps by their mean: with the shape it fixes the Gamma distribution of gaps that has their mean and variance."),
		of("gamma_shape_mle", "Gamma shape (maximum likelihood)", "none",
			"The shape that fits the positive gaps best. Where it differs much from the shape by moments, gaps are not Gamma distributed: see the fits."),
		of("gamma_scale_mle", "Gamma scale (maximum likelihood)", "s", "The scale that belongs to the maximum-likelihood shape."),
		of("zero_gap_share", "Share of zero gaps", "percentunit",
			"Arrivals in the same microsecond as the one before. Above 1 % the log's clock is too coarse for maximum-likelihood fits: log arrivals more finely."),
		of("burstiness", "Burstiness B", "none",
			"Goh and Barabási's (CV − 1) / (CV + 1): −1 is regular, 0 is Poisson, towards 1 is bursty. The same as the CV on a scale with ends."),
		of("burstiness_finite", "Burstiness B, finite", "none",
			"Burstiness B corrected for few arrivals (Kim and Jo): use it for quiet streams and narrow windows."),
		of("memory", "Memory M", "none",
			"Correlation of each gap with the one before. Above 0 short gaps follow short ones, so bursts are longer than the CV alone says."),
		byScale("idc", "Index of dispersion", "none",
			"Variance by mean of the counts in bins of 1, 10 and 60 s. 1 at every width is Poisson; growing with the width means that load is correlated over minutes, which autoscaling can follow and queues cannot absorb."),
		byScale("peak_to_mean", "Peak to mean", "none",
			"The busiest bin of 1, 10 and 60 s by the mean one: how much capacity beyond the mean the peaks take."),
		one(section, "in_flight", "in_flight_mean", "In flight (mean)", "short",
			"Requests between arrival and complete answer, on average over the window. Rising at a constant rate means that answers got slower; nothing where the log has no durations."),
		one(section, "in_flight_peak", "in_flight_peak", "In flight (peak)", "short",
			"The most requests in flight at any whole second: what the limit on concurrent requests has to allow. Reads requests: slow over months."),
		{ID: "gap_histogram", Section: section, Title: "Gaps over time", Kind: Heatmap, View: "gap_histogram", Parameters: ofStreamWindows,
			Time: window, X: window, Y: "value", Columns: gapHistogram, over: overGaps,
			Description: "How many gaps of which length each window has, on a logarithmic scale. A second band at short gaps is machines or retries among people; a band that moves up is load going away."},
		{ID: "gap_distribution", Section: section, Title: "Distribution of gaps, with fits", Kind: Distribution, View: "gap_histogram",
			Also: []string{"arrivals"}, Parameters: ofStreamWindows, X: "value",
			Columns: []Column{
				{Name: "value", Title: "Gap", Unit: "s"}, {Name: "observed", Title: "Observed", Unit: "percentunit"},
				{Name: "exponential", Title: "Exponential", Unit: "percentunit"}, {Name: "gamma", Title: "Gamma", Unit: "percentunit"},
				{Name: "weibull", Title: "Weibull", Unit: "percentunit"}, {Name: "lognormal", Title: "Lognormal", Unit: "percentunit"},
				{Name: "count", Title: "Gaps", Unit: "short", Optional: true}},
			Computed:    true,
			Description: "The share of the range's gaps in each bin of a logarithmic scale, and what the four families, fitted by maximum likelihood, would have there. The family that follows the observed shares best is the one to generate load with; its parameters are in the table of fits."},
		{ID: "families", Section: section, Title: "Fits of the gaps", Kind: Table, View: "gap_histogram", Also: []string{"arrivals"}, Parameters: ofStreamWindows,
			Columns: []Column{
				{Name: "family", Title: "Family", Group: true}, {Name: "best", Title: "Best"}, {Name: "aic", Title: "AIC", Unit: "none"}, {Name: "ks", Title: "KS distance", Unit: "none"},
				{Name: "parameters", Title: "Parameters"},
				{Name: "rate", Title: "Rate", Unit: "none", Optional: true}, {Name: "shape", Title: "Shape", Unit: "none", Optional: true},
				{Name: "scale", Title: "Scale", Unit: "s", Optional: true}, {Name: "k", Title: "k", Unit: "none", Optional: true},
				{Name: "lambda", Title: "Lambda", Unit: "s", Optional: true}, {Name: "mu", Title: "Mu", Unit: "none", Optional: true},
				{Name: "sigma", Title: "Sigma", Unit: "none", Optional: true}},
			Computed:    true,
			Description: "Exponential, Gamma, Weibull and lognormal fitted to the positive gaps. The best has the least AIC; a Kolmogorov-Smirnov distance above 0.1 says that even it is far off."},
		windowBurstiness("share_bursty", "Share of bursty windows",
			"Of the windows of this width with at least 10 gaps, the share whose CV is above 1. The width decides the number: never compare shares of different widths.",
			Column{Name: "share_bursty", Title: "Bursty windows", Unit: "percentunit"}, Column{Name: "windows", Title: "Windows", Unit: "short", Optional: true}),
		windowBurstiness("window_cv", "Burstiness of windows",
			"Quantiles, over windows of this width with at least 10 gaps, of their CV: what burstiness is usual, and what it is at its worst.",
			append(quantiles("gap_cv", "CV", "none", []string{"p10", "p50", "p90"}, "p10", "p50", "p90"),
				Column{Name: "windows", Title: "Windows", Unit: "short", Optional: true})...),
	}
}
