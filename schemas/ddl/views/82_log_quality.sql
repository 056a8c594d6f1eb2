-- SELECT requests, elapsed_known, tokens_unknown FROM log_quality(service = 'chat', from_us = 0, to_us = 4102444800000000)
-- What a service's log knows of its requests in the range's minutes (those that begin in [from_us, to_us)), one row: how many
-- of them have request tokens, response tokens, elapsed, a time to first token, a conversation; how many ended ok and
-- are left out of lengths because a token count is unknown; and how many had their first token after their end and are
-- left out of tpot. Read from requests.
CREATE OR REPLACE VIEW log_quality {{onCluster}} AS
SELECT
    count() AS requests,
    countIf(request_tokens >= 0) AS request_tokens_known,
    countIf(response_tokens >= 0) AS response_tokens_known,
    countIf(elapsed_us >= 0) AS elapsed_known,
    countIf(ttft_us >= 0) AS ttft_known,
    countIf(conversation != '') AS conversation_known,
    countIf(outcome = 'ok' AND (request_tokens < 0 OR response_tokens < 0)) AS tokens_unknown,
    countIf(outcome = 'ok' AND elapsed_us >= 0 AND ttft_us > elapsed_us) AS ttft_after_end
FROM requests FINAL
WHERE service = {service:String} AND {{template "in_range"}};
