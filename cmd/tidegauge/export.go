package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"tidegauge/config"
)

func newExport(a *app) *cobra.Command {
	var in input
	var e encoding
	c := &cobra.Command{
		Use:     "export",
		GroupID: groupTraces,
		Short:   "Write recorded requests as a trace for a load generator or simulator",
		Long: `Writes the requests that ClickHouse has, in the order of their arrivals, in the format of a load generator or simulator. It
reads and writes them one after the other, however many there are.

` + encodeNotes + `

Formats:
` + encodeHelp(),
		Example: `  tidegauge export --format mooncake --service chat-eu --from now-1d -o day.jsonl
  tidegauge export --format burstgpt --model-label '*=GPT-4' --drop-failures -o trace.csv
  tidegauge export --format parquet --from 2026-01-05 --to 2026-01-12 -o week.parquet
  tidegauge export --format canonical --conversations 10% --anonymise -o - | zstd > tenth.jsonl.zst`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			now := time.Now()
			f, o, err := e.config("format", now)
			_, rangeErr := in.selection(now)
			if err = errors.Join(err, rangeErr); err != nil {
				return usage(err)
			}
			in.byTime = true
			requests, err := a.recorded(c, &in)
			if err != nil {
				return err
			}
			return e.write(c.Context(), a, f, o, requests)
		},
	}
	e.addFlags(c, "format", "f")
	in.addSelection(c)
	config.AddFlags(c.Flags(), reachClickHouse...)
	return c
}
