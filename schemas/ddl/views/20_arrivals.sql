-- SELECT window_start, rate, gap_cv, idc_10 FROM arrivals(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- METRICS 1 for each window: how many requests came and how bursty they were. Parameters as in stream_minutes.
-- covered_s is how much of the window lies in the range, and what rate is taken over. With step_s = 0 rate is taken
-- from the first to the last arrival.
-- positive_gaps, gap_log and gap_log2 (the sums of ln(seconds) over the gaps > 0 and of its squares) are what fits of
-- distributions need beside gap_mean.
--
-- A window's gaps have both ends inside it: the inner gaps of its minutes, and from each of them to the one before. Sums
-- are integers, of microseconds, wherever they are; wide only where they are multiplied and added, never where they are
-- compared: once ClickHouse 26.7 has compiled an expression, greatest(Int128, 0) of -1 is -1.
CREATE OR REPLACE VIEW arrivals {{onCluster}} AS
WITH
    -- d(z) = ln z - digamma(z) and t(z) = trigamma(z) - 1/z, by recurrence from z + 8, and there by their asymptotic
    -- series: coefficients and powers of 1 / (z + 8), the last term below 1e-15.
    (z -> log1p(-8 / (z + 8)) + arraySum(i -> 1 / (z + i), range(8))
        + arraySum((c, k) -> c * pow(z + 8, -k), [1 / 2, 1 / 12, -1 / 120, 1 / 252, -1 / 240, 1 / 132, -691 / 32760, 1 / 12],
            [1, 2, 4, 6, 8, 10, 12, 14])) AS d,
    (z -> -8 / (z * (z + 8)) + arraySum(i -> 1 / pow(z + i, 2), range(8))
        + arraySum((c, k) -> c * pow(z + 8, -k), [1 / 2, 1 / 6, -1 / 30, 1 / 42, -1 / 30, 5 / 66, -691 / 2730, 7 / 6],
            [2, 3, 5, 7, 9, 11, 13, 15])) AS t
SELECT
    window_start,
    covered_s,
    requests,
    {{template "rate"}} AS rate,
    gaps,
    if(gaps > 0, gap_sum / gaps / 1000000, NULL) AS gap_mean,
    gap_cv,
    if(gap_cv > 0, 1 / pow(gap_cv, 2), NULL) AS gamma_shape,
    if(gap_cv > 0, pow(gap_cv, 2) * gap_mean, NULL) AS gamma_scale,
    -- Minka's iteration doubles the right digits each time: five steps from this start reach 1e-13 for any s.
    if(gamma_defined, arrayFold((a, i) -> 1 / (1 / a - (d(a) - s) / (pow(a, 2) * t(a))), range(6),
        (3 - s + sqrt(pow(3 - s, 2) + 24 * s)) / (12 * s)), NULL) AS gamma_shape_mle,
    positive_mean / gamma_shape_mle AS gamma_scale_mle,
    if(gaps > 0, gap_zeros / gaps, NULL) AS zero_gap_share,
    (gap_cv - 1) / (gap_cv + 1) AS burstiness,
    if(isNull(gap_cv), NULL, (sqrt(requests) * gap_cv - sqrt(gaps - 1)) / ((sqrt(requests) - 2) * gap_cv + sqrt(gaps - 1))) AS burstiness_finite,
    if(pairs > 1 AND scatter_x > 1e-12 * toFloat64(pairs * square_x) AND scatter_y > 1e-12 * toFloat64(pairs * square_y),
        least(greatest(toFloat64(pairs * gap_product_sum - sum_x * sum_y) / sqrt(scatter_x) / sqrt(scatter_y), -1), 1), NULL) AS memory,
    if(inner_n > 0, toFloat64(60 * inner_minutes * second_squares - toInt256(inner_n) * inner_n) / (60 * inner_minutes * toFloat64(inner_n)), NULL) AS idc_1,
    if(inner_n > 0, toFloat64(6 * inner_minutes * ten_squares - toInt256(inner_n) * inner_n) / (6 * inner_minutes * toFloat64(inner_n)), NULL) AS idc_10,
    if(inner_n > 0, toFloat64(inner_minutes * minute_squares - toInt256(inner_n) * inner_n) / (inner_minutes * toFloat64(inner_n)), NULL) AS idc_60,
    if(inner_n > 0, second_peak * (60 * inner_minutes) / inner_n, NULL) AS peak_to_mean_1,
    if(inner_n > 0, ten_peak * (6 * inner_minutes) / inner_n, NULL) AS peak_to_mean_10,
    if(inner_n > 0, minute_peak * inner_minutes / inner_n, NULL) AS peak_to_mean_60,
    first_arrival_us,
    last_arrival_us,
    positive_gaps,
    gap_log,
    gap_log2
FROM
(
    SELECT
        *,
        {{template "gap_cv"}} AS gap_cv,
        gaps - gap_zeros AS positive_gaps,
        gap_sum / positive_gaps / 1000000 AS positive_mean,
        log(positive_mean) - gap_log / positive_gaps AS s,
        positive_gaps > 1 AND s >= 1e-6 AS gamma_defined,
        -- Pairs of neighbouring gaps: x runs over all gaps but the last, y over all but the first.
        gaps - 1 AS pairs,
        toInt256(gap_sum - last_gap) AS sum_x,
        toInt256(gap_sum - first_gap) AS sum_y,
        gap_square_sum - toInt256(last_gap) * last_gap AS square_x,
        gap_square_sum - toInt256(first_gap) * first_gap AS square_y,
        toFloat64(pairs * square_x - sum_x * sum_x) AS scatter_x,
        toFloat64(pairs * square_y - sum_y * sum_y) AS scatter_y
    FROM
    (
        SELECT
            window_start,
            {{template "covered"}} AS covered_s,
            sum(minutes.requests) AS requests,
            min(first_us) AS first_arrival_us,
            max(last_us) AS last_arrival_us,
            requests - 1 AS gaps,
            last_arrival_us - first_arrival_us AS gap_sum,
            toInt256(sum(toInt128(minutes.gap_squares) + toInt128(entry) * entry)) AS gap_square_sum,
            toInt256(sum(toInt128(minutes.gap_products) + toInt128(entry) * (greatest(gap_before, 0) + greatest(first_gap_us, 0)))) AS gap_product_sum,
            sum(gap_zero) AS gap_zeros,
            sum(minutes.gap_log + entry_log) AS gap_log,
            sum(minutes.gap_log2 + entry_log * entry_log) AS gap_log2,
            -- The first and the last gap, 0 where there is none.
            argMinIf(if(is_first, first_gap_us, entry), minute, NOT is_first OR first_gap_us >= 0) AS first_gap,
            argMaxIf(if(last_gap_us < 0, entry, last_gap_us), minute, NOT is_first OR last_gap_us >= 0) AS last_gap,
            -- Over the minutes strictly between the first and the last with requests.
            toInt64(max(minute)) - min(minute) - 1 AS inner_minutes,
            sumIf(minutes.requests, inner) AS inner_n,
            toInt256(sumIf(toInt128(minutes.second_squares), inner)) AS second_squares,
            toInt256(sumIf(toInt128(minutes.ten_squares), inner)) AS ten_squares,
            toInt256(sumIf(toInt128(minutes.requests) * minutes.requests, inner)) AS minute_squares,
            maxIf(minutes.second_peak, inner) AS second_peak,
            maxIf(minutes.ten_peak, inner) AS ten_peak,
            maxIf(minutes.requests, inner) AS minute_peak
        FROM
        (
            SELECT
                *,
                lagInFrame(last_us, 1, -1) OVER neighbours AS previous_us,
                lagInFrame(last_us, 2, -1) OVER neighbours AS before_previous_us,
                lagInFrame(first_us, 1, -1) OVER neighbours AS previous_first_us,
                lagInFrame(last_gap_us, 1, -1) OVER neighbours AS previous_gap,
                previous_us < 0 AS is_first,
                NOT is_first AND leadInFrame(toInt64(minute), 1, -1) OVER neighbours >= 0 AS inner,
                -- The entry gap, and the gap before it: the previous minute's last, which may be its own entry gap.
                if(is_first, 0, first_us - previous_us) AS entry,
                if(entry > 0, log(entry / 1000000), 0) AS entry_log,
                if(previous_gap >= 0, previous_gap, if(before_previous_us < 0, -1, previous_first_us - before_previous_us)) AS gap_before
            FROM {{template "minutes" columns "requests" "first_us" "last_us" "first_gap_us" "last_gap_us" "gap_squares" "gap_products" "gap_zero"
                "gap_log" "gap_log2" "second_squares" "second_peak" "ten_squares" "ten_peak"}}
            WINDOW neighbours AS (PARTITION BY window_start ORDER BY minute ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING)
        ) AS minutes
        GROUP BY window_start
    )
)
ORDER BY window_start;
