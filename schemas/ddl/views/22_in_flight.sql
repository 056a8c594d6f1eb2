-- SELECT window_start, in_flight_mean FROM in_flight(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- The mean number of requests in flight in each window: the time they spend in it, divided by its width as far as it
-- lies in the range. Requests that arrived before the window count too, also those from before the range: elapsed is
-- at most 24 hours, so that looking 24 hours back finds them all. With step_s = 0 the mean is over the whole minutes from
-- the range's first to its last arrival. NULL where no request knows its elapsed. Parameters as in stream_minutes.
--
-- A minute's row says how many of its requests end in which later minute. That makes events: one more in flight from
-- the next minute on, one less from the minute of the end on, and the parts of minutes in between as they are. Between
-- two events the number does not change, so a request that lasts for hours costs no more than a short one.
CREATE OR REPLACE VIEW in_flight {{onCluster}} AS
SELECT
    window_start,
    if(any(known) = 0, NULL, sum(us) / sum(minutes) / 60000000) AS in_flight_mean
FROM
(
    SELECT
        toDateTime(if({step_s:UInt32} = 0, greatest(intDiv({from_us:Int64}, 60000000) + ({from_us:Int64} % 60000000 > 0), 0) * 60,
            intDiv(at * 60, greatest({step_s:UInt32}, 1)) * {step_s:UInt32}), 'UTC') AS window_start,
        at,
        own,
        sum(own) OVER (ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS own_so_far,
        sum(own) OVER () AS all_own,
        sum(elapsed_known) OVER () AS known,
        leadInFrame(at, 1, at) OVER (ORDER BY at ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) - at AS minutes,
        part + minutes * 60000000 * sum(change) OVER (ORDER BY at ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS us
    FROM
    (
        SELECT
            event.1 AS at,
            sum(event.2) AS change,
            sum(event.3) AS part,
            sum(event.4) AS own,
            sum(event.5) AS elapsed_known
        FROM
        (
            SELECT
                toInt64(minute) AS m,
                greatest(intDiv({from_us:Int64}, 60000000) + ({from_us:Int64} % 60000000 > 0), 0) AS low,
                intDiv({to_us:Int64}, 60000000) + ({to_us:Int64} % 60000000 > 0) AS high,
                m >= low AS inside,
                if({step_s:UInt32} = 0, m, intDiv(m * 60, greatest({step_s:UInt32}, 1)) * intDiv({step_s:UInt32}, 60)) AS begin,
                if({step_s:UInt32} = 0, m + 1, begin + intDiv({step_s:UInt32}, 60)) AS end,
                arrayConcat(
                    [(m, toInt64(0), toInt64(flight_us), toInt64(inside), toInt64(elapsed_known))],
                    -- Where windows begin and end, so that no time between two events lies in more than one of them.
                    if(inside, [(greatest(begin, low), 0, 0, 0, 0), (least(end, high), 0, 0, 0, 0)], []),
                    if(notEmpty(flight_ends), [(m + 1, toInt64(arraySum(flight_ends)), 0, 0, 0)], []),
                    arrayMap((o, c, u) -> (m + o, -toInt64(c), toInt64(u), 0, 0), flight_offsets, flight_ends, flight_end_us)) AS events
            FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
                from_us = {from_us:Int64} - 86460000000, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
        )
        ARRAY JOIN events AS event
        WHERE at <= intDiv({to_us:Int64}, 60000000) + ({to_us:Int64} % 60000000 > 0)
        GROUP BY at
    )
)
WHERE at >= intDiv({from_us:Int64}, 60000000) + ({from_us:Int64} % 60000000 > 0)
    AND at < intDiv({to_us:Int64}, 60000000) + ({to_us:Int64} % 60000000 > 0)
    AND ({step_s:UInt32} > 0 OR (own_so_far > 0 AND own_so_far - own < all_own))
GROUP BY window_start
HAVING sum(own) > 0
ORDER BY window_start;
