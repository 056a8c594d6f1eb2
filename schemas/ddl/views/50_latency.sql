-- SELECT window_start, elapsed_p50, ttft_p99 FROM latency(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- METRICS 5 for each window, in seconds, over the requests with outcome ok that know it: elapsed (the whole response),
-- ttft (to the first token), tpot (each token after the first). Quantiles come from sketches and are within 1 %, the
-- rest is exact. ttft_after_end counts bad log lines, first tokens after the end, which tpot leaves out. Parameters as
-- in stream_minutes.
CREATE OR REPLACE VIEW latency {{onCluster}} AS
SELECT
    window_start,
    elapsed_n,
    if(elapsed_n = 0, NULL, elapsed_sum / elapsed_n / 1000000) AS elapsed_mean,
    if(elapsed_n > 0, elapsed_quantiles[1] / 1000000, NULL) AS elapsed_p50,
    if(elapsed_n > 0, elapsed_quantiles[2] / 1000000, NULL) AS elapsed_p90,
    if(elapsed_n > 0, elapsed_quantiles[3] / 1000000, NULL) AS elapsed_p95,
    if(elapsed_n > 0, elapsed_quantiles[4] / 1000000, NULL) AS elapsed_p99,
    if(elapsed_n = 0, NULL, elapsed_largest / 1000000) AS elapsed_max,
    ttft_n,
    if(ttft_n = 0, NULL, ttft_sum / ttft_n / 1000000) AS ttft_mean,
    if(ttft_n > 0, ttft_quantiles[1] / 1000000, NULL) AS ttft_p50,
    if(ttft_n > 0, ttft_quantiles[2] / 1000000, NULL) AS ttft_p90,
    if(ttft_n > 0, ttft_quantiles[3] / 1000000, NULL) AS ttft_p95,
    if(ttft_n > 0, ttft_quantiles[4] / 1000000, NULL) AS ttft_p99,
    if(ttft_n = 0, NULL, ttft_largest / 1000000) AS ttft_max,
    tpot_n,
    if(tpot_n = 0, NULL, tpot_sum / tpot_n / 1000000) AS tpot_mean,
    if(tpot_n > 0, tpot_quantiles[1] / 1000000, NULL) AS tpot_p50,
    if(tpot_n > 0, tpot_quantiles[2] / 1000000, NULL) AS tpot_p90,
    if(tpot_n > 0, tpot_quantiles[3] / 1000000, NULL) AS tpot_p95,
    if(tpot_n > 0, tpot_quantiles[4] / 1000000, NULL) AS tpot_p99,
    if(tpot_n = 0, NULL, tpot_largest / 1000000) AS tpot_max,
    ttft_after_end
FROM
(
    SELECT
        window_start,
        sum(minutes.elapsed_n) AS elapsed_n,
        sum(minutes.elapsed_sum) AS elapsed_sum,
        max(minutes.elapsed_max) AS elapsed_largest,
        {{template "quantiles" columns "elapsed_sketch" "elapsed_zero" "0.5, 0.9, 0.95, 0.99"}} AS elapsed_quantiles,
        sum(minutes.ttft_n) AS ttft_n,
        sum(minutes.ttft_sum) AS ttft_sum,
        max(minutes.ttft_max) AS ttft_largest,
        {{template "quantiles" columns "ttft_sketch" "ttft_zero" "0.5, 0.9, 0.95, 0.99"}} AS ttft_quantiles,
        sum(minutes.tpot_n) AS tpot_n,
        sum(minutes.tpot_sum) AS tpot_sum,
        max(minutes.tpot_max) AS tpot_largest,
        {{template "quantiles" columns "tpot_sketch" "tpot_zero" "0.5, 0.9, 0.95, 0.99"}} AS tpot_quantiles,
        sum(minutes.ttft_after_end) AS ttft_after_end
    FROM {{template "minutes" columns "elapsed_n" "elapsed_sum" "elapsed_max" "elapsed_zero" "elapsed_sketch"
        "ttft_n" "ttft_sum" "ttft_max" "ttft_zero" "ttft_sketch"
        "tpot_n" "tpot_sum" "tpot_max" "tpot_zero" "tpot_sketch" "ttft_after_end"}} AS minutes
    GROUP BY window_start
)
ORDER BY window_start;
