package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"tidegauge/config"
	"tidegauge/processors"
	"tidegauge/schemas"
	"tidegauge/storage"
)

func newRecompute(a *app) *cobra.Command {
	var s span
	c := &cobra.Command{
		Use:     "recompute",
		GroupID: groupAdmin,
		Short:   "Write the rows of a range of time again from the stored requests",
		Long: `Computes the rows of minutes and conversations again from the requests that are stored, and writes them under a new
revision, which wins over whatever was written before. Use it

  - after an upgrade whose changelog says that rows come out differently;
  - after requests were deleted by hand: rows of which no request is left go;
  - where verify finds rows that are not what their requests come to.

Processors may run: what they write meanwhile is not lost. A conversation with a turn in the range is recomputed whole;
for rows of conversations that were lost or changed by hand, give a range that holds the conversations, or none. It can be
interrupted and run again at any time.`,
		Example: `  tidegauge recompute --service chat-eu --from 2026-03-01 --to 2026-03-02
  tidegauge recompute --from now-7d && tidegauge verify --from now-7d`,
		Args: cobra.NoArgs,
		RunE: a.inSpan(&s, a.recompute),
	}
	s.addFlags(c)
	config.AddFlags(c.Flags(), "clickhouse")
	return c
}

func (a *app) recompute(ctx context.Context, db *storage.DB, s span, from, to *int64) error {
	ranged := storage.VerifyQuery{Service: s.service, FromUS: from, ToUS: to}
	services, err := storage.ServicesIn(ctx, db, ranged)
	if err != nil {
		return err
	}
	if len(services) == 0 {
		return a.nothingThere(ctx, db, s)
	}
	store, refused, err := a.recomputeStore(db)
	if err != nil {
		return err
	}
	var all, before int64
	for _, of := range services {
		all += of.Requests + of.Turns
	}
	bar := newBar(a.err, "recomputing", func(n int64) string { return count(n) + " requests and turns" })
	var sum processors.RecomputeReport
	for i, of := range services {
		q := processors.RecomputeQuery{Service: of.Name}
		q.FromUS, q.ToUS = storage.WholeMinutes(from, to)
		r, err := processors.Recompute(ctx, store, q, func(done, _ int64) { bar.set(min(before+done, all), all) })
		if err == nil && *refused > 0 {
			err = fmt.Errorf("ClickHouse refused %s rows of service %q; see the log", count(*refused), of.Name)
		}
		if err != nil {
			bar.stop()
			return recomputeError(ctx, err, i, len(services))
		}
		before += of.Requests + of.Turns
		sum.Requests += r.Requests
		sum.Minutes += r.Minutes
		sum.Conversations += r.Conversations
		sum.Deleted += r.Deleted
	}
	bar.stop()
	fmt.Fprintf(a.out, "recomputed %s of %s: wrote %s rows of minutes and %s of conversations", plural(sum.Requests, "request"),
		plural(int64(len(services)), "service"), count(sum.Minutes), count(sum.Conversations))
	if sum.Deleted > 0 {
		are := "are"
		if sum.Deleted == 1 {
			are = "is"
		}
		fmt.Fprintf(a.out, "; %s had no requests left and %s gone", plural(sum.Deleted, "row"), are)
	}
	fmt.Fprintln(a.out)
	return nil
}

func plural(n int64, what string) string {
	if n != 1 {
		what += "s"
	}
	return count(n) + " " + what
}

// recomputeError says what an error has left behind.
func recomputeError(ctx context.Context, err error, done, of int) error {
	status := exitFailed
	if ctx.Err() != nil {
		status, err = exitInterrupted, errors.New("interrupted")
	}
	next := fmt.Sprintf("%d of %s are done. What is not was left as it was or is recomputed already, both of which is consistent: run it again.",
		done, plural(int64(of), "service"))
	if errors.Is(err, processors.ErrRevisions) {
		next = ""
	}
	return &failure{status, err, next}
}

// recomputeStore is a store that writes, and counts what ClickHouse refuses.
func (a *app) recomputeStore(db *storage.DB) (store *storage.Store, refused *int64, err error) {
	c := storage.DefaultWriterConfig()
	if a.ClickHouse.Cluster != "" {
		c.Settings = storage.QuorumInserts()
	}
	refused = new(int64) // written before the write that brings it returns
	writer, err := storage.NewWriter(c, storage.WriterDependencies{DB: db, Logger: a.logger, Quarantine: func(table string, _ schemas.Block, err error) {
		*refused++
		a.logger.Error("a recomputed row was refused", "table", table, "error", err)
	}})
	if err != nil {
		return nil, nil, err
	}
	return storage.NewStore(db, writer), refused, nil
}
