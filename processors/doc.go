// Package processors turns a log of requests into rows, exactly.
//
// Everything computed is a row about an entity, and an entity is a set of requests: a minute (a service's requests that
// arrived in one UTC minute; one row for each stream in it) or a conversation. A row is a pure function of its set,
// taken in the order of METRICS (arrival, seq, XXH64 of the request id): member.go holds a request as sets keep it,
// members.go and set.go the set, minute.go with arrivals.go, lengths.go, outcomes.go and latency.go the minute's row (its
// sums in fixed.go, its histograms in counter.go), conversation.go the conversation's. worker.go keeps one partition's sets as a cache over ClickHouse and makes flushes of what was
// touched; runner.go and kafka.go drive workers from a consumer group: flush, then commit.
//
// The package never computes a published number from rows (the views do, see schemas/ddl/views) and never decides
// anything by a clock: time decides only when a flush happens. Start with member.go and worker.go; docs/design.md says
// why the result is exact.
package processors
