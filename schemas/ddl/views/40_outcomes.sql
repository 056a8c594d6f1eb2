-- SELECT window_start, failure_rate, wilson_low, wilson_high FROM outcomes(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 3600)
-- METRICS 4 for each window: requests by outcome, failures (all but ok and cancelled) with their rate's Wilson 95 %
-- interval, faults (what operators answer for), and how failures follow each other. client_errors are the errors with
-- status 400-499, which error counts too. Runs of failures are those inside the window: they begin and end with it at
-- the latest. Parameters as in stream_minutes.
CREATE OR REPLACE VIEW outcomes {{onCluster}} AS
WITH 1.959963984540054 AS z
SELECT
    window_start,
    requests,
    failures,
    failures / requests AS failure_rate,
    if(failures = 0, 0, (centre - half) / (1 + z * z / requests)) AS wilson_low,
    if(failures = requests, 1, (centre + half) / (1 + z * z / requests)) AS wilson_high,
    empty + timeout + error - client_errors AS faults,
    if(judged = 0, NULL, faults / judged) AS fault_rate,
    ok,
    empty,
    error,
    timeout,
    rate_limited,
    cancelled,
    filtered,
    client_errors,
    if(run_largest = 0, NULL, run_quantiles[1]) AS failure_run_p50,
    if(run_largest = 0, NULL, run_quantiles[2]) AS failure_run_p99,
    if(run_largest = 0, NULL, run_largest) AS failure_run_max,
    if(followed = 0, NULL, failure_pairs / followed) AS failure_after_failure
FROM
(
    SELECT
        *,
        requests - ok - cancelled AS failures,
        requests - cancelled - rate_limited - filtered - client_errors AS judged,
        failures - last_failed AS followed,
        failures / requests + z * z / (2 * requests) AS centre,
        z * sqrt(failures / requests * (1 - failures / requests) / requests + z * z / (4 * requests * requests)) AS half
    FROM
    (
        SELECT
            window_start,
            sum(minutes.requests) AS requests,
            sum(minutes.ok) AS ok,
            sum(minutes.empty) AS empty,
            sum(minutes.error) AS error,
            sum(minutes.timeout) AS timeout,
            sum(minutes.rate_limited) AS rate_limited,
            sum(minutes.cancelled) AS cancelled,
            sum(minutes.filtered) AS filtered,
            sum(minutes.client_errors) AS client_errors,
            -- Within minutes, and from one to the next.
            sum(minutes.failure_pairs + (previous_run > 0 AND lead_run > 0)) AS failure_pairs,
            argMax(trail_run, minute) > 0 AS last_failed,
            -- Runs inside a minute, those that its lead ends, and the one that is open at the end.
            quantilesExactWeightedInterpolatedArray(0.5, 0.99)(arrayConcat(run_lengths, [ended, open]),
                arrayConcat(run_counts, [toUInt64(ended > 0), toUInt64(open > 0)])) AS run_quantiles,
            max(greatest(arrayMax(run_lengths), ended, open)) AS run_largest
        FROM
        (
            -- A minute in which not all failed breaks a run: it ends the one before it with its lead and opens the next with
            -- its trail. The others lengthen what is open, by all of their requests.
            SELECT
                *,
                if(breaks, toInt64(trail_run) - led, NULL) AS opened,
                led + ifNull(anyLast(opened) OVER (PARTITION BY window_start ORDER BY minute ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS so_far,
                toUInt64(if(breaks, so_far, 0)) AS ended,
                toUInt64(if(is_last, if(breaks, trail_run, so_far), 0)) AS open
            FROM
            (
                SELECT
                    *,
                    requests > lead_run AS breaks,
                    lagInFrame(trail_run, 1, 0) OVER neighbours AS previous_run,
                    leadInFrame(requests, 1, 0) OVER neighbours = 0 AS is_last,
                    sum(toInt64(lead_run)) OVER (PARTITION BY window_start ORDER BY minute ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) AS led
                FROM {{template "minutes" columns "requests" "ok" "empty" "error" "timeout" "rate_limited" "cancelled" "filtered" "client_errors"
                    "failure_pairs" "lead_run" "trail_run" "run_lengths" "run_counts"}}
                WINDOW neighbours AS (PARTITION BY window_start ORDER BY minute ROWS BETWEEN 1 PRECEDING AND 1 FOLLOWING)
            )
        ) AS minutes
        GROUP BY window_start
    )
)
ORDER BY window_start;
