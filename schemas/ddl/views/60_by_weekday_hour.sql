-- SELECT * FROM by_weekday_hour(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, time_zone = 'UTC')
-- METRICS 6: what each hour of the week has seen over the range, Monday = 0, all 168 of them. Parameters as in
-- stream_minutes; time_zone is a name such as 'Europe/Berlin'.
CREATE OR REPLACE VIEW by_weekday_hour {{onCluster}} AS
SELECT
    weekday,
    hour,
    sum(n) AS requests,
    sum(failed) AS failures,
    sum(x) AS request_tokens,
    sum(y) AS response_tokens
FROM
(
    SELECT
        toDateTime(toUInt32(minute) * 60, 'UTC') AS at,
        toUInt8(toDayOfWeek(at, 0, {time_zone:String}) - 1) AS weekday,
        toHour(at, {time_zone:String}) AS hour,
        requests AS n,
        requests - ok - cancelled AS failed,
        minutes.request_tokens AS x,
        minutes.response_tokens AS y
    FROM minutes FINAL
    WHERE {{template "stream"}} AND minute >= {{template "from"}} AND minute < {{template "to"}}
    UNION ALL
    SELECT toDateTime(0, 'UTC') AS at, toUInt8(intDiv(number, 24)) AS weekday, toUInt8(number % 24) AS hour, 0 AS n, 0 AS failed, 0 AS x, 0 AS y
    FROM numbers(168)
)
GROUP BY weekday, hour
ORDER BY weekday, hour;
