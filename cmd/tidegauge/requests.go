package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/spf13/cobra"

	"tidegauge/config"
	"tidegauge/ingest"
	"tidegauge/schemas"
	"tidegauge/storage"
)

// input are the flags of commands that take requests from logs or, where none is named, from ClickHouse, and which of them:
// one service's, one model's, one log type's, those of a range. What is selected is the same wherever they come from.
type input struct {
	reading        reading
	span           span
	model, logType string
	byTime         bool // ClickHouse's requests of all services in one order
}

func (i *input) addFlags(c *cobra.Command) {
	i.addSelection(c)
	i.reading.addFormat(c, "format", "f")
	i.reading.addDetails(c)
	config.AddFlags(c.Flags(), reachClickHouse...)
}

// addSelection adds the flags that say which requests.
func (i *input) addSelection(c *cobra.Command) {
	f := c.Flags()
	f.StringVarP(&i.span.service, "service", "s", "", "`name` of the service whose requests to take (default: all)")
	f.StringVar(&i.model, "model", "", "`name` of the model whose requests to take (default: all)")
	f.StringVar(&i.logType, "log-type", "", "`name` of the log type whose requests to take (default: all)")
	f.StringVar(&i.span.from, "from", "", "`time` of the first arrival: "+timeHelp+" (default: the first there is)")
	f.StringVar(&i.span.to, "to", "", "`time` of the end, itself excluded, as --from (default: the last there is)")
}

// selection reads the flags that say which requests.
func (i *input) selection(now time.Time) (storage.Selection, error) {
	s := storage.Selection{Service: i.span.service, Model: i.model, LogType: i.logType}
	from, to, err := i.span.limits(now)
	if err != nil || from == nil && to == nil {
		return s, err
	}
	s.FromUS, s.ToUS = schemas.MinArrivalUS, schemas.MaxArrivalUS
	if from != nil {
		s.FromUS = *from
	}
	if to != nil {
		s.ToUS = *to
	}
	return s, nil
}

// requests are requests as they come, once: from logs, or from ClickHouse. The request is reused by the next.
//
// What goes wrong on the way comes as the last error, with an exit status (readError). Progress is shown while they are
// taken; what was refused of logs, and that there was nothing, is said once they are all there.
func (a *app) requests(c *cobra.Command, in *input, arguments []string) (iter.Seq2[*schemas.Request, error], error) {
	if len(arguments) == 0 {
		return a.recorded(c, in)
	}
	selection, err := in.selection(time.Now())
	if err != nil {
		return nil, usage(err)
	}
	logged, err := a.logged(c, &in.reading, arguments)
	if err != nil {
		return nil, err
	}
	if selection == (storage.Selection{}) {
		return logged, nil
	}
	return func(yield func(*schemas.Request, error) bool) {
		for r, err := range logged {
			if (err != nil || selection.Has(r)) && !yield(r, err) {
				return
			}
		}
	}, nil
}

// logged gives the requests of logs, in the order of the logs.
func (a *app) logged(c *cobra.Command, reading *reading, arguments []string) (iter.Seq2[*schemas.Request, error], error) {
	config, err := reading.config()
	if err != nil {
		return nil, usage(err)
	}
	sources, err := a.logs(arguments)
	if err != nil {
		return nil, err
	}
	if a.Loaded == nil {
		if err := a.load(c, false, nil); err != nil {
			return nil, err
		}
	}
	if err := a.keep(&config.Options); err != nil {
		return nil, err
	}
	config.Progress = new(ingest.Progress)
	return func(yield func(*schemas.Request, error) bool) {
		reader, err := ingest.NewReader(config, sources)
		if err != nil {
			yield(nil, usage(err))
			return
		}
		defer reader.Close()
		stop := func() {}
		if !reading.quiet {
			stop = watch(a.err, config.Progress, false, true)
		}
		for r, err := range reader.All(c.Context()) {
			if err != nil {
				stop()
				a.refusals(reader.Stats())
				var line *ingest.LineError
				if errors.As(err, &line) {
					err = fmt.Errorf("%w (--on-error skip leaves such rows out)", err)
				}
				yield(nil, readError(c.Context(), err))
				return
			}
			if !yield(r, nil) {
				stop()
				return
			}
		}
		stop()
		a.refusals(reader.Stats())
	}, nil
}

// recorded gives the requests that ClickHouse has, service by service, each in the order of arrivals.
func (a *app) recorded(c *cobra.Command, in *input) (iter.Seq2[*schemas.Request, error], error) {
	selection, err := in.selection(time.Now())
	if err != nil {
		return nil, usage(err)
	}
	selection.ByTime = in.byTime
	return func(yield func(*schemas.Request, error) bool) {
		db, err := a.openCurrent(c)
		if err != nil {
			yield(nil, err)
			return
		}
		defer db.Close()
		if err := a.readRecorded(c.Context(), db, in, selection, yield); err != nil {
			yield(nil, err)
		}
	}, nil
}

// readRecorded gives up without an error where yield wants no more.
func (a *app) readRecorded(ctx context.Context, db *storage.DB, in *input, s storage.Selection, yield func(*schemas.Request, error) bool) error {
	total, err := db.CountRequests(ctx, s)
	if err != nil {
		return err
	}
	if total == 0 {
		return a.nothingThere(ctx, db, in.span)
	}
	bar := newBar(a.err, "reading", func(n int64) string { return count(n) + " requests" })
	defer bar.stop()
	var done int64
	for r, err := range db.Requests(ctx, s) {
		if err != nil {
			return err
		}
		if done++; done%1024 == 0 {
			bar.set(done, total)
		}
		if !yield(r, nil) {
			return nil
		}
	}
	return nil
}
