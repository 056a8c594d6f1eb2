package main

import (
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tidegauge/config"
	"tidegauge/report"
)

func newReport(a *app) *cobra.Command {
	var s span
	var asJSON bool
	var streams int
	var zone string
	c := &cobra.Command{
		Use:     "report",
		GroupID: groupAnalyse,
		Short:   "Show the numbers of a range of time from ClickHouse",
		Long: `Shows what the requests that arrived in a range come to, from the rows that processors keep in ClickHouse: a table
for people, or with --json the same summary document that characterize computes from files. docs/metrics.md defines
every number.`,
		Example: `  tidegauge report
  tidegauge report --service chat-eu --from now-6h
  tidegauge report --from 2026-01-05 --to 2026-01-06 --json > monday.json`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			from, to, err := s.limits(time.Now())
			location, zoneErr := time.LoadLocation(zone)
			if zoneErr != nil {
				err = errors.Join(err, fmt.Errorf("--time-zone: %w", zoneErr))
			}
			if err != nil {
				return usage(err)
			}
			db, err := a.openCurrent(c)
			if err != nil {
				return err
			}
			defer db.Close()
			summary, err := report.FromClickHouse(c.Context(), db, report.Query{
				Service: s.service, FromUS: from, ToUS: to, Location: location, GeneratedBy: generatedBy(),
			})
			if err != nil {
				return err
			}
			if len(summary.Services) == 0 {
				return a.nothingThere(c.Context(), db, s)
			}
			return a.writeSummary(summary, asJSON, streams)
		},
	}
	s.addFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "write the summary document (tidegauge.summary/1)")
	c.Flags().StringVar(&zone, "time-zone", "UTC", "`zone` of the hours of day and weekdays, like Europe/Berlin")
	c.Flags().IntVar(&streams, "streams", 0, "how many streams of a service the table shows, the largest; 0 shows 12")
	config.AddFlags(c.Flags(), reachClickHouse...)
	return c
}
