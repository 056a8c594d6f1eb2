-- SELECT window_start, tokens_per_gpu_second, joules_per_1000_response_tokens FROM gpu_service(service = 'chat', from_us = 0, to_us = 4102444800000000, step_s = 300)
-- A service's load beside the GPUs that serve it, in each window with samples of them. GPUs and tokens are joined by minute: a
-- minute counts for the tokens if there are samples of its GPUs. gpus is their mean number (a MIG instance is its share of
-- the GPU), gpu_seconds 60 for each and minute, energy_j the share of what they used. utilisation_mean is over
-- their samples; MIG instances, which have none, count with graphics_active. rate, gap_cv and in_flight_mean are those of
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
    if(response_tokens = 0, NULL, energy_j / response_tokens * 1000) AS joules_per_1000_response_tokens,
    loads.in_flight_mean AS in_flight_mean,
    loads.gap_cv AS gap_cv,
    loads.rate AS rate
FROM
(
    SELECT
        window_start,
        sum(gpus.share) / count() AS gpus,
        sum(gpus.share) * 60 AS gpu_seconds,
        if(sum(gpus.utilisation_n) = 0, NULL, sum(gpus.utilisation_sum) / sum(gpus.utilisation_n)) AS utilisation_mean,
        if(sum(gpus.sm_active_n) = 0, NULL, sum(gpus.sm_active_sum) / sum(gpus.sm_active_n)) AS sm_active_mean,
        avgOrNull(gpus.power_w) AS power_w_mean,
        sumOrNull(gpus.energy_j) AS energy_j,
        sum(tokens.request_tokens) AS request_tokens,
        sum(tokens.response_tokens) AS response_tokens
    FROM
    (
        -- A minute's row for all GPUs of the service.
        SELECT
            minute,
            any(toDateTime({{template "window" "toInt64(minute) * 60"}}, 'UTC')) AS window_start,
            sum(device.share) AS share,
            sum(length(busy)) AS utilisation_n,
            sum(arraySum(busy)) AS utilisation_sum,
            sum(length(device.sm_active)) AS sm_active_n,
            sum(arraySum(device.sm_active)) AS sm_active_sum,
            sumOrNull(device.share * if(notEmpty(device.power_w), arrayAvg(device.power_w), NULL)) AS power_w,
            sumOrNull(device.share * {{template "counter_gain" "energy_j"}}) AS energy_j
        FROM
        (
            SELECT
                minute, service, share, sm_active, power_w, energy_j_n, energy_j_first_us, energy_j_first, energy_j_gain,
                if(notEmpty(utilisation), utilisation, graphics_active) AS busy,
                {{template "counter_before" "energy_j"}}
            FROM gpu_minutes FINAL
            WHERE {{template "gpu_minute_range"}}
            WINDOW before AS (PARTITION BY host, uuid, gpu_instance ORDER BY minute ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
        ) AS device
        WHERE minute >= {{template "from"}} AND service = {service:String}
        GROUP BY minute
    ) AS gpus
    LEFT JOIN
    (
        SELECT minute, request_tokens, response_tokens
        FROM minutes FINAL
        WHERE service = {service:String} AND grouping = 'all' AND model = '' AND log_type = ''
            AND minute >= {{template "from"}} AND minute < {{template "to"}}
    ) AS tokens USING (minute)
    GROUP BY window_start
) AS sums
LEFT JOIN
(
    {{allStreams "load"}}
) AS loads USING (window_start)
ORDER BY window_start;
