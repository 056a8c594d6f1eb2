-- SELECT rate, gap_cv, in_flight_mean, failure_rate FROM load(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- What a stream's failures and latency are set against: for each window the load (rate, gap_cv, in_flight_mean), the
-- failure rate and the mean latencies. Parameters as in stream_minutes.
CREATE OR REPLACE VIEW load {{onCluster}} AS
SELECT
    arrivals.window_start AS window_start,
    arrivals.requests AS requests,
    arrivals.rate AS rate,
    arrivals.gap_cv AS gap_cv,
    flights.in_flight_mean AS in_flight_mean,
    ends.failure_rate AS failure_rate,
    ends.elapsed_mean AS elapsed_mean,
    ends.ttft_mean AS ttft_mean,
    ends.tpot_mean AS tpot_mean
FROM
(
    SELECT window_start, requests, if({step_s:UInt32} > 0, requests / covered_s, if(gap_sum > 0, requests * 1000000 / gap_sum, NULL)) AS rate, gap_cv
    FROM arrival_sums(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
        from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
) AS arrivals
LEFT JOIN
(
    SELECT window_start, in_flight_mean
    FROM in_flight(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
        from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
) AS flights USING (window_start)
LEFT JOIN
(
    SELECT
        window_start,
        1 - (sum(ok) + sum(cancelled)) / sum(requests) AS failure_rate,
        if(sum(elapsed_n) = 0, NULL, sum(elapsed_sum) / sum(elapsed_n) / 1000000) AS elapsed_mean,
        if(sum(ttft_n) = 0, NULL, sum(ttft_sum) / sum(ttft_n) / 1000000) AS ttft_mean,
        if(sum(tpot_n) = 0, NULL, sum(tpot_sum) / sum(tpot_n) / 1000000) AS tpot_mean
    FROM stream_minutes(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
        from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
    GROUP BY window_start
) AS ends USING (window_start)
ORDER BY window_start;
