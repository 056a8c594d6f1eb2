-- The rows of table minutes as they follow from table requests, for some services and a range of whole minutes: the second
-- side of verify. It is written from the definitions in schemas/minutes.go and shares nothing with package processors.
-- It sorts each stream's requests of a minute into arrays and takes every number from these. What is used several times is made
-- a subquery further in: within one, ClickHouse puts an alias's whole expression in each place, and plans for a second.
WITH
    -- Sketches: the bucket of v > 0. For whole numbers up to 24 hours of microseconds the logarithms fall on the right
    -- side of every limit (TestVerifyBuckets).
    (v -> toInt16(ceil(log(v) / log(1.02)))) AS bucket,
    (v -> log(v) - {token_log_shift:Float64}) AS token_log,
    -- A sorted array's distinct values, and how often each comes: from where it begins to where the next does.
    -- Neighbours come as arrays of their own: an array inside a lambda is copied for each of its elements, which for a minute of
    -- ten thousand requests are gigabytes.
    (sorted -> arrayFilter((i, value, before) -> i = 1 OR value != before, arrayEnumerate(sorted), sorted, arrayShiftRight(sorted, 1))) AS begins,
    (sorted -> arrayCompact(sorted)) AS values_of,
    (sorted -> arrayMap((b, e) -> toUInt64(e - b), begins(sorted),
        arrayConcat(arrayPopFront(begins(sorted)), if(empty(sorted), [], [toUInt32(length(sorted) + 1)])))) AS counts_of,
    -- The two packed, as sketches are kept: value + base in the upper 16 bits, count in the lower, and another entry where 65,535 are
    -- not enough.
    ((sorted, base) -> arrayFlatten(arrayMap((v, n) -> arrayMap(i -> toUInt32((toInt64(v) + base) * 65536 + least(65535, n - 65535 * i)),
        range(intDiv(n + 65534, 65535))), values_of(sorted), counts_of(sorted)))) AS entries_of
