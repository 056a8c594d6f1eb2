-- SELECT interval, think_time FROM conversation_intervals(service = 'chat', from_us = 0, to_us = 4102444800000000)
-- One row for each turn but the first of the conversations that begin in the range: the seconds since the previous turn's
-- arrival (interval) and end (think_time), the growth of the context in tokens, and whether it carries the history. The
-- turn is counted from 1. Conversations and NULLs as in conversations_view.
CREATE OR REPLACE VIEW conversation_intervals {{onCluster}} AS
SELECT
    conversation,
    turn,
    fromUnixTimestamp64Micro(at, 'UTC') AS arrival,
    interval,
    think_time,
    context_growth,
    carried AS history_carried
FROM conversations_view(service = {service:String}, from_us = {from_us:Int64}, to_us = {to_us:Int64})
ARRAY JOIN
    arrayPopFront(arrayEnumerate(arrivals_us)) AS turn,
    arrayPopFront(arrivals_us) AS at,
    intervals AS interval,
    think_times AS think_time,
    context_growths AS context_growth,
    history_carried AS carried;
