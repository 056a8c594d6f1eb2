-- SELECT window_start, goodput FROM goodput(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300, elapsed_s = 30, ttft_s = 0.5, tpot_s = NULL)
-- The share of requests within given limits, in each window: a request is good if it ended ok and its elapsed, ttft and
-- tpot (seconds) are at most elapsed_s, ttft_s and tpot_s; a limit of NULL is none. Judged are all failures, and those
-- that ended ok and know what is limited: unknown is neither good nor bad. Cancelled requests are not judged. A
-- response of one token has no tpot and meets its limit. Read from requests. Parameters as in stream_minutes.
CREATE OR REPLACE VIEW goodput {{onCluster}} AS
SELECT
    window_start,
    count() AS requests,
    countIf(judged) AS judged_requests,
    countIf(judged AND good) AS good_requests,
    if(judged_requests = 0, NULL, good_requests / judged_requests) AS goodput
FROM
(
    SELECT
        window_start,
        ttft_us >= 0 AND elapsed_us >= ttft_us AND response_tokens > 1 AS paced,
        (outcome != 'ok' AND outcome != 'cancelled') OR (outcome = 'ok'
            AND (isNull({elapsed_s:Nullable(Float64)}) OR elapsed_us >= 0)
            AND (isNull({ttft_s:Nullable(Float64)}) OR ttft_us >= 0)
            AND (isNull({tpot_s:Nullable(Float64)}) OR paced OR response_tokens IN (0, 1))) AS judged,
        outcome = 'ok'
            AND (isNull({elapsed_s:Nullable(Float64)}) OR elapsed_us <= ifNull({elapsed_s:Nullable(Float64)}, 0) * 1000000)
            AND (isNull({ttft_s:Nullable(Float64)}) OR ttft_us <= ifNull({ttft_s:Nullable(Float64)}, 0) * 1000000)
            AND (isNull({tpot_s:Nullable(Float64)}) OR NOT paced
                OR elapsed_us - ttft_us <= ifNull({tpot_s:Nullable(Float64)}, 0) * 1000000 * (response_tokens - 1)) AS good
    FROM {{template "requests" columns "outcome" "elapsed_us" "ttft_us" "response_tokens"}}
)
GROUP BY window_start
ORDER BY window_start;
