-- SELECT service, last_arrival_us, silent FROM silent_services(from_us = 0, to_us = 4102444800000000)
-- Services that have fallen silent: one row for each with requests in the range or in the 24 hours before it, its requests
-- in the range and in these hours, and its last arrival. Silent is a service with requests before and none in the range.
CREATE OR REPLACE VIEW silent_services {{onCluster}} AS
SELECT
    service,
    sumIf(minutes.requests, minute >= {{template "from"}}) AS requests,
    sumIf(minutes.requests, minute < {{template "from"}}) AS requests_before,
    max(last_us) AS last_arrival_us,
    toUInt8(requests = 0) AS silent
FROM minutes FINAL
WHERE {{template "whose_minutes" "services"}} AND minute >= greatest({{template "from"}} - 1440, 0) AND minute < {{template "to"}}
GROUP BY service
ORDER BY service;
