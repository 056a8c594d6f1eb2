-- SELECT windows, gap_cv_p50, share_bursty FROM window_burstiness(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- How gap_cv is distributed over the range's windows of step_s seconds with at least 10 gaps and a defined gap_cv: one
-- row. share_bursty is the share of them with gap_cv > 1. Publish the width beside it: it decides the numbers.
-- Parameters as in stream_minutes.
CREATE OR REPLACE VIEW window_burstiness {{onCluster}} AS
SELECT
    count() AS windows,
    if(windows = 0, NULL, quantileExactInclusive(0.1)(cv)) AS gap_cv_p10,
    if(windows = 0, NULL, quantileExactInclusive(0.5)(cv)) AS gap_cv_p50,
    if(windows = 0, NULL, quantileExactInclusive(0.9)(cv)) AS gap_cv_p90,
    if(windows = 0, NULL, countIf(cv > 1) / windows) AS share_bursty
FROM
(
    SELECT assumeNotNull(gap_cv) AS cv
    FROM arrival_sums(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
        from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
    WHERE gaps >= 10 AND isNotNull(gap_cv)
);
