-- SELECT service, gap_cv, baseline_p99, run FROM burst_services(to_us = 4102444800000000)
-- burst_baseline of the last window of 300 s that has ended by to_us, of all services with requests in the hour before: one
-- row a service, whether it has requests in that window or not. run counts windows of that hour. Requests are logged when
-- they end: a to_us of some seconds ago leaves those of the window time to come.
CREATE OR REPLACE VIEW burst_services {{onCluster}} AS
WITH intDiv({{template "to"}}, 5) AS hi, greatest(hi - 12, 0) AS lo
SELECT
    service,
    toDateTime((hi - 1) * 300, 'UTC') AS window_start,
    anyIf(gap_cv, number = hi - 1) AS gap_cv,
    anyIf(baseline_p99, number = hi - 1) AS baseline_p99,
    sumIf(baseline_windows, number = hi - 1) AS baseline_windows,
    gap_cv / baseline_p99 AS baseline_ratio,
    maxIf(above, number = hi - 1) AS above,
    maxIf(run, number = hi - 1) AS run
FROM
(
    {{template "bursts" "services"}}
)
GROUP BY service
ORDER BY service;
