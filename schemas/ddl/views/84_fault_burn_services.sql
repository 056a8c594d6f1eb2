-- SELECT service, fault_rate FROM fault_burn_services(from_us = 0, to_us = 4102444800000000)
-- fault_burn of all services with requests that completed in the range, the range as one window: what an alert rule reads.
CREATE OR REPLACE VIEW fault_burn_services {{onCluster}} AS
SELECT service, requests, faults, considered, if(considered = 0, NULL, faults / considered) AS fault_rate
FROM
(
    SELECT
        service,
        count() AS requests,
        {{template "faults"}}
    FROM {{template "completed" "services"}}
    GROUP BY service
)
ORDER BY service;
