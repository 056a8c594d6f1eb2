-- SELECT window_start, rate, gap_cv, idc_10 FROM arrivals(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- METRICS 1 for each window: how many requests came and how bursty they were. Parameters as in stream_minutes.
-- A window's gaps have both ends inside it: the inner gaps of its minutes, and from each of them to the one before.
-- covered_s is how much of the window lies in the range, and what rate is taken over. With step_s = 0 rate is taken
-- from the first to the last arrival.
-- positive_gaps, gap_log and gap_log2 (the sums of ln(seconds) over the gaps > 0 and of its squares) are what fits of
-- distributions need beside gap_mean.
CREATE OR REPLACE VIEW arrivals {{onCluster}} AS
WITH
    -- d(z) = ln z - digamma(z) and t(z) = trigamma(z) - 1/z, asymptotic from z = 8 on: the last terms are below 1e-15.
    (z -> 1 / (2 * z) + 1 / (12 * pow(z, 2)) - 1 / (120 * pow(z, 4)) + 1 / (252 * pow(z, 6)) - 1 / (240 * pow(z, 8))
        + 1 / (132 * pow(z, 10)) - 691 / (32760 * pow(z, 12)) + 1 / (12 * pow(z, 14))) AS log_less_digamma,
    (z -> 1 / (2 * pow(z, 2)) + 1 / (6 * pow(z, 3)) - 1 / (30 * pow(z, 5)) + 1 / (42 * pow(z, 7)) - 1 / (30 * pow(z, 9))
        + 5 / (66 * pow(z, 11)) - 691 / (2730 * pow(z, 13)) + 7 / (6 * pow(z, 15))) AS trigamma_less_inverse,
    -- Below 8 by recurrence from z + 8.
    (z -> if(z >= 8, log_less_digamma(z), log(z / (z + 8)) + log_less_digamma(z + 8)
        + 1 / z + 1 / (z + 1) + 1 / (z + 2) + 1 / (z + 3) + 1 / (z + 4) + 1 / (z + 5) + 1 / (z + 6) + 1 / (z + 7))) AS d,
    (z -> if(z >= 8, trigamma_less_inverse(z), trigamma_less_inverse(z + 8) + 1 / (z + 8) - 1 / z
        + 1 / pow(z, 2) + 1 / pow(z + 1, 2) + 1 / pow(z + 2, 2) + 1 / pow(z + 3, 2)
        + 1 / pow(z + 4, 2) + 1 / pow(z + 5, 2) + 1 / pow(z + 6, 2) + 1 / pow(z + 7, 2))) AS t
SELECT
    window_start,
    covered_s,
    n AS requests,
    if({step_s:UInt32} > 0, n / covered_s, if(gap_sum > 0, n * 1000000 / gap_sum, NULL)) AS rate,
    gap_n AS gaps,
    if(gap_n > 0, gap_sum / gap_n / 1000000, NULL) AS gap_mean,
    cv AS gap_cv,
    if(cv > 0, 1 / pow(cv, 2), NULL) AS gamma_shape,
    if(cv > 0, pow(cv, 2) * gap_mean, NULL) AS gamma_scale,
    -- Minka's iteration doubles the right digits each time: five steps from this start reach 1e-13 for any s.
    if(gamma_defined, arrayFold((a, i) -> 1 / (1 / a - (d(a) - s) / (pow(a, 2) * t(a))), range(6),
        (3 - s + sqrt(pow(3 - s, 2) + 24 * s)) / (12 * s)), NULL) AS gamma_shape_mle,
    positive_mean / gamma_shape_mle AS gamma_scale_mle,
    if(gap_n > 0, gap_zeros / gap_n, NULL) AS zero_gap_share,
    (cv - 1) / (cv + 1) AS burstiness,
    if(isNull(cv), NULL, (sqrt(n) * cv - sqrt(gap_n - 1)) / ((sqrt(n) - 2) * cv + sqrt(gap_n - 1))) AS burstiness_finite,
    if(pairs > 1 AND scatter_x > 1e-12 * toFloat64(pairs * square_x) AND scatter_y > 1e-12 * toFloat64(pairs * square_y),
        least(greatest(toFloat64(pairs * gap_products - sum_x * sum_y) / sqrt(scatter_x) / sqrt(scatter_y), -1), 1), NULL) AS memory,
    if(inner_n > 0, toFloat64(60 * inner_minutes * second_squares - inner_n * inner_n) / toFloat64(60 * inner_minutes * inner_n), NULL) AS idc_1,
    if(inner_n > 0, toFloat64(6 * inner_minutes * ten_squares - inner_n * inner_n) / toFloat64(6 * inner_minutes * inner_n), NULL) AS idc_10,
    if(inner_n > 0, toFloat64(inner_minutes * minute_squares - inner_n * inner_n) / toFloat64(inner_minutes * inner_n), NULL) AS idc_60,
    if(inner_n > 0, toFloat64(second_peak * 60 * inner_minutes) / toFloat64(inner_n), NULL) AS peak_to_mean_1,
    if(inner_n > 0, toFloat64(ten_peak * 6 * inner_minutes) / toFloat64(inner_n), NULL) AS peak_to_mean_10,
    if(inner_n > 0, toFloat64(minute_peak * inner_minutes) / toFloat64(inner_n), NULL) AS peak_to_mean_60,
    first_arrival_us,
    last_arrival_us,
    positive_gaps,
    gap_log,
    gap_log2
FROM
(
    SELECT
        *,
        -- Integers up to the last division: a variance keeps its digits where it is a small part of the mean square.
        if(gap_n > 1 AND gap_sum > 0, sqrt(toFloat64(gap_n * gap_squares - gap_sum * gap_sum)) / toFloat64(gap_sum), NULL) AS cv,
        gap_n - gap_zeros AS positive_gaps,
        gap_sum / positive_gaps / 1000000 AS positive_mean,
        log(positive_mean) - gap_log / positive_gaps AS s,
        positive_gaps > 1 AND s >= 1e-6 AS gamma_defined,
        -- Pairs of neighbouring gaps: x runs over all gaps but the last, y over all but the first.
        toInt256(gap_n) - 1 AS pairs,
        gap_sum - last_gap AS sum_x,
        gap_sum - first_gap AS sum_y,
        gap_squares - last_gap * last_gap AS square_x,
        gap_squares - first_gap * first_gap AS square_y,
        toFloat64(pairs * square_x - sum_x * sum_x) AS scatter_x,
        toFloat64(pairs * square_y - sum_y * sum_y) AS scatter_y
    FROM
    (
        SELECT
            window_start,
            if({step_s:UInt32} = 0, NULL,
                least(toUnixTimestamp(window_start) + {step_s:UInt32}, (intDiv({to_us:Int64}, 60000000) + ({to_us:Int64} % 60000000 > 0)) * 60)
                - greatest(toUnixTimestamp(window_start), (intDiv({from_us:Int64}, 60000000) + ({from_us:Int64} % 60000000 > 0)) * 60)) AS covered_s,
            sum(requests) AS n,
            min(first_us) AS first_arrival_us,
            max(last_us) AS last_arrival_us,
            n - 1 AS gap_n,
            toInt256(last_arrival_us - first_arrival_us) AS gap_sum,
            toInt256(sum(toInt128(gap_squares) + entry * entry)) AS gap_squares,
            toInt256(sum(toInt128(gap_products) + entry * (greatest(gap_before, 0) + greatest(first_gap_us, 0)))) AS gap_products,
            sum(gap_zero) AS gap_zeros,
            sum(gap_log + if(entry > 0, log(toFloat64(entry) / 1000000), 0)) AS gap_log,
            sum(gap_log2 + if(entry > 0, pow(log(toFloat64(entry) / 1000000), 2), 0)) AS gap_log2,
            -- The first and the last gap, 0 where there is none.
            toInt256(argMinIf(if(is_first, toInt128(first_gap_us), entry), minute, NOT is_first OR first_gap_us >= 0)) AS first_gap,
            toInt256(argMaxIf(if(last_gap_us < 0, entry, toInt128(last_gap_us)), minute, NOT is_first OR last_gap_us >= 0)) AS last_gap,
            toInt256(max(minute)) - min(minute) - 1 AS inner_minutes,
            toInt256(sumIf(requests, inner)) AS inner_n,
            toInt256(sumIf(toInt128(second_squares), inner)) AS second_squares,
            toInt256(sumIf(toInt128(ten_squares), inner)) AS ten_squares,
            toInt256(sumIf(toInt128(requests) * requests, inner)) AS minute_squares,
            maxIf(second_peak, inner) AS second_peak,
            maxIf(ten_peak, inner) AS ten_peak,
            maxIf(requests, inner) AS minute_peak
        FROM
        (
            SELECT
                *,
                lagInFrame(last_us, 1, -1) OVER neighbours AS previous_us,
                lagInFrame(last_us, 2, -1) OVER neighbours AS before_previous_us,
                previous_us < 0 AS is_first,
                NOT is_first AND leadInFrame(toInt64(minute), 1, -1) OVER neighbours >= 0 AS inner,
                -- The entry gap, and the gap before it: the previous minute's last, which may be its own entry gap.
                toInt128(if(is_first, 0, first_us - previous_us)) AS entry,
                toInt128(if(lagInFrame(last_gap_us, 1, -1) OVER neighbours >= 0, lagInFrame(last_gap_us, 1, -1) OVER neighbours,
                    if(before_previous_us < 0, -1, lagInFrame(first_us, 1, -1) OVER neighbours - before_previous_us))) AS gap_before
            FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
                from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
            WINDOW neighbours AS (PARTITION BY window_start ORDER BY minute ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING)
        )
        GROUP BY window_start
    )
)
ORDER BY window_start;
