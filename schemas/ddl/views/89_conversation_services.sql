-- SELECT service, conversations FROM conversation_services(from_us = 0, to_us = 4102444800000000)
-- How many conversations had turns in the range, and how many turns, by service. Read from requests.
CREATE OR REPLACE VIEW conversation_services {{onCluster}} AS
SELECT service, uniqExact(conversation) AS conversations, count() AS turns
FROM requests FINAL
WHERE {{template "in_range"}} AND conversation != ''
GROUP BY service
ORDER BY service;
