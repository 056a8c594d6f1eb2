-- SELECT service, delay_p99 FROM storing_delay_services(from_us = 0, to_us = 4102444800000000)
-- storing_delay of all services with requests that completed in the range, the range as one window: what an alert rule reads.
CREATE OR REPLACE VIEW storing_delay_services {{onCluster}} AS
SELECT
    service,
    requests,
    quantiles[1] AS delay_p50,
    quantiles[2] AS delay_p90,
    quantiles[3] AS delay_p99,
    delay_max
FROM
(
    SELECT
        service,
        count() AS requests,
        arrayMap(q -> q / 1000000, quantilesExactInclusive(0.5, 0.9, 0.99)(delay_us)) AS quantiles,
        max(delay_us) / 1000000 AS delay_max
    FROM
    (
        SELECT service, greatest(toInt64(toUnixTimestamp(stored_at)) * 1000000 - completed_us, 0) AS delay_us
        FROM {{template "completed" "services"}}
    )
    GROUP BY service
)
ORDER BY service;
