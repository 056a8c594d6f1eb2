-- SELECT service, ratio, stalled FROM stall_services(from_us = 0, to_us = 4102444800000000)
-- conversation_stall of all services, the range as one window: one row for each with turns in it or a week before.
CREATE OR REPLACE VIEW stall_services {{onCluster}} AS
WITH {{template "to"}} - {{template "from"}} AS covered
SELECT
    service,
    followed / covered AS turns,
    followed_before / covered AS expected_turns,
    started,
    if(followed_before = 0, NULL, followed / followed_before) AS ratio,
    {{template "stalled"}} AS stalled
FROM
(
    SELECT
        service,
        {{template "stall"}}
    FROM {{template "turns" "services"}}
    GROUP BY service
    HAVING followed + followed_before + started > 0
)
ORDER BY service;
