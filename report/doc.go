// Package report owns the summary document tidegauge.summary/1: its Go types (document.go and one file a section), its
// JSON (write.go, summary.schema.json), its human table (table.go), and the direct computation of it from raw requests
// (Collector, characterize.go).
//
// The types know nothing of how they are filled. Two things fill them: Collector, which keeps every request and
// computes from sorted raw values, and FromClickHouse (clickhouse.go), which reads what the views make of merged minutes.
// That the two agree is how each is checked (Compare), so Collector never uses sketches and never merges minutes.
//
// The package never reads files, never talks to Kafka, never writes to ClickHouse, and never prints but to the writer it is given.
//
// Start with document.go for the shapes; with characterize.go for the computation, then summarise.go, which lists the
// stages in order.
//
// Not obvious:
//   - What does not depend on order (lengths, outcomes, durations) is computed once for each model and log type (leaf.go)
//     and added up for the wider streams, in integers; what does (gaps, runs, lag1, in flight) is one pass a stream.
//   - A sample.go sample stays in the lists of its leaves; order statistics of the union are found by bisection.
//   - Sums of logarithms are floats, so leaves and lists are gone through in the order of names: the document is the same
//     to the last bit however the requests came and however many goroutines worked.
//   - Ties in METRICS' whole order (no id, no seq, or one id and different content) are broken by content.
package report
