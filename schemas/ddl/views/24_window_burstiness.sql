-- SELECT windows, gap_cv_p50, share_bursty FROM window_burstiness(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- How gap_cv is distributed over the range's windows of step_s seconds with at least 10 gaps and a defined gap_cv: one
-- row. share_bursty is the share of them with gap_cv > 1. Publish the width beside it: it decides the numbers.
-- Parameters as in stream_minutes.
CREATE OR REPLACE VIEW window_burstiness {{onCluster}} AS
SELECT
    windows,
    if(windows = 0, NULL, quantiles[1]) AS gap_cv_p10,
    if(windows = 0, NULL, quantiles[2]) AS gap_cv_p50,
    if(windows = 0, NULL, quantiles[3]) AS gap_cv_p90,
    if(windows = 0, NULL, bursty / windows) AS share_bursty
FROM
(
    SELECT count() AS windows, quantilesExactInclusive(0.1, 0.5, 0.9)(cv) AS quantiles, countIf(cv > 1) AS bursty
    FROM
    (
        SELECT assumeNotNull({{template "gap_cv"}}) AS cv
        FROM
        (
            SELECT
                sum(minutes.requests) - 1 AS gaps,
                max(last_us) - min(first_us) AS gap_sum,
                toInt256(sum(toInt128(gap_squares) + toInt128(entry) * entry)) AS gap_square_sum
            FROM
            (
                SELECT *, first_us - lagInFrame(last_us, 1, first_us) OVER (PARTITION BY window_start ORDER BY minute) AS entry
                FROM {{template "minutes" columns "requests" "first_us" "last_us" "gap_squares"}}
            ) AS minutes
            GROUP BY window_start
        )
        WHERE gaps >= 10 AND gap_sum > 0
    )
);
