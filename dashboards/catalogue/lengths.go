package catalogue

import "slices"

// covered is how many seconds of a window lie in the range, as parts.tmpl says it.
const covered = "if({step_s} = 0, ({to_us} - {from_us}) / 1000000, " +
	"least(toUnixTimestamp(window_start) + {step_s}, intDiv({to_us} + 59999999, 60000000) * 60) - " +
	"greatest(toUnixTimestamp(window_start), intDiv({from_us} + 59999999, 60000000) * 60))"

// lengths are section 3 of docs/metrics.md.
func lengths() []Metric {
	const section = "Lengths"
	of := func(id, title, description string, columns ...Column) Metric {
		return Metric{ID: id, Section: section, Title: title, Description: description, Kind: Series, View: "lengths",
			Parameters: ofStreamWindows, Time: window, Columns: columns}
	}
	number := func(name, title, unit string) Column { return Column{Name: name, Title: title, Unit: unit} }
	optional := func(name, title, unit string) Column {
		return Column{Name: name, Title: title, Unit: unit, Optional: true}
	}
	levels := []string{"mean", "p5", "p25", "p50", "p75", "p90", "p95", "p99", "max"}
	shown := []string{"mean", "p50", "p99"}
	return []Metric{
		of("request_length", "Request length", "Tokens of the prompts of requests that succeeded. Longer prompts take prefill time and cache memory: set it beside the time to first token.",
			slices.Concat(quantiles("request", "Request", "short", shown, levels...), []Column{optional("request_cv", "CV", "none"),
				optional("request_lognormal_mu", "Lognormal mu", "none"), optional("request_lognormal_sigma", "Lognormal sigma", "none")})...),
		of("response_length", "Response length", "Tokens of the answers of requests that succeeded. A rise is longer occupation of the GPUs at the same rate: look for a changed prompt, model or limit.",
			slices.Concat(quantiles("response", "Response", "short", shown, levels...), []Column{optional("response_cv", "CV", "none"),
				optional("response_lognormal_mu", "Lognormal mu", "none"), optional("response_lognormal_sigma", "Lognormal sigma", "none")})...),
		of("length_n", "Requests with lengths", "Requests that succeeded and whose request and response tokens are known: what the section's other numbers are over.",
			Column{Name: "n", Title: "Requests", Unit: "short", Zero: true}),
		of("tokens", "Tokens", "Request and response tokens of all requests, failed ones included.",
			number("request_tokens", "Request tokens", "short"), number("response_tokens", "Response tokens", "short")).zero(),
		of("tokens_per_second", "Token throughput", "Tokens a second that arrived and that were generated, by arrival of their request. Response tokens at a standstill while requests come in is a stalled engine.",
			Column{Name: "request_tokens_per_second", Title: "Request tokens/s", Unit: "si:tok/s", SQL: "request_tokens / (" + covered + ")"},
			Column{Name: "response_tokens_per_second", Title: "Response tokens/s", Unit: "si:tok/s", SQL: "response_tokens / (" + covered + ")"}).zero(),
		of("length_fit", "Response by request length", "The line of least squares through response against request tokens. A slope near 0 says that the prompt does not foretell the answer's length.",
			number("slope", "Slope", "none"), optional("intercept", "Intercept", "none"), number("r2", "R²", "none"), number("pearson", "Correlation", "none")),
		of("bimodality", "Bimodality of answers", "Sarle's coefficient of the logarithm of response tokens. Above 5/9 (0.56) there are probably two kinds of request: look at them by log type or model.",
			number("bimodality", "Bimodality", "none")),
		of("lag1", "Lag-1 correlation of answers", "Correlation of an answer's length with that of the previous one. Above 0 long answers come together, which makes load burstier than arrivals are.",
			number("lag1", "Lag 1", "none")),
		{ID: "zipf", Section: section, Title: "Zipf exponent of request lengths", Kind: Stat, View: "lengths", Parameters: ofStreamWindows,
			Columns:     []Column{number("zipf_alpha", "Alpha", "none"), optional("zipf_alpha_se", "Standard error", "none")},
			Computed:    true,
			Description: "The exponent of a discrete power law over request tokens, by maximum likelihood: smaller means a heavier tail of long prompts."},
		{ID: "length_joint", Section: section, Title: "Request and response lengths", Kind: Heatmap, View: "length_joint", Parameters: ofStreamWindows,
			X: "request_from", Y: "response_from",
			Columns: []Column{number("request_from", "Request tokens", "short"), number("response_from", "Response tokens", "short"),
				number("count", "Requests", "short")},
			Description: "How many requests have which lengths, both on a logarithmic scale with 8 cells for each doubling. Clusters are kinds of request; a line at the top is a cap on answers."},
		{ID: "request_distribution", Section: section, Title: "Distribution of request lengths, with fit", Kind: Distribution, View: "length_joint", Also: []string{"lengths"},
			Parameters: ofStreamWindows, X: "tokens", Computed: true, Columns: lengthDistribution,
			Description: "The share of requests in each bin of a logarithmic scale of request tokens, and what the lognormal distribution fitted to them would have there. Spikes are templates and caps."},
		{ID: "response_distribution", Section: section, Title: "Distribution of response lengths, with fit", Kind: Distribution, View: "length_joint", Also: []string{"lengths"},
			Parameters: ofStreamWindows, X: "tokens", Computed: true, Columns: lengthDistribution,
			Description: "The share of requests in each bin of a logarithmic scale of response tokens, and what the lognormal distribution fitted to them would have there. A spike at the end is answers that were cut at a cap."},
		{ID: "length_profile", Section: section, Title: "Response length by request length", Kind: Distribution, View: "length_profile", Parameters: ofStreamWindows, X: "from",
			Columns: []Column{number("from", "Request tokens", "short"), number("mean", "Mean response", "short"), number("p50", "Median response", "short"),
				optional("n", "Requests", "short")},
			Description: "Mean and median response tokens of requests by their length. Flat means that prompts do not foretell answers, so that schedulers cannot either. Reads requests: slow over months."},
		{ID: "prompt_lengths", Section: section, Title: "Answers by prompt", Kind: Table, View: "prompt_lengths", Parameters: ofStream,
			Columns: []Column{
				{Name: "model", Title: "Model"}, {Name: "prompt_id", Title: "Prompt"}, number("n", "Answers", "short"), number("mean", "Mean", "short"),
				number("std", "Std", "short"), number("p25", "p25", "short"), number("p50", "p50", "short"), number("p75", "p75", "short"), number("p99", "p99", "short"),
				number("min", "Min", "short"), number("max", "Max", "short"), number("cv", "CV", "none"), number("at_cap", "At cap", "short"), {Name: "degenerate", Title: "Degenerate", Unit: "bool_yes_no"}},
			Description: "How the answers to one prompt vary, where the log names its prompts. Degenerate prompts run to the cap or nearly: repeat them, they are likely to loop."},
		{ID: "prompt_variance", Section: section, Title: "Variance of answers", Kind: Table, View: "prompt_variance", Parameters: ofStream,
			Columns: []Column{
				{Name: "model", Title: "Model"}, number("prompts", "Prompts", "short"), number("responses", "Answers", "short"), number("mean", "Mean", "short"),
				number("between", "Between prompts", "short"), number("within", "Within prompts", "short"), number("between_share", "Share between", "percentunit")},
			Description: "How much of the variance of answers lies between prompts and how much within one: the first could be foretold from the prompt, the second cannot."},
	}
}

var lengthDistribution = []Column{
	{Name: "tokens", Title: "Tokens", Unit: "short"}, {Name: "observed", Title: "Observed", Unit: "percentunit"},
	{Name: "lognormal", Title: "Lognormal", Unit: "percentunit"}, {Name: "count", Title: "Requests", Unit: "short", Optional: true},
}
