-- SELECT window_start, requests, gap_cv FROM arrival_sums(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- What arrivals is computed from: each window's merged sums, as integers (of microseconds) wherever they are, and the
-- gap_cv that follows from them. A window's gaps have both ends inside it: the inner gaps of its minutes, and from each
-- of them to the one before. Parameters as in stream_minutes.
-- Integers are wide only where they are multiplied and added, never where they are compared: once ClickHouse 26.7 has
-- compiled an expression, greatest(Int128, 0) of -1 is -1.
CREATE OR REPLACE VIEW arrival_sums {{onCluster}} AS
SELECT
    *,
    -- Integers up to the last division: a variance keeps its digits where it is a small part of the mean square.
    if(gaps > 1 AND gap_sum > 0, sqrt(toFloat64(gaps * gap_square_sum - toInt256(gap_sum) * gap_sum)) / gap_sum, NULL) AS gap_cv
FROM
(
    SELECT
        window_start,
        if({step_s:UInt32} = 0, NULL,
            least(toUnixTimestamp(window_start) + {step_s:UInt32}, (intDiv({to_us:Int64}, 60000000) + ({to_us:Int64} % 60000000 > 0)) * 60)
            - greatest(toUnixTimestamp(window_start), (intDiv({from_us:Int64}, 60000000) + ({from_us:Int64} % 60000000 > 0)) * 60)) AS covered_s,
        sum(minutes.requests) AS requests,
        min(first_us) AS first_arrival_us,
        max(last_us) AS last_arrival_us,
        requests - 1 AS gaps,
        last_arrival_us - first_arrival_us AS gap_sum,
        toInt256(sum(toInt128(minutes.gap_squares) + toInt128(entry) * entry)) AS gap_square_sum,
        toInt256(sum(toInt128(minutes.gap_products) + toInt128(entry) * (greatest(gap_before, 0) + greatest(first_gap_us, 0)))) AS gap_product_sum,
        sum(gap_zero) AS gap_zeros,
        sum(minutes.gap_log + if(entry > 0, log(entry / 1000000), 0)) AS gap_log,
        sum(minutes.gap_log2 + if(entry > 0, pow(log(entry / 1000000), 2), 0)) AS gap_log2,
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
            previous_us < 0 AS is_first,
            NOT is_first AND leadInFrame(toInt64(minute), 1, -1) OVER neighbours >= 0 AS inner,
            -- The entry gap, and the gap before it: the previous minute's last, which may be its own entry gap.
            if(is_first, 0, first_us - previous_us) AS entry,
            if(lagInFrame(last_gap_us, 1, -1) OVER neighbours >= 0, lagInFrame(last_gap_us, 1, -1) OVER neighbours,
                if(before_previous_us < 0, -1, lagInFrame(first_us, 1, -1) OVER neighbours - before_previous_us)) AS gap_before
        FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
            from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
        WINDOW neighbours AS (PARTITION BY window_start ORDER BY minute ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING)
    ) AS minutes
    GROUP BY window_start
);
