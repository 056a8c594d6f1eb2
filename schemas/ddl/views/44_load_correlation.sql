-- SELECT rate, gap_cv, in_flight_mean, windows FROM load_correlation(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- Spearman's correlation of the failure rate with the load, over the range's windows with at least 20 requests: one
-- row. METRICS' width is 300 s. Parameters as in stream_minutes.
-- Values are rounded to 10 decimals before ranking, ties get their average rank, and a pair with an undefined side is
-- left out of its correlation, not of the others.
CREATE OR REPLACE VIEW load_correlation {{onCluster}} AS
WITH
    -- Pearson's from ranks, whose sums are exact in halves. Without spread it is undefined.
    ((n, x, y, xx, yy, xy) -> if(n > 1 AND n * xx - x * x > 1e-12 * n * xx AND n * yy - y * y > 1e-12 * n * yy,
        (n * xy - x * y) / sqrt(n * xx - x * x) / sqrt(n * yy - y * y), NULL)) AS pearson
SELECT
    pearson(countIf(load = 1), sumIf(a, load = 1), sumIf(b, load = 1), sumIf(a * a, load = 1), sumIf(b * b, load = 1), sumIf(a * b, load = 1)) AS rate,
    pearson(countIf(load = 2), sumIf(a, load = 2), sumIf(b, load = 2), sumIf(a * a, load = 2), sumIf(b * b, load = 2), sumIf(a * b, load = 2)) AS gap_cv,
    pearson(countIf(load = 3), sumIf(a, load = 3), sumIf(b, load = 3), sumIf(a * a, load = 3), sumIf(b * b, load = 3), sumIf(a * b, load = 3)) AS in_flight_mean,
    countIf(load = 1) AS windows
FROM
(
    SELECT
        load,
        rank() OVER (PARTITION BY load ORDER BY failing) + (count() OVER (PARTITION BY load, failing) - 1) / 2 AS a,
        rank() OVER (PARTITION BY load ORDER BY value) + (count() OVER (PARTITION BY load, value) - 1) / 2 AS b
    FROM
    (
        SELECT
            pair.1 AS load,
            round(failure_rate, 10) AS failing,
            round(assumeNotNull(pair.2), 10) AS value
        FROM load(service = {service:String}, model = {model:Nullable(String)}, log_type = {log_type:Nullable(String)},
            from_us = {from_us:Int64}, to_us = {to_us:Int64}, step_s = {step_s:UInt32})
        ARRAY JOIN [(1, toNullable(rate)), (2, toNullable(gap_cv)), (3, toNullable(in_flight_mean))] AS pair
        WHERE requests >= 20 AND isNotNull(pair.2)
    )
);
