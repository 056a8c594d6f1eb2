-- SELECT request_from, response_from, count FROM length_joint(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 0)
-- How many requests lie in each cell of a log-log grid of request and response tokens with 8 buckets an octave: a
-- bucket is floor(8 log2 tokens) and begins at its _from. request_bucket is 255 and request_from 0 for requests of 0
-- tokens: leave these out by the bucket, a whole number, which is compared before the cells are counted. Over the requests
-- that METRICS 3 is over. Parameters as in stream_minutes.
CREATE OR REPLACE VIEW length_joint {{onCluster}} AS
SELECT
    window_start,
    {{template "key" "entry"}} AS cell,
    intDiv(cell, 256) AS request_bucket,
    cell % 256 AS response_bucket,
    if(request_bucket = 255, 0, pow(2, request_bucket / 8)) AS request_from,
    pow(2, response_bucket / 8) AS response_from,
    sum({{template "count" "entry"}}) AS count
FROM {{template "minutes" columns "joint_grid"}}
ARRAY JOIN joint_grid AS entry
GROUP BY window_start, cell
-- By request_from, then response_from: 255 goes before 0.
ORDER BY window_start, toUInt16(cell + 256);
