-- +goose Up

-- Conversations once more, in the order in which they are asked for: by the day of their first turn. Table conversations is in
-- the order in which processors look them up, by id, so that every panel of a range had all of the service's conversations
-- merged, those of other years included; here ClickHouse reads the range's days. It holds what views need, no identities.
--
-- A materialized view fills it from what is inserted into conversations. The day is part of the key, so that a conversation
-- whose first turn moves to another day would stay at the old one, too. But a set only grows: the day of an older row is the
-- day of one of the newer one's turns. So each row also says, for all other days of its turns, that the conversation does not
-- begin there, under its own version; a row of a smaller set loses to that, whenever it comes. Of a conversation whose turns
-- were deleted, a recompute says so. (What is left: more than MaxTurns turns that come in one flush and are all earlier
-- than a day on which the conversation was said to begin push that day's turns out of the row.)
CREATE TABLE IF NOT EXISTS {{local "conversations_by_day"}} {{onCluster}} (
    service LowCardinality(String),
    day UInt32 CODEC(Delta, LZ4),
    conversation String,
    version UInt64,
    first_us Int64 CODEC(Delta, LZ4),
    last_us Int64 CODEC(Delta, LZ4),
    end_us Int64 CODEC(Delta, LZ4),
    turns UInt32,
    cut UInt8,
    turn_arrival_us Array(Int64) CODEC(Delta, LZ4),
    turn_request_tokens Array(Int32),
    turn_response_tokens Array(Int32),
    turn_elapsed_us Array(Int64),
    turn_outcome Array(Enum8('ok' = 1, 'empty' = 2, 'error' = 3, 'timeout' = 4, 'rate_limited' = 5, 'cancelled' = 6, 'filtered' = 7)),
    deleted UInt8,
    stored_at DateTime DEFAULT now() CODEC(Delta, LZ4),
    -- For conversations that are under way: those of earlier days that have turns in the range.
    INDEX last_arrival last_us TYPE minmax GRANULARITY 1
) ENGINE = {{replacing "version, deleted"}}
ORDER BY (service, day, conversation)
SETTINGS {{smallParts}};
{{distributed "conversations_by_day"}}

-- Whoever may insert conversations fills it; with a definer it would depend on the user that once ran the migration.
CREATE MATERIALIZED VIEW IF NOT EXISTS conversations_to_days {{onCluster}} TO {{local "conversations_by_day"}} SQL SECURITY NONE AS
{{template "by_day" (local "conversations")}};

-- Those that were stored before. What is stored meanwhile comes twice, as one row.
INSERT INTO conversations_by_day
{{template "by_day" "conversations FINAL"}};
{{if .Cluster}}
-- A row that is written again after it was deleted must not be taken for a repetition. The setting of inserts that says so,
-- insert_deduplicate, counts no longer where a server's deduplicate_insert is on, as it is from 26 on.
{{range replicated}}ALTER TABLE {{local .}} {{onCluster}} MODIFY SETTING replicated_deduplication_window = 0;
{{end}}{{end}}
{{views "31" "31"}}
{{views "51" "51"}}
{{views "70" "74"}}
{{views "86" "86"}}

-- +goose Down
SELECT 1;
