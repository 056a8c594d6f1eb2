-- SELECT window_start, failure_rate, wilson_low, wilson_high FROM outcomes(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 3600)
-- METRICS 4 for each window: requests by outcome, failures (all but ok and cancelled) with their rate's Wilson 95 %
-- interval, faults (what operators answer for), and how failures follow each other. client_errors are the errors with
-- status 400-499, which error counts too. Runs of failures are those inside the window: they begin and end with it at
-- the latest. Parameters as in stream_minutes.
CREATE OR REPLACE VIEW outcomes {{onCluster}} AS
WITH
    -- The q-quantile of n ascending values, ends counting how many lie at or below each: rank_of gives the place of the
    -- order statistic below it, quantile_of goes on from there to the next, linearly. rank_of's lambda captures n, a
    -- number, since an array would be copied for each of its elements, and no array stands inside an if, which would
    -- copy those of the rows it takes.
    ((ends, n, q) -> arrayFirstIndex(e -> e > floor(q * (n - 1)), ends)) AS rank_of,
    ((values, ends, n, q, i) -> values[i] + (q * (n - 1) - floor(q * (n - 1)))
        * (values[if(ends[i] > floor(q * (n - 1)) + 1, i, least(i + 1, length(values)))] - values[i]) + if(n = 0, NULL, 0)) AS quantile_of,
    1.959963984540054 AS z
SELECT
    window_start,
    requests,
    failures,
    failures / requests AS failure_rate,
    if(failures = 0, 0, (centre - half) / (1 + z * z / requests)) AS wilson_low,
    if(failures = requests, 1, (centre + half) / (1 + z * z / requests)) AS wilson_high,
    empty + timeout + error - client_errors AS faults,
    if(judged = 0, NULL, faults / judged) AS fault_rate,
    ok,
    empty,
    error,
    timeout,
    rate_limited,
    cancelled,
    filtered,
    client_errors,
    quantile_of(run_values, run_ends, run_total, 0.5, run_rank_50) AS failure_run_p50,
    quantile_of(run_values, run_ends, run_total, 0.99, run_rank_99) AS failure_run_p99,
    if(empty(run_values), NULL, run_values[-1]) AS failure_run_max,
    if(followed = 0, NULL, failure_pairs / followed) AS failure_after_failure
FROM
(
    SELECT
        *,
        rank_of(run_ends, run_total, 0.5) AS run_rank_50,
        rank_of(run_ends, run_total, 0.99) AS run_rank_99
    FROM
    (
        SELECT
            *,
            requests - ok - cancelled AS failures,
            requests - cancelled - rate_limited - filtered - client_errors AS judged,
            failures - last_failed AS followed,
            failures / requests + z * z / (2 * requests) AS centre,
            z * sqrt(failures / requests * (1 - failures / requests) / requests + z * z / (4 * requests * requests)) AS half,
            arrayMap(r -> r.1, runs) AS run_values,
            arrayCumSum(arrayMap(r -> r.2, runs)) AS run_ends,
            run_ends[-1] AS run_total
        FROM
        (
            SELECT
                window_start,
                sum(minutes.requests) AS requests,
                sum(minutes.ok) AS ok,
                sum(minutes.empty) AS empty,
                sum(minutes.error) AS error,
                sum(minutes.timeout) AS timeout,
                sum(minutes.rate_limited) AS rate_limited,
                sum(minutes.cancelled) AS cancelled,
                sum(minutes.filtered) AS filtered,
                sum(minutes.client_errors) AS client_errors,
                -- Within minutes, and from one to the next.
                sum(minutes.failure_pairs + (previous_run > 0 AND lead_run > 0)) AS failure_pairs,
                argMax(trail_run, minute) > 0 AS last_failed
            FROM
            (
                SELECT *, lagInFrame(trail_run, 1, 0) OVER (PARTITION BY window_start ORDER BY minute) AS previous_run
                FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
                    from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
            ) AS minutes
            GROUP BY window_start
        ) AS sums
        LEFT JOIN
        (
            SELECT window_start, arraySort(groupArray((run_length, run_count))) AS runs
            FROM
            (
                SELECT window_start, run_length, sum(run_count) AS run_count
                FROM
                (
                    SELECT window_start, run_length, run_count
                    FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
                        from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
                    ARRAY JOIN run_lengths AS run_length, run_counts AS run_count
                    UNION ALL
                    -- Runs that reach the end of a minute. A minute in which not all failed breaks them: it ends the run
                    -- before it with its lead and opens the next with its trail. The others lengthen what is open.
                    SELECT window_start, sum(part.2) AS run_length, toUInt64(1) AS run_count
                    FROM
                    (
                        SELECT
                            window_start,
                            requests > lead_run AS breaks,
                            toInt64(sum(breaks) OVER (PARTITION BY window_start ORDER BY minute ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)) AS broken,
                            lead_run,
                            trail_run
                        FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
                            from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
                    )
                    ARRAY JOIN if(breaks, [(broken - 1, lead_run), (broken, trail_run)], [(broken, lead_run)]) AS part
                    WHERE part.2 > 0
                    GROUP BY window_start, part.1
                )
                GROUP BY window_start, run_length
            )
            GROUP BY window_start
        ) AS lengths USING (window_start)
    )
)
ORDER BY window_start;
