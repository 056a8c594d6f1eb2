-- SELECT window_start, in_flight_peak FROM in_flight_peak(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- The largest number of requests in flight in each window, at whole seconds: those with floor(arrival) <= s < ceil(end).
-- Requests that arrived before the window count too, also those of the 24 hours before the range, which is as long as
-- elapsed can be. With step_s = 0 the seconds are those of the minutes from the range's first to its last arrival. NULL
-- where no request knows its elapsed. Read from requests: the cost grows with their number. Parameters as in
-- stream_minutes.
CREATE OR REPLACE VIEW in_flight_peak {{onCluster}} AS
SELECT
    toDateTime(if({step_s:UInt32} = 0, low, intDiv(at, greatest({step_s:UInt32}, 1)) * {step_s:UInt32}), 'UTC') AS window_start,
    if(any(all_known) = 0, NULL, max(flying)) AS in_flight_peak
FROM
(
    SELECT
        at,
        own,
        greatest(intDiv({from_us:Int64}, 60000000) + ({from_us:Int64} % 60000000 > 0), 0) * 60 AS low,
        sum(own) OVER so_far AS own_so_far,
        sum(known) OVER () AS all_known,
        sum(change) OVER so_far AS flying
    FROM
    (
        SELECT
            at,
            sum(change) AS change,
            sum(own) AS own,
            sum(known) AS known
        FROM
        (
            SELECT
                start.1 AS at,
                start.2 AS change,
                start.3 AS own,
                start.2 AS known
            FROM
            (
                SELECT
                    intDiv(arrival_us, 1000000) AS second,
                    toInt64(countIf(elapsed_us >= 0)) AS starts,
                    (intDiv({from_us:Int64}, 60000000) + ({from_us:Int64} % 60000000 > 0)) * 60 AS low
                FROM stream_requests(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
                    from_us = {from_us:Int64} - 86460000000, to_us = {to_us:Int64}, step_s = 0)
                GROUP BY second
            )
            -- Where the window begins (with step_s = 0, the minute): what is still in flight then counts.
            ARRAY JOIN if(second < low, [(second, starts, toInt64(0))],
                [(second, starts, toInt64(1)), (greatest(intDiv(second, greatest({step_s:UInt32}, 60)) * greatest({step_s:UInt32}, 60), low), 0, 1)]) AS start
            UNION ALL
            SELECT
                intDiv(arrival_us + elapsed_us + 999999, 1000000) AS at,
                -toInt64(count()) AS change,
                toInt64(0) AS own,
                toInt64(0) AS known
            FROM stream_requests(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
                from_us = {from_us:Int64} - 86460000000, to_us = {to_us:Int64}, step_s = 0)
            WHERE elapsed_us >= 0
            GROUP BY at
        )
        GROUP BY at
    )
    WINDOW so_far AS (ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
WHERE at >= low
    AND at < (intDiv({to_us:Int64}, 60000000) + ({to_us:Int64} % 60000000 > 0)) * 60
    -- With one window for the whole range, what comes before its first minute is no part of it, and after its last
    -- nothing starts.
    AND ({step_s:UInt32} > 0 OR own_so_far > 0)
GROUP BY window_start
HAVING sum(own) > 0
ORDER BY window_start;
