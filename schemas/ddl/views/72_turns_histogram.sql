-- SELECT turns, conversations FROM turns_histogram(service = 'chat', from_us = 0, to_us = 4102444800000000)
-- How many of the conversations that begin in the range have how many turns. Conversations as in conversations_view.
CREATE OR REPLACE VIEW turns_histogram {{onCluster}} AS
SELECT turns, count() AS conversations
FROM conversations_view(service = {service:String}, from_us = {from_us:Int64}, to_us = {to_us:Int64})
GROUP BY turns
ORDER BY turns;
