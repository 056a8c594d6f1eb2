// Package traces owns workloads that are made rather than measured. There are two: the sample log
// (sample.go), small, seeded, and shaped like what the studies of serving logs report, so that the pipeline can be tried without a
// log of one's own; and a day with incidents at known times (day.go), so that dashboards and alert rules can be.
//
// The folders below it take requests further: encode and columnar write them as files that other tools read, handoff says how those
// are run, workload describes them as a profile and makes others like them, contrast says whether one load stands for another,
// replay sends them to a server.
//
// The package itself gives requests, and samples of GPUs, and knows neither Kafka nor ClickHouse. Every request it makes is labelled synthetic.
package traces
