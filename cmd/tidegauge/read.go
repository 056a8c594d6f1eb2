package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tidegauge/config"
	"tidegauge/ingest"
	"tidegauge/traces/columnar"
)

// reading are the flags of commands that read serving logs.
type reading struct {
	format, onError, epoch, spans string
	options                       ingest.Options
	quiet                         bool // no bar: the command shows how far it is itself
}

func (r *reading) addFlags(c *cobra.Command) {
	r.addFormat(c, "format", "f")
	r.addNames(c)
	r.addDetails(c)
}

// addNames adds the flags that overrule what a log says.
func (r *reading) addNames(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&r.options.Service, "service", "", "`name` of all requests' service, instead of what the log says")
	f.StringVar(&r.options.Model, "model", "", "`name` of all requests' model, instead of what the log says")
	f.StringVar(&r.options.LogType, "log-type", "", "`name` of all requests' log type, instead of what the log says")
}

// addFormat adds the flag that names the logs' format.
func (r *reading) addFormat(c *cobra.Command, name, short string) {
	c.Flags().StringVarP(&r.format, name, short, "", "`name` of the logs' format; recognised by their content if not given ("+strings.Join(formatNames(), ", ")+")")
	_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(formatNames(), cobra.ShellCompDirectiveNoFileComp))
}

// addDetails adds the flags for what a log leaves open.
func (r *reading) addDetails(c *cobra.Command) {
	f := c.Flags()
	f.StringVar(&r.options.Source, "source", "", "`name` of the log, from which rows without ids get theirs (default: a fingerprint of its first KiB)")
	f.StringVar(&r.epoch, "epoch", "", "`time` at which a trace that counts from its own start began: seconds since 1970 or an RFC 3339 time")
	f.StringVar(&r.spans, "spans", ingest.SpanPolicies[0], "`which` of the spans that show one call to a model counts: "+strings.Join(ingest.SpanPolicies, ", ")+" (otlp)")
	f.StringVar(&r.onError, "on-error", "stop", "`stop|skip` at a row that cannot be read; skip counts it and shows the first ten")
	config.AddFlags(f, "ingest")
	_ = c.RegisterFlagCompletionFunc("spans", cobra.FixedCompletions(ingest.SpanPolicies, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("on-error", cobra.FixedCompletions([]string{"stop", "skip"}, cobra.ShellCompDirectiveNoFileComp))
}

// config checks the flags, all of them.
func (r *reading) config() (ingest.ReaderConfig, error) {
	c := ingest.ReaderConfig{Format: r.format, Options: r.options}
	var errs []error
	var err error
	if c.OnError, err = ingest.ParseOnError(r.onError); err != nil {
		errs = append(errs, fmt.Errorf("--%w", err))
	}
	if c.Options.Spans, err = ingest.ParseSpanPolicy(r.spans); err != nil {
		errs = append(errs, fmt.Errorf("--%w", err))
	}
	if r.format == "parquet" || r.format == "arrow" {
		c.Format = "canonical" // what logs gives in place of such files
	} else if r.format != "" {
		if _, err := ingest.FindFormat(r.format); err != nil {
			errs = append(errs, fmt.Errorf("--format: %w", err))
		}
	}
	if r.epoch != "" {
		if c.Options.EpochUS, err = ingest.ParseEpoch(r.epoch); err != nil {
			errs = append(errs, fmt.Errorf("--%w", err))
		}
	}
	return c, errors.Join(errs...)
}

// keep says what the settings have kept of the logs.
func (a *app) keep(o *ingest.Options) (err error) {
	in := a.Ingest
	switch {
	case in.HashIDs && in.HashKeyFile != "":
		o.HashKey, err = ingest.ReadHashKey(in.HashKeyFile)
	case in.HashIDs:
		if o.HashKey, err = ingest.HashKey([]byte(in.HashKey)); err != nil {
			err = fmt.Errorf("ingest.hash_key %w", err)
		}
	}
	switch {
	case slices.Equal(in.Labels, []string{"all"}):
	case slices.Equal(in.Labels, []string{"none"}):
		o.Labels = []string{}
	default:
		o.Labels = in.Labels
	}
	o.LabelValues = in.LabelValues
	if err != nil {
		return usage(err)
	}
	return nil
}

func formatNames() []string {
	var names []string
	for _, f := range ingest.Formats() {
		names = append(names, f.Name)
	}
	return append(names, "parquet", "arrow")
}

func formatHelp() string {
	var b strings.Builder
	for _, f := range ingest.Formats() {
		fmt.Fprintf(&b, "  %-10s %s\n", f.Name, f.Description)
	}
	fmt.Fprintf(&b, "  %-10s %s\n", "parquet", "the canonical fields as columns, whoever wrote them")
	fmt.Fprintf(&b, "  %-10s %s\n", "arrow", "the same as an Arrow file (Feather version 2)")
	return strings.TrimRight(b.String(), "\n")
}

// logs finds the sources that a command's arguments name.
func (a *app) logs(arguments []string) ([]ingest.Source, error) {
	if len(arguments) == 0 {
		return nil, usage(errors.New("no log to read: name files, or - for standard input"))
	}
	sources, err := ingest.Sources(arguments, a.in)
	for i, s := range sources {
		if s.Path() != "" && columnar.Recognise(s.Path()) != "" {
			sources[i] = s.ReadThrough(func() (io.ReadCloser, error) { return columnar.Lines(s.Path()) })
		}
	}
	return sources, err
}

// refusals shows the first refused rows, and which labels have too many values.
func (a *app) refusals(s ingest.Stats) {
	for _, key := range s.WideLabels {
		fmt.Fprintf(a.err, "label %s has more than %s values: leave it out (--labels), or have them share buckets (--labels %s/%d,…)\n",
			key, count(a.Ingest.LabelValues), key, min(a.Ingest.LabelValues, 100))
	}
	if s.Refused == 0 {
		return
	}
	shown := ""
	if s.Refused > int64(len(s.Refusals)) {
		shown = fmt.Sprintf(", the first %d", len(s.Refusals))
	}
	fmt.Fprintf(a.err, "refused %s rows%s:\n", count(s.Refused), shown)
	for _, r := range s.Refusals {
		fmt.Fprintf(a.err, "  %v\n", r)
	}
}
