package main

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tidegauge/schemas"
	"tidegauge/traces"
	"tidegauge/traces/workload"
)

func newGenerate(a *app) *cobra.Command {
	e := encoding{format: "canonical", path: "-", laterTurns: "both"}
	o := workload.DefaultGenerateOptions()
	profile, duration, start := "", "1d", o.Start.Format(time.DateOnly)
	var mix []string
	c := &cobra.Command{
		Use:     "generate --profile PROFILE [flags]",
		GroupID: groupTraces,
		Short:   "Make a synthetic serving log from a profile, at any load",
		Long: `Writes a log of made-up requests that come, ask and end as a workload profile describes: one that tidegauge fit made, or
one of those that come with tidegauge. Equal profiles, flags and seeds give equal logs on every machine; it needs no more memory
for a year than for a minute. Every request carries the label synthetic=true (in formats that have labels).

Profiles that come along, built from published figures, which each of them names:
` + shippedHelp() + `

A profile that was fitted to a log has the log's load by time, and what is generated goes up and down as the log did, each seed with
other requests: at the same hours of the week where the log has a week (of the day where it has a day), and of these hours in the
last weeks (days) that are long enough; where it goes on longer than the log, the log's weeks (days; all of a shorter log) come again.
--levels drawn makes ups and downs of its own instead, as strong, as long and at the same hours as the log's: what else might have
come. Profiles that come along have no log, and theirs are always drawn.

--rate and --scale change the load, and --scale-by says how:
  compress   the same fluctuations pass faster: gap_cv stays, and idc at d seconds becomes what it was at d x scale seconds.
             A service whose users all become more active, or a burst to size for. The ups and downs of a log pass faster, too.
  superpose  so many independent copies at once: idc stays, and gap_cv falls towards 1, as bursts of one copy fill the pauses
             of others. A service that gets more users like the ones it has. One copy goes up and down as the log did, others have
             ups and downs of their own.
Hours of the day, pauses in conversations and durations stay what they are.

What if:
  --burstiness 2           fluctuations twice as strong (0: none, a Poisson process that follows the hours)
  --response-length 1.5    responses half as long again
  --conversation-length 2  the odds that a conversation goes on, doubled
  --failure-rate 3         three times as many failures
  --model-mix gpt-4=60%    shares of the requests; models that are not named share the rest

Formats:
` + encodeHelp(),
		Example: `  tidegauge generate --profile chat -o chat.jsonl
  tidegauge generate --profile profile.json --scale 3 --scale-by superpose --duration 2h --seed 7 -o load.jsonl
  tidegauge generate --profile profile.json --levels drawn --duration 7d --seed 2 -o another-week.jsonl
  tidegauge generate --profile burstgpt --rate 20 --duration 10m --format mooncake --fill-hashes -o trace.jsonl
  tidegauge generate --profile api --burstiness 0 | tidegauge characterize -`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) (err error) {
			var errs []error
			wrong := func(err error) { errs = append(errs, err) }
			now := time.Now()
			if profile == "" {
				wrong(fmt.Errorf("--profile is missing: a file that tidegauge fit wrote, or one of %s", strings.Join(workload.ShippedNames(), ", ")))
			}
			if c.Flags().Changed("rate") && c.Flags().Changed("scale") {
				wrong(errors.New("--rate and --scale exclude each other: one says the load, the other what to multiply it by"))
			}
			if c.Flags().Changed("rate") && !(o.Rate > 0) {
				wrong(fmt.Errorf("--rate is %g, want requests a second, above 0", o.Rate))
			}
			if o.Duration, err = parseDuration(duration); err != nil {
				wrong(fmt.Errorf("--duration: %w", err))
			}
			if us, err := parseTime(start, now); err != nil {
				wrong(fmt.Errorf("--start: %w", err))
			} else {
				o.Start = time.UnixMicro(us).UTC()
			}
			if o.ModelMix, err = parseMix(mix); err != nil {
				wrong(fmt.Errorf("--model-mix: %w", err))
			}
			e.options.ScaleTime = 1
			f, options, err := e.config("format", now)
			if err != nil {
				wrong(err)
			}
			if err := errors.Join(errs...); err != nil {
				return usage(err)
			}
			p, err := a.profile(profile)
			if err != nil {
				return err
			}
			o.Labels = []schemas.Label{traces.SyntheticLabel}
			requests, err := workload.Generate(p, o)
			if err != nil {
				return usage(err)
			}
			if text := o.Effect(p); text != "" {
				fmt.Fprintln(a.err, text)
			}
			return e.write(c.Context(), a, f, options, a.synthetic(c.Context(), requests, &o))
		},
	}
	fl := c.Flags()
	fl.StringVarP(&profile, "profile", "p", "", "`profile` to generate from: a file, - for standard input, or "+strings.Join(workload.ShippedNames(), ", "))
	fl.Float64Var(&o.Rate, "rate", 0, "requests a second, averaged over the profile's hours, of all services together (default: the profile's)")
	fl.Float64Var(&o.Scale, "scale", o.Scale, "`factor` of the profile's load")
	fl.StringVar(&o.ScaleBy, "scale-by", o.ScaleBy, "`compress|superpose`: how to change the load")
	fl.StringVar(&o.Levels, "levels", o.Levels, "`recorded|drawn`: repeat the ups and downs of the log that the profile was fitted to, or make others like them")
	fl.StringVar(&duration, "duration", duration, "how long a log: 90s, 10m, 2h, 7d, 4w")
	fl.StringVar(&start, "start", start, "`time` at which it begins: "+timeHelp)
	fl.Uint64Var(&o.Seed, "seed", o.Seed, "which of the logs of this profile")
	fl.StringVarP(&e.format, "format", "f", e.format, "`name` of the format to write")
	fl.StringVarP(&e.path, "output", "o", e.path, "`path` of the file (servegen: folder) to write, which appears whole or not at all; - is standard output")
	fl.Float64Var(&o.Burstiness, "burstiness", o.Burstiness, "`factor` of the fluctuations")
	fl.Float64Var(&o.ResponseLength, "response-length", o.ResponseLength, "`factor` of response tokens")
	fl.Float64Var(&o.ConversationLength, "conversation-length", o.ConversationLength, "`factor` of the odds that a conversation goes on")
	fl.Float64Var(&o.FailureRate, "failure-rate", o.FailureRate, "`factor` of the chance of a failure")
	fl.StringSliceVar(&mix, "model-mix", nil, "`MODEL=SHARE,…`: shares of the requests, as 60% or 0.6")
	fl.StringVarP(&o.Service, "service", "s", "", "`name` of the service, instead of the profile's")
	fl.StringVar(&e.origin, "origin", "", "`first|midnight|TIME` that formats which count time have as 0: the first arrival, the midnight (UTC) before it, a time")
	fl.StringVar(&e.laterTurns, "later-turns", e.laterTurns, "`both|delay|timestamp`: how mooncake times the later turns of a conversation")
	fl.BoolVar(&e.options.FillHashes, "fill-hashes", false, "make up prefix hashes that nothing shares: vLLM and SGLang build prompts of nothing else (mooncake, bailian)")
	_ = c.RegisterFlagCompletionFunc("profile", func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return workload.ShippedNames(), cobra.ShellCompDirectiveDefault
	})
	_ = c.RegisterFlagCompletionFunc("format", cobra.FixedCompletions(encodeNames(), cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("scale-by", cobra.FixedCompletions([]string{workload.ScaleCompress, workload.ScaleSuperpose}, cobra.ShellCompDirectiveNoFileComp))
	_ = c.RegisterFlagCompletionFunc("levels", cobra.FixedCompletions([]string{workload.LevelsRecorded, workload.LevelsDrawn}, cobra.ShellCompDirectiveNoFileComp))
	return c
}

// shippedHelp lists the profiles that come along.
func shippedHelp() string {
	var b strings.Builder
	for _, name := range workload.ShippedNames() {
		p, err := workload.Shipped(name)
		if err != nil {
			continue
		}
		first, _, _ := strings.Cut(p.Description, ". ")
		fmt.Fprintf(&b, "  %-10s %s\n", name, strings.TrimSuffix(first, "."))
	}
	return strings.TrimRight(b.String(), "\n")
}

// synthetic shows progress, by the time that has been filled, while requests are taken.
func (a *app) synthetic(ctx context.Context, requests iter.Seq[*schemas.Request], o *workload.GenerateOptions) iter.Seq2[*schemas.Request, error] {
	return func(yield func(*schemas.Request, error) bool) {
		bar := newBar(a.err, "generating", func(s int64) string { return (time.Duration(s) * time.Second).String() })
		defer bar.stop()
		begin, n := o.Start.UnixMicro(), 0
		for r := range requests {
			if n++; n%4096 == 0 {
				if ctx.Err() != nil {
					yield(nil, ctx.Err())
					return
				}
				bar.set((r.ArrivalUS-begin)/schemas.SecondUS, int64(o.Duration/time.Second))
			}
			if !yield(r, nil) {
				return
			}
		}
	}
}

var days = regexp.MustCompile(`^([0-9]+(?:\.[0-9]+)?)([dw])(.*)$`)

// parseDuration reads a duration that may have weeks and days: 4w, 7d12h, 90s.
func parseDuration(text string) (time.Duration, error) {
	var sum time.Duration
	rest := strings.TrimSpace(text)
	for {
		m := days.FindStringSubmatch(rest)
		if m == nil {
			break
		}
		n, err := strconv.ParseFloat(m[1], 64)
		if err != nil || n > 10_000 {
			return 0, fmt.Errorf("%q is no duration: want something like 90s, 10m, 2h, 7d or 4w", text)
		}
		unit := 24 * time.Hour
		if m[2] == "w" {
			unit *= 7
		}
		sum += time.Duration(n * float64(unit))
		if rest = m[3]; rest == "" {
			return sum, nil
		}
	}
	d, err := time.ParseDuration(rest)
	if err != nil || sum+d <= 0 {
		return 0, fmt.Errorf("%q is no duration: want something like 90s, 10m, 2h, 7d or 4w", text)
	}
	return sum + d, nil
}

// parseMix reads MODEL=SHARE.
func parseMix(mix []string) (map[string]float64, error) {
	shares := map[string]float64{}
	for _, m := range mix {
		i := strings.LastIndexByte(m, '=')
		if i <= 0 {
			return nil, fmt.Errorf("%q has no share: want MODEL=60%%", m)
		}
		share := 0.0
		if text := m[i+1:]; text != "0" && text != "0%" {
			var err error
			if share, err = parseShare(text); err != nil {
				return nil, err
			}
		}
		if _, twice := shares[m[:i]]; twice {
			return nil, fmt.Errorf("model %q is named twice", m[:i])
		}
		shares[m[:i]] = share
	}
	return shares, nil
}
