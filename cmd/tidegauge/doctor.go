package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tidegauge/doctor"
	"tidegauge/ingest"
)

func newDoctor(a *app) *cobra.Command {
	var r reading
	var inputs, require []string
	var asJSON bool
	c := &cobra.Command{
		Use:     "doctor [flags] FILE...",
		GroupID: groupAnalyse,
		Short:   "Say what a serving log has, what it lacks, and what in it looks wrong",
		Long: `Reads a log and says, field by field, how many requests have it and what it is like; what is missing, and which numbers that
costs; what cannot be right (units, clocks, ids); which rows are refused, by reason; and what to change where the log is made.
It needs no broker and no database, and writes nothing. It keeps 32 bytes a request in memory.

The exit status is for scripts: 0 if every row was read and nothing looks wrong, 1 if something does or a field of --require
is missing, 3 if rows are refused. Missing fields alone are no failure: they only cost numbers.

Formats:
` + formatHelp(),
		Example: `  tidegauge doctor access.jsonl
  tidegauge doctor --input access.jsonl --require elapsed,ttft,conversation
  kubectl logs deploy/gateway | head -10000 | tidegauge doctor --format envoy -
  tidegauge doctor --json access.jsonl | jq -r '.fields[] | select(.known < .of) | .name'`,
		RunE: func(c *cobra.Command, arguments []string) error {
			reader, err := r.config()
			if unknown := unknownFields(require); unknown != nil {
				err = errors.Join(err, unknown)
			}
			if err != nil {
				return usage(err)
			}
			sources, err := a.logs(append(inputs, arguments...))
			if err != nil {
				return err
			}
			if err := a.load(c, false, nil); err != nil {
				return err
			}
			if err := a.keep(&reader.Options); err != nil {
				return err
			}
			// It is there to tell of them, not to end at the first.
			reader.OnError, reader.Options.LabelValues = ingest.Skip, 0
			return a.doctor(c.Context(), reader, sources, require, asJSON)
		},
	}
	c.Flags().StringArrayVarP(&inputs, "input", "i", nil, "`file` to read, as if it were an argument")
	r.addFlags(c)
	_ = c.Flags().MarkHidden("on-error")
	c.Flags().StringSliceVar(&require, "require", nil, "`fields` that requests must have, those that can: ends with 1 if one is known of under 99 % (of conversations and clients: of none)")
	c.Flags().BoolVar(&asJSON, "json", false, "write the diagnosis as JSON ("+doctor.Schema+")")
	return c
}

func unknownFields(names []string) error {
	known := doctor.FieldNames()
	for _, name := range names {
		if !slices.Contains(known, name) {
			return fmt.Errorf("--require: there is no field %q: use %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// doctor examines the sources and says what it found.
func (a *app) doctor(ctx context.Context, c ingest.ReaderConfig, sources []ingest.Source, require []string, asJSON bool) error {
	examination := doctor.New(time.Now().UnixMicro())
	c.Refused = func(e *ingest.LineError) { examination.Refuse(e.File, e.Line, e.Field, e.Reason) }
	c.Progress = new(ingest.Progress)
	stop := watch(a.err, c.Progress, false, true)
	stats, err := examine(ctx, c, sources, examination)
	stop()
	if err != nil && (stats.Read+stats.Refused == 0 || ctx.Err() != nil) {
		return readError(ctx, err)
	}
	d := examination.Diagnose(doctor.Totals{Refused: stats.Refused, Other: stats.Other, Repeated: stats.Repeated, CutDurations: stats.CutDurations})
	if asJSON {
		encoder := json.NewEncoder(a.out)
		encoder.SetEscapeHTML(false)
		encoder.SetIndent("", "  ")
		if err := encoder.Encode(d); err != nil {
			return err
		}
	} else if err := doctor.WriteTable(a.out, d, doctor.TableOptions{Colour: isTerminal(a.out)}); err != nil {
		return err
	}
	if err != nil { // a part was read: that much was said
		return readError(ctx, err)
	}
	var missing []string
	for _, name := range require {
		if !d.Field(name).Enough() {
			missing = append(missing, name)
		}
	}
	switch {
	case d.Refused > 0:
		return &failure{status: exitRefused, err: fmt.Errorf("%s of %s rows are refused", count(d.Refused), count(d.Refused+d.Requests))}
	case len(missing) > 0:
		return &failure{status: exitFailed, err: fmt.Errorf("required and not there, or not of all requests: %s", strings.Join(missing, ", "))}
	case !d.Healthy():
		return &failure{status: exitFailed, err: errors.New("something in the log looks wrong")}
	}
	return nil
}

// examine gives all requests to the examination.
func examine(ctx context.Context, c ingest.ReaderConfig, sources []ingest.Source, to *doctor.Examination) (ingest.Stats, error) {
	reader, err := ingest.NewReader(c, sources)
	if err != nil {
		return ingest.Stats{}, usage(err)
	}
	defer reader.Close()
	for {
		batch, err := reader.Next(ctx)
		if err == io.EOF {
			return reader.Stats(), nil
		}
		if err != nil {
			return reader.Stats(), err
		}
		for i := range batch.Requests {
			to.Add(&batch.Requests[i], batch.Source, batch.Format, batch.Lines[i])
		}
	}
}
