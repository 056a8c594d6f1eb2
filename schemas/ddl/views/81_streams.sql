-- SELECT model, log_type, requests FROM streams(service = 'chat', from_us = 0, to_us = 4102444800000000)
-- The streams that a service has requests of in the range's minutes (those that begin in [from_us, to_us)): all of them, of
-- one model, of one log type, of both. NULL stands for all, and comes first.
CREATE OR REPLACE VIEW streams {{onCluster}} AS
SELECT
    if(grouping IN ('model', 'both'), toString(m), NULL) AS model,
    if(grouping IN ('log_type', 'both'), toString(t), NULL) AS log_type,
    n AS requests,
    first_arrival_us,
    last_arrival_us
FROM
(
    SELECT
        grouping,
        minutes.model AS m,
        minutes.log_type AS t,
        sum(minutes.requests) AS n,
        min(first_us) AS first_arrival_us,
        max(last_us) AS last_arrival_us
    FROM minutes FINAL
    WHERE service = {service:String}
        AND minute >= {{template "from"}}
        AND minute < {{template "to"}}
    GROUP BY grouping, m, t
)
ORDER BY model NULLS FIRST, log_type NULLS FIRST;
