-- SELECT window_start, requests, gap_cv FROM arrival_sums(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- What arrivals is computed from: each window's merged sums, as integers (of microseconds) wherever they are, and the
-- gap_cv that follows from them. Parameters as in stream_minutes.
CREATE OR REPLACE VIEW arrival_sums {{onCluster}} AS
{{template "arrival_sums"}};
