-- SELECT window_start, in_flight_peak FROM in_flight_peak(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- The largest number of requests in flight in each window, at whole seconds: those with floor(arrival) <= s < ceil(end).
-- Requests that arrived before the window count too, also those of the 24 hours before the range, which is as long as
-- elapsed can be. With step_s = 0 the seconds are those of the minutes from the range's first to its last arrival. NULL
-- where no request knows its elapsed. Read from requests: the cost grows with their number. Parameters as in
-- stream_minutes.
CREATE OR REPLACE VIEW in_flight_peak {{onCluster}} AS
SELECT
    toDateTime({{template "window" "minute * 60"}}, 'UTC') AS window_start,
    if(any(all_known) = 0, NULL, max(flying)) AS in_flight_peak
FROM
(
    SELECT
        minute,
        own,
        sum(own) OVER so_far AS own_so_far,
        sum(known) OVER () AS all_known,
        -- In flight when the minute begins, and the most that come on top of it.
        sum(change) OVER so_far - change + greatest(highest, 0) AS flying
    FROM
    (
        SELECT
            minute,
            toInt64(countIf(starts AND minute >= {{template "from"}})) AS own,
            countIf(starts AND elapsed_us >= 0) AS known,
            arrayCumSum(e -> if(bitAnd(e, 1) = 1, 1, -1), arraySort(groupArrayIf(toUInt8(event - 120 * minute), elapsed_us >= 0))) AS changes,
            changes[-1] AS change,
            arrayMax(changes) AS highest
        FROM
        (
            -- Events in the order in which they count: one more from second s on is 2 s + 1, one less 2 s. What ends with a
            -- minute belongs to it: the next one begins without.
            SELECT
                elapsed_us,
                event,
                bitAnd(event, 1) = 1 AS starts,
                intDiv(event - 1, 120) AS minute
            FROM requests FINAL
            ARRAY JOIN if(elapsed_us < 0, [intDiv(arrival_us, 1000000) * 2 + 1],
                [intDiv(arrival_us, 1000000) * 2 + 1, intDiv(arrival_us + elapsed_us + 999999, 1000000) * 2]) AS event
            WHERE {{template "stream_requests"}}
                AND arrival_us >= ({{template "from"}} - 1441) * 60000000 AND arrival_us < {{template "to"}} * 60000000
        )
        GROUP BY minute
    )
    WINDOW so_far AS (ORDER BY minute ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
WHERE minute >= {{template "from"}}
    AND minute < {{template "to"}}
    -- With one window for the whole range, what comes before its first minute is no part of it, and after its last
    -- nothing starts.
    AND ({step_s:UInt32} > 0 OR own_so_far > 0)
GROUP BY window_start
HAVING sum(own) > 0
ORDER BY window_start;
