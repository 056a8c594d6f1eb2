-- SELECT start_us, end_us, length, outcome FROM failure_runs_view(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000)
-- Unbroken runs of at least 10 failures, one row each: arrival of the first and of the last request, how many, and the outcome
-- of the first. Runs begin and end with the range at the latest; cancelled ends one. Parameters as in stream_minutes.
--
-- Minutes know how long runs are, requests when they begin. So requests are read only of the minutes that a long run lies in,
-- taken together where one with requests follows the other. On a cluster the minutes are numbers by the time that shards are
-- asked.
CREATE OR REPLACE VIEW failure_runs_view {{onCluster}} AS
WITH
    (
        SELECT (groupArray(number), groupArray(block))
        FROM
        (
            SELECT number, place - row_number() OVER (ORDER BY number) AS block
            FROM
            (
                -- A run that goes beyond its minute is the trail of a minute, all of those in which everything failed, and the
                -- lead of the one that ends it: parts with the same number of minutes before that ended a run.
                SELECT number, any(place) AS place, max(long) AS reaches
                FROM
                (
                    SELECT number, place, longest >= 10 OR (part.2 > 0 AND sum(part.2) OVER (PARTITION BY part.1) >= 10) AS long
                    FROM
                    (
                        SELECT
                            toInt64(minute) AS number,
                            row_number() OVER so_far AS place,
                            arrayMax(run_lengths) AS longest,
                            requests > lead_run AS breaks,
                            toInt64(sum(breaks) OVER so_far) AS broken,
                            if(breaks, [(broken - 1, lead_run), (broken, trail_run)], [(broken, requests)]) AS parts
                        FROM minutes FINAL
                        WHERE {{template "stream"}} AND minute >= {{template "from"}} AND minute < {{template "to"}}
                        WINDOW so_far AS (ORDER BY minute ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
                    )
                    ARRAY JOIN parts AS part
                )
                GROUP BY number
            )
            WHERE reaches
        )
    ) AS reached
SELECT
    min(arrival_us) AS start_us,
    max(arrival_us) AS end_us,
    count() AS length,
    argMin(outcome, place) AS outcome
FROM
(
    SELECT
        arrival_us,
        outcome,
        transform(intDiv(arrival_us, 60000000), reached.1, reached.2, toInt64(0)) AS block,
        outcome NOT IN ('ok', 'cancelled') AS failed,
        row_number() OVER so_far AS place,
        countIf(NOT failed) OVER so_far AS ends
    FROM requests FINAL
    WHERE {{template "stream_requests"}} AND {{template "in_range"}} AND intDiv(arrival_us, 60000000) IN reached.1
    WINDOW so_far AS (PARTITION BY block ORDER BY arrival_us, seq, if(request_id = '', 0, xxHash64(request_id)), content
        ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW)
)
WHERE failed
GROUP BY block, ends
HAVING length >= 10
ORDER BY start_us;
