package main

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/segmentio/kafka-go"

	"tidegauge/storage"
)

// naive is the program one writes in an afternoon from the libraries' own examples.
func naive() contender {
	return contender{
		key: "naive", name: "kafka-go Reader, encoding/json, clickhouse-go", what: "raw table, row by row",
		tables: []string{rawTable},
		start:  startConsumer("naive"),
		counts: []string{countRaw},
	}
}

// record is a request as a program reads it that knows nothing of the product. Its rivals read the same fields.
type record struct {
	Service        string `json:"service"`
	Model          string `json:"model"`
	LogType        string `json:"log_type"`
	Conversation   string `json:"conversation"`
	RequestID      string `json:"request_id"`
	Seq            int64  `json:"seq"`
	ArrivalUS      int64  `json:"arrival_us"`
	RequestTokens  int32  `json:"request_tokens"`
	ResponseTokens int32  `json:"response_tokens"`
	ElapsedUS      int64  `json:"elapsed_us"`
	TTFTUS         int64  `json:"ttft_us"`
	Outcome        string `json:"outcome"`
}

// A batch is written after so many rows or so long. ClickHouse's guide asks for 10,000 to 100,000 rows an insert; the
// upper end costs the engine least.
const (
	batchRows = 100_000
	batchWait = time.Second
)

// consumeNaive reads until ctx ends.
func consumeNaive(ctx context.Context, c consumption) error {
	options, err := clickhouse.ParseDSN(c.clickhouse)
	if err != nil {
		return err
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		return err
	}
	defer conn.Close()
	reader := kafka.NewReader(kafka.ReaderConfig{
		Brokers: []string{c.broker}, Topic: c.topic, GroupID: c.group, StartOffset: kafka.FirstOffset,
		// Fetches of megabytes: the defaults are made for single messages.
		MinBytes: 64 << 10, MaxBytes: 8 << 20, MaxWait: 200 * time.Millisecond,
		// The default of 5 s would only delay the start.
		JoinGroupBackoff: 100 * time.Millisecond,
	})
	defer reader.Close()
	for ctx.Err() == nil {
		batch, err := conn.PrepareBatch(ctx, "INSERT INTO raw")
		if err != nil {
			return err
		}
		messages := make([]kafka.Message, 0, batchRows)
		due, cancel := context.WithTimeout(ctx, batchWait)
		for len(messages) < batchRows {
			m, err := reader.FetchMessage(due)
			if errors.Is(err, context.DeadlineExceeded) {
				break
			}
			if err != nil {
				cancel()
				return err
			}
			var r record
			if err := json.Unmarshal(m.Value, &r); err != nil {
				cancel()
				return err
			}
			if err := batch.Append(r.Service, r.Model, r.LogType, r.Conversation, r.RequestID, r.Seq, r.ArrivalUS,
				r.RequestTokens, r.ResponseTokens, r.ElapsedUS, r.TTFTUS, r.Outcome); err != nil {
				cancel()
				return err
			}
			m.Value, m.Key = nil, nil // the commit needs the offset only
			messages = append(messages, m)
		}
		cancel()
		if len(messages) == 0 {
			if err := batch.Abort(); err != nil {
				return err
			}
			continue
		}
		if err := batch.Send(); err != nil {
			return err
		}
		if err := reader.CommitMessages(ctx, messages...); err != nil {
			return err
		}
	}
	return nil
}

// consumption is what a rival that is a program is told.
type consumption struct{ broker, topic, group, clickhouse string }

// startConsumer starts this program again as one of the rivals, so that its CPU time is its own.
func startConsumer(how string) func(context.Context, *lab, string, string, *storage.DB) (*process, error) {
	return func(_ context.Context, l *lab, topic, group string, db *storage.DB) (*process, error) {
		return startProcess(l.folder, how, l.self, "consume", "--how", how, "--broker", l.broker(), "--topic", topic,
			"--group", group, "--clickhouse", l.engine.Addr()+"/"+db.Database())
	}
}
