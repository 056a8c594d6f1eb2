-- SELECT minute, requests, delay_s FROM late_data(service = 'chat', from_us = 0, to_us = 4102444800000000)
-- Minutes whose numbers changed late: those with requests that were stored more than 10 minutes after they ended, how many,
-- and by how much the latest was (seconds). A log that is read long after it was written is all late.
--
-- Requests are read only of minutes whose row was written that late, too, which is always so. GLOBAL as in failure_runs_view.
CREATE OR REPLACE VIEW late_data {{onCluster}} AS
SELECT toDateTime(number * 60, 'UTC') AS minute, requests, delay_s
FROM
(
    SELECT intDiv(arrival_us, 60000000) AS number, count() AS requests, max(delay_us) / 1000000 AS delay_s
    FROM
    (
        SELECT arrival_us, toInt64(toUnixTimestamp(stored_at)) * 1000000 - arrival_us - greatest(elapsed_us, 0) AS delay_us
        FROM requests FINAL
        WHERE service = {service:String} AND {{template "in_range"}}
            AND intDiv(arrival_us, 60000000) GLOBAL IN
            (
                SELECT toInt64(minute)
                FROM minutes FINAL
                WHERE {{template "whose_minutes" "service"}} AND minute >= {{template "from"}} AND minute < {{template "to"}}
                    AND toUnixTimestamp(stored_at) > toInt64(minute) * 60 + 600
            )
            AND delay_us > 600000000
    )
    GROUP BY number
)
ORDER BY minute;