SELECT
    service,
    grouping,
    model,
    log_type,
    minute,
    members AS version,
    length(r) AS requests,
    t[1] AS first_us,
    t[-1] AS last_us,
    if(empty(gaps), -1, gaps[1]) AS first_gap_us,
    if(empty(gaps), -1, gaps[-1]) AS last_gap_us,
    arraySum(arrayMap(x -> x * x, gaps)) AS gap_squares,
    arraySum(arrayMap((a, b) -> a * b, arrayPopBack(gaps), arrayPopFront(gaps))) AS gap_products,
    countEqual(gaps, 0) AS gap_zero,
    arraySum(arrayMap(x -> log(x / 1000000), positive)) AS gap_log,
    arraySum(arrayMap(x -> pow(log(x / 1000000), 2), positive)) AS gap_log2,
    entries_of(gap_sorted, {sketch_base:UInt16}) AS gap_sketch,
    counts_of(arrayMap(x -> intDiv(x, 1000000), t)) AS seconds,
    counts_of(arrayMap(x -> intDiv(x, 10000000), t)) AS tens,
    arraySum(x -> x * x, seconds) AS second_squares,
    arrayMax(seconds) AS second_peak,
    arraySum(x -> x * x, tens) AS ten_squares,
    arrayMax(tens) AS ten_peak,

    length(timed) AS elapsed_known,
    arraySum(q -> least(q.arrival + q.elapsed, (toInt64(minute) + 1) * 60000000) - q.arrival, timed) AS flight_us,
    values_of(arrayMap(p -> p.1, later)) AS flight_offsets,
    counts_of(arrayMap(p -> p.1, later)) AS flight_ends,
    arrayMap(o -> arraySum(p -> if(p.1 = o, p.2, 0), later), flight_offsets) AS flight_end_us,

    length(answered) AS length_n,
    arraySum(x) AS request_sum,
    arraySum(arrayMap(v -> toInt128(v) * v, x)) AS request_squares,
    arraySum(y) AS response_sum,
    arraySum(arrayMap(v -> toInt128(v) * v, y)) AS response_squares,
    arraySum(arrayMap((a, b) -> toInt128(a) * b, x, y)) AS product_sum,
    countEqual(x, 0) AS request_zero,
    if(empty(some_x), -1, arrayMin(some_x)) AS request_min,
    if(empty(x), -1, arrayMax(x)) AS request_max,
    if(empty(y), -1, arrayMin(y)) AS response_min,
    if(empty(y), -1, arrayMax(y)) AS response_max,
    arraySum(log_x) AS request_log,
    arraySum(arrayMap(v -> pow(v, 2), log_x)) AS request_log2,
    arraySum(log_y) AS response_log,
    arraySum(arrayMap(v -> pow(v, 2), log_y)) AS response_log2,
    arraySum(arrayMap(v -> pow(v, 3), log_y)) AS response_log3,
    arraySum(arrayMap(v -> pow(v, 4), log_y)) AS response_log4,
    if(empty(y), -1, y[1]) AS response_first,
    if(empty(y), -1, y[-1]) AS response_last,
    arraySum(arrayMap((a, b) -> a * b, arrayPopBack(log_y), arrayPopFront(log_y))) AS response_lag,
    entries_of(request_sorted, {sketch_base:UInt16}) AS request_sketch,
    entries_of(response_sorted, {sketch_base:UInt16}) AS response_sketch,
    entries_of(cells, 0) AS joint_grid,
    arraySum(q -> greatest(q.x, 0), r) AS request_tokens,
    arraySum(q -> greatest(q.y, 0), r) AS response_tokens,

    countEqual(outcomes, 1) AS ok,
    countEqual(outcomes, 2) AS empty,
    countEqual(outcomes, 3) AS error,
    countEqual(outcomes, 4) AS timeout,
    countEqual(outcomes, 5) AS rate_limited,
    countEqual(outcomes, 6) AS cancelled,
    countEqual(outcomes, 7) AS filtered,
    arrayCount(q -> q.outcome = 3 AND q.status BETWEEN 400 AND 499, r) AS client_errors,
    arraySum(arrayMap((a, b) -> a AND b, arrayPopBack(failed), arrayPopFront(failed))) AS failure_pairs,
    runs[1] AS lead_run,
    runs[-1] AS trail_run,
    values_of(inner_runs) AS run_lengths,
    counts_of(inner_runs) AS run_counts,

    length(elapsed) AS elapsed_n,
    arraySum(elapsed) AS elapsed_sum,
    if(empty(elapsed), -1, arrayMax(elapsed)) AS elapsed_max,
    countEqual(elapsed, 0) AS elapsed_zero,
    entries_of(elapsed_sorted, {sketch_base:UInt16}) AS elapsed_sketch,
    length(ttft) AS ttft_n,
    arraySum(ttft) AS ttft_sum,
    if(empty(ttft), -1, arrayMax(ttft)) AS ttft_max,
    countEqual(ttft, 0) AS ttft_zero,
    entries_of(ttft_sorted, {sketch_base:UInt16}) AS ttft_sketch,
    length(tpot) AS tpot_n,
    arraySum(tpot) AS tpot_sum,
    if(empty(tpot), -1, arrayMax(tpot)) AS tpot_max,
    countEqual(tpot, 0) AS tpot_zero,
    entries_of(tpot_sorted, {sketch_base:UInt16}) AS tpot_sketch,
    arrayCount(q -> q.outcome = 1 AND q.elapsed >= 0 AND q.ttft > q.elapsed AND q.y > 1, r) AS ttft_after_end,
    stored_at
