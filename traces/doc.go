// Package traces owns workloads that are made rather than measured. Today that is the sample log (sample.go): small,
// seeded, and shaped like what the studies of serving logs report, so that the pipeline can be tried without a log of
// one's own.
//
// It gives requests and knows neither Kafka nor ClickHouse. Every request it makes is labelled synthetic.
package traces
