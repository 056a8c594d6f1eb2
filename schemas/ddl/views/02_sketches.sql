-- SELECT window_start, response_buckets, response_ends FROM token_sketches(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- The merged sketches of each window's request and response tokens (METRICS: Sketch), for lengths: the buckets in
-- ascending order, and how many values lie in each or those before it. Zeros are not among them: rows count them apart.
-- Parameters as in stream_minutes.
--
-- Windows of up to two hours hold few buckets: putting them one after another and sorting is several times as fast as
-- counting by window and bucket. In longer ones buckets are counted, or their number would grow with the window. One of
-- the two queries has a condition that is false, and reads nothing.
CREATE OR REPLACE VIEW token_sketches {{onCluster}} AS
WITH
    -- A bucket and its count as one number, which sorts fast.
    ((b, c) -> bitShiftLeft(toUInt64(b + 32768), 40) + c) AS pack,
    (packed -> arrayMap(e -> bitShiftRight(e, 40), packed)) AS buckets_of,
    (packed -> arrayMap(e -> toInt16(toInt64(e) - 32768), arrayCompact(buckets_of(packed)))) AS distinct_of,
    -- How many lie in each distinct bucket and those before it: the sums so far, where the next bucket is another.
    (packed -> arrayFilter((e, b, next) -> b != next, arrayCumSum(arrayMap(e -> bitAnd(e, 1099511627775), packed)), buckets_of(packed),
        arrayResize(arrayPopFront(buckets_of(packed)), length(packed)))) AS ends_of
SELECT
    window_start,
    distinct_of(request_packed) AS request_buckets,
    ends_of(request_packed) AS request_ends,
    distinct_of(response_packed) AS response_buckets,
    ends_of(response_packed) AS response_ends
FROM
(
    SELECT
        window_start,
        arraySort(groupArrayArray(arrayMap((b, c) -> pack(b, c), request_buckets, request_counts))) AS request_packed,
        arraySort(groupArrayArray(arrayMap((b, c) -> pack(b, c), response_buckets, response_counts))) AS response_packed
    FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
        from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
    WHERE {step_s:UInt32} BETWEEN 1 AND 7200
    GROUP BY window_start
    UNION ALL
    SELECT
        window_start,
        arraySort(groupArrayIf(pack(b, c), kind = 0)) AS request_packed,
        arraySort(groupArrayIf(pack(b, c), kind = 1)) AS response_packed
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
    GROUP BY window_start
);

-- SELECT window_start, ttft_buckets, ttft_ends FROM latency_sketches(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- The merged sketches of each window's elapsed, ttft and tpot in microseconds, for latency. Made as token_sketches is.
CREATE OR REPLACE VIEW latency_sketches {{onCluster}} AS
WITH
    -- A bucket and its count as one number, which sorts fast.
    ((b, c) -> bitShiftLeft(toUInt64(b + 32768), 40) + c) AS pack,
    (packed -> arrayMap(e -> bitShiftRight(e, 40), packed)) AS buckets_of,
    (packed -> arrayMap(e -> toInt16(toInt64(e) - 32768), arrayCompact(buckets_of(packed)))) AS distinct_of,
    -- How many lie in each distinct bucket and those before it: the sums so far, where the next bucket is another.
    (packed -> arrayFilter((e, b, next) -> b != next, arrayCumSum(arrayMap(e -> bitAnd(e, 1099511627775), packed)), buckets_of(packed),
        arrayResize(arrayPopFront(buckets_of(packed)), length(packed)))) AS ends_of
SELECT
    window_start,
    distinct_of(elapsed_packed) AS elapsed_buckets,
    ends_of(elapsed_packed) AS elapsed_ends,
    distinct_of(ttft_packed) AS ttft_buckets,
    ends_of(ttft_packed) AS ttft_ends,
    distinct_of(tpot_packed) AS tpot_buckets,
    ends_of(tpot_packed) AS tpot_ends
FROM
(
    SELECT
        window_start,
        arraySort(groupArrayArray(arrayMap((b, c) -> pack(b, c), elapsed_buckets, elapsed_counts))) AS elapsed_packed,
        arraySort(groupArrayArray(arrayMap((b, c) -> pack(b, c), ttft_buckets, ttft_counts))) AS ttft_packed,
        arraySort(groupArrayArray(arrayMap((b, c) -> pack(b, c), tpot_buckets, tpot_counts))) AS tpot_packed
    FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
        from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
    WHERE {step_s:UInt32} BETWEEN 1 AND 7200
    GROUP BY window_start
    UNION ALL
    SELECT
        window_start,
        arraySort(groupArrayIf(pack(b, c), kind = 0)) AS elapsed_packed,
        arraySort(groupArrayIf(pack(b, c), kind = 1)) AS ttft_packed,
        arraySort(groupArrayIf(pack(b, c), kind = 2)) AS tpot_packed
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
    GROUP BY window_start
);
