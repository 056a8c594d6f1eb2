package ingest

import "sync/atomic"

// Progress is what a reader and a producer have done so far, for a progress bar: safe to read while they work. The
// zero value is ready.
type Progress struct {
	// BytesDone and BytesTotal count the sources' bytes as they lie on disk; the total is -1 where a source is a
	// stream.
	BytesDone, BytesTotal atomic.Int64
	// Rows counts delivered requests, Refused the rows that could not be read, Written the records that Kafka
	// acknowledged.
	Rows, Refused, Written atomic.Int64

	source atomic.Pointer[string]
}

// Source names the source that is being read, "" before the first.
func (p *Progress) Source() string {
	if s := p.source.Load(); s != nil {
		return *s
	}
	return ""
}
