-- SELECT * FROM prompt_lengths(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000)
-- How response lengths vary for one prompt (CASTILLO): one row for each model and prompt_id of the requests that succeeded with
-- response tokens, where the log names its prompts. degenerate says that an answer ran to its cap (max_tokens, or
-- 15,000 where the request has none), or that they spread over more than twice their mean and one came beyond 8,500 / 15,000
-- of its cap; at_cap is how many ran to it. Read from requests: the cost grows with their number. Parameters as in
-- stream_minutes.
CREATE OR REPLACE VIEW prompt_lengths {{onCluster}} AS
SELECT
    model,
    prompt_id,
    n,
    mean,
    std,
    quantiles[1] AS p25,
    quantiles[2] AS p50,
    quantiles[3] AS p75,
    quantiles[4] AS p99,
    shortest AS min,
    longest AS max,
    if(n < 2, NULL, std / mean) AS cv,
    at_cap,
    at_cap > 0 OR (std > 2 * mean AND near_cap > 0) AS degenerate
FROM
(
    SELECT
        model,
        prompt_id,
        count() AS n,
        sum(toInt64(response_tokens)) AS total,
        total / n AS mean,
        -- Integers up to the root: n times the sum of squares, less the square of the sum.
        sqrt(toFloat64(toInt256(n) * sum(toInt128(response_tokens) * response_tokens) - toInt256(total) * total)) / n AS std,
        quantilesExactInclusive(0.25, 0.5, 0.75, 0.99)(response_tokens) AS quantiles,
        min(response_tokens) AS shortest,
        max(response_tokens) AS longest,
        countIf(response_tokens >= if(max_tokens < 0, 15000, max_tokens) - 1) AS at_cap,
        countIf(toInt64(response_tokens) * 15000 >= toInt64(if(max_tokens < 0, 15000, max_tokens)) * 8500) AS near_cap
    FROM requests FINAL
    WHERE {{template "stream_requests"}} AND {{template "in_range"}} AND prompt_id != '' AND outcome = 'ok' AND response_tokens > 0
    GROUP BY model, prompt_id
)
ORDER BY model, prompt_id;

-- SELECT * FROM prompt_variance(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000)
-- Where the variance of response lengths comes from: one row a model, with the variance between prompts, Var(E[y|p]), the one
-- within them, E[Var(y|p)], weighted by each prompt's responses, and the share that prompts explain. Parameters as in
-- stream_minutes.
CREATE OR REPLACE VIEW prompt_variance {{onCluster}} AS
SELECT
    model,
    count() AS prompts,
    sum(prompt.n) AS responses,
    sum(prompt.n * prompt.mean) / responses AS mean,
    sum(prompt.n * pow(prompt.mean - overall, 2)) / responses AS between,
    sum(prompt.n * pow(prompt.std, 2)) / responses AS within,
    if(between + within > 0, between / (between + within), NULL) AS between_share
FROM
(
    SELECT model, n, mean, std, sum(n * mean) OVER (PARTITION BY model) / sum(n) OVER (PARTITION BY model) AS overall
    FROM prompt_lengths(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
        from_us = {from_us:Int64}, to_us = {to_us:Int64})
) AS prompt
GROUP BY model
ORDER BY model;
