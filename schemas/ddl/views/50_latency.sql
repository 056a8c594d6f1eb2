-- SELECT window_start, elapsed_p50, ttft_p99 FROM latency(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- METRICS 5 for each window, in seconds, over the requests with outcome ok that know it: elapsed (the whole response),
-- ttft (to the first token), tpot (each token after the first). Quantiles come from sketches and are within 1 %, the
-- rest is exact. ttft_after_end counts bad log lines, first tokens after the end, which tpot leaves out. Parameters as
-- in stream_minutes.
CREATE OR REPLACE VIEW latency {{onCluster}} AS
WITH
    -- The q-quantile of n ascending values, ends counting how many lie at or below each: rank_of gives the place of the
    -- order statistic below it, quantile_of goes on from there to the next, linearly. rank_of's lambda captures n, a
    -- number, since an array would be copied for each of its elements, and no array stands inside an if, which would
    -- copy those of the rows it takes.
    ((ends, n, q) -> arrayFirstIndex(e -> e > floor(q * (n - 1)), ends)) AS rank_of,
    ((values, ends, n, q, i) -> values[i] + (q * (n - 1) - floor(q * (n - 1)))
        * (values[if(ends[i] > floor(q * (n - 1)) + 1, i, least(i + 1, length(values)))] - values[i]) + if(n = 0, NULL, 0)) AS quantile_of,
    -- The values of a sketch's buckets, in seconds, zeros before them.
    (buckets -> arrayPushFront(arrayMap(b -> 2 * pow(1.02, b) / 2.02 / 1000000, buckets), 0.)) AS values_of,
    ((zeros, counted) -> arrayPushFront(arrayMap(e -> e + zeros, counted), zeros)) AS ends_of
SELECT
    window_start,
    elapsed_n,
    if(elapsed_n = 0, NULL, elapsed_sum / elapsed_n / 1000000) AS elapsed_mean,
    quantile_of(elapsed_values, elapsed_ends, elapsed_n, 0.5, elapsed_rank_50) AS elapsed_p50,
    quantile_of(elapsed_values, elapsed_ends, elapsed_n, 0.9, elapsed_rank_90) AS elapsed_p90,
    quantile_of(elapsed_values, elapsed_ends, elapsed_n, 0.95, elapsed_rank_95) AS elapsed_p95,
    quantile_of(elapsed_values, elapsed_ends, elapsed_n, 0.99, elapsed_rank_99) AS elapsed_p99,
    if(elapsed_n = 0, NULL, elapsed_largest / 1000000) AS elapsed_max,
    ttft_n,
    if(ttft_n = 0, NULL, ttft_sum / ttft_n / 1000000) AS ttft_mean,
    quantile_of(ttft_values, ttft_ends, ttft_n, 0.5, ttft_rank_50) AS ttft_p50,
    quantile_of(ttft_values, ttft_ends, ttft_n, 0.9, ttft_rank_90) AS ttft_p90,
    quantile_of(ttft_values, ttft_ends, ttft_n, 0.95, ttft_rank_95) AS ttft_p95,
    quantile_of(ttft_values, ttft_ends, ttft_n, 0.99, ttft_rank_99) AS ttft_p99,
    if(ttft_n = 0, NULL, ttft_largest / 1000000) AS ttft_max,
    tpot_n,
    if(tpot_n = 0, NULL, tpot_sum / tpot_n / 1000000) AS tpot_mean,
    quantile_of(tpot_values, tpot_ends, tpot_n, 0.5, tpot_rank_50) AS tpot_p50,
    quantile_of(tpot_values, tpot_ends, tpot_n, 0.9, tpot_rank_90) AS tpot_p90,
    quantile_of(tpot_values, tpot_ends, tpot_n, 0.95, tpot_rank_95) AS tpot_p95,
    quantile_of(tpot_values, tpot_ends, tpot_n, 0.99, tpot_rank_99) AS tpot_p99,
    if(tpot_n = 0, NULL, tpot_largest / 1000000) AS tpot_max,
    ttft_after_end
FROM
(
    SELECT
        *,
        rank_of(elapsed_ends, elapsed_n, 0.5) AS elapsed_rank_50,
        rank_of(elapsed_ends, elapsed_n, 0.9) AS elapsed_rank_90,
        rank_of(elapsed_ends, elapsed_n, 0.95) AS elapsed_rank_95,
        rank_of(elapsed_ends, elapsed_n, 0.99) AS elapsed_rank_99,
        rank_of(ttft_ends, ttft_n, 0.5) AS ttft_rank_50,
        rank_of(ttft_ends, ttft_n, 0.9) AS ttft_rank_90,
        rank_of(ttft_ends, ttft_n, 0.95) AS ttft_rank_95,
        rank_of(ttft_ends, ttft_n, 0.99) AS ttft_rank_99,
        rank_of(tpot_ends, tpot_n, 0.5) AS tpot_rank_50,
        rank_of(tpot_ends, tpot_n, 0.9) AS tpot_rank_90,
        rank_of(tpot_ends, tpot_n, 0.95) AS tpot_rank_95,
        rank_of(tpot_ends, tpot_n, 0.99) AS tpot_rank_99
    FROM
    (
        SELECT
            *,
            values_of(elapsed_buckets) AS elapsed_values,
            ends_of(elapsed_zeros, elapsed_counted) AS elapsed_ends,
            values_of(ttft_buckets) AS ttft_values,
            ends_of(ttft_zeros, ttft_counted) AS ttft_ends,
            values_of(tpot_buckets) AS tpot_values,
            ends_of(tpot_zeros, tpot_counted) AS tpot_ends
        FROM
        (
            SELECT
                window_start,
                sum(minutes.elapsed_n) AS elapsed_n,
                sum(minutes.elapsed_sum) AS elapsed_sum,
                sum(elapsed_zero) AS elapsed_zeros,
                max(elapsed_max) AS elapsed_largest,
                sum(minutes.ttft_n) AS ttft_n,
                sum(minutes.ttft_sum) AS ttft_sum,
                sum(ttft_zero) AS ttft_zeros,
                max(ttft_max) AS ttft_largest,
                sum(minutes.tpot_n) AS tpot_n,
                sum(minutes.tpot_sum) AS tpot_sum,
                sum(tpot_zero) AS tpot_zeros,
                max(tpot_max) AS tpot_largest,
                sum(minutes.ttft_after_end) AS ttft_after_end
            FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
                from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32}) AS minutes
            GROUP BY window_start
        ) AS sums
        LEFT JOIN
        (
            SELECT window_start, elapsed_buckets, elapsed_ends AS elapsed_counted, ttft_buckets, ttft_ends AS ttft_counted,
                tpot_buckets, tpot_ends AS tpot_counted
            FROM latency_sketches(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
                from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
        ) AS sketches USING (window_start)
    )
)
ORDER BY window_start;
