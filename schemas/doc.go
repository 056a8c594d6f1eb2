// Package schemas owns the shapes everything else agrees on: the request as it travels on the topic (request.go,
// its JSON in codec.go and request.schema.json), the topics' names and partitioner (topics.go), the columns
// in which requests and rows are handed to ClickHouse (requests.go, minutes.go, conversations.go, block.go), and
// ClickHouse's tables and views (ddl/, rendered by ddl.go).
//
// It never does I/O, never computes a metric and knows no other package of this project. Start with request.go.
package schemas
