-- SELECT window_start, tokens_per_gpu_second, joules_per_1000_response_tokens FROM gpu_service(service = 'chat', from_us = 0, to_us = 4102444800000000, step_s = 300)
-- A service's load beside the GPUs that serve it, in each window with samples of them. GPUs and tokens are joined by minute: a
-- minute counts for the tokens if there are samples of its GPUs. gpus is their mean number (a MIG instance is its share of
-- the GPU), gpu_seconds 60 for each and minute, energy_j the share of what they used. Where all of them were
-- without samples for up to ten minutes, the joules of that time are there, and are set against its tokens. utilisation_mean is over
-- their samples, by share; MIG instances, which have none, count with graphics_active. rate, gap_cv and in_flight_mean are those of
-- view load, over the whole window. Tokens are those of requests that arrived in the window. Parameters as in stream_minutes;
-- counters as in gpu.
CREATE OR REPLACE VIEW gpu_service {{onCluster}} AS
SELECT
    sums.window_start AS window_start,
    sums.gpus AS gpus,
    sums.gpu_seconds AS gpu_seconds,
    sums.utilisation_mean AS utilisation_mean,
    sums.sm_active_mean AS sm_active_mean,
    sums.power_w_mean AS power_w_mean,
    sums.energy_j AS energy_j,
    sums.request_tokens AS request_tokens,
    sums.response_tokens AS response_tokens,
    if(gpu_seconds = 0, NULL, (request_tokens + response_tokens) / gpu_seconds) AS tokens_per_gpu_second,
    if(gpu_seconds = 0, NULL, response_tokens / gpu_seconds) AS response_tokens_per_gpu_second,
    if(sums.energy_tokens = 0, NULL, sums.energy_j / sums.energy_tokens * 1000) AS joules_per_1000_response_tokens,
    loads.in_flight_mean AS in_flight_mean,
    loads.gap_cv AS gap_cv,
    loads.rate AS rate
FROM
(
    SELECT
        window_start,
        sumIf(gpus.share, own) / countIf(own) AS gpus,
        sumIf(gpus.share, own) * 60 AS gpu_seconds,
        if(sumIf(gpus.utilisation_n, own) = 0, NULL, sumIf(gpus.utilisation_sum, own) / sumIf(gpus.utilisation_n, own)) AS utilisation_mean,
        if(sumIf(gpus.sm_active_n, own) = 0, NULL, sumIf(gpus.sm_active_sum, own) / sumIf(gpus.sm_active_n, own)) AS sm_active_mean,
        avgOrNullIf(gpus.power_w, own) AS power_w_mean,
        sumOrNullIf(gpus.energy_j, own) AS energy_j,
        sumIf(tokens.request_tokens, own) AS request_tokens,
        sumIf(tokens.response_tokens, own) AS response_tokens,
        sumIf(tokens.response_tokens, isNotNull(gpus.energy_j)) AS energy_tokens
    FROM
    (
        -- The minute itself (own), and those before it that its energy is of as well.
        SELECT * EXCEPT (minute), minute - back AS minute, back = 0 AS own
        FROM
        (
            -- A minute's row for all GPUs of the service.
            SELECT
                minute,
                any(toDateTime({{template "window" "toInt64(minute) * 60"}}, 'UTC')) AS window_start,
                sum(device.share) AS share,
                sum(device.share * busy_n) AS utilisation_n,
                sum(device.share * busy_sum) AS utilisation_sum,
                sum(device.share * sm_active_n) AS sm_active_n,
                sum(device.share * sm_active_sum) AS sm_active_sum,
                sumOrNull(device.share * power_w_mean) AS power_w,
                sumOrNull(device.share * {{template "counter_gain" "energy_j"}}) AS energy_j,
                -- The minutes without a sample of any of the GPUs are those that the least of them was away.
                ifNull(minOrNullIf(minute - intDiv(energy_j_before_us, 60000000) - 1,
                    energy_j_n > 0 AND ifNull(energy_j_first_us - energy_j_before_us <= 600000000, 0)), 0) AS away
            FROM
            (
                SELECT *, {{template "counter_before" "energy_j"}}
                FROM
                (
                    -- Numbers, not arrays: all of this is put in order for the window.
                    SELECT
                        host, uuid, gpu_instance, minute, service, share, energy_j_n, energy_j_first_us, energy_j_first, energy_j_last_us,
                        energy_j_last, energy_j_gain,
                        length(if(notEmpty(utilisation), utilisation, graphics_active)) AS busy_n,
                        arraySum(if(notEmpty(utilisation), utilisation, graphics_active)) AS busy_sum,
                        length(sm_active) AS sm_active_n,
                        arraySum(sm_active) AS sm_active_sum,
                        if(notEmpty(power_w), arrayAvg(power_w), NULL) AS power_w_mean
                    FROM gpu_minutes FINAL
                    WHERE {{template "gpu_minute_range"}}
                )
                WINDOW before AS (PARTITION BY host, uuid, gpu_instance ORDER BY minute ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
            ) AS device
            WHERE minute >= {{template "from"}} AND service = {service:String}
            GROUP BY minute
        )
        ARRAY JOIN range(toUInt64(away + 1)) AS back
    ) AS gpus
    LEFT JOIN
    (
        SELECT toInt64(minutes.minute) AS minute, request_tokens, response_tokens
        FROM minutes FINAL
        WHERE service = {service:String} AND grouping = 'all' AND model = '' AND log_type = ''
            AND minutes.minute >= greatest({{template "from"}} - 11, 0) AND minutes.minute < {{template "to"}}
    ) AS tokens USING (minute)
    GROUP BY window_start
) AS sums
LEFT JOIN
(
    {{allStreams "load"}}
) AS loads USING (window_start)
ORDER BY window_start;
