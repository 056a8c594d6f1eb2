package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"tidegauge/config"
	"tidegauge/ingest"
	"tidegauge/report"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/traces"
	"tidegauge/traces/workload"
)

func newDemo(a *app) *cobra.Command {
	var r reading
	var trace, profile string
	var keep bool
	c := &cobra.Command{
		Use:     "demo [LOG]",
		GroupID: groupPipeline,
		Short:   "Run a log through the whole pipeline and show what comes out",
		Long: `Starts a broker, the ClickHouse engine and the processors in a temporary folder, writes a serving log to Kafka (a
made-up one, or the one you name), waits until everything is in ClickHouse, shows the numbers, checks them against
those computed directly from the file, and cleans up. It takes well under two minutes with the made-up log, uses no
port that others may need, and leaves nothing behind unless told to.`,
		Example: `  tidegauge demo
  tidegauge demo BurstGPT_3.csv.gz
  tidegauge demo --profile burstgpt
  tidegauge demo --keep`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, arguments []string) error {
			reader, err := r.config()
			if len(arguments) == 1 && trace != "" {
				err = errors.Join(err, errors.New("the log is named twice, as the argument and with --trace"))
			} else if len(arguments) == 1 {
				trace = arguments[0]
			}
			if trace != "" && profile != "" {
				err = errors.Join(err, errors.New("--profile makes a log, and one is named: one of them is enough"))
			}
			if err != nil {
				return usage(err)
			}
			if err := a.load(c, false, nil); err != nil {
				return err
			}
			if err := a.keep(&reader.Options); err != nil {
				return err
			}
			return a.demo(c.Context(), demo{app: a, reader: reader, trace: trace, profile: profile, keep: keep})
		},
	}
	c.Flags().StringVar(&trace, "trace", "", "a serving log to use instead of the made-up one")
	c.Flags().StringVar(&profile, "profile", "", "make the log of a workload `profile`, three days of it: a file, or "+strings.Join(workload.ShippedNames(), ", "))
	c.Flags().BoolVar(&keep, "keep", false, "keep the folder, and say how to go on with it")
	r.addFlags(c)
	config.AddFlags(c.Flags(), "engine.library", "engine.memory")
	return c
}

// demo is one run of the command, step by step.
type demo struct {
	*app
	reader ingest.ReaderConfig
	trace  string
	// profile is what to make the log of, where none is given; "" is the sample.
	profile string
	keep    bool
	folder  string
	begun   time.Time
}

func (a *app) demo(ctx context.Context, d demo) (err error) {
	d.begun = time.Now()
	if _, err := storage.FindEngine(a.Engine.Library); err != nil {
		return err
	}
	if d.trace != "" {
		if _, err := ingest.Sources([]string{d.trace}, nil); err != nil {
			return err
		}
	}
	if d.folder, err = d.makeFolder(); err != nil {
		return err
	}
	if !d.keep {
		defer func() { err = errors.Join(err, os.RemoveAll(d.folder)) }()
	}

	settings := a.Settings
	settings.Listen, settings.PProf, settings.DataDir = "off", false, d.folder
	settings.Broker.Listen, settings.Engine.NativePort, settings.Engine.HTTPPort = "127.0.0.1:0", 0, 0
	// Nothing of the user's own pipeline, if there is one, belongs here.
	defaults := config.Default()
	settings.Kafka, settings.ClickHouse = defaults.Kafka, defaults.ClickHouse
	// The steps are told on standard output; the parts only speak up when something is wrong, and with --log-level debug.
	quiet := a.logger
	if a.Log.Level != "debug" {
		quiet = newLogger(a.err, config.Log{Level: "warn", Format: a.Log.Format})
		slog.SetDefault(quiet)
	}
	p := newPipeline(settings, quiet)
	stopped := false
	stop := func() error { stopped = true; return p.parts.stop() }
	defer func() {
		if !stopped {
			err = errors.Join(err, stop())
		}
	}()

	if err := d.sample(); err != nil {
		return err
	}
	err = d.step("starting a Kafka broker, ClickHouse and the processors", func() (string, error) {
		if err := p.startEmbedded(ctx, d.folder); err != nil {
			return "", err
		}
		return fmt.Sprintf("%s, %s", p.broker.Addr(), p.engine.Addr()), nil
	})
	if err != nil {
		return err
	}
	if err := d.write(ctx, p); err != nil {
		return err
	}
	if err := d.wait(ctx, p); err != nil {
		return err
	}
	if err := d.show(ctx, p); err != nil {
		return err
	}
	if err := d.step("stopping", func() (string, error) { return "", stop() }); err != nil {
		return err
	}
	d.next()
	return nil
}

