-- SELECT window_start, n, response_mean, response_p99 FROM lengths(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 3600)
-- METRICS 3 for each window: lengths in tokens of the n requests that succeeded, with known request tokens (x) and
-- response tokens (y) > 0; y = slope x + intercept. Quantiles come from sketches and are within 1 %, the rest is exact.
-- request_tokens and response_tokens are totals over all requests. request_positive and request_log (the sum of ln x
-- over the x > 0) are what a fit of Zipf's exponent needs. Parameters as in stream_minutes.
CREATE OR REPLACE VIEW lengths {{onCluster}} AS
WITH
    -- The q-quantile of n ascending values, ends counting how many lie at or below each: rank_of gives the place of the
    -- order statistic below it, quantile_of goes on from there to the next, linearly. rank_of's lambda captures n, a
    -- number, since an array would be copied for each of its elements, and no array stands inside an if, which would
    -- copy those of the rows it takes.
    ((ends, n, q) -> arrayFirstIndex(e -> e > floor(q * (n - 1)), ends)) AS rank_of,
    ((values, ends, n, q, i) -> values[i] + (q * (n - 1) - floor(q * (n - 1)))
        * (values[if(ends[i] > floor(q * (n - 1)) + 1, i, least(i + 1, length(values)))] - values[i]) + if(n = 0, NULL, 0)) AS quantile_of
SELECT
    window_start,
    length_count AS n,
    if(n > 0, request_sum / n, NULL) AS request_mean,
    if(n > 1 AND request_sum > 0, sqrt(xx) / request_sum, NULL) AS request_cv,
    quantile_of(request_values, request_ends, length_count, 0.05, request_rank_5) AS request_p5,
    quantile_of(request_values, request_ends, length_count, 0.25, request_rank_25) AS request_p25,
    quantile_of(request_values, request_ends, length_count, 0.5, request_rank_50) AS request_p50,
    quantile_of(request_values, request_ends, length_count, 0.75, request_rank_75) AS request_p75,
    quantile_of(request_values, request_ends, length_count, 0.9, request_rank_90) AS request_p90,
    quantile_of(request_values, request_ends, length_count, 0.95, request_rank_95) AS request_p95,
    quantile_of(request_values, request_ends, length_count, 0.99, request_rank_99) AS request_p99,
    if(n > 0, request_largest, NULL) AS request_max,
    if(positive > 0, request_log_mean + {{.TokenLogShift}}, NULL) AS request_lognormal_mu,
    if(positive > 0, if(request_smallest < request_largest, sqrt(greatest(request_log2 / positive - pow(request_log_mean, 2), 0)), 0), NULL) AS request_lognormal_sigma,
    if(n > 0, response_sum / n, NULL) AS response_mean,
    if(n > 1, sqrt(yy) / response_sum, NULL) AS response_cv,
    quantile_of(response_values, response_ends, length_count, 0.05, response_rank_5) AS response_p5,
    quantile_of(response_values, response_ends, length_count, 0.25, response_rank_25) AS response_p25,
    quantile_of(response_values, response_ends, length_count, 0.5, response_rank_50) AS response_p50,
    quantile_of(response_values, response_ends, length_count, 0.75, response_rank_75) AS response_p75,
    quantile_of(response_values, response_ends, length_count, 0.9, response_rank_90) AS response_p90,
    quantile_of(response_values, response_ends, length_count, 0.95, response_rank_95) AS response_p95,
    quantile_of(response_values, response_ends, length_count, 0.99, response_rank_99) AS response_p99,
    if(n > 0, response_largest, NULL) AS response_max,
    if(n > 0, m + {{.TokenLogShift}}, NULL) AS response_lognormal_mu,
    if(n > 0, if(response_smallest < response_largest, sqrt(greatest(m2, 0)), 0), NULL) AS response_lognormal_sigma,
    if(n > 1 AND response_smallest < response_largest AND m2 > 0, (pow(m3, 2) / pow(m2, 3) + 1) * pow(m2, 2) / m4, NULL) AS bimodality,
    -- Without the cancellation that mean(y) - slope mean(x) would suffer.
    if(spread, xy / xx, NULL) AS slope,
    if(spread, toFloat64(toInt256(response_sum) * request_squares - toInt256(request_sum) * product_sum) / xx, NULL) AS intercept,
    if(spread, pow(assumeNotNull(pearson), 2), NULL) AS r2,
    if(spread, least(greatest(xy / sqrt(xx) / sqrt(yy), -1), 1), NULL) AS pearson,
    -- Without spread is what lies below 1e-12 of the mean square of ln y, or of that less the shift: where all y are 1 the
    -- former is 0, and the sums leave rounding.
    if(pairs > 1 AND scatter_a > 1e-12 * greatest(lag_aa, lag_aa + 2 * {{.TokenLogShift}} * lag_a + pairs * pow({{.TokenLogShift}}, 2))
        AND scatter_b > 1e-12 * greatest(lag_bb, lag_bb + 2 * {{.TokenLogShift}} * lag_b + pairs * pow({{.TokenLogShift}}, 2)),
        least(greatest((lag_products - lag_a * lag_b / pairs) / sqrt(scatter_a * scatter_b), -1), 1), NULL) AS lag1,
    request_tokens,
    response_tokens,
    positive AS request_positive,
    request_log + positive * {{.TokenLogShift}} AS request_log_sum
