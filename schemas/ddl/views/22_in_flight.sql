-- SELECT window_start, in_flight_mean FROM in_flight(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- The mean number of requests in flight in each window: the time they spend in it, divided by its width as far as it
-- lies in the range. Requests that arrived before the window count too, also those from before the range: elapsed is
-- at most 24 hours, so that looking 24 hours back finds them all. With step_s = 0 the mean is over the whole minutes from
-- the range's first to its last arrival. NULL where no request knows its elapsed. Parameters as in stream_minutes.
CREATE OR REPLACE VIEW in_flight {{onCluster}} AS
{{template "in_flight"}}
ORDER BY window_start;
