-- SELECT service, rate, failure_rate FROM load_services(from_us = 0, to_us = 4102444800000000)
-- The load of all services with requests in the range, and what came of it, the range as one window: rates are over its
-- whole width, and so is in_flight_mean (NULL where no request of the service in the range or the day before knows its elapsed).
CREATE OR REPLACE VIEW load_services {{onCluster}} AS
WITH ({{template "to"}} - {{template "from"}}) * 60 AS covered_s
SELECT
    service,
    requests,
    requests / covered_s AS rate,
    failures,
    failures / requests AS failure_rate,
    request_tokens / covered_s AS request_tokens_per_s,
    response_tokens / covered_s AS response_tokens_per_s,
    if(known = 0, NULL, in_flight_us / covered_s / 1000000) AS in_flight_mean
FROM
(
    SELECT
        service,
        sumIf(minutes.requests, inside) AS requests,
        sumIf(minutes.requests - minutes.ok - minutes.cancelled, inside) AS failures,
        sumIf(minutes.request_tokens, inside) AS request_tokens,
        sumIf(minutes.response_tokens, inside) AS response_tokens,
        sum(elapsed_known) AS known,
        -- The time in flight of a minute's requests in that minute, in the whole minutes after it, in those of their ends.
        sum(if(inside, flight_us, 0) + arraySum((o, c, u) -> 60000000 * c * greatest(least(m + o, high) - greatest(m + 1, low), 0)
            + if(m + o >= low AND m + o < high, u, 0), flight_offsets, flight_ends, flight_end_us)) AS in_flight_us
    FROM
    (
        SELECT
            *,
            toInt64(minute) AS m,
            {{template "from"}} AS low,
            {{template "to"}} AS high,
            m >= low AS inside
        FROM minutes FINAL
        WHERE {{template "whose_minutes" "services"}} AND minute >= greatest({{template "from"}} - 1441, 0) AND minute < {{template "to"}}
    ) AS minutes
    GROUP BY service
    HAVING requests > 0
)
ORDER BY service;
