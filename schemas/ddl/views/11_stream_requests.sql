-- SELECT count() FROM stream_requests(service = 'chat', model = 'llama', log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 0)
-- The requests of one stream that arrived in the range's minutes, each once, with the window they fall in: what the
-- views read whose numbers minute rows cannot give. Numbers that were not logged are -1 here. Parameters as in
-- stream_minutes.
CREATE OR REPLACE VIEW stream_requests {{onCluster}} AS
SELECT * FROM {{template "requests" columns "*"}};
