package integration

import "tidegauge/traces"

// changesOf lists the panels, and of which GPU where they are about several, on which each incident is seen: those with a series
// most of whose windows in it are as no quiet window is. On all others it is not.
var changesOf = map[traces.IncidentKind][]string{
	// As many requests as ever, so neither rate nor latency.
	traces.Burst: {
		"burstiness: Burstiness of gaps (CV)", "burstiness: Gamma shape, by moments and by maximum likelihood",
		"burstiness: Index of dispersion by scale", "burstiness: Peak to mean by scale", "burstiness: Windows by their CV",
		"overview: Burstiness (CV)", "overview: Burstiness, 5 min windows",
	},
	// Faults, what was not answered, and what was in flight until it timed out.
	traces.Outage: {
		"failures: By error type and status", "failures: Failure after failure", "failures: Failure rate with its 95 % interval",
		"failures: Fault rate by time of completion", "failures: Outcomes but ok", "failures: Runs of failures",
		"gpus: Energy per 1,000 response tokens", "gpus: Tokens per GPU-second",
		"latency: Goodput",
		"overview: Fault and failure rate", "overview: Fault rate", "overview: GPU utilisation and requests in flight", "overview: In flight",
		"overview: Load", "overview: Response tokens/s", "overview: Tokens per GPU-second", "overview: Tokens/s",
	},
	// All of latency, and what is in flight for it; not the rate, nor faults.
	traces.SlowHour: {
		"gpus: KV-cache usage", "gpus: Preemptions", "gpus: Requests in the engines",
		"latency: End to end", "latency: Goodput", "latency: Time per token", "latency: Time to first token",
		"overview: First token, p90", "overview: GPU utilisation and requests in flight", "overview: In flight", "overview: Latency, p90",
		"overview: Load",
	},
	// Turns that do not come, and the long contexts they would have had.
	traces.Stall: {
		"conversations: Follow-up turns a minute, and what they were a week before",
		"gpus: Energy per 1,000 response tokens", "gpus: Tokens per GPU-second",
		"lengths: Drift: spread and heaviness",
		"overview: Response tokens/s", "overview: Tokens per GPU-second", "overview: Tokens/s",
	},
	// That GPU alone, and the mean over those of the service.
	traces.IdleGPU: {
		"gpus: GPU power of node-1 2", "gpus: GPU temperature of node-1 2", "gpus: GPU utilisation of node-1 2",
		"gpus: Memory bandwidth in use of node-1 2", "gpus: PCIe and NVLink of node-1 2", "gpus: SM activity of node-1 2",
		"gpus: SM clock of node-1 2", "gpus: SM occupancy of node-1 2", "gpus: Tensor cores active of node-1 2",
		"overview: GPU utilisation and requests in flight",
	},
	traces.XIDError: {
		"gpus: New XID errors of node-1 1",
	},
	traces.PowerLimit: {
		"gpus: Held back by power or heat of node-1 0", "gpus: SM clock of node-1 0",
	},
	traces.Heat: {
		"gpus: GPU temperature of node-1 3", "gpus: Held back by power or heat of node-1 3", "gpus: SM clock of node-1 3",
	},
	// Nothing but that: numbers are right, late.
	traces.Lag: {
		"pipeline: Stored after",
	},
	traces.LateLog: {
		"pipeline: Stored after",
	},
	traces.Unreadable: {
		"pipeline: Dead letters",
	},
	// Everything of the service, and nothing of its GPUs.
	traces.Silence: {
		"burstiness: Burstiness of gaps (CV)", "burstiness: Gamma shape, by moments and by maximum likelihood",
		"burstiness: Index of dispersion by scale", "burstiness: Peak to mean by scale", "burstiness: Windows by their CV",
		"conversations: Active conversations", "conversations: Follow-up turns a minute, and what they were a week before",
		"failures: Failure after failure", "failures: Failure rate with its 95 % interval", "failures: Fault rate by time of completion",
		"gpus: Energy per 1,000 response tokens", "gpus: Tokens per GPU-second",
		"latency: End to end", "latency: Goodput", "latency: Time per token", "latency: Time to first token",
		"lengths: Drift: shape of the answers", "lengths: Drift: spread and heaviness", "lengths: Request length", "lengths: Response length",
		"overview: Burstiness (CV)", "overview: Burstiness, 5 min windows", "overview: Fault and failure rate", "overview: Fault rate",
		"overview: First token, p90", "overview: GPU utilisation and requests in flight", "overview: In flight", "overview: Latency, p90",
		"overview: Load", "overview: Requests/s", "overview: Response tokens/s", "overview: Tokens per GPU-second", "overview: Tokens/s",
		"pipeline: Requests that arrived", "pipeline: Stored after",
	},
}
