package main

import (
	"errors"
	"fmt"
	"io"
	"iter"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tidegauge/report"
	"tidegauge/schemas"
	"tidegauge/traces/contrast"
	"tidegauge/traces/workload"
)

// comparing are the flags of compare that are not about reading.
type comparing struct {
	asJSON, all      bool
	html, failOn     string
	like             string
	sections         []string
	tolerance        float64
	models, logTypes map[string]string
	infer            time.Duration
}

// The verdicts that --fail-on takes, and which others it takes with them.
var failing = map[string][]contrast.Verdict{
	"differs": {contrast.Differs}, "cannot-tell": {contrast.Differs, contrast.CannotTell, contrast.Absent},
}

func newCompare(a *app) *cobra.Command {
	var left, right input
	var o comparing
	c := &cobra.Command{
		Use:     "compare [flags] [A] B",
		GroupID: groupTraces,
		Short:   "Say whether a trace may stand for another, section by section, and why",
		Long: `Compares two loads: two logs in any format that is read, or a log and what ClickHouse has of a service. A is taken for the
load that a fleet has to carry, B for the one that it is tested with. Of each section (load, burstiness, conversations,
lengths, failures, latency) it says:

  alike        B may stand for A in this
  differs      it may not: a number differs by more than matters for a load test, and by more than parts of one and the
               same trace differ from each other
  cannot tell  too few requests, too short a time, or parts of one trace that differ as much themselves
  absent       neither has it

with the number that decided and what follows from it. Beside that stand every number of docs/metrics.md, the distances of
distributions (Kolmogorov-Smirnov, Wasserstein) and the autocorrelation of counts. --html writes a page with pictures that
opens without a network. docs/traces.md explains the rule and its tolerances.

All requests of a side are one load, whatever their services are called; log types and models that both name are compared
as well, and --map-model and --map-log-type say which ones are the same under other names. A pattern in quotes is several
logs that are one side.

--like takes A alone and says which of the profiles that come along (or of others, --like=profile.json,chat) it resembles most,
and in what. Load and latency do not count in that: a profile takes any rate, and latency is a server's.

Where one log is named, it is B, and A is what ClickHouse has of --service. Where none is, both come from ClickHouse, and what
is not said of B is as it is of A, but for the range.`,
		Example: `  tidegauge compare production.jsonl synthetic.jsonl
  tidegauge compare 'logs/*.jsonl.zst' BurstGPT_1.csv --html comparison.html
  tidegauge compare --service chat --from now-7d benchmark.jsonl
  tidegauge compare --service chat --from now-14d --to now-7d --from-b now-7d
  tidegauge compare --like production.jsonl
  tidegauge compare a.jsonl b.jsonl --fail-on differs --sections burstiness,lengths`,
		Args: cobra.MaximumNArgs(2),
		RunE: func(c *cobra.Command, arguments []string) error {
			err := o.check()
			if o.like == "" {
				err = errors.Join(err, checkSides(&left, &right, arguments))
			} else {
				err = errors.Join(err, checkLike(&o, arguments))
			}
			if err != nil {
				return usage(err)
			}
			if err := a.load(c, false, nil); err != nil {
				return err
			}
			if o.like != "" {
				return a.like(c, &left, arguments, &o)
			}
			sides, err := a.sides(c, &left, &right, arguments, &o)
			if err != nil {
				return err
			}
			comparison, pictures := contrast.Compare(sides[0], sides[1], contrast.Options{
				GeneratedBy: generatedBy(), Tolerance: o.tolerance, Sections: o.sections})
			return a.writeComparison(comparison, pictures, o)
		},
	}
	f := c.Flags()
	f.StringVar(&o.html, "html", "", "`file` to write a page with pictures to, which opens without a network; - is standard output")
	f.BoolVar(&o.asJSON, "json", false, "write the comparison as JSON ("+contrast.SchemaName+")")
	f.BoolVar(&o.all, "all", false, "show every number of docs/metrics.md")
	f.StringVar(&o.like, "like", "", "say which profile A resembles most: of `profiles` after an equals sign, files or names, else of those that come along ("+strings.Join(workload.ShippedNames(), ", ")+")")
	f.Lookup("like").NoOptDefVal = allShipped
	f.StringVar(&o.failOn, "fail-on", "", "`differs|cannot-tell`: end with 1 if that is the verdict; cannot-tell includes differs")
	f.StringSliceVar(&o.sections, "sections", nil, "the `sections` that --fail-on and the verdict on all look at: "+strings.Join(contrast.SectionNames(), ", ")+" (default: all)")
	f.Float64Var(&o.tolerance, "tolerance", 1, "multiply by this `factor` what does not matter")
	f.StringToStringVar(&o.models, "map-model", nil, "`A=B`: B's name of what A calls a model; may be repeated")
	f.StringToStringVar(&o.logTypes, "map-log-type", nil, "`A=B`: B's name of what A calls a log type; may be repeated")
	f.DurationVar(&o.infer, "infer-conversations", 0, "make conversations of a client's requests, where none are named, that are no further apart than this")
	left.addFlags(c)
	f.StringVar(&right.span.service, "service-b", "", "`name` of the service whose requests B has (default: all; where both come from ClickHouse: as A)")
	f.StringVar(&right.model, "model-b", "", "`name` of the model whose requests B has, likewise")
	f.StringVar(&right.logType, "log-type-b", "", "`name` of the log type whose requests B has, likewise")
	f.StringVar(&right.span.from, "from-b", "", "`time` of B's first arrival, as --from")
	f.StringVar(&right.span.to, "to-b", "", "`time` of B's end, as --to")
	right.reading.addFormat(c, "format-b", "")
	c.Flag("format-b").Usage = "`name` of the format of B's log, where it is another than A's"
	for _, name := range []string{"service", "model", "log-type", "from", "to"} {
		c.Flag(name).Usage = "of A: " + c.Flag(name).Usage
	}
	_ = c.RegisterFlagCompletionFunc("sections", cobra.FixedCompletions(contrast.SectionNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("fail-on", cobra.FixedCompletions([]string{"differs", "cannot-tell"}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

func (o *comparing) check() error {
	var errs []error
	for _, s := range o.sections {
		if !slices.Contains(contrast.SectionNames(), s) {
			errs = append(errs, fmt.Errorf("--sections: there is no section %q: use %s", s, strings.Join(contrast.SectionNames(), ", ")))
		}
	}
	if o.failOn != "" && failing[o.failOn] == nil {
		errs = append(errs, fmt.Errorf("--fail-on is %q, want differs or cannot-tell", o.failOn))
	}
	if !(o.tolerance > 0 && o.tolerance <= 1000) {
		errs = append(errs, fmt.Errorf("--tolerance is %g, want a factor above zero", o.tolerance))
	}
	if o.infer < 0 {
		errs = append(errs, fmt.Errorf("--infer-conversations is %s, want a pause above zero", o.infer))
	}
	if o.html == "-" && o.asJSON {
		errs = append(errs, errors.New("--html - and --json both want standard output"))
	}
	return errors.Join(errs...)
}

// checkSides checks that there are two sides. What stands in the flags of one format and one epoch concerns both logs.
func checkSides(left, right *input, arguments []string) error {
	format := right.reading.format
	right.reading = left.reading
	if format != "" {
		right.reading.format = format
	}
	named := func(i *input) bool { return i.span != (span{}) || i.model != "" || i.logType != "" }
	switch {
	case len(arguments) == 1 && !named(left):
		return errors.New("one log is named: name another, or what to compare it with in ClickHouse (--service, --from)")
	case len(arguments) == 0 && !named(right):
		return errors.New("nothing to compare: name two logs, or one and a --service, or what of ClickHouse, as --service and --service-b or --to and --from-b")
	case slices.Equal(arguments, []string{"-", "-"}):
		return errors.New("standard input can be one side only")
	}
	if len(arguments) == 0 {
		for _, f := range []struct{ to, from *string }{{&right.span.service, &left.span.service}, {&right.model, &left.model}, {&right.logType, &left.logType}} {
			if *f.to == "" {
				*f.to = *f.from
			}
		}
	}
	return nil
}

// sides reads both.
func (a *app) sides(c *cobra.Command, left, right *input, arguments []string, o *comparing) (out [2]*contrast.Workload, err error) {
	of := [2][]string{nil, nil} // the logs of each; none: ClickHouse
	if n := len(arguments); n > 0 {
		of[1] = arguments[n-1:]
		of[0] = arguments[:n-1]
	}
	for i, in := range []*input{left, right} {
		requests, err := a.requests(c, in, of[i])
		if err != nil {
			return out, err
		}
		var mapping contrast.Mapping
		if i == 0 {
			mapping = contrast.Mapping{Models: o.models, LogTypes: o.logTypes}
		}
		if out[i], err = record(requests, sideName(in, of[i]), mapping, o.infer); err != nil {
			return out, err
		}
	}
	return out, nil
}

func record(requests iter.Seq2[*schemas.Request, error], name string, m contrast.Mapping, infer time.Duration) (*contrast.Workload, error) {
	recorder := contrast.NewRecorder(name, m, reportOptions(infer))
	for r, err := range requests {
		if err != nil {
			return nil, err
		}
		recorder.Add(r)
	}
	w, err := recorder.Workload()
	if errors.Is(err, contrast.ErrEmpty) {
		return nil, &failure{status: exitRefused, err: err}
	}
	return w, err
}

func reportOptions(infer time.Duration) report.Options {
	return report.Options{GeneratedBy: generatedBy(), InferConversations: infer}
}

// sideName is what a side is called by: its log, or what was asked of ClickHouse, and what of it.
func sideName(in *input, log []string) string {
	var parts []string
	switch {
	case len(log) == 0 && in.span.service == "":
		parts = append(parts, "everything recorded")
	case len(log) == 0:
		parts = append(parts, in.span.service)
	case log[0] == "-":
		parts = append(parts, "standard input")
	default:
		parts = append(parts, filepath.Base(log[0]))
	}
	if len(log) > 0 && in.span.service != "" {
		parts = append(parts, "service "+in.span.service)
	}
	for _, part := range []struct{ word, value string }{{"model", in.model}, {"log type", in.logType}, {"from", in.span.from}, {"to", in.span.to}} {
		if part.value != "" {
			parts = append(parts, part.word+" "+part.value)
		}
	}
	return strings.Join(parts, ", ")
}

// writeComparison writes what was asked for, and then fails where it was asked to.
func (a *app) writeComparison(c *contrast.Comparison, p *contrast.Pictures, o comparing) error {
	if o.html != "" {
		if err := a.writeWhole(o.html, func(w io.Writer) error { return contrast.WriteHTML(w, c, p) }); err != nil {
			return err
		}
	}
	var err error
	switch {
	case o.asJSON:
		err = contrast.WriteJSON(a.out, c)
	case o.html != "-":
		err = contrast.WriteTable(a.out, c, contrast.TableOptions{Colour: isTerminal(a.out), All: o.all})
	}
	if err == nil && o.html != "" && o.html != "-" {
		fmt.Fprintf(a.err, "wrote %s\n", o.html)
	}
	if err == nil && slices.Contains(failing[o.failOn], c.Verdict) {
		err = &failure{status: exitFailed, err: fmt.Errorf("the verdict is %s (--fail-on %s)", c.Verdict, o.failOn)}
	}
	return err
}

// writeWhole writes a file that appears whole or not at all.
func (a *app) writeWhole(path string, write func(io.Writer) error) error {
	f, err := a.create(path)
	if err != nil {
		return err
	}
	defer f.Abort()
	if err := write(f); err != nil {
		return err
	}
	return f.Commit()
}
