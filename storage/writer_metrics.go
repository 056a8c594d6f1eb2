package storage

import (
	"errors"
	"fmt"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/prometheus/client_golang/prometheus"
)

// The writer's metrics. A name, once released, is an interface: dashboards and alerts are built on it.
//
//	tidegauge_storage_inserts_total{table, result}   inserts; result is ok, transient, row or schema (why it failed)
//	tidegauge_storage_insert_retries_total{table}    inserts repeated because of transient or schema errors
//	tidegauge_storage_insert_rows_total{table}       rows acknowledged
//	tidegauge_storage_insert_batch_rows{table}       histogram of rows an insert
//	tidegauge_storage_insert_seconds{table}          histogram of the time an acknowledged insert took
//	tidegauge_storage_quarantined_rows_total{table}  rows refused for good
type writerMetrics struct {
	inserts     *prometheus.CounterVec
	retries     *prometheus.CounterVec
	rows        *prometheus.CounterVec
	quarantined *prometheus.CounterVec
	batchRows   *prometheus.HistogramVec
	seconds     *prometheus.HistogramVec
}

// newWriterMetrics makes the metrics and registers them. Several writers on one registerer share them.
func newWriterMetrics(registerer prometheus.Registerer) (*writerMetrics, error) {
	const namespace, subsystem = "tidegauge", "storage"
	counter := func(name, help string, labels ...string) *prometheus.CounterVec {
		return prometheus.NewCounterVec(prometheus.CounterOpts{Namespace: namespace, Subsystem: subsystem, Name: name, Help: help}, labels)
	}
	histogram := func(name, help string, buckets []float64) *prometheus.HistogramVec {
		return prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Subsystem: subsystem, Name: name, Help: help, Buckets: buckets}, []string{"table"})
	}
	m := &writerMetrics{
		inserts:     counter("inserts_total", "Inserts, by result: ok, or the class of the error.", "table", "result"),
		retries:     counter("insert_retries_total", "Inserts repeated because of transient or schema errors.", "table"),
		rows:        counter("insert_rows_total", "Rows acknowledged by ClickHouse.", "table"),
		quarantined: counter("quarantined_rows_total", "Rows that ClickHouse refused for good.", "table"),
		// A lone row to more than the largest insert, and a millisecond to the insert timeout.
		batchRows: histogram("insert_batch_rows", "Rows an insert.", prometheus.ExponentialBuckets(1, 4, 11)),
		seconds:   histogram("insert_seconds", "Time an acknowledged insert took.", prometheus.ExponentialBuckets(0.001, 2, 17)),
	}
	if registerer == nil {
		return m, nil
	}
	err := errors.Join(register(registerer, &m.inserts), register(registerer, &m.retries), register(registerer, &m.rows),
		register(registerer, &m.quarantined), register(registerer, &m.batchRows), register(registerer, &m.seconds))
	return m, err
}

// register registers a collector, or takes the one that an earlier writer registered.
func register[C prometheus.Collector](registerer prometheus.Registerer, collector *C) error {
	err := registerer.Register(*collector)
	var already prometheus.AlreadyRegisteredError
	if errors.As(err, &already) {
		if existing, ok := already.ExistingCollector.(C); ok {
			*collector = existing
			return nil
		}
	}
	if err != nil {
		return fmt.Errorf("registering the writer's metrics: %w", err)
	}
	return nil
}

// trouble logs an insert that did not go through, each kind of trouble of a table at most once in warnEvery: every
// repetition is counted by the metrics.
func (w *Writer) trouble(c chunk, kind string, err error) {
	w.troubleMu.Lock()
	key, now := c.target.table+" "+kind, time.Now()
	last, before := w.warned[key]
	if before && now.Sub(last) < warnEvery {
		w.troubleMu.Unlock()
		return
	}
	w.warned[key] = now
	w.troubleMu.Unlock()

	attributes := []any{"table", c.target.table, "rows", c.rows, "database", w.db.Database(), "server", w.db.Address(), "error", err}
	switch kind {
	case transient.String():
		w.logger.Warn("insert failed and is repeated; nothing more is read until it succeeds", attributes...)
	case schema.String(), "refused":
		w.logger.Error("insert is refused whatever its rows; it is repeated and nothing more is read until somebody acts: "+remedy(err), attributes...)
	default:
		w.logger.Error("rows refused for good go to quarantine; the others are stored", attributes...)
	}
}

// unread logs that the revisions could not be read, at most once in warnEvery.
func (w *Writer) unread(err error) {
	w.troubleMu.Lock()
	defer w.troubleMu.Unlock()
	const key = "revisions unread"
	if now := time.Now(); now.Sub(w.warned[key]) >= warnEvery {
		w.warned[key] = now
		w.logger.Warn("cannot read the revisions, trying again; no position is stored before", "database", w.db.Database(),
			"server", w.db.Address(), "error", err)
	}
}

// recovered says that what failed before goes through, and lets the next trouble be logged at once.
func (w *Writer) recovered(c chunk) {
	w.troubleMu.Lock()
	told := false
	for _, kind := range []string{transient.String(), schema.String(), "refused"} {
		key := c.target.table + " " + kind
		_, there := w.warned[key]
		told = told || there
		delete(w.warned, key)
	}
	w.troubleMu.Unlock()
	if told {
		w.logger.Info("inserts go through again", "table", c.target.table, "server", w.db.Address())
	}
}

// remedy says what to do about an error that only a person can mend.
func remedy(err error) string {
	var exception *clickhouse.Exception
	if !errors.As(err, &exception) {
		return "the table's columns are not this program's: compare its version with the one that ran `tidegauge migrate`"
	}
	switch exception.Code {
	case codeAccessDenied, codeReadonly, 291, 452:
		return "grant the user what the message names (INSERT and SELECT on the database)"
	case codeUnknownUser, codeWrongPassword, codeRequiredPassword, codeAuthenticationFailed, 195:
		return "correct the user or the password and start again, or mend the user on the server"
	case codeUnknownDatabase, 8, 10, 16, 20, 47, 60:
		return "run `tidegauge migrate` of this program's version"
	}
	return "mend what the message names"
}
