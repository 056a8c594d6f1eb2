-- SELECT window_start, active_conversations FROM active_conversations(service = 'chat', from_us = 0, to_us = 4102444800000000, step_s = 60)
-- How many conversations are active in each window: one counts in every window from that of its first to that of its last
-- turn, also if it began before the range or ends after it. step_s is a multiple of 60, METRICS' own is 60; 0 counts those of the
-- whole range. Windows without any are not listed.
CREATE OR REPLACE VIEW active_conversations {{onCluster}} AS
SELECT
    toDateTime(if({step_s:UInt32} = 0, low * 60, window * {step_s:UInt32}), 'UTC') AS window_start,
    active AS active_conversations
FROM
(
    SELECT
        low,
        window AS from_window,
        leadInFrame(window, 1, window + 1) OVER (ORDER BY window ROWS BETWEEN CURRENT ROW AND 1 FOLLOWING) AS to_window,
        sum(change) OVER (ORDER BY window ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS active
    FROM
    (
        SELECT low, event.1 AS window, sum(event.2) AS change
        FROM
        (
            SELECT
                {{template "from"}} AS low,
                {{template "to"}} AS high,
                greatest(intDiv(first_us, 60000000), low) AS first_minute,
                least(intDiv(last_us, 60000000), high - 1) AS last_minute,
                -- With step_s = 0 everything is in window 0.
                if({step_s:UInt32} = 0, 0, intDiv(first_minute * 60, greatest({step_s:UInt32}, 1))) AS first_window,
                if({step_s:UInt32} = 0, 0, intDiv(last_minute * 60, greatest({step_s:UInt32}, 1))) AS last_window
            FROM conversations_by_day FINAL
            WHERE service = {service:String} AND {{template "days_before"}} AND first_us < high * 60000000 AND last_us >= low * 60000000
        )
        ARRAY JOIN [(first_window, toInt64(1)), (last_window + 1, toInt64(-1))] AS event
        GROUP BY low, window
    )
)
ARRAY JOIN range(from_window, to_window) AS window
WHERE active > 0
ORDER BY window_start;
