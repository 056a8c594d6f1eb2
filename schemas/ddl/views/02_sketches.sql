-- SELECT window_start, response_sketch FROM token_sketches(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- The merged sketches of each window's request and response tokens (METRICS: Sketch), for lengths. A sketch is an
-- ascending array of numbers, each (bucket + 32768) * 2^40 + count. A bucket may come more than once. Zeros are not in it:
-- the rows count them apart. Parameters as in stream_minutes.
--
-- Windows of up to two hours hold few buckets: putting them one after another and sorting is several times as fast as counting
-- by window and bucket. In longer ones buckets are counted, or their number would grow with the window. One of the two
-- queries has a condition that is false, and reads nothing.
CREATE OR REPLACE VIEW token_sketches {{onCluster}} AS
WITH ((b, c) -> bitShiftLeft(toUInt64(b + 32768), 40) + c) AS pack
SELECT
    window_start,
    arraySort(groupArrayArray(arrayMap((b, c) -> pack(b, c), request_buckets, request_counts))) AS request_sketch,
    arraySort(groupArrayArray(arrayMap((b, c) -> pack(b, c), response_buckets, response_counts))) AS response_sketch
FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
    from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
WHERE {step_s:UInt32} BETWEEN 1 AND 7200
GROUP BY window_start
UNION ALL
SELECT
    window_start,
    arraySort(groupArrayIf(pack(b, c), kind = 0)) AS request_sketch,
    arraySort(groupArrayIf(pack(b, c), kind = 1)) AS response_sketch
FROM
(
    SELECT window_start, 0 AS kind, b, sum(n) AS c
    FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
        from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
    ARRAY JOIN request_buckets AS b, request_counts AS n
    WHERE {step_s:UInt32} NOT BETWEEN 1 AND 7200
    GROUP BY window_start, b
    UNION ALL
    SELECT window_start, 1 AS kind, b, sum(n) AS c
    FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
        from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
    ARRAY JOIN response_buckets AS b, response_counts AS n
    WHERE {step_s:UInt32} NOT BETWEEN 1 AND 7200
    GROUP BY window_start, b
)
GROUP BY window_start;

-- SELECT window_start, ttft_sketch FROM latency_sketches(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- The merged sketches of each window's elapsed, ttft and tpot in microseconds, for latency. Made as token_sketches is.
CREATE OR REPLACE VIEW latency_sketches {{onCluster}} AS
WITH ((b, c) -> bitShiftLeft(toUInt64(b + 32768), 40) + c) AS pack
SELECT
    window_start,
    arraySort(groupArrayArray(arrayMap((b, c) -> pack(b, c), elapsed_buckets, elapsed_counts))) AS elapsed_sketch,
    arraySort(groupArrayArray(arrayMap((b, c) -> pack(b, c), ttft_buckets, ttft_counts))) AS ttft_sketch,
    arraySort(groupArrayArray(arrayMap((b, c) -> pack(b, c), tpot_buckets, tpot_counts))) AS tpot_sketch
FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
    from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
WHERE {step_s:UInt32} BETWEEN 1 AND 7200
GROUP BY window_start
UNION ALL
SELECT
    window_start,
    arraySort(groupArrayIf(pack(b, c), kind = 0)) AS elapsed_sketch,
    arraySort(groupArrayIf(pack(b, c), kind = 1)) AS ttft_sketch,
    arraySort(groupArrayIf(pack(b, c), kind = 2)) AS tpot_sketch
FROM
(
    SELECT window_start, 0 AS kind, b, sum(n) AS c
    FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
        from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
    ARRAY JOIN elapsed_buckets AS b, elapsed_counts AS n
    WHERE {step_s:UInt32} NOT BETWEEN 1 AND 7200
    GROUP BY window_start, b
    UNION ALL
    SELECT window_start, 1 AS kind, b, sum(n) AS c
    FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
        from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
    ARRAY JOIN ttft_buckets AS b, ttft_counts AS n
    WHERE {step_s:UInt32} NOT BETWEEN 1 AND 7200
    GROUP BY window_start, b
    UNION ALL
    SELECT window_start, 2 AS kind, b, sum(n) AS c
    FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
        from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
    ARRAY JOIN tpot_buckets AS b, tpot_counts AS n
    WHERE {step_s:UInt32} NOT BETWEEN 1 AND 7200
    GROUP BY window_start, b
)
GROUP BY window_start;
