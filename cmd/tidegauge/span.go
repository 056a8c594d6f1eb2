package main

import (
	"context"
	"errors"
	"fmt"
	"tidegauge/storage"
	"time"

	"github.com/spf13/cobra"
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

// inSpan makes what a command runs of what it does in a range of an open database.
func (a *app) inSpan(s *span, do func(ctx context.Context, db *storage.DB, s span, from, to *int64) error) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, _ []string) error {
		from, to, err := s.limits(time.Now())
		if err != nil {
			return usage(err)
		}
		db, err := a.openCurrent(c)
		if err != nil {
			return err
		}
		defer db.Close()
		return do(c.Context(), db, *s, from, to)
	}
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
