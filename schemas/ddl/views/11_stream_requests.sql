-- SELECT count() FROM stream_requests(service = 'chat', model = 'llama', log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 0)
-- The requests of one stream that arrived in the range's minutes, each once, with the window they fall in: what the
-- views read whose numbers minute rows cannot give. Numbers that were not logged are -1 here. Parameters as in
-- stream_minutes.
CREATE OR REPLACE VIEW stream_requests {{onCluster}} AS
SELECT
    toDateTime(if({step_s:UInt32} = 0, greatest(intDiv({from_us:Int64}, 60000000) + ({from_us:Int64} % 60000000 > 0), 0) * 60,
        intDiv(intDiv(arrival_us, 1000000), greatest({step_s:UInt32}, 1)) * {step_s:UInt32}), 'UTC') AS window_start,
    *
FROM requests FINAL
WHERE service = {service:String}
    AND (isNull({model:Nullable(String)}) OR model = ifNull({model:Nullable(String)}, ''))
    AND (isNull({log_type:Nullable(String)}) OR log_type = ifNull({log_type:Nullable(String)}, ''))
    AND arrival_us >= (intDiv({from_us:Int64}, 60000000) + ({from_us:Int64} % 60000000 > 0)) * 60000000
    AND arrival_us < (intDiv({to_us:Int64}, 60000000) + ({to_us:Int64} % 60000000 > 0)) * 60000000;
