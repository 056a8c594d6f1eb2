package ingest

import (
	"io"

	"github.com/segmentio/kafka-go/protocol"

	"tidegauge/schemas"
)

// records is a batch for one partition: keys and values behind each other in one piece of memory, which is used again
// once the batch is acknowledged.
type records struct {
	data  []byte
	spans []span
	size  int // about what the batch takes on the wire, uncompressed
}

// span is where a record's key and value lie.
type span struct{ key, keyEnd, value, valueEnd int }

// recordOverhead is what the record format adds to a key and a value, at most: five varints and the attributes.
const recordOverhead = 24

// add appends a request's record. It gives the size that the batch now has.
func (r *records) add(q *schemas.Request) int {
	s := r.begin(q.Service)
	r.data = schemas.AppendJSON(r.data, q)
	return r.end(s)
}

// addValue appends a record that is written already.
func (r *records) addValue(key string, value []byte) int {
	s := r.begin(key)
	r.data = append(r.data, value...)
	return r.end(s)
}

// begin appends a record's key; its value comes next.
func (r *records) begin(key string) (s span) {
	// Records of one partition mostly are of one key: it need not be there twice.
	if n := len(r.spans); n > 0 && string(r.data[r.spans[n-1].key:r.spans[n-1].keyEnd]) == key {
		s.key, s.keyEnd = r.spans[n-1].key, r.spans[n-1].keyEnd
	} else {
		s.key = len(r.data)
		r.data = append(r.data, key...)
		s.keyEnd = len(r.data)
	}
	s.value = len(r.data)
	return s
}

// end closes a record after its value.
func (r *records) end(s span) int {
	s.valueEnd = len(r.data)
	r.spans = append(r.spans, s)
	r.size += s.keyEnd - s.key + s.valueEnd - s.value + recordOverhead
	return r.size
}

// moveLast takes the last record back and gives it to another batch.
func (r *records) moveLast(to *records) {
	last := len(r.spans) - 1
	s := r.spans[last]
	r.spans = r.spans[:last]
	n := s.keyEnd - s.key + s.valueEnd - s.value
	r.size -= n + recordOverhead
	key := len(to.data)
	to.data = append(append(to.data, r.data[s.key:s.keyEnd]...), r.data[s.value:s.valueEnd]...)
	to.spans = append(to.spans, span{key, key + s.keyEnd - s.key, key + s.keyEnd - s.key, len(to.data)})
	to.size += n + recordOverhead
}

func (r *records) reset() { r.data, r.spans, r.size = r.data[:0], r.spans[:0], 0 }

// reader gives the records from one to another to kafka-go, without an allocation each.
type reader struct {
	data       []byte
	spans      []span
	record     protocol.Record
	key, value lent
}

// ReadRecord implements protocol.RecordReader. The record is good until the next.
func (r *reader) ReadRecord() (*protocol.Record, error) {
	if len(r.spans) == 0 {
		return nil, io.EOF
	}
	s := r.spans[0]
	r.spans = r.spans[1:]
	r.key, r.value = lent{r.data[s.key:s.keyEnd]}, lent{r.data[s.value:s.valueEnd]}
	r.record.Key, r.record.Value = &r.key, &r.value
	return &r.record, nil
}

// lent implements protocol.Bytes over memory that somebody else owns.
type lent struct{ b []byte }

func (l *lent) Len() int     { return len(l.b) }
func (l *lent) Close() error { return nil }

func (l *lent) Read(p []byte) (int, error) {
	if len(l.b) == 0 {
		return 0, io.EOF
	}
	n := copy(p, l.b)
	l.b = l.b[n:]
	return n, nil
}

// WriteTo is what io.Copy calls in place of copying through a buffer.
func (l *lent) WriteTo(w io.Writer) (int64, error) {
	n, err := w.Write(l.b)
	l.b = l.b[n:]
	return int64(n), err
}
