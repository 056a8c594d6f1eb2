-- SELECT rate, gap_cv, in_flight_mean, windows FROM load_correlation(service = 'chat', model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 300)
-- Spearman's correlation of the failure rate with the load, over the range's windows with at least 20 requests: one
-- row. METRICS' width is 300 s. Parameters as in stream_minutes.
-- Values are rounded to 10 decimals before ranking, ties get their average rank, and a pair with an undefined side is
-- left out of its correlation, not of the others.
CREATE OR REPLACE VIEW load_correlation {{onCluster}} AS
SELECT
    anyIf(r, load = 1) AS rate,
    anyIf(r, load = 2) AS gap_cv,
    anyIf(r, load = 3) AS in_flight_mean,
    sumIf(n, load = 1) AS windows
FROM
(
    -- Pearson's from ranks, whose sums are exact in halves. Without spread it is undefined.
    SELECT
        load,
        count() AS n,
        sum(a) AS x,
        sum(b) AS y,
        n * sum(a * a) AS xx,
        n * sum(b * b) AS yy,
        if(n > 1 AND xx - x * x > 1e-12 * xx AND yy - y * y > 1e-12 * yy,
            (n * sum(a * b) - x * y) / sqrt(xx - x * x) / sqrt(yy - y * y), NULL) AS r
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
            FROM ({{template "load"}})
            ARRAY JOIN [(1, toNullable(rate)), (2, toNullable(gap_cv)), (3, toNullable(in_flight_mean))] AS pair
            WHERE requests >= 20 AND isNotNull(pair.2)
        )
    )
    GROUP BY load
);