FROM
(
    SELECT
        *,
        rank_of(request_ends, length_count, 0.05) AS request_rank_5,
        rank_of(request_ends, length_count, 0.25) AS request_rank_25,
        rank_of(request_ends, length_count, 0.5) AS request_rank_50,
        rank_of(request_ends, length_count, 0.75) AS request_rank_75,
        rank_of(request_ends, length_count, 0.9) AS request_rank_90,
        rank_of(request_ends, length_count, 0.95) AS request_rank_95,
        rank_of(request_ends, length_count, 0.99) AS request_rank_99,
        rank_of(response_ends, length_count, 0.05) AS response_rank_5,
        rank_of(response_ends, length_count, 0.25) AS response_rank_25,
        rank_of(response_ends, length_count, 0.5) AS response_rank_50,
        rank_of(response_ends, length_count, 0.75) AS response_rank_75,
        rank_of(response_ends, length_count, 0.9) AS response_rank_90,
        rank_of(response_ends, length_count, 0.95) AS response_rank_95,
        rank_of(response_ends, length_count, 0.99) AS response_rank_99
    FROM
    (
        SELECT
            *,
            length_count - zeros AS positive,
            toFloat64(length_count * request_squares - toInt256(request_sum) * request_sum) AS xx,
            toFloat64(length_count * response_squares - toInt256(response_sum) * response_sum) AS yy,
            toFloat64(length_count * product_sum - toInt256(request_sum) * response_sum) AS xy,
            length_count > 1 AND xx > 1e-12 * toFloat64(length_count * request_squares)
                AND yy > 1e-12 * toFloat64(length_count * response_squares) AS spread,
            request_log / positive AS request_log_mean,
            response_log / length_count AS m,
            response_log2 / length_count - pow(m, 2) AS m2,
            response_log3 / length_count - 3 * m * response_log2 / length_count + 2 * pow(m, 3) AS m3,
            response_log4 / length_count - 4 * m * response_log3 / length_count + 6 * pow(m, 2) * response_log2 / length_count - 3 * pow(m, 4) AS m4,
            -- lag1: a runs over the ln y of all but the last request, b over all but the first, both less the shift.
            toInt64(length_count) - 1 AS pairs,
            response_log - last_log AS lag_a,
            response_log - first_log AS lag_b,
            response_log2 - pow(last_log, 2) AS lag_aa,
            response_log2 - pow(first_log, 2) AS lag_bb,
            lag_aa - lag_a * lag_a / pairs AS scatter_a,
            lag_bb - lag_b * lag_b / pairs AS scatter_b,
            -- The values of the sketches' buckets, zeros before them.
            arrayPushFront(arrayMap(b -> 2 * pow(1.02, b) / 2.02, request_buckets), 0.) AS request_values,
            arrayPushFront(arrayMap(e -> e + zeros, request_counted), zeros) AS request_ends,
            arrayMap(b -> 2 * pow(1.02, b) / 2.02, response_buckets) AS response_values,
            response_counted AS response_ends
        FROM
        (
            SELECT
                window_start,
                sum(length_n) AS length_count,
                sum(minutes.request_sum) AS request_sum,
                toInt256(sum(minutes.request_squares)) AS request_squares,
                sum(minutes.response_sum) AS response_sum,
                toInt256(sum(minutes.response_squares)) AS response_squares,
                toInt256(sum(minutes.product_sum)) AS product_sum,
                sum(request_zero) AS zeros,
                minIf(request_min, request_min > 0) AS request_smallest,
                max(minutes.request_max) AS request_largest,
                minIf(response_min, response_min > 0) AS response_smallest,
                max(minutes.response_max) AS response_largest,
                sum(minutes.request_log) AS request_log,
                sum(minutes.request_log2) AS request_log2,
                sum(minutes.response_log) AS response_log,
                sum(minutes.response_log2) AS response_log2,
                sum(minutes.response_log3) AS response_log3,
                sum(minutes.response_log4) AS response_log4,
                sum(response_lag + if(length_n > 0 AND previous > 0, (log(response_first) - {{.TokenLogShift}}) * (log(previous) - {{.TokenLogShift}}), 0)) AS lag_products,
                log(argMinIf(response_first, minute, length_n > 0)) - {{.TokenLogShift}} AS first_log,
                log(argMaxIf(response_last, minute, length_n > 0)) - {{.TokenLogShift}} AS last_log,
                sum(minutes.request_tokens) AS request_tokens,
                sum(minutes.response_tokens) AS response_tokens
            FROM
            (
                SELECT
                    *,
                    -- The y before this minute's first, however many minutes without lengths lie between them.
                    ifNull(anyLast(nullIf(response_last, -1)) OVER (PARTITION BY window_start ORDER BY minute ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), -1) AS previous
                FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
                    from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
            ) AS minutes
            GROUP BY window_start
        ) AS sums
        LEFT JOIN
        (
            SELECT window_start, request_buckets, request_ends AS request_counted, response_buckets, response_ends AS response_counted
            FROM token_sketches(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
                from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
        ) AS sketches USING (window_start)
    )
)
ORDER BY window_start;
