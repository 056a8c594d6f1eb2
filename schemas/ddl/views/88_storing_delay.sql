-- SELECT window_start, delay_p50, delay_p99 FROM storing_delay(service = 'chat', from_us = 0, to_us = 4102444800000000, step_s = 300)
-- How long after their end requests were stored, in seconds, for each window by the time of completion: mean, p50, p90, p99
-- and the largest. ClickHouse notes whole seconds, so that a delay is up to a second more; one below 0 (clocks) counts as 0.
-- A request that was read again counts from its last reading until its copies are merged. Read from requests.
CREATE OR REPLACE VIEW storing_delay {{onCluster}} AS
SELECT
    window_start,
    requests,
    delay_mean,
    quantiles[1] AS delay_p50,
    quantiles[2] AS delay_p90,
    quantiles[3] AS delay_p99,
    delay_max
FROM
(
    SELECT
        toDateTime({{template "window" "intDiv(completed_us, 1000000)"}}, 'UTC') AS window_start,
        count() AS requests,
        sum(delay_us) / requests / 1000000 AS delay_mean,
        arrayMap(q -> q / 1000000, quantilesExactInclusive(0.5, 0.9, 0.99)(delay_us)) AS quantiles,
        max(delay_us) / 1000000 AS delay_max
    FROM
    (
        SELECT completed_us, greatest(toInt64(toUnixTimestamp(stored_at)) * 1000000 - completed_us, 0) AS delay_us
        FROM {{template "completed" "service"}}
    )
    GROUP BY window_start
)
ORDER BY window_start;
