-- SELECT window_start, topic, reason, records FROM dead_letter_counts(from_us = 0, to_us = 4102444800000000, step_s = 3600)
-- Records that could not become requests, for each window by when they were found, topic and class of the reason: the word
-- before its colon (empty, undecodable, refused, misrouted, too many streams). Whole minutes and step_s as in stream_minutes.
CREATE OR REPLACE VIEW dead_letter_counts {{onCluster}} AS
SELECT
    toDateTime({{template "window" "at"}}, 'UTC') AS window_start,
    topic,
    reason,
    count() AS records,
    sum(size) AS bytes
FROM
(
    SELECT topic, splitByChar(':', dead_letters.reason)[1] AS reason, dead_letters.bytes AS size, toInt64(toUnixTimestamp(stored_at)) AS at
    FROM dead_letters FINAL
    WHERE at >= {{template "from"}} * 60 AND at < {{template "to"}} * 60
)
GROUP BY window_start, topic, reason
ORDER BY window_start, topic, reason;