// makeFolder makes the folder of the run: a temporary one, or, to be kept, one where the user is.
func (d *demo) makeFolder() (string, error) {
	if d.keep {
		folder, err := os.MkdirTemp(".", "tidegauge-demo-")
		if err != nil {
			return "", err
		}
		return filepath.Abs(folder)
	}
	return os.MkdirTemp("", "tidegauge-demo-")
}

// step does something and says on one line what it was and how long it took.
func (d *demo) step(what string, do func() (string, error)) error {
	fmt.Fprintf(d.out, "%s ... ", what)
	begun := time.Now()
	result, err := do()
	if err != nil {
		fmt.Fprintln(d.out, "failed")
		return err
	}
	if result != "" {
		result = ": " + result
	}
	fmt.Fprintf(d.out, "%.1f s%s\n", time.Since(begun).Seconds(), result)
	return nil
}

// sample makes the log, where none was given.
func (d *demo) sample() error {
	if d.trace != "" {
		fmt.Fprintf(d.out, "using the log %s\n", d.trace)
		return nil
	}
	d.trace = filepath.Join(d.folder, "sample.jsonl")
	if d.profile != "" {
		return d.generate()
	}
	return d.step("making up a serving log (synthetic: three days, two models)", func() (string, error) {
		f, err := os.Create(d.trace)
		if err != nil {
			return "", err
		}
		n, err := traces.WriteSample(f, traces.DefaultSampleConfig())
		return count(n) + " requests", errors.Join(err, f.Close())
	})
}

// generate makes the log of a profile.
func (d *demo) generate() error {
	p, err := d.app.profile(d.profile)
	if err != nil {
		return err
	}
	return d.step("making up a serving log (synthetic: three days of profile "+d.profile+")", func() (string, error) {
		o := workload.DefaultGenerateOptions()
		o.Duration = 3 * 24 * time.Hour
		o.Labels = []schemas.Label{traces.SyntheticLabel}
		requests, err := workload.Generate(p, o)
		if err != nil {
			return "", err
		}
		f, err := os.Create(d.trace)
		if err != nil {
			return "", err
		}
		n, err := traces.Write(f, requests)
		return count(n) + " requests", errors.Join(err, f.Close())
	})
}

// write is tidegauge ingest.
func (d *demo) write(ctx context.Context, p *pipeline) error {
	sources, err := ingest.Sources([]string{d.trace}, nil)
	if err != nil {
		return err
	}
	return d.step("writing it to Kafka", func() (string, error) {
		c := ingest.Config{Reader: d.reader, Producer: producerConfig(p.settings)}
		result, err := ingest.Run(ctx, c, sources)
		d.refusals(result.Stats)
		if err != nil {
			return "", ingestError(ctx, result, err)
		}
		return fmt.Sprintf("%s requests, %s to %s", count(result.Written), clock(result.FirstArrivalUS), clock(result.LastArrivalUS)), nil
	})
}

func (d *demo) wait(ctx context.Context, p *pipeline) error {
	return d.step("waiting until everything is in ClickHouse", func() (string, error) {
		end, err := ends(ctx, p.settings.Kafka)
		if err != nil {
			return "", err
		}
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		go func() {
			select {
			case err := <-p.ended:
				cancel(err)
			case <-ctx.Done():
			}
		}()
		if err := settled(ctx, p.db, p.settings.Kafka, end, nil); err != nil {
			return "", context.Cause(ctx)
		}
		return "consumer lag 0", nil
	})
}

