package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"tidegauge/ingest"
	"tidegauge/report"
	"tidegauge/traces/handoff"
)

func newCharacterize(a *app) *cobra.Command {
	var r reading
	var asJSON bool
	var zone string
	var streams int
	var infer time.Duration
	var commands bool
	c := &cobra.Command{
		Use:     "characterize [flags] FILE...",
		GroupID: groupAnalyse,
		Short:   "Compute the numbers of serving logs, without broker and database",
		Long: `Reads serving logs and computes the summary document directly, from every single request: no sketches, no broker, no
database. It keeps 22 to 60 bytes a request in memory. Several files are one log.

report gives the same document from ClickHouse. docs/metrics.md defines every number.

On standard error it ends with the commands that send traffic like this with vLLM's and SGLang's benchmarks, AIPerf, GuideLLM
and inference-perf, and with what each of them leaves out.

Formats:
` + formatHelp(),
		Example: `  tidegauge characterize BurstGPT_3.csv
  tidegauge characterize --json 'logs/*.jsonl.zst' > summary.json
  zcat access.jsonl.gz | tidegauge characterize --on-error skip -`,
		RunE: func(c *cobra.Command, arguments []string) error {
			reader, err := r.config()
			if err != nil {
				return usage(err)
			}
			location, err := time.LoadLocation(zone)
			if err != nil {
				return usage(fmt.Errorf("--time-zone: %w", err))
			}
			if infer < 0 {
				return usage(fmt.Errorf("--infer-conversations is %s, want a pause above zero", infer))
			}
			sources, err := a.logs(arguments)
			if err != nil {
				return err
			}
			if err := a.load(c, false, nil); err != nil {
				return err
			}
			if err := a.keep(&reader.Options); err != nil {
				return err
			}
			progress := new(ingest.Progress)
			reader.Progress = progress
			stop := watch(a.err, progress, false, true)
			summary, stats, err := characterize(c.Context(), reader, sources, report.Options{
				GeneratedBy: generatedBy(), Range: report.Range{TimeZone: location.String()}, Location: location, InferConversations: infer,
			})
			stop()
			a.refusals(stats)
			if err != nil {
				return err
			}
			if err := a.writeSummary(summary, asJSON, streams); err != nil || asJSON || !commands {
				return err
			}
			fmt.Fprint(a.err, runnable(summary, arguments))
			return nil
		},
	}
	r.addFlags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "write the summary document (tidegauge.summary/1)")
	c.Flags().BoolVar(&commands, "commands", true, "say on standard error how to send such traffic with load generators (not with --json)")
	c.Flags().StringVar(&zone, "time-zone", "UTC", "`zone` of the hours of day and weekdays, like Europe/Berlin")
	c.Flags().IntVar(&streams, "streams", 0, "how many streams of a service the table shows, the largest; 0 shows 12")
	c.Flags().DurationVar(&infer, "infer-conversations", 0, "make conversations of a client's requests, where none are named, that are no further apart than this")
	return c
}

// characterize computes the summary of logs directly.
func characterize(ctx context.Context, c ingest.ReaderConfig, sources []ingest.Source, o report.Options) (*report.Summary, ingest.Stats, error) {
	reader, err := ingest.NewReader(c, sources)
	if err != nil {
		return nil, ingest.Stats{}, usage(err)
	}
	defer reader.Close()
	collector := report.NewCollector(o)
	for {
		batch, err := reader.Next(ctx)
		if err == io.EOF {
			break
		}
		if err != nil {
			var line *ingest.LineError
			if errors.As(err, &line) {
				err = fmt.Errorf("%w (nothing was computed; --on-error skip leaves such rows out)", err)
			}
			return nil, reader.Stats(), readError(ctx, err)
		}
		for i := range batch.Requests {
			collector.Add(&batch.Requests[i])
		}
	}
	stats := reader.Stats()
	if stats.CutDurations > 0 {
		collector.Warn(report.Warning{Code: report.WarnCutDurations, Count: stats.CutDurations,
			Text: count(stats.CutDurations) + " durations above 24 h were cut to it"})
	}
	if stats.Repeated > 0 {
		collector.Warn(report.Warning{Code: "repeated_spans", Count: stats.Repeated,
			Text: count(stats.Repeated) + " spans of calls that other spans show too are left out (--spans)"})
	}
	if stats.Refused > 0 {
		collector.Warn(report.Warning{Code: "refused_rows", Count: stats.Refused,
			Text: count(stats.Refused) + " rows could not be read and are left out"})
	}
	summary, err := collector.Summary()
	return summary, stats, err
}

// runnable gives the commands that send traffic like that of the largest service.
func runnable(s *report.Summary, files []string) string {
	var largest *report.Service
	for i := range s.Services {
		if largest == nil || s.Services[i].Requests > largest.Requests {
			largest = &s.Services[i]
		}
	}
	if largest == nil || len(largest.Streams) == 0 {
		return ""
	}
	all := largest.Streams[0] // of every model and log type
	return "\n" + handoff.OfNumbers(handoff.Numbers{
		Service: largest.Service, Requests: largest.Requests, Rate: float64(all.Arrivals.Rate), GammaShape: float64(all.Arrivals.GammaShape),
		InputMean: float64(all.Lengths.Request.Mean), InputSD: float64(all.Lengths.Request.Mean * all.Lengths.Request.CV),
		OutMean: float64(all.Lengths.Response.Mean), OutSD: float64(all.Lengths.Response.Mean * all.Lengths.Response.CV), Files: files,
	})
}

// writeSummary writes a document for a program or for a person.
func (a *app) writeSummary(s *report.Summary, asJSON bool, streams int) error {
	if asJSON {
		return report.WriteJSON(a.out, s)
	}
	return report.WriteTable(a.out, s, report.TableOptions{Colour: isTerminal(a.out), Streams: streams})
}
