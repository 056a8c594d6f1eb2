package contrast

import "fmt"

// meanings say, by measure, what it does to a load test that B is more than A, and that it is less. B is taken for what
// a server is tested with, A for what it has to carry.
var meanings = map[string][2]string{
	"arrivals.rate": {"B asks more often than A: what carries B has room to spare under A.",
		"B asks less often than A: what carries B may not carry A."},
	"tokens_per_second": {"B brings more tokens a second than A: engines work harder under B than they will under A.",
		"B brings fewer tokens a second than A: engines that keep up with B may not keep up with A."},
	"requests_per_minute.p95": {"B's busy minutes are busier than A's: capacity for B's peaks is more than A needs.",
		"B's busy minutes are not as busy as A's: A's peaks are not in the test."},
	"arrivals.gap_cv": {"B is burstier than A: queues and tail latencies under B are worse than A's will be.",
		"B's arrivals are more even than A's: queues and tail latencies under B are better than A's will be."},
	"gap_shape": {"B has other gaps than A, the usual one longer: requests come together in other numbers, so batches and queues differ.",
		"B has other gaps than A, the usual one shorter: requests come together in other numbers, so batches and queues differ."},
	"arrivals.windows.300.gap_cv": {"Within five minutes B is usually burstier than A: its queues are worse than A's will be.",
		"Within five minutes B is usually more even than A: its queues are better than A's will be."},
	"arrivals.idc.1": {"B's seconds are more uneven than A's: more requests wait for a batch under B.",
		"B's seconds are more even than A's: fewer requests wait for a batch under B than will under A."},
	"arrivals.idc.10": {"Over ten seconds B varies more than A: queues get longer under B.",
		"Over ten seconds B varies less than A: queues that A will build up are not in the test."},
	"arrivals.idc.60": {"From minute to minute B varies more than A: it asks more of autoscaling and admission.",
		"From minute to minute B varies less than A: autoscaling and admission are not tested as A will test them."},
	"autocorrelation.1": {"B's bursts last beyond a second more than A's: backlogs last longer under B.",
		"A's bursts last beyond a second more than B's: backlogs will last longer than under B."},
	"autocorrelation.10": {"B's bursts last ten seconds and more, A's do not as much: backlogs last longer under B.",
		"A's bursts last ten seconds and more, B's do not as much: backlogs will last longer than under B."},
	"autocorrelation.60": {"A busy minute of B is followed by another more than in A: load lasts longer under B.",
		"A busy minute of A is followed by another more than in B: load that lasts is not in the test."},
	"autocorrelation.300": {"B's load drifts over minutes more than A's.",
		"A's load drifts over minutes, B's does so less: autoscaling is not tested as A will test it."},
	"turns": {"B's conversations have more turns: more context can be found in caches than under A.",
		"B's conversations have fewer turns: caches of prefixes find less than they will under A."},
	"conversations.turns_per_conversation.mean": {"B's conversations are longer: more context can be found in caches than under A.",
		"B's conversations are shorter: caches of prefixes find less than they will under A."},
	"conversations.interval": {"B's next turns come later: a cache has to keep prefixes longer than A needs.",
		"B's next turns come sooner: caches are warmer than they will be under A."},
	"lengths.request": {"B's prompts are longer than A's, or spread otherwise: prefill takes more than it will under A.",
		"B's prompts are shorter than A's, or spread otherwise: prefill takes less than it will under A."},
	"lengths.request.mean": {"B's prompts are longer: prefill and memory take more than they will under A.",
		"B's prompts are shorter: prefill and memory take less than they will under A."},
	"lengths.request.p99": {"B's longest prompts are longer: it takes more memory than A will, and holds up more of what is beside it.",
		"B's longest prompts are shorter: the stalls that A's will cause are not in the test."},
	"lengths.response": {"B's answers are longer than A's, or spread otherwise: a request holds its place in the batch for longer.",
		"B's answers are shorter than A's, or spread otherwise: a request holds its place in the batch for less time than it will."},
	"lengths.response.mean": {"B's answers are longer: it takes more decoding than A will.",
		"B's answers are shorter: it takes less decoding than A will."},
	"lengths.response.p99": {"B's longest answers are longer: places in the batch are held for longer than A will.",
		"B's longest answers are shorter: places in the batch that A will hold for long are not in the test."},
	"lengths.pearson": {"In B long prompts go with long answers more than in A: its heaviest requests are heavier than A's.",
		"In A long prompts go with long answers more than in B: A's heaviest requests are not in the test."},
	"failures.failure_rate": {"B fails more: what failed gave no work to the engines, so B is lighter than it looks.",
		"B fails less: what fails in A is work in B, and retries that follow failures are not in the test."},
	"failures.failure_after_failure": {"B's failures come in longer runs than A's.",
		"A's failures come in longer runs than B's: outages are not in the test."},
	"latency.elapsed":     {"B's answers take longer. " + ofTheServer, "B's answers take less time. " + ofTheServer},
	"latency.elapsed.p99": {"B's slowest answers take longer. " + ofTheServer, "B's slowest answers take less time. " + ofTheServer},
	"latency.ttft":        {"B's first tokens come later. " + ofTheServer, "B's first tokens come sooner. " + ofTheServer},
	"latency.tpot":        {"B's tokens come slower. " + ofTheServer, "B's tokens come faster. " + ofTheServer},
}

const ofTheServer = "Latency is a server's answer to the load: it says which server was faster only where the load is alike."

// likeness says, by section, what it means that two sides are alike.
var likeness = map[string]string{
	Load:          "B asks as much of a fleet as A does.",
	Burstiness:    "Queues build up under B as they do under A.",
	Conversations: "Caches of prefixes find under B what they find under A.",
	Lengths:       "A request of B is as much work as one of A.",
	Failures:      "As much fails in B as in A.",
	Latency:       "Both were answered as fast.",
}

// meaning says what a verdict means for a load test.
func (e *evidence) meaning(v Verdict) string {
	switch {
	case v == Alike:
		return likeness[e.section]
	case v == Absent:
		return ""
	case v == CannotTell:
		return "Nothing follows from it either way."
	}
	text := meanings[e.name][1]
	if e.more {
		text = meanings[e.name][0]
	}
	if e.name == "arrivals.rate" && e.a > 0 {
		text += fmt.Sprintf(" convert --time-scale %s brings it to A's rate, to compare the rest.", figure(e.b/e.a))
	}
	return text
}