// show prints the document from ClickHouse, compares it with the direct one, and answers two questions in SQL.
func (d *demo) show(ctx context.Context, p *pipeline) error {
	var stored *report.Summary
	err := d.step("asking ClickHouse what it comes to (tidegauge report)", func() (_ string, err error) {
		stored, err = report.FromClickHouse(ctx, p.db, report.Query{GeneratedBy: generatedBy()})
		return "", err
	})
	if err != nil {
		return err
	}
	if len(stored.Services) == 0 {
		return &failure{exitRefused, fmt.Errorf("%s has no requests", d.trace), ""}
	}
	fmt.Fprintln(d.out)
	if err := d.writeSummary(stored, false, 0); err != nil {
		return err
	}
	fmt.Fprintln(d.out)
	err = d.step("checking it against the file itself (tidegauge characterize)", func() (string, error) {
		sources, err := ingest.Sources([]string{d.trace}, nil)
		if err != nil {
			return "", err
		}
		direct, _, err := characterize(ctx, d.reader, sources, report.Options{GeneratedBy: generatedBy(), Range: stored.Range})
		if err != nil {
			return "", err
		}
		return compare(direct, stored)
	})
	if err != nil {
		return err
	}
	fmt.Fprintf(d.out, "\nAnything else is a question in SQL, asked while a pipeline runs. Three of them:\n")
	service := stored.Services[0].Service
	for _, q := range questions {
		query := strings.ReplaceAll(q.sql, "SERVICE", sqlText(service))
		fmt.Fprintf(d.out, "\n%s\n\n  %s sql \"%s\"\n\n", q.title, program(), query)
		var answer bytes.Buffer
		if err := runQuery(ctx, p.db, query, nil, rowFormats["table"](&answer)); err != nil {
			return err
		}
		fmt.Fprint(d.out, "  "+strings.ReplaceAll(strings.TrimSpace(answer.String()), "\n", "\n  ")+"\n")
	}
	fmt.Fprintln(d.out)
	return nil
}

// next says what to do now.
func (d *demo) next() {
	fmt.Fprintf(d.out, "\nDone in %.0f s. ", time.Since(d.begun).Seconds())
	t := tabwriter.NewWriter(d.out, 0, 0, 4, ' ', 0)
	row := func(arguments, what string) { fmt.Fprintf(t, "  %s %s\t# %s\n", program(), arguments, what) }
	folder := ""
	if d.keep {
		fmt.Fprintf(d.out, "Everything is kept in %s; go on with it:\n", d.folder)
		folder = " --data-dir " + shellQuote(d.folder)
	} else {
		fmt.Fprintf(d.out, "Nothing was left behind. Try next, with a log of your own:\n")
		row("characterize access.jsonl.gz", "its numbers, at once")
		row("demo access.jsonl.gz", "this again, with it")
	}
	row("up"+folder, "the pipeline, to stay; then, in another terminal:")
	row("ingest"+folder+" access.jsonl.gz", "ingest --help lists the formats")
	row("report"+folder+" --from now-24h", "the last day")
	_ = t.Flush()
}

// sqlText quotes a text for SQL.
func sqlText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
}

// questions are what the demo asks in SQL: one query each, on one line, so that it can be pasted.
var questions = []struct{ title, sql string }{
	{
		"1. How bursty was it? The five burstiest 20 minutes (gap_cv is 1 for a Poisson process):",
		"SELECT window_start, requests, round(rate, 2) AS per_second, round(gap_cv, 2) AS gap_cv, round(peak_to_mean_1, 1) AS peak_to_mean " +
			"FROM arrivals(service = SERVICE, model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, step_s = 1200) " +
			"WHERE gaps >= 100 ORDER BY gap_cv DESC LIMIT 5",
	},
	{
		"2. When did requests fail? The five worst hours of the day (UTC):",
		"SELECT hour, requests, failures, round(100 * failures / requests, 2) AS percent " +
			"FROM by_hour(service = SERVICE, model = NULL, log_type = NULL, from_us = 0, to_us = 4102444800000000, time_zone = 'UTC') " +
			"WHERE requests > 0 ORDER BY percent DESC LIMIT 5",
	},
	{
		"3. How many turns do conversations have?",
		"SELECT turns, conversations FROM turns_histogram(service = SERVICE, from_us = 0, to_us = 4102444800000000) ORDER BY turns LIMIT 5",
	},
}

// compare says that two documents agree, or where they do not.
func compare(direct, stored *report.Summary) (string, error) {
	differences := report.Compare(direct, stored)
	if len(differences) == 0 {
		return "they agree in every number, within the tolerances of docs/metrics.md", nil
	}
	var lines []string
	for _, d := range differences[:min(len(differences), 10)] {
		lines = append(lines, fmt.Sprint(d))
	}
	return "", &failure{exitFailed, fmt.Errorf("ClickHouse and the file disagree in %d numbers:\n%s", len(differences), strings.Join(lines, "\n")),
		"This is a defect of Tidegauge: please report it, with the log if you can."}
}
