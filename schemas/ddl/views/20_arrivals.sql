-- SELECT window_start, rate, gap_cv, idc_10 FROM arrivals(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- METRICS 1 for each window: how many requests came and how bursty they were. Parameters as in stream_minutes.
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
    requests,
    if({step_s:UInt32} > 0, requests / covered_s, if(gap_sum > 0, requests * 1000000 / gap_sum, NULL)) AS rate,
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
    FROM arrival_sums(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
        from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
)
ORDER BY window_start;
