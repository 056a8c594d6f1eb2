package processors

import (
	"errors"
	"io"
	"strconv"
	"time"

	"github.com/segmentio/kafka-go"
)

// fetchTimeout is added to FetchWait for the deadline of a fetch.
const fetchTimeout = 15 * time.Second

// read makes one fetch and gives its records to the worker.
func (p *partitionRun) read() error {
	at := p.worker.position()
	want := at.next
	batch, err := p.ask(want, p.runner.config.FetchBytes)
	if err != nil {
		return err
	}
	before, bytes := at.records, at.bytes
	var stamp time.Time
	first, err := p.first(batch, want)
	if err == nil {
		stamp = first.Time
		if p.worker.empty() {
			p.since, p.stamp = time.Now(), stamp
			p.progress.read(stamp, p.since)
		}
		p.worker.add(first.Offset, first.Value)
	}
	for err == nil {
		var n int
		if n, err = batch.Read(p.buffer); err == nil {
			p.worker.add(batch.Offset()-1, p.buffer[:n])
		}
	}
	mark := batch.HighWaterMark()
	if closed := batch.Close(); closed != nil && !errors.Is(err, io.ErrShortBuffer) {
		err = closed
	}
	m := p.runner.metrics
	m.records.Add(float64(at.records - before))
	m.bytes.Add(float64(at.bytes - bytes))
	if endOfFetch(err) {
		err = nil
	}
	if err == nil {
		p.behind = mark > at.next
		m.lag.WithLabelValues(strconv.Itoa(p.id)).Set(float64(max(0, mark-at.next)))
		p.progress.fetched(p.behind, stamp, time.Now())
	}
	return err
}

// endOfFetch says whether an error is only the end of a fetch, with or without records.
func endOfFetch(err error) bool {
	return errors.Is(err, io.EOF) || errors.Is(err, kafka.RequestTimedOut)
}

// ask sends a fetch and waits for the head of its answer.
func (p *partitionRun) ask(want int64, bytes int) (*kafka.Batch, error) {
	wait := p.runner.config.FetchWait
	if err := p.conn.SetDeadline(time.Now().Add(wait + fetchTimeout)); err != nil {
		return nil, err
	}
	if _, err := p.conn.Seek(want, kafka.SeekAbsolute|kafka.SeekDontCheck); err != nil {
		return nil, err
	}
	batch := p.conn.ReadBatchWith(kafka.ReadBatchConfig{MinBytes: 1, MaxBytes: bytes, MaxWait: wait})
	// A compressed batch starts where it starts, and one that the last fetch cut off is sent again from its start: there
	// may be records before the one that was asked for. ReadMessage would skip them by itself, with two allocations each,
	// up to the connection's offset; first does it without.
	_, err := p.conn.Seek(0, kafka.SeekAbsolute|kafka.SeekDontCheck)
	return batch, err
}

// first gives the first record of a fetch that was asked for, with its timestamp, which Read hides. So the price of the
// timestamp is one record's memory for each fetch; the others are read into one buffer.
func (p *partitionRun) first(batch *kafka.Batch, want int64) (kafka.Message, error) {
	m, err := batch.ReadMessage()
	for err == nil && m.Offset < want {
		if batch.Offset() == want {
			m, err = batch.ReadMessage()
			continue
		}
		var n int
		if n, err = batch.Read(p.buffer); err == nil {
			// If compaction has taken the one that was asked for, this is the next, and the time that of a record a
			// little before it.
			m.Offset, m.Value = batch.Offset()-1, p.buffer[:n]
		}
	}
	return m, err
}

// peekBytes is what is asked for where one record is wanted; Kafka answers with a whole batch all the same.
const peekBytes = 1 << 10

// peek learns the timestamp of the record at an offset, or the first after it; the topic ends at last.
func (p *partitionRun) peek(at, last int64) error {
	if at >= last {
		p.progress.starts(false, time.Time{}, time.Now())
		return nil
	}
	batch, err := p.ask(at, peekBytes)
	if err != nil {
		return err
	}
	m, err := p.first(batch, at)
	if closed := batch.Close(); err == nil {
		err = closed
	}
	if err != nil && !endOfFetch(err) && !errors.Is(err, io.ErrShortBuffer) {
		return err
	}
	p.progress.starts(true, m.Time, time.Now())
	return nil
}
