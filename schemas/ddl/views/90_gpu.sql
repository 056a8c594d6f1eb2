-- SELECT window_start, uuid, utilisation_mean, power_w_mean, energy_j FROM gpu(host = NULL, uuid = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- Each GPU and MIG instance in each window: means, maxima and 95th percentiles of what its exporter measures, in base units and
-- ratios of 1, and what its counters gained. NULL is what the exporter does not give.
--
-- Parameters: host and uuid NULL take all; from_us, to_us, step_s as in stream_minutes. A counter's gain between two samples
-- counts in the window of the later one, so that windows add up; one that fell was started again, and gained what it shows. What
-- lies between samples more than ten minutes apart counts nowhere: it is not known when it was used. up is the share of
-- the window's minutes with a sample, xid_changes how often a new XID error showed up: the gauge keeps its last one for
-- ever. MIG instances have no utilisation; graphics_active_mean says the same of them. Those of one GPU repeat its power
-- and energy: multiply by share before adding up.
CREATE OR REPLACE VIEW gpu {{onCluster}} AS
SELECT
    window_start,
    device.host AS host,
    device.uuid AS uuid,
    device.gpu_instance AS gpu_instance,
    argMax(device.gpu, minute) AS gpu,
    argMax(device.model_name, minute) AS model_name,
    argMax(device.service, minute) AS service,
    argMax(device.share, minute) AS share,
    sum(version) AS samples,
    avgOrNullArray(utilisation) AS utilisation_mean,
    maxOrNullArray(utilisation) AS utilisation_max,
    quantileExactInclusiveOrNullArray(0.95)(utilisation) AS utilisation_p95,
    avgOrNullArray(graphics_active) AS graphics_active_mean,
    maxOrNullArray(graphics_active) AS graphics_active_max,
    quantileExactInclusiveOrNullArray(0.95)(graphics_active) AS graphics_active_p95,
    avgOrNullArray(sm_active) AS sm_active_mean,
    maxOrNullArray(sm_active) AS sm_active_max,
    quantileExactInclusiveOrNullArray(0.95)(sm_active) AS sm_active_p95,
    avgOrNullArray(sm_occupancy) AS sm_occupancy_mean,
    maxOrNullArray(sm_occupancy) AS sm_occupancy_max,
    quantileExactInclusiveOrNullArray(0.95)(sm_occupancy) AS sm_occupancy_p95,
    avgOrNullArray(tensor_active) AS tensor_active_mean,
    maxOrNullArray(tensor_active) AS tensor_active_max,
    quantileExactInclusiveOrNullArray(0.95)(tensor_active) AS tensor_active_p95,
    avgOrNullArray(dram_active) AS dram_active_mean,
    maxOrNullArray(dram_active) AS dram_active_max,
    quantileExactInclusiveOrNullArray(0.95)(dram_active) AS dram_active_p95,
    avgOrNullArray(memory_copy_utilisation) AS memory_copy_utilisation_mean,
    avgOrNullArray(fb_used_bytes) AS fb_used_bytes_mean,
    maxOrNullArray(fb_used_bytes) AS fb_used_bytes_max,
    quantileExactInclusiveOrNullArray(0.95)(fb_used_bytes) AS fb_used_bytes_p95,
    maxOrNullArray(device.fb_total_bytes) AS fb_total_bytes,
    avgOrNullArray(power_w) AS power_w_mean,
    maxOrNullArray(power_w) AS power_w_max,
    quantileExactInclusiveOrNullArray(0.95)(power_w) AS power_w_p95,
    maxOrNullArray(device.power_limit_w) AS power_limit_w,
    avgOrNullArray(temperature_c) AS temperature_c_mean,
    maxOrNullArray(temperature_c) AS temperature_c_max,
    quantileExactInclusiveOrNullArray(0.95)(temperature_c) AS temperature_c_p95,
    maxOrNullArray(memory_temperature_c) AS memory_temperature_c_max,
    avgOrNullArray(sm_clock_hz) AS sm_clock_hz_mean,
    maxOrNullArray(sm_clock_hz) AS sm_clock_hz_max,
    avgOrNullArray(memory_clock_hz) AS memory_clock_hz_mean,
    sumOrNull({{template "counter_gain" "energy_j"}}) AS energy_j,
    argMaxOrNullIf(device.xid_last, minute, device.xid_last >= 0) AS xid_last,
    sum({{template "xid_changes"}}) AS xid_changes,
    avgOrNullArray(pcie_tx_bytes_per_s) + avgOrNullArray(pcie_rx_bytes_per_s) AS pcie_bytes_per_s,
    avgOrNullArray(nvlink_tx_bytes_per_s) + avgOrNullArray(nvlink_rx_bytes_per_s) AS nvlink_bytes_per_s,
    sumOrNull({{template "counter_gain" "power_violation_s"}}) AS power_violation,
    sumOrNull({{template "counter_gain" "thermal_violation_s"}}) AS thermal_violation,
    count() * 60 / if({step_s:UInt32} = 0, ({{template "to"}} - {{template "from"}}) * 60, {{template "covered"}}) AS up
FROM
(
    SELECT
        *,
        toDateTime({{template "window" "toInt64(minute) * 60"}}, 'UTC') AS window_start,
        {{template "counter_before" "energy_j"}},
        {{template "counter_before" "power_violation_s"}},
        {{template "counter_before" "thermal_violation_s"}},
        {{template "xid_before"}}
    FROM gpu_minutes FINAL
    WHERE {{template "gpu_minute_range"}}
        AND (isNull({host:Nullable(String)}) OR gpu_minutes.host = ifNull({host:Nullable(String)}, ''))
        AND (isNull({uuid:Nullable(String)}) OR gpu_minutes.uuid = ifNull({uuid:Nullable(String)}, ''))
    WINDOW before AS (PARTITION BY host, uuid, gpu_instance ORDER BY minute ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING)
) AS device
WHERE minute >= {{template "from"}}
GROUP BY window_start, host, uuid, gpu_instance
ORDER BY window_start, host, gpu, uuid, gpu_instance;
