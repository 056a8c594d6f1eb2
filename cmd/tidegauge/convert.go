package main

import (
	"errors"
	"time"

	"github.com/spf13/cobra"

	"tidegauge/traces/encode"
)

func newConvert(a *app) *cobra.Command {
	var r reading
	var e encoding
	c := &cobra.Command{
		Use:     "convert --to FORMAT -o PATH [flags] FILE...",
		GroupID: groupTraces,
		Short:   "Turn serving logs into a trace for a load generator or simulator, without a database",
		Long: `Reads serving logs and writes them in the format of a load generator or simulator, or as Parquet. Several files are one log. It
holds back a few ten thousand requests to put a log in order that was written as answers were complete, and no more than that.

` + encodeNotes + `

Formats to read (--from):
` + formatHelp() + `

Formats to write (--to):
` + encodeHelp(),
		Example: `  tidegauge convert --to mooncake --fill-hashes -o trace.jsonl access.jsonl.gz
  tidegauge convert --from burstgpt --to vidur -o vidur.csv BurstGPT_3.csv
  tidegauge convert --to parquet -o log.parquet 'logs/*.jsonl'
  tidegauge convert --to canonical -o - log.parquet | head`,
		RunE: func(c *cobra.Command, arguments []string) error {
			f, o, err := e.config("to", time.Now())
			if _, readErr := r.config(); readErr != nil {
				err = errors.Join(err, readErr)
			}
			if err != nil {
				return usage(err)
			}
			requests, err := a.logged(c, &r, arguments)
			if err != nil {
				return err
			}
			if f.Timed() {
				requests = encode.InOrder(requests)
			}
			return e.write(c.Context(), a, f, o, requests)
		},
	}
	r.addFormat(c, "from", "f")
	e.addFlags(c, "to", "t")
	r.addNames(c)
	r.addDetails(c)
	return c
}
