-- SELECT * FROM conversation_summary(service = 'chat', from_us = 0, to_us = 4102444800000000)
-- METRICS 2 over the conversations that begin in the range, whole: one row. Seconds and tokens; quantiles are exact.
-- interval_n, think_time_n and context_growth_n say over how many turns; think_time_overlaps counts the turns that came
-- before the previous one's end. Conversations as in conversations_view.
CREATE OR REPLACE VIEW conversation_summary {{onCluster}} AS
SELECT
    conversation_count AS conversations,
    turn_count AS turns,
    if(conversations = 0, NULL, turn_count / conversations) AS turns_mean,
    if(conversations = 0, NULL, turn_quantiles[1]) AS turns_p50,
    if(conversations = 0, NULL, turn_quantiles[2]) AS turns_p75,
    if(conversations = 0, NULL, turn_quantiles[3]) AS turns_p90,
    if(conversations = 0, NULL, turn_quantiles[4]) AS turns_p99,
    if(conversations = 0, NULL, turns_largest) AS turns_max,
    if(conversations = 0, NULL, singles / conversations) AS single_turn_share,
    intervals AS interval_n,
    if(interval_n = 0, NULL, interval_sum / interval_n / 1000000) AS interval_mean,
    if(interval_n = 0, NULL, interval_quantiles[1] / 1000000) AS interval_p10,
    if(interval_n = 0, NULL, interval_quantiles[2] / 1000000) AS interval_p25,
    if(interval_n = 0, NULL, interval_quantiles[3] / 1000000) AS interval_p50,
    if(interval_n = 0, NULL, interval_quantiles[4] / 1000000) AS interval_p75,
    if(interval_n = 0, NULL, interval_quantiles[5] / 1000000) AS interval_p90,
    if(interval_n = 0, NULL, interval_quantiles[6] / 1000000) AS interval_p99,
    if(positive = 0, NULL, log_mean) AS interval_lognormal_mu,
    if(positive = 0, NULL, log_sigma) AS interval_lognormal_sigma,
    thinks AS think_time_n,
    overlaps AS think_time_overlaps,
    if(think_time_n = 0, NULL, think_quantiles[1] / 1000000) AS think_time_p10,
    if(think_time_n = 0, NULL, think_quantiles[2] / 1000000) AS think_time_p50,
    if(think_time_n = 0, NULL, think_quantiles[3] / 1000000) AS think_time_p90,
    if(conversations = 0, NULL, duration_quantiles[1] / 1000000) AS duration_p50,
    if(conversations = 0, NULL, duration_quantiles[2] / 1000000) AS duration_p99,
    growths AS context_growth_n,
    if(context_growth_n = 0, NULL, growth_sum / context_growth_n) AS context_growth_mean,
    if(context_growth_n = 0, NULL, growth_quantiles[1]) AS context_growth_p10,
    if(context_growth_n = 0, NULL, growth_quantiles[2]) AS context_growth_p50,
    if(context_growth_n = 0, NULL, growth_quantiles[3]) AS context_growth_p90,
    if(paired = 0, NULL, carried / paired) AS history_carried_share
FROM (SELECT toUInt8(1) AS whole) AS range
LEFT JOIN
(
    -- With a key, of one value, ClickHouse leaves out what nobody asks for: a panel asks for a column or two. The join makes a row
    -- where there is none.
    SELECT
        toUInt8(1) AS whole,
        count() AS conversation_count,
        sum(t) AS turn_count,
        max(t) AS turns_largest,
        countIf(t = 1) AS singles,
        quantilesExactInclusive(0.5, 0.75, 0.9, 0.99)(t) AS turn_quantiles,
        sum(length(interval)) AS intervals,
        sumArray(interval) AS interval_sum,
        quantilesExactInclusiveArray(0.1, 0.25, 0.5, 0.75, 0.9, 0.99)(interval) AS interval_quantiles,
        sum(length(logs)) AS positive,
        avgArray(logs) AS log_mean,
        -- Stable: a spread that is small beside the mean keeps its digits, and none is 0.
        stddevPopStableArray(logs) AS log_sigma,
        sum(length(think)) AS thinks,
        sum(length(gone)) - thinks AS overlaps,
        quantilesExactInclusiveArray(0.1, 0.5, 0.9)(think) AS think_quantiles,
        quantilesExactInclusive(0.5, 0.99)(duration) AS duration_quantiles,
        sum(length(growth)) AS growths,
        sumArray(growth) AS growth_sum,
        quantilesExactInclusiveArray(0.1, 0.5, 0.9)(growth) AS growth_quantiles,
        sum(length(pairs)) AS paired,
        sumArray(pairs) AS carried
    FROM
    (
        SELECT
            turns AS t,
            end_us - first_us AS duration,
            arrayMap((a, b) -> b - a, arrayPopBack(turn_arrival_us), arrayPopFront(turn_arrival_us)) AS interval,
            arrayMap(v -> log(v / 1000000), arrayFilter(v -> v > 0, interval)) AS logs,
            arrayMap((v, e) -> v - e, arrayFilter((v, e) -> e >= 0, interval, arrayPopBack(turn_elapsed_us)),
                arrayFilter(e -> e >= 0, arrayPopBack(turn_elapsed_us))) AS gone,
            arrayFilter(v -> v >= 0, gone) AS think,
            arrayPopBack(turn_request_tokens) AS before,
            arrayPopFront(turn_request_tokens) AS after,
            arrayPopBack(turn_response_tokens) AS answers,
            arrayMap((a, b) -> toInt64(b) - a, arrayFilter((a, b) -> a >= 0 AND b >= 0, before, after),
                arrayFilter((b, a) -> a >= 0 AND b >= 0, after, before)) AS growth,
            arrayFilter(v -> v < 2, arrayMap((a, y, b) -> if(a < 0 OR b < 0 OR y < 0, 2, 10 * (toInt64(b) - a) >= 9 * toInt64(y)),
                before, answers, after)) AS pairs
        FROM conversations_by_day FINAL
        WHERE service = {service:String} AND {{template "days"}}
            AND first_us >= {{template "from"}} * 60000000
            AND first_us < {{template "to"}} * 60000000
    )
    GROUP BY whole
) AS all USING (whole);
