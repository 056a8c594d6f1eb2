-- SELECT service, elapsed_p99, ttft_p99 FROM latency_services(from_us = 0, to_us = 4102444800000000)
-- latency's quantiles of all services with requests in the range, the range as one window: what an alert rule reads.
CREATE OR REPLACE VIEW latency_services {{onCluster}} AS
SELECT
    service,
    elapsed_n,
    if(elapsed_n > 0, elapsed_quantiles[1] / 1000000, NULL) AS elapsed_p50,
    if(elapsed_n > 0, elapsed_quantiles[2] / 1000000, NULL) AS elapsed_p90,
    if(elapsed_n > 0, elapsed_quantiles[3] / 1000000, NULL) AS elapsed_p99,
    ttft_n,
    if(ttft_n > 0, ttft_quantiles[1] / 1000000, NULL) AS ttft_p50,
    if(ttft_n > 0, ttft_quantiles[2] / 1000000, NULL) AS ttft_p90,
    if(ttft_n > 0, ttft_quantiles[3] / 1000000, NULL) AS ttft_p99
FROM
(
    SELECT
        service,
        sum(minutes.elapsed_n) AS elapsed_n,
        {{template "quantiles" columns "elapsed_sketch" "elapsed_zero" "0.5, 0.9, 0.99"}} AS elapsed_quantiles,
        sum(minutes.ttft_n) AS ttft_n,
        {{template "quantiles" columns "ttft_sketch" "ttft_zero" "0.5, 0.9, 0.99"}} AS ttft_quantiles
    FROM minutes FINAL
    WHERE {{template "whose_minutes" "services"}} AND minute >= {{template "from"}} AND minute < {{template "to"}}
    GROUP BY service
)
ORDER BY service;
