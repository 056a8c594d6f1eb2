// Package replay drives an OpenAI-compatible server with a trace and measures what comes back.
//
// It is open loop: requests go out when the trace says, whatever the server does, so a slow server cannot hide how slow it is by
// being asked less (coordinated omission). What comes of each request is a canonical request like those of any serving log.
//
// Start at run.go, Run. schedule.go is when requests are due, conversations.go when later turns are; prompt.go is what is asked,
// send.go one request and its answer, stream.go and chunk.go the answer's text, result.go what is made of it, summary.go the numbers.
//
// It knows neither Kafka nor ClickHouse: it is given requests, and gives requests. It never repeats a request, and keeps no answer.
package replay
