-- SELECT window_start, running_mean, waiting_mean, kv_cache_usage_max FROM engine_load(service = 'chat', from_us = 0, to_us = 4102444800000000, step_s = 300)
-- What a service's engines say of themselves, in each window with samples: the requests that run and that wait, of all engines
-- together, the share of the KV cache in use, and preemptions. The means are over the window's minutes of the sum over
-- engines; the maxima are those of the sum of the engines' own maxima in one minute, so at least what it was at any sample. KV-cache
-- usage is over all samples. Parameters as in stream_minutes; counters as in gpu.
CREATE OR REPLACE VIEW engine_load {{onCluster}} AS
SELECT
    toDateTime({{template "window" "toInt64(minute) * 60"}}, 'UTC') AS window_start,
    max(engines) AS engines,
    avgOrNull(running) AS running_mean,
    maxOrNull(running_peak) AS running_max,
    avgOrNull(waiting) AS waiting_mean,
    maxOrNull(waiting_peak) AS waiting_max,
    if(sum(kv_n) = 0, NULL, sum(kv_sum) / sum(kv_n)) AS kv_cache_usage_mean,
    maxOrNull(kv_peak) AS kv_cache_usage_max,
    sumOrNull(gained) AS preemptions
FROM
(
    SELECT
        minute,
        count() AS engines,
        sumOrNull(if(notEmpty(engine.running), arrayAvg(engine.running), NULL)) AS running,
        sumOrNull(if(notEmpty(engine.running), arrayMax(engine.running), NULL)) AS running_peak,
        sumOrNull(if(notEmpty(engine.waiting), arrayAvg(engine.waiting), NULL)) AS waiting,
        sumOrNull(if(notEmpty(engine.waiting), arrayMax(engine.waiting), NULL)) AS waiting_peak,
        sum(length(engine.kv_cache_usage)) AS kv_n,
        sum(arraySum(engine.kv_cache_usage)) AS kv_sum,
        maxOrNullArray(engine.kv_cache_usage) AS kv_peak,
        sumOrNull({{template "counter_gain" "preemptions"}}) AS gained
    FROM
    (
        SELECT *, {{template "counter_before" "preemptions"}}
        FROM engine_minutes FINAL
        WHERE {{template "gpu_minute_range"}}
        WINDOW before AS (PARTITION BY host, target, model, engine_index ORDER BY minute ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
    ) AS engine
    WHERE minute >= {{template "from"}} AND service = {service:String}
    GROUP BY minute
)
GROUP BY window_start
ORDER BY window_start;
