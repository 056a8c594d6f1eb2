-- SELECT `from`, n, mean, p50 FROM length_profile(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 0)
-- Response tokens by request tokens (BurstGPT's figure): for each bin of request tokens, from `from` on, how many of the
-- requests that METRICS 3 is over, and the mean and median of their response tokens, exact. Bins are 10 wide below 2,000, then
-- [2,000, 2,048), then [2^k, 2^(k+1)). Read from requests: the cost grows with their number. Parameters as in
-- stream_minutes.
CREATE OR REPLACE VIEW length_profile {{onCluster}} AS
SELECT
    window_start,
    toInt64(multiIf(request_tokens < 2000, intDiv(request_tokens, 10) * 10, request_tokens < 2048, 2000, roundToExp2(request_tokens))) AS `from`,
    count() AS n,
    sum(response_tokens) / n AS mean,
    quantileExactInclusive(0.5)(response_tokens) AS p50
FROM {{template "requests" columns "outcome" "request_tokens" "response_tokens"}}
WHERE outcome = 'ok' AND request_tokens >= 0 AND response_tokens > 0
GROUP BY window_start, `from`
ORDER BY window_start, `from`;
