-- +goose Up

-- Requests as they came. The key is the identity: a request that is read twice, sent twice or written twice by a
-- processor that crashed is one row after merging. It starts with (service, arrival_us) because every read is a
-- range of one service; what follows only tells requests of the same microsecond apart.
-- Partitions are functions of the key alone, or copies of one row could lie where they never meet.
CREATE TABLE IF NOT EXISTS {{local "requests"}} {{onCluster}} (
    service LowCardinality(String),
    arrival_us Int64 CODEC(Delta, LZ4),
    request_id String,
    content UInt64,
    seq Int64 CODEC(Delta, LZ4),
    model LowCardinality(String),
    log_type LowCardinality(String),
    operation LowCardinality(String),
    conversation String,
    client String,
    prompt_id String,
    outcome Enum8('ok' = 1, 'empty' = 2, 'error' = 3, 'timeout' = 4, 'rate_limited' = 5, 'cancelled' = 6, 'filtered' = 7),
    status_code Int32 DEFAULT -1,
    error_type LowCardinality(String),
    finish_reason LowCardinality(String),
    request_tokens Int32 DEFAULT -1,
    response_tokens Int32 DEFAULT -1,
    reasoning_tokens Int32 DEFAULT -1,
    cached_tokens Int32 DEFAULT -1,
    max_tokens Int32 DEFAULT -1,
    target_tokens Int32 DEFAULT -1,
    steps Int32 DEFAULT -1,
    elapsed_us Int64 DEFAULT -1,
    ttft_us Int64 DEFAULT -1,
    queue_us Int64 DEFAULT -1,
    config LowCardinality(String),
    host LowCardinality(String),
    temperature Float64 DEFAULT nan,
    top_p Float64 DEFAULT nan,
    has_seed UInt8,
    seed Int64 DEFAULT -1,
    prefix_hashes Array(UInt64),
    prefix_block_tokens Int32 DEFAULT -1,
    labels Map(String, String), -- LowCardinality inside a map costs 0.6 us a row, also where the map is empty
    stored_at DateTime DEFAULT now() CODEC(Delta, LZ4)
) ENGINE = {{replacing ""}}
PARTITION BY toYYYYMM(toDateTime(intDiv(arrival_us, 1000000), 'UTC'))
ORDER BY (service, arrival_us, request_id, content)
SETTINGS {{smallParts}};
{{distributed "requests"}}

-- One row for each stream and minute with requests in it (Go: schemas.Minutes). The stream comes before the minute in
-- the key, so that a view of one stream over any range reads one run of granules. The row with the highest version wins:
-- the one of the highest revision (table revisions), and within it of the largest set. A row that is deleted says that
-- requests were removed and none are left for this key; FINAL leaves it out.
CREATE TABLE IF NOT EXISTS {{local "minutes"}} {{onCluster}} (
    service LowCardinality(String),
    grouping Enum8('all' = 0, 'model' = 1, 'log_type' = 2, 'both' = 3),
    model LowCardinality(String),
    log_type LowCardinality(String),
    minute UInt32 CODEC(Delta, LZ4),
    version UInt64,
    requests UInt64,
    first_us Int64,
    last_us Int64,
    first_gap_us Int64,
    last_gap_us Int64,
    gap_squares UInt64,
    gap_products UInt64,
    gap_zero UInt64,
    gap_log Float64,
    gap_log2 Float64,
    gap_sketch Array(UInt32),
    second_squares UInt64,
    second_peak UInt64,
    ten_squares UInt64,
    ten_peak UInt64,
    elapsed_known UInt64,
    flight_us UInt64,
    flight_offsets Array(UInt16),
    flight_ends Array(UInt64),
    flight_end_us Array(UInt64),
    length_n UInt64,
    request_sum UInt64,
    request_squares UInt128,
    response_sum UInt64,
    response_squares UInt128,
    product_sum UInt128,
    request_zero UInt64,
    request_min Int32,
    request_max Int32,
    response_min Int32,
    response_max Int32,
    request_log Float64,
    request_log2 Float64,
    response_log Float64,
    response_log2 Float64,
    response_log3 Float64,
    response_log4 Float64,
    response_first Int32,
    response_last Int32,
    response_lag Float64,
    request_sketch Array(UInt32),
    response_sketch Array(UInt32),
    joint_grid Array(UInt32),
    request_tokens UInt64,
    response_tokens UInt64,
    ok UInt64,
    empty UInt64,
    error UInt64,
    timeout UInt64,
    rate_limited UInt64,
    cancelled UInt64,
    filtered UInt64,
    client_errors UInt64,
    failure_pairs UInt64,
    lead_run UInt64,
    trail_run UInt64,
    run_lengths Array(UInt64),
    run_counts Array(UInt64),
    elapsed_n UInt64,
    elapsed_sum UInt64,
    elapsed_max Int64,
    elapsed_zero UInt64,
    elapsed_sketch Array(UInt32),
    ttft_n UInt64,
    ttft_sum UInt64,
    ttft_max Int64,
    ttft_zero UInt64,
    ttft_sketch Array(UInt32),
    tpot_n UInt64,
    tpot_sum Float64,
    tpot_max Float64,
    tpot_zero UInt64,
    tpot_sketch Array(UInt32),
    ttft_after_end UInt64,
    deleted UInt8,
    stored_at DateTime DEFAULT now() CODEC(Delta, LZ4)
) ENGINE = {{replacing "version, deleted"}}
PARTITION BY toYYYYMM(toDateTime(minute * 60, 'UTC'))
ORDER BY (service, grouping, model, log_type, minute)
SETTINGS {{smallParts}};
{{distributed "minutes"}}

