-- SELECT window_start, gap_cv, baseline_p99, run FROM burst_baseline(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000)
-- Burstiness beside what is usual for the stream at this time of the week: for each window of 300 s that lies in the range
-- altogether and has requests, its gap_cv (NULL with fewer than 10 gaps or where it is not defined), the 99th percentile of
-- gap_cv over the windows of the same hour of the week (UTC) in the four weeks before (NULL without any) and how many
-- windows these are, whether the window is above, and how many in a row are, up to and including this one, in the range.
-- With fewer than 12 windows of before none is above. Parameters as in stream_minutes.
CREATE OR REPLACE VIEW burst_baseline {{onCluster}} AS
WITH intDiv({{template "from"}} + 4, 5) AS lo, intDiv({{template "to"}}, 5) AS hi
SELECT toDateTime(number * 300, 'UTC') AS window_start, gap_cv, baseline_p99, baseline_windows, above, run
FROM
(
    {{template "bursts" "stream"}}
)
ORDER BY window_start;
