-- The rows of table conversations as they follow from table requests, for some services: those of their conversations that
-- have a turn in the range, whole, one part of them told apart by their hash. What was an array in the row is a
-- fingerprint here, the sum over the turns of a hash of the turn's content and the value, so that a conversation costs
-- the same however many turns it has; that the stored turns stand in order is checked beside it.
SELECT
    toString(service) AS service,
    conversation,
    if(any(total) > {max_turns:UInt64}, toUInt64({max_turns:UInt64} + {max_arrival_us:UInt64} - max(arrival_us)), any(total)) AS version,
    min(arrival_us) AS first_us,
    max(arrival_us) AS last_us,
    argMax(arrival_us + greatest(elapsed_us, 0), place) AS end_us,
    count() AS turns,
    any(total) > {max_turns:UInt64} AS cut,
    1 AS in_order,
    sum(cityHash64(content, arrival_us)) AS turn_arrival_us,
    sum(cityHash64(content, seq)) AS turn_seq,
    sum(cityHash64(content, id_hash)) AS turn_id_hash,
    sum(content) AS turn_content,
    sum(cityHash64(content, request_tokens)) AS turn_request_tokens,
    sum(cityHash64(content, response_tokens)) AS turn_response_tokens,
    sum(cityHash64(content, elapsed_us)) AS turn_elapsed_us,
    sum(cityHash64(content, toInt8(outcome))) AS turn_outcome,
    max(stored_at) AS stored_at
FROM
(
    SELECT
        *,
        count() OVER (PARTITION BY service, conversation) AS total,
        row_number() OVER (PARTITION BY service, conversation ORDER BY arrival_us, seq, id_hash, content) AS place
    FROM
    (
        SELECT *, if(request_id = '', toUInt64(0), xxHash64(request_id)) AS id_hash
        FROM requests FINAL
        WHERE service = {service:String} AND conversation != '' AND cityHash64(conversation) % {parts:UInt64} = {part:UInt64}
            AND ({whole:UInt8} OR (service, conversation) GLOBAL IN (
                SELECT service, conversation FROM requests
                WHERE service = {service:String} AND arrival_us >= {from_us:Int64} AND arrival_us < {to_us:Int64}))
    )
)
WHERE place <= {max_turns:UInt64}
GROUP BY service, conversation