-- One row for each conversation (Go: schemas.Conversations). Not partitioned: the key holds no time, and a conversation
-- whose first turn turns up late must still replace its older row.
CREATE TABLE IF NOT EXISTS {{local "conversations"}} {{onCluster}} (
    service LowCardinality(String),
    conversation String,
    version UInt64,
    first_us Int64,
    last_us Int64,
    end_us Int64,
    turns UInt32,
    cut UInt8,
    turn_arrival_us Array(Int64),
    turn_seq Array(Int64),
    turn_id_hash Array(UInt64),
    turn_content Array(UInt64),
    turn_request_tokens Array(Int32),
    turn_response_tokens Array(Int32),
    turn_elapsed_us Array(Int64),
    turn_outcome Array(Enum8('ok' = 1, 'empty' = 2, 'error' = 3, 'timeout' = 4, 'rate_limited' = 5, 'cancelled' = 6, 'filtered' = 7)),
    deleted UInt8,
    stored_at DateTime DEFAULT now() CODEC(Delta, LZ4),
    INDEX first_arrival first_us TYPE minmax GRANULARITY 1
) ENGINE = {{replacing "version, deleted"}}
ORDER BY (service, conversation)
-- Conversations are looked up one by one, all over the table, and each look-up reads a granule.
SETTINGS {{smallParts}}, index_granularity = 512;
{{distributed "conversations"}}

-- Up to where each partition's records are in ClickHouse. Written before the offset is committed to Kafka, so a commit
-- ahead of it means that this database has been put back to an older state.
CREATE TABLE IF NOT EXISTS {{local "positions"}} {{onCluster}} (
    consumer_group LowCardinality(String),
    topic LowCardinality(String),
    partition Int32,
    position Int64,
    partitions Int32,
    stored_at DateTime DEFAULT now()
) ENGINE = {{replacing "position"}}
ORDER BY (consumer_group, topic, partition);
{{distributed "positions"}}

-- One row for each recompute of a range of a service's requests, which raises the service's revision: rows of a higher one
-- replace those of a lower one, however large these are. Processors read all of it at each flush, so it has to stay small.
-- A recompute says how far it has come (schemas.RecomputeBegun and on) by writing its row again.
CREATE TABLE IF NOT EXISTS {{local "revisions"}} {{onCluster}} (
    service LowCardinality(String),
    revision UInt16,
    recompute UInt64,
    from_us Int64,
    to_us Int64,
    stage UInt8,
    stored_at DateTime DEFAULT now()
) ENGINE = {{replacing "stage"}}
ORDER BY (service, revision, recompute);
{{distributed "revisions"}}

-- Records that could not become requests, by where they stand in the log: writing one twice is one row.
CREATE TABLE IF NOT EXISTS {{local "dead_letters"}} {{onCluster}} (
    topic LowCardinality(String),
    partition Int32,
    offset Int64,
    reason String,
    value String,
    bytes UInt64,
    stored_at DateTime DEFAULT now()
) ENGINE = {{replacing ""}}
ORDER BY (topic, partition, offset);
{{distributed "dead_letters"}}

-- +goose Down
-- There is no way down: dropping what was measured is a decision for a person, not for a migration.
SELECT 1;
