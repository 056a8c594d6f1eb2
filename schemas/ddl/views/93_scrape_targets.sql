-- SELECT target, up, last_error FROM scrape_targets(from_us = 0, to_us = 4102444800000000)
-- The targets scraped in [from_us, to_us): whether the last scrape was answered (up), the last error and when it was, when the target was last
-- up, since when it has been as it is (as far as the range tells), and how many scrapes there were.
CREATE OR REPLACE VIEW scrape_targets {{onCluster}} AS
SELECT
    scrape.target AS target,
    argMaxIf(scrape.kind, at_us, scrape.kind != '') AS kind,
    argMax(scrape.up, at_us) AS up,
    argMaxIf(scrape.error, at_us, scrape.up = 0) AS last_error,
    if(countIf(scrape.up = 0) = 0, NULL, maxIf(at_us, scrape.up = 0)) AS last_error_us,
    if(countIf(scrape.up = 1) = 0, NULL, maxIf(at_us, scrape.up = 1)) AS last_seen_us,
    if(up = 1, minIf(at_us, at_us > last_down), minIf(at_us, at_us > last_up)) AS since_us,
    max(at_us) AS last_scrape_us,
    argMaxIf(scrape.samples, at_us, scrape.up = 1) AS samples,
    avgOrNullIf(scrape.duration_s, scrape.up = 1) AS duration_s_mean,
    count() AS scrapes,
    countIf(scrape.up = 0) AS failures
FROM
(
    SELECT
        *,
        maxIf(at_us, up = 0) OVER (PARTITION BY target) AS last_down,
        maxIf(at_us, up = 1) OVER (PARTITION BY target) AS last_up
    FROM scrape_samples FINAL
    WHERE at_us >= {from_us:Int64} AND at_us < {to_us:Int64}
) AS scrape
GROUP BY target
ORDER BY target;
