-- SELECT minute, requests FROM stream_minutes(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- The minute rows of one stream, each with the window it falls in.
--
-- Parameters, here and in all views of a stream:
--   model, log_type   NULL takes all of them, '' is the log type of requests that name none
--   from_us, to_us    the range in microseconds since the Unix epoch. Whole minutes are counted: those that begin in
--                     [from_us, to_us). So ranges that follow each other share no request and lose none, and a range
--                     that ends now has its last minute as far as it has come
--   step_s            the width of the windows in seconds, a multiple of 60, aligned to the epoch. 0 makes the whole
--                     range one window. Windows without requests are not listed
--
-- The four conditions on the stream are constants, so that the primary key (service, grouping, model, log_type,
-- minute) leads to one run of granules. FINAL takes the row with the highest version. On a cluster a service lives on one
-- shard, and all of its rows are merged there. Whatever joins does so between subqueries, on the node that was asked,
-- and no query sends a condition with a subquery to the shards.
CREATE OR REPLACE VIEW stream_minutes {{onCluster}} AS
SELECT * FROM {{template "minutes" columns "* EXCEPT (minute, deleted)"}};
