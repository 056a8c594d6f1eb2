-- SELECT window_start, n, response_mean, response_p99 FROM lengths(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 3600)
-- METRICS 3 for each window: lengths in tokens of the n requests that succeeded, with known request tokens (x) and
-- response tokens (y) > 0; y = slope x + intercept. Quantiles come from sketches and are within 1 %, the rest is exact.
-- request_tokens and response_tokens are totals over all requests. request_positive and request_log (the sum of ln x
-- over the x > 0) are what a fit of Zipf's exponent needs. Parameters as in stream_minutes.
CREATE OR REPLACE VIEW lengths {{onCluster}} AS
SELECT
    window_start,
    length_count AS n,
    if(n > 0, request_sum / n, NULL) AS request_mean,
    if(n > 1 AND request_sum > 0, sqrt(xx) / request_sum, NULL) AS request_cv,
    if(n > 0, request_quantiles[1], NULL) AS request_p5,
    if(n > 0, request_quantiles[2], NULL) AS request_p25,
    if(n > 0, request_quantiles[3], NULL) AS request_p50,
    if(n > 0, request_quantiles[4], NULL) AS request_p75,
    if(n > 0, request_quantiles[5], NULL) AS request_p90,
    if(n > 0, request_quantiles[6], NULL) AS request_p95,
    if(n > 0, request_quantiles[7], NULL) AS request_p99,
    if(n > 0, request_largest, NULL) AS request_max,
    if(positive > 0, request_log_mean + {{.TokenLogShift}}, NULL) AS request_lognormal_mu,
    if(positive > 0, if(request_smallest < request_largest, sqrt(greatest(request_log2 / positive - request_log_mean * request_log_mean, 0)), 0), NULL) AS request_lognormal_sigma,
    if(n > 0, response_sum / n, NULL) AS response_mean,
    if(n > 1, sqrt(yy) / response_sum, NULL) AS response_cv,
    if(n > 0, response_quantiles[1], NULL) AS response_p5,
    if(n > 0, response_quantiles[2], NULL) AS response_p25,
    if(n > 0, response_quantiles[3], NULL) AS response_p50,
    if(n > 0, response_quantiles[4], NULL) AS response_p75,
    if(n > 0, response_quantiles[5], NULL) AS response_p90,
    if(n > 0, response_quantiles[6], NULL) AS response_p95,
    if(n > 0, response_quantiles[7], NULL) AS response_p99,
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
        length_count - zeros AS positive,
        toFloat64(length_count * request_squares - toInt256(request_sum) * request_sum) AS xx,
        toFloat64(length_count * response_squares - toInt256(response_sum) * response_sum) AS yy,
        toFloat64(length_count * product_sum - toInt256(request_sum) * response_sum) AS xy,
        length_count > 1 AND xx > 1e-12 * toFloat64(length_count * request_squares)
            AND yy > 1e-12 * toFloat64(length_count * response_squares) AS spread,
        request_log / positive AS request_log_mean,
        response_log / length_count AS m,
        -- Central moments, without pow: compiled, it is right to 13 digits only, of which these differences lose many.
        response_log2 / length_count AS mean2,
        response_log3 / length_count AS mean3,
        response_log4 / length_count AS mean4,
        mean2 - m * m AS m2,
        mean3 - m * (3 * mean2 - 2 * m * m) AS m3,
        mean4 - m * (4 * mean3 - m * (6 * mean2 - 3 * m * m)) AS m4,
        -- lag1: a runs over the ln y of all but the last request, b over all but the first, both less the shift.
        toInt64(length_count) - 1 AS pairs,
        log(first_response) - {{.TokenLogShift}} AS first_log,
        log(last_response) - {{.TokenLogShift}} AS last_log,
        response_log - last_log AS lag_a,
        response_log - first_log AS lag_b,
        response_log2 - last_log * last_log AS lag_aa,
        response_log2 - first_log * first_log AS lag_bb,
        lag_aa - lag_a * lag_a / pairs AS scatter_a,
        lag_bb - lag_b * lag_b / pairs AS scatter_b
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
            sum(minutes.request_tokens) AS request_tokens,
            sum(minutes.response_tokens) AS response_tokens,
            {{template "quantiles" columns "request_sketch" "request_zero" "0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99"}} AS request_quantiles,
            {{template "quantiles" columns "response_sketch" "0" "0.05, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99"}} AS response_quantiles
        FROM {{template "minutes" columns "length_n" "request_sum" "request_squares" "response_sum" "response_squares" "product_sum"
            "request_zero" "request_min" "request_max" "response_min" "response_max" "request_log" "request_log2" "response_log"
            "response_log2" "response_log3" "response_log4" "request_tokens" "response_tokens" "request_sketch"
            "response_sketch"}} AS minutes
        GROUP BY window_start
    ) AS sums
    -- What needs the order of minutes, apart: sorting the arrays along would cost more than reading twice.
    LEFT JOIN
    (
        SELECT
            window_start,
            -- From each minute's first y to the y before it, however many minutes without lengths lie between them.
            sum(response_lag + if(previous > 0, (log(response_first) - {{.TokenLogShift}}) * (log(previous) - {{.TokenLogShift}}), 0)) AS lag_products,
            argMin(response_first, minute) AS first_response,
            argMax(response_last, minute) AS last_response
        FROM
        (
            SELECT *, lagInFrame(response_last, 1, 0) OVER (PARTITION BY window_start ORDER BY minute) AS previous
            FROM {{template "minutes" columns "length_n" "response_first" "response_last" "response_lag"}}
            WHERE length_n > 0
        )
        GROUP BY window_start
    ) AS neighbours USING (window_start)
)
ORDER BY window_start;
