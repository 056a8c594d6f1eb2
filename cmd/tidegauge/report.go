package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tidegauge/config"
	"tidegauge/report"
	"tidegauge/storage"
)

// span are the flags of commands that look at a range of arrivals.
type span struct{ from, to, service string }

func (s *span) addFlags(c *cobra.Command) {
	c.Flags().StringVarP(&s.service, "service", "s", "", "`name` of the service (default: all)")
	c.Flags().StringVar(&s.from, "from", "", "`time` of the first arrival: "+timeHelp+" (default: the first there is)")
	c.Flags().StringVar(&s.to, "to", "", "`time` of the end, itself excluded, as --from (default: the last there is). The whole minutes in the range are counted")
}

// limits reads the range; what is not given is nil.
func (s *span) limits(now time.Time) (from, to *int64, err error) {
	var errs []error
	for _, limit := range []struct {
		flag, text string
		us         **int64
	}{{"--from", s.from, &from}, {"--to", s.to, &to}} {
		if limit.text == "" {
			continue
		}
		us, err := parseTime(limit.text, now)
		if err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", limit.flag, err))
			continue
		}
		*limit.us = &us
	}
	if from != nil && to != nil && *from >= *to {
		errs = append(errs, fmt.Errorf("--from %s is not before --to %s", clock(*from), clock(*to)))
	}
	return from, to, errors.Join(errs...)
}

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

// nothingThere says what there is instead of what was asked for.
func (a *app) nothingThere(ctx context.Context, db *storage.DB, s span) error {
	rows, err := db.Query(ctx, `SELECT service, min(first_us), max(last_us), sum(requests) FROM minutes FINAL
		WHERE grouping = 'all' GROUP BY service ORDER BY service LIMIT 10`)
	if err != nil {
		return err
	}
	defer rows.Close()
	there := ""
	for rows.Next() {
		var service string
		var first, last int64
		var requests uint64
		if err := rows.Scan(&service, &first, &last, &requests); err != nil {
			return err
		}
		there += fmt.Sprintf("\n  %s: %s requests from %s to %s", service, count(requests), clock(first), clock(last))
	}
	if err := rows.Err(); err != nil {
		return err
	}
	what := "no requests"
	if s.service != "" {
		what += " of service " + s.service
	}
	if s.from != "" || s.to != "" {
		what += " in this range"
	}
	if there == "" {
		return &failure{exitFailed, fmt.Errorf("%s: the database %s at %s is empty", what, db.Database(), db.Address()),
			"Write a log with `tidegauge ingest FILE`; a processor (`tidegauge up` or `tidegauge process`) has to run."}
	}
	return &failure{exitFailed, errors.New(what), "There is:" + there}
}
