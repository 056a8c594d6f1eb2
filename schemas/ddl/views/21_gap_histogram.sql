-- SELECT bucket, value, count FROM gap_histogram(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 0)
-- The sketch of each window's gaps: how many lie in each log bucket (METRICS: Sketch). Gaps of 0 have no bucket: they
-- are listed with bucket NULL and value 0. value is in seconds, buckets are of microseconds. Parameters as in
-- stream_minutes.
CREATE OR REPLACE VIEW gap_histogram {{onCluster}} AS
SELECT
    window_start,
    if(b = -32768, NULL, b) AS bucket,
    if(b = -32768, 0, 2 * pow(1.02, b) / 2.02 / 1000000) AS value,
    sum(c) AS count
FROM
(
    SELECT window_start, toInt16({{template "key" "entry"}}) - {{sketchBase}} AS b, toUInt64({{template "count" "entry"}}) AS c
    FROM {{template "minutes" columns "gap_sketch"}}
    ARRAY JOIN gap_sketch AS entry
    UNION ALL
    SELECT window_start, -32768 AS b, gap_zero AS c
    FROM {{template "minutes" columns "gap_zero"}}
    WHERE gap_zero > 0
    UNION ALL
    -- Entry gaps, which are never 0, are of whole microseconds: log(v) / log(1.02) falls on the right side of every
    -- bucket's limit, and is 0 for v = 1.
    SELECT window_start, toInt16(ceil(log(entry) / log(1.02))) AS b, toUInt64(1) AS c
    FROM
    (
        SELECT window_start, first_us - lagInFrame(last_us, 1, first_us) OVER (PARTITION BY window_start ORDER BY minute) AS entry
        FROM {{template "minutes" columns "first_us" "last_us"}}
    )
    WHERE entry > 0
)
GROUP BY window_start, b
ORDER BY window_start, b;
