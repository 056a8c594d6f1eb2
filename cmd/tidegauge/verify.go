package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"tidegauge/config"
	"tidegauge/storage"
)

func newVerify(a *app) *cobra.Command {
	var s span
	c := &cobra.Command{
		Use:     "verify",
		GroupID: groupAnalyse,
		Short:   "Check the rows in ClickHouse against the requests they were made of",
		Long: `Recounts from the stored requests what the rows of minutes and conversations say (identities, counts, sums,
histograms) with SQL of its own, and lists every difference. Ends with 1 if there is one.

It may run while processors write: a row counts only if it is still different, in the same way, ten seconds later.`,
		Example: `  tidegauge verify
  tidegauge verify --service chat-eu --from now-7d --to now-1h`,
		Args: cobra.NoArgs,
		RunE: a.inSpan(&s, a.verify),
	}
	s.addFlags(c)
	config.AddFlags(c.Flags(), reachClickHouse...)
	return c
}

// shownDifferences is how many differences are listed: enough to see what they have in common.
const shownDifferences = 20

func (a *app) verify(ctx context.Context, db *storage.DB, s span, from, to *int64) error {
	bar := newBar(a.err, "verifying", func(n int64) string { return count(n) + " requests" })
	r, err := storage.Verify(ctx, db, storage.VerifyQuery{
		Service: s.service, FromUS: from, ToUS: to, MaxDifferences: shownDifferences,
	}, bar.set)
	bar.stop()
	if err != nil {
		return err
	}
	if r.Requests == 0 && r.Different == 0 {
		return a.nothingThere(ctx, db, s)
	}
	fmt.Fprintf(a.out, "recounted %s requests against %s rows of minutes and %s of conversations: %s differ\n",
		count(r.Requests), count(r.Minutes), count(r.Conversations), count(r.Different))
	if r.Copies > 0 {
		fmt.Fprintf(a.out, "%s copies of requests are stored that merging has not removed yet (harmless)\n", count(r.Copies))
	}
	if r.Conflicting > 0 {
		fmt.Fprintf(a.out, "%s request ids stand on several different requests, which all count (the log, or what writes it, uses an id twice)\n",
			count(r.Conflicting))
	}
	if r.Unsettled > 0 {
		fmt.Fprintf(a.out, "%s rows differed while they were being written: verify their range again later\n", count(r.Unsettled))
	}
	if r.Different == 0 {
		return nil
	}
	for _, d := range r.Differences {
		fmt.Fprintf(a.out, "  %v\n", d)
	}
	if left := r.Different - int64(len(r.Differences)); left > 0 && len(r.Differences) == shownDifferences {
		fmt.Fprintln(a.out, "  …")
	}
	return &failure{exitFailed, fmt.Errorf("%s rows are not what their requests come to", count(r.Different)),
		"`tidegauge recompute`, with the same range, writes them again from the requests. If nobody has changed tables by hand " +
			"this is a defect: please report it first."}
}
