package main

import (
	"fmt"
	"os"

	"github.com/spf13/cobra"

	"tidegauge/traces"
)

func newSample(a *app) *cobra.Command {
	sample := traces.DefaultSampleConfig()
	output := "-"
	c := &cobra.Command{
		Use:     "sample",
		GroupID: groupTraces,
		Short:   "Write a small made-up serving log, to try things out with",
		Long: `Writes a synthetic serving log as canonical JSON lines: three working days of two models behind one endpoint, with
bursts of program calls, conversations of people, and failures in runs when the load is high. Equal seeds give equal
logs on every machine, and every request carries the label synthetic=true.`,
		Example: `  tidegauge sample > sample.jsonl
  tidegauge sample --days 14 --seed 7 --output sample.jsonl
  tidegauge sample | tidegauge ingest -`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) (err error) {
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
			n, err := traces.WriteSample(w, sample)
			if err == nil && output != "-" {
				fmt.Fprintf(a.err, "wrote %s requests to %s\n", count(n), output)
			}
			return err
		},
	}
	c.Flags().StringVarP(&output, "output", "o", output, "file to write; - is standard output")
	c.Flags().Uint64Var(&sample.Seed, "seed", sample.Seed, "which log of this shape")
	c.Flags().IntVar(&sample.Days, "days", sample.Days, "how many days, from "+sample.Start.Format("2006-01-02")+" on")
	c.Flags().StringVar(&sample.Service, "service", sample.Service, "name of the service")
	return c
}
