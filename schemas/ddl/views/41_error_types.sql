-- SELECT outcome, error_type, status_code, requests FROM error_types(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 0)
-- What went wrong in each window: requests whose outcome is not ok, by outcome, error type and status code (NULL: not
-- logged), and their share of the window's requests. Read from requests. Parameters as in stream_minutes.
CREATE OR REPLACE VIEW error_types {{onCluster}} AS
SELECT window_start, outcome, error_type, status_code, requests, share
FROM
(
    SELECT
        window_start,
        outcome,
        error_type,
        if(code < 0, NULL, code) AS status_code,
        count() AS requests,
        requests / sum(requests) OVER (PARTITION BY window_start) AS share
    FROM
    (
        SELECT window_start, outcome, error_type, requests.status_code AS code
        FROM {{template "requests" columns "outcome" "error_type" "status_code"}} AS requests
    )
    GROUP BY window_start, outcome, error_type, code
)
WHERE outcome != 'ok'
ORDER BY window_start, requests DESC, outcome, error_type, status_code;
