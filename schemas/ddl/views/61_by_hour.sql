-- SELECT * FROM by_hour(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, time_zone = 'UTC')
-- METRICS 6: what each hour of day has seen over the range, all 24 of them. Parameters as in by_weekday_hour.
CREATE OR REPLACE VIEW by_hour {{onCluster}} AS
SELECT
    hour,
    sum(week.requests) AS requests,
    sum(week.failures) AS failures,
    sum(week.request_tokens) AS request_tokens,
    sum(week.response_tokens) AS response_tokens
FROM by_weekday_hour(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
    from_us = {from_us:Int64}, to_us = {to_us:Int64}, time_zone = {time_zone:String}) AS week
GROUP BY hour
ORDER BY hour;
