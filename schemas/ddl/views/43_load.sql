-- SELECT rate, gap_cv, in_flight_mean, failure_rate FROM load(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- What a stream's failures and latency are set against: for each window the load (rate, gap_cv, in_flight_mean), the
-- failure rate and the mean latencies. Parameters as in stream_minutes.
CREATE OR REPLACE VIEW load {{onCluster}} AS
{{template "load"}};
