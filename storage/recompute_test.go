package storage_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"github.com/segmentio/kafka-go"

	"tidegauge/processors"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

func recompute(t testing.TB, db *storage.DB, service string, from, to int64) processors.RecomputeReport {
	t.Helper()
	r, err := processors.Recompute(t.Context(), storage.NewStore(db, testenv.Writer(t, db)),
		processors.RecomputeQuery{Service: service, FromUS: from, ToUS: to, ChunkRequests: 400}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func number(t testing.TB, db *storage.DB, sql string) (n uint64) {
	t.Helper()
	if err := db.QueryRow(t.Context(), sql).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestRecomputeMends deletes requests and changes rows, which verify finds, and wants it to find nothing after a
// recompute of their range; rows outside it stay as they are.
func TestRecomputeMends(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	log := verifyLog(5, 3000)
	fill(t, db, log)
	at := func(i int) int64 { return log[i].ArrivalUS / schemas.MinuteUS * schemas.MinuteUS }
	from, to := at(1000), at(2000)
	whole := int64(schemas.MaxArrivalUS)

	// Whole minutes, a model of others, whole conversations.
	run(t, db, fmt.Sprintf(`ALTER TABLE requests DELETE WHERE arrival_us >= %d AND arrival_us < %d AND (intDiv(arrival_us, 60000000) %% 5 = 0
    OR model = 'ö' OR cityHash64(conversation) %% 7 = 0) SETTINGS mutations_sync = 2`, from, to))
	before := verify(t, db, storage.VerifyQuery{})
	if before.Different == 0 {
		t.Fatal("verify does not find what was deleted")
	}
	for _, service := range []string{"a", oddService} {
		r := recompute(t, db, service, from, to)
		if r.Revision != 1 || r.Deleted < 50 || r.Minutes == 0 || r.Conversations == 0 {
			t.Errorf("service %q: %+v", service, r)
		}
	}
	if r := verify(t, db, storage.VerifyQuery{}); r.Different != 0 {
		t.Errorf("after a recompute %d of %d rows differ: %v", r.Different, before.Different, r.Differences[:min(len(r.Differences), 5)])
	}
	// Rows that are gone are in no view, merged or not.
	const left = "SELECT sum(requests) FROM stream_minutes(service = 'a', model = 'ö', log_type = NULL, from_us = %d, to_us = %d, step_s = 60)"
	for range 2 {
		if n := number(t, db, fmt.Sprintf(left, from, to)); n != 0 {
			t.Errorf("%d requests in rows that are gone", n)
		}
		run(t, db, "OPTIMIZE TABLE minutes FINAL")
		run(t, db, "OPTIMIZE TABLE conversations FINAL")
	}
	if n := number(t, db, fmt.Sprintf("SELECT count() FROM minutes FINAL WHERE bitShiftRight(version, %d) > 0 AND (minute < %d OR minute >= %d)",
		schemas.RevisionShift, from/schemas.MinuteUS, to/schemas.MinuteUS)); n != 0 {
		t.Errorf("%d rows outside the range were written", n)
	}

	// Rows that somebody wrote, with as many members as can be; rows that are lost; rows of nothing.
	run(t, db, "INSERT INTO minutes SELECT * REPLACE (version + 1000000 AS version, requests + 7 AS requests) FROM minutes FINAL WHERE service = 'a'")
	run(t, db, "INSERT INTO minutes SELECT * REPLACE (minute + 1000000 AS minute) FROM minutes FINAL WHERE service = 'a' LIMIT 3")
	run(t, db, "INSERT INTO conversations SELECT * REPLACE ('nobody' AS conversation) FROM conversations FINAL WHERE service = 'a' LIMIT 1")
	run(t, db, "ALTER TABLE conversations DELETE WHERE cityHash64(conversation) % 3 = 0 SETTINGS mutations_sync = 2")
	if r := verify(t, db, storage.VerifyQuery{}); r.Different < 500 {
		t.Errorf("verify finds only %d", r.Different)
	}
	for _, service := range []string{"a", oddService} {
		recompute(t, db, service, schemas.MinArrivalUS, whole)
	}
	if r := verify(t, db, storage.VerifyQuery{}); r.Different != 0 {
		t.Errorf("%d rows differ: %v", r.Different, r.Differences[:min(len(r.Differences), 5)])
	}
}

// TestRecomputeWhileProcessing deletes and recomputes while a processor writes: at the end nothing is missing but what
// was deleted, and verify finds nothing.
func TestRecomputeWhileProcessing(t *testing.T) {
	db := testenv.Migrated(t)
	broker, topic := testenv.Broker(t), "requests"
	testenv.CreateTopic(t, broker, topic, 2)
	config := processors.DefaultConfig()
	config.Brokers, config.Topic, config.FlushInterval, config.FetchWait = []string{broker}, topic, 50*time.Millisecond, 20*time.Millisecond
	runner, err := processors.New(config, processors.Dependencies{Store: storage.NewStore(db, testenv.Writer(t, db)), Logger: slog.New(slog.DiscardHandler)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- runner.Run(ctx) }()
	t.Cleanup(stop)

	log := verifyLog(6, 1500)
	client := &kafka.Client{Addr: kafka.TCP(broker), Timeout: 10 * time.Second}
	produced := make(chan error, 1)
	go func() {
		var errs error
		for part := range slices.Chunk(log, 50) {
			for partition := range 2 {
				var records []kafka.Record
				for i := range part {
					if schemas.Partition(part[i].Service, 2) == partition {
						records = append(records, kafka.Record{Value: kafka.NewBytes(schemas.AppendJSON(nil, &part[i]))})
					}
				}
				_, err := client.Produce(ctx, &kafka.ProduceRequest{Topic: topic, Partition: partition, RequiredAcks: kafka.RequireAll,
					Records: kafka.NewRecordReader(records...)})
				errs = errors.Join(errs, err)
			}
			time.Sleep(100 * time.Millisecond)
		}
		produced <- errs
	}()
	wait := func(what, sql string) {
		t.Helper()
		for deadline := time.Now().Add(60 * time.Second); number(t, db, sql) == 0; time.Sleep(50 * time.Millisecond) {
			if time.Now().After(deadline) {
				t.Fatal("waited in vain: ", what)
			}
		}
	}
	// The first ones are committed when others are stored that were sent later.
	wait("requests", fmt.Sprintf("SELECT toUInt64(count() >= 2) FROM requests WHERE arrival_us >= %d", log[200].ArrivalUS))
	run(t, db, fmt.Sprintf("ALTER TABLE requests DELETE WHERE arrival_us <= %d AND request_id IN ('id1', 'id2', 'id3', 'id4', 'id5') SETTINGS mutations_sync = 2",
		log[50].ArrivalUS))
	recomputes := 0
	for running := true; running || recomputes < 2; recomputes++ {
		for _, service := range []string{"a", oddService} {
			recompute(t, db, service, schemas.MinArrivalUS, schemas.MaxArrivalUS)
		}
		select {
		case err := <-produced:
			if err != nil {
				t.Fatal(err)
			}
			running = false
		default:
		}
	}
	distinct := make(map[string]bool)
	for _, r := range log {
		distinct[fmt.Sprint(r.Service, r.ArrivalUS, r.RequestID, r.Content())] = true
	}
	wait("all requests", fmt.Sprintf("SELECT toUInt64(count() >= %d) FROM requests FINAL", len(distinct)-5))
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	report := verify(t, db, storage.VerifyQuery{})
	if report.Different != 0 {
		t.Errorf("%d rows differ: %v", report.Different, report.Differences[:min(len(report.Differences), 5)])
	}
	if missing := len(distinct) - int(report.Requests); missing < 1 || missing > 5 {
		t.Errorf("%d of %d requests are missing after %d recomputes of both services", missing, len(distinct), recomputes)
	}
}
