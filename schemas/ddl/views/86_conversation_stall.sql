-- SELECT window_start, turns, expected_turns, stalled FROM conversation_stall(service = 'chat', from_us = 0, to_us = 4102444800000000, step_s = 300)
-- Whether conversations go on, for each window: the follow-up turns a minute of conversations that started within the hour
-- before the turn (turns), the same a week before (expected_turns), how many conversations started in the window, and the ratio
-- of the two. Stalled is a window with less than a fifth of the turns of a week before, and these at least 10, in which new
-- conversations start all the same. A conversation's first turns are no part of turns: they come also where all others fail
-- to. A conversation that rests for more than an hour starts anew. Windows with none of all this are not listed. Of a
-- conversation of more turns than are kept, those that are kept count. Parameters as in stream_minutes.
CREATE OR REPLACE VIEW conversation_stall {{onCluster}} AS
SELECT
    window_start,
    followed / covered AS turns,
    followed_before / covered AS expected_turns,
    started,
    if(followed_before = 0, NULL, followed / followed_before) AS ratio,
    {{template "stalled"}} AS stalled
FROM
(
    SELECT
        toDateTime({{template "window" "at * 60"}}, 'UTC') AS window_start,
        ifNull({{template "covered"}} / 60, {{template "to"}} - {{template "from"}}) AS covered,
        {{template "stall"}}
    FROM {{template "turns" "service"}}
    GROUP BY window_start
    HAVING followed + followed_before + started > 0
)
ORDER BY window_start;