FROM
(
    SELECT
        *,
        arraySort(arrayMap(x -> bucket(x), positive)) AS gap_sorted,
        arrayFilter(q -> q.elapsed >= 0, r) AS timed,
        -- Those that end in a later minute: which, and for how long they are in it.
        arraySort(arrayFilter(p -> p.1 > 0, arrayMap(q -> (toUInt16(intDiv(q.arrival + q.elapsed, 60000000) - minute),
            toUInt64((q.arrival + q.elapsed) % 60000000)), timed))) AS later,
        arrayFilter(q -> q.outcome = 1 AND q.x >= 0 AND q.y > 0, r) AS answered,
        arrayMap(q -> toInt64(q.x), answered) AS x,
        arrayMap(q -> toInt64(q.y), answered) AS y,
        arrayFilter(v -> v > 0, x) AS some_x,
        arrayMap(v -> token_log(v), some_x) AS log_x,
        arrayMap(v -> token_log(v), y) AS log_y,
        arraySort(arrayMap(v -> bucket(v), some_x)) AS request_sorted,
        arraySort(arrayMap(v -> bucket(v), y)) AS response_sorted,
        arraySort(arrayMap((a, b) -> toUInt16(if(a = 0, {joint_zero:UInt16}, floor({joint_octave:UInt16} * log2(a))) * 256
            + floor({joint_octave:UInt16} * log2(b))), x, y)) AS cells,
        arrayMap(q -> q.outcome, r) AS outcomes,
        arrayMap(o -> o NOT IN (1, 6), outcomes) AS failed,
        -- Split before every request that did not fail, with one put before the first: a piece is such a request and the
        -- failures after it.
        arrayMap(p -> toUInt64(length(p) - 1), arraySplit(f -> NOT f, arrayConcat([0], failed))) AS runs,
        arraySort(arrayFilter(v -> v > 0, arraySlice(runs, 2, greatest(length(runs) - 2, 0)))) AS inner_runs,
        arrayMap(q -> q.elapsed, arrayFilter(q -> q.outcome = 1 AND q.elapsed >= 0, r)) AS elapsed,
        arraySort(arrayMap(v -> bucket(v), arrayFilter(v -> v > 0, elapsed))) AS elapsed_sorted,
        arrayMap(q -> q.ttft, arrayFilter(q -> q.outcome = 1 AND q.ttft >= 0, r)) AS ttft,
        arraySort(arrayMap(v -> bucket(v), arrayFilter(v -> v > 0, ttft))) AS ttft_sorted,
        arrayMap(q -> (q.elapsed - q.ttft) / (q.y - 1),
            arrayFilter(q -> q.outcome = 1 AND q.ttft >= 0 AND q.elapsed >= q.ttft AND q.y > 1, r)) AS tpot,
        arraySort(arrayMap(v -> bucket(v), arrayFilter(v -> v > 0, tpot))) AS tpot_sorted
    FROM
    (
        SELECT
            *,
            arrayMap(q -> q.arrival, r) AS t,
            arrayPopFront(arrayDifference(t)) AS gaps,
            arrayFilter(x -> x > 0, gaps) AS positive
        FROM
        (
            SELECT
                toString(service) AS service,
                stream.1 AS grouping,
                stream.2 AS model,
                stream.3 AS log_type,
                minute,
                any(members) AS members,
                max(stored_at) AS stored_at,
                -- In METRICS' order, then by content.
                CAST(arraySort(groupArray((arrival_us, seq, id_hash, content, request_tokens, response_tokens, toInt8(outcome),
                    elapsed_us, ttft_us, status_code))),
                    'Array(Tuple(arrival Int64, seq Int64, id_hash UInt64, content UInt64, x Int32, y Int32, outcome Int8, elapsed Int64, ttft Int64, status Int32))') AS r
            FROM
            (
                SELECT
                    *,
                    toUInt32(intDiv(arrival_us, 60000000)) AS minute,
                    if(request_id = '', 0, xxHash64(request_id)) AS id_hash,
                    count() OVER (PARTITION BY requests.service, minute) AS members,
                    -- Each request is in four streams.
                    [('all', '', ''), ('model', toString(model), ''), ('log_type', '', toString(log_type)),
                        ('both', toString(model), toString(log_type))] AS streams
                FROM requests FINAL
                WHERE service = {service:String} AND arrival_us >= {from_us:Int64} AND arrival_us < {to_us:Int64}
            )
            ARRAY JOIN streams AS stream
            GROUP BY service, stream, minute
        )
    )
)
