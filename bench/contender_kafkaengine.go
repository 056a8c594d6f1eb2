package main

import (
	"context"
	"fmt"

	"tidegauge/storage"
)

// kafkaEngine is ClickHouse by itself: its Kafka table engine reads the topic inside the server, and materialized views
// fill the raw table and a rollup by minute.
func kafkaEngine() contender {
	return contender{
		key: "kafka-engine", name: "ClickHouse Kafka engine", what: "raw table and a rollup by minute through materialized views",
		tables: []string{rawTable, `CREATE TABLE minutes (
	service LowCardinality(String), model LowCardinality(String), log_type LowCardinality(String), minute DateTime,
	requests UInt64, failures UInt64, request_sum Int64, response_sum Int64, response_squares Int64, product_sum Int64,
	elapsed_sum Int64, ttft_sum Int64
) ENGINE = SummingMergeTree ORDER BY (service, model, log_type, minute)`},
		start: func(ctx context.Context, l *lab, topic, group string, db *storage.DB) (*process, error) {
			for _, statement := range []string{
				// One consumer for each of the two cores, each with an insert pipeline of its own (thread_per_consumer), so
				// that parsing and writing go on side by side. The block is the largest that the server forms by itself:
				// fewer, larger parts are merged less. Texts are plain here: with LowCardinality the whole took
				// nearly twice the CPU. A flush interval of a second, as the others
				// have; the default of 7.5 s would only delay the last block.
				fmt.Sprintf(`CREATE TABLE queue (
	service String, model String, log_type String,
	conversation String, request_id String, seq Int64, arrival_us Int64,
	request_tokens Int32, response_tokens Int32, elapsed_us Int64, ttft_us Int64, outcome %s
) ENGINE = Kafka SETTINGS kafka_broker_list = '%s', kafka_topic_list = '%s', kafka_group_name = '%s',
	kafka_format = 'JSONEachRow', kafka_num_consumers = 2, kafka_thread_per_consumer = 1,
	kafka_max_block_size = 1048449, kafka_poll_max_batch_size = 65536, kafka_flush_interval_ms = 1000,
	input_format_skip_unknown_fields = 1`, outcomeType, l.broker(), topic, group),
				// The engine begins to read with the first view, so the view of the rollup comes first: it then misses nothing.
				`CREATE MATERIALIZED VIEW to_minutes TO minutes AS SELECT service, model, log_type,
	toStartOfMinute(toDateTime(intDiv(arrival_us, 1000000), 'UTC')) AS minute, count() AS requests,
	countIf(outcome NOT IN ('ok', 'cancelled')) AS failures, sum(request_tokens) AS request_sum,
	sum(response_tokens) AS response_sum, sum(toInt64(response_tokens) * response_tokens) AS response_squares,
	sum(toInt64(request_tokens) * response_tokens) AS product_sum, sum(elapsed_us) AS elapsed_sum, sum(ttft_us) AS ttft_sum
FROM queue GROUP BY service, model, log_type, minute`,
				`CREATE MATERIALIZED VIEW to_raw TO raw AS SELECT * FROM queue`,
			} {
				if err := db.Exec(ctx, statement); err != nil {
					return nil, err
				}
			}
			return nil, nil
		},
		stop: func(ctx context.Context, db *storage.DB) error {
			return db.Exec(ctx, "DROP TABLE queue SYNC")
		},
		counts: []string{countRaw, "SELECT toInt64(sum(requests)) FROM minutes"},
	}
}
