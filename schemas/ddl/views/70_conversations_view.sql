-- SELECT conversation, turns, duration FROM conversations_view(service = 'chat', from_us = 0, to_us = 4102444800000000)
-- One row for each conversation whose first turn lies in the range, whole: also its turns after the range. As everywhere
-- whole minutes are counted, those that begin in [from_us, to_us). Arrays run over the turns in order; those of what lies
-- between turns (intervals, think times, growths) have one element less. Unknown is NULL.
--   intervals          from the previous turn's arrival, seconds
--   think_times        from the previous turn's end, seconds; negative where the turns overlap
--   context_growths    request tokens less the previous turn's
--   history_carried    whether a turn's request tokens hold the previous turn's and 90 % of its response tokens
-- A conversation of more turns than are kept (cut = 1) is here with those that are.
CREATE OR REPLACE VIEW conversations_view {{onCluster}} AS
SELECT
    service,
    conversation,
    fromUnixTimestamp64Micro(first_us, 'UTC') AS first_arrival,
    first_us AS first_arrival_us,
    last_us AS last_arrival_us,
    turns,
    cut,
    (end_us - first_us) / 1000000 AS duration,
    turn_arrival_us AS arrivals_us,
    arrayMap(v -> if(v < 0, NULL, v), turn_request_tokens) AS request_tokens,
    arrayMap(v -> if(v < 0, NULL, v), turn_response_tokens) AS response_tokens,
    arrayMap(v -> if(v < 0, NULL, v / 1000000), turn_elapsed_us) AS elapsed,
    turn_outcome AS outcomes,
    arrayMap((a, b) -> (b - a) / 1000000, arrayPopBack(turn_arrival_us), arrayPopFront(turn_arrival_us)) AS intervals,
    arrayMap((a, e, b) -> if(e < 0, NULL, (b - a - e) / 1000000),
        arrayPopBack(turn_arrival_us), arrayPopBack(turn_elapsed_us), arrayPopFront(turn_arrival_us)) AS think_times,
    arrayMap((a, b) -> if(a < 0 OR b < 0, NULL, b - a),
        arrayPopBack(turn_request_tokens), arrayPopFront(turn_request_tokens)) AS context_growths,
    arrayMap((a, y, b) -> if(a < 0 OR b < 0 OR y < 0, NULL, 10 * toInt64(b - a) >= 9 * toInt64(y)),
        arrayPopBack(turn_request_tokens), arrayPopBack(turn_response_tokens), arrayPopFront(turn_request_tokens)) AS history_carried
FROM conversations_by_day FINAL
WHERE service = {service:String} AND {{template "days"}}
    AND first_us >= {{template "from"}} * 60000000
    AND first_us < {{template "to"}} * 60000000;
