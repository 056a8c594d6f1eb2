package main

import (
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"tidegauge/traces"
)

func newSample(a *app) *cobra.Command {
	sample := traces.DefaultSampleConfig()
	output, incidents, start := "-", false, ""
	c := &cobra.Command{
		Use:     "sample",
		GroupID: groupTraces,
		Short:   "Write a small made-up serving log, to try things out with",
		Long: `Writes a synthetic serving log as canonical JSON lines: three working days of two models behind one endpoint, with
bursts of program calls, conversations of people, and failures in runs when the load is high. Equal seeds give equal
logs on every machine, and every request carries the label synthetic=true.

With --incidents it writes a day on which things go wrong at known times, to try dashboards and alert rules with: a burst, an
outage, a slow hour, conversations that do not go on, half an hour of silence. It prints the timetable. Service chat has the
incidents, service control the same traffic without; four earlier days, a week apart, are what burstiness and conversations are
compared with. With --start today the day is today, and alerts fire when the timetable says so.`,
		Example: `  tidegauge sample > sample.jsonl
  tidegauge sample --days 14 --seed 7 --output sample.jsonl
  tidegauge sample | tidegauge ingest -
  tidegauge sample --incidents --start today | tidegauge ingest -`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			day := traces.DefaultDayConfig()
			switch {
			case start == "today":
				sample.Start = time.Now().UTC().Truncate(24 * time.Hour)
				day.Start = sample.Start
			case start != "":
				if sample.Start, err = time.Parse(time.DateOnly, start); err != nil {
					return usage(fmt.Errorf("--start is %q, want a date such as 2026-01-05, or today", start))
				}
				day.Start = sample.Start
			}
			if incidents && c.Flags().Changed("days") {
				return usage(errors.New("--days and --incidents exclude each other: incidents are on one day"))
			}
			if c.Flags().Changed("service") {
				day.Service = sample.Service
			}
			day.Seed = sample.Seed
			if sample.Days < 1 || sample.Days > 3650 {
				return usage(fmt.Errorf("--days is %d, want 1 to 3650", sample.Days))
			}
			w := a.out
			if output != "-" {
				f, err := os.Create(output)
				if err != nil {
					return err
				}
				defer f.Close()
				w = f
			}
			write := func() (int, error) { return traces.WriteSample(w, sample) }
			if incidents {
				write = func() (int, error) { return traces.WriteDay(w, day) }
				for _, i := range day.Timetable() {
					if i.Kind.InLog() {
						fmt.Fprintf(a.err, "%s to %s  %s\n", i.From.Format("2006-01-02 15:04"), i.To.Format("15:04 MST"), i.Kind)
					}
				}
			}
			n, err := write()
			if err == nil && output != "-" {
				fmt.Fprintf(a.err, "wrote %s requests to %s\n", count(n), output)
			}
			return err
		},
	}
	c.Flags().StringVarP(&output, "output", "o", output, "file to write; - is standard output")
	c.Flags().Uint64Var(&sample.Seed, "seed", sample.Seed, "which log of this shape")
	c.Flags().IntVar(&sample.Days, "days", sample.Days, "how many days")
	c.Flags().StringVar(&start, "start", "", "the first day, in UTC: a date, or today (default "+sample.Start.Format(time.DateOnly)+", with --incidents "+
		traces.DefaultDayConfig().Start.Format(time.DateOnly)+")")
	c.Flags().BoolVar(&incidents, "incidents", false, "a day with incidents at known times, and days before it")
	c.Flags().StringVar(&sample.Service, "service", sample.Service, "name of the service")
	return c
}
