-- SELECT window_start, fault_rate FROM fault_burn(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- Faults by the time of completion, for each window: requests that completed in it, whenever they arrived, how many were
-- faults, and of how many that is a share (considered: fault_rate's denominator). Errors are logged at once and long
-- answers late, so by arrival the last minutes would look worse than they are. A request that does not know its elapsed
-- counts when it arrived. Read from requests. Parameters as in stream_minutes.
CREATE OR REPLACE VIEW fault_burn {{onCluster}} AS
SELECT window_start, requests, faults, considered, if(considered = 0, NULL, faults / considered) AS fault_rate
FROM
(
    SELECT
        toDateTime({{template "window" "intDiv(completed_us, 1000000)"}}, 'UTC') AS window_start,
        count() AS requests,
        {{template "faults"}}
    FROM {{template "completed" "stream"}}
    GROUP BY window_start
)
ORDER BY window_start;
