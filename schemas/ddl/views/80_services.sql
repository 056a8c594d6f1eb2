-- SELECT service, requests FROM services(from_us = 0, to_us = 4102444800000000)
-- The services with requests in the range's minutes (those that begin in [from_us, to_us)).
CREATE OR REPLACE VIEW services {{onCluster}} AS
SELECT
    service,
    sum(minutes.requests) AS requests,
    min(first_us) AS first_arrival_us,
    max(last_us) AS last_arrival_us
FROM minutes FINAL
WHERE grouping = 'all'
    AND minute >= {{template "from"}}
    AND minute < {{template "to"}}
GROUP BY service
ORDER BY service;
