// Package ingest reads serving logs and writes them to Kafka.
//
// It owns the way from a file, a pipe or a growing log to valid requests (sources, compression, formats, the identity
// that makes reading a log twice harmless) and from requests to acknowledged records of the requests topic. It never
// computes a metric, never reads from Kafka and never guesses: what a log does not say stays unknown, and a row that
// cannot be read is refused with its file, line, field and reason.
//
// Where to start: Run (ingest.go) is the whole way; Reader (reader.go) is the half that needs no broker. Data flows
// through
//
//	Sources ─ stream ─ cutter ─ decoders ─ Reader.Next ─ pacer ─ Producer
//	source.go stream.go cut.go  batch.go    reader.go     pace.go  producer.go
//	          follow.go cut_*.go one file a format
//
// Receiver (receive.go) takes live requests over HTTP and gRPC: the same decoders, and batches that posts share in place of a
// Producer's.
//
// A new format is one new file with a Format and one line in formats (format.go).
//
// Not obvious: blocks of whole records are decoded by several goroutines at once and delivered in the order of the
// file, so a format that carries state from record to record must say so (ordered). And identity is decided here, once,
// before anything is sent: see stamp (batch.go).
package ingest
