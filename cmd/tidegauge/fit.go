package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"tidegauge/traces/workload"
)

func newFit(a *app) *cobra.Command {
	var in input
	var o workload.FitOptions
	var path string
	c := &cobra.Command{
		Use:     "fit -o PROFILE [flags] [FILE...]",
		GroupID: groupTraces,
		Short:   "Describe a workload as a profile, to generate others like it",
		Long: `Reads the requests of serving logs or, where none is named, of ClickHouse, and writes a workload profile: a JSON document
of distributions. It has how requests come (the load by time and by hour of the week, its slow and fast fluctuations, bursts, silences),
conversations (their turns and pauses, growing contexts), lengths of requests and responses and how they hang together, failures
in runs, and how long answers take. tidegauge generate makes logs of it.

A profile holds no requests: every number in it covers at least ` + fmt.Sprint(workload.MinBucket) + ` of them, and names of clients, conversations and requests are
not in it. Names of services, models, log types, error types and finish reasons are, and when the service had how much to do: with
--no-path not even that, only how such loads are distributed. docs/workload.md describes the model and the document.

It needs about 250 bytes of memory a request. With two days of log the day's shape is told, with two weeks the week's.`,
		Example: `  tidegauge fit -o profile.json access.jsonl.gz
  tidegauge fit --service chat-eu --from now-28d -o profile.json
  tidegauge fit --clients 20 -o - 'logs/*.parquet' | tidegauge generate --profile - -o synthetic.jsonl`,
		RunE: func(c *cobra.Command, arguments []string) error {
			var errs []error
			if path == "" {
				errs = append(errs, errors.New("--output is missing: the path of the profile to write, or - for standard output"))
			}
			if o.Clients < 0 || o.Clients > 500 {
				errs = append(errs, fmt.Errorf("--clients is %d, want 0 to 500", o.Clients))
			}
			if err := errors.Join(errs...); err != nil {
				return usage(err)
			}
			requests, err := a.requests(c, &in, arguments)
			if err != nil {
				return err
			}
			file, err := a.create(path)
			if err != nil {
				return err
			}
			defer file.Abort()
			o.GeneratedBy = generatedBy()
			p, err := workload.Fit(c.Context(), requests, o)
			if c.Context().Err() != nil {
				return &failure{exitInterrupted, errors.New("interrupted: no profile was written"), ""}
			}
			if errors.Is(err, workload.ErrTooFew) {
				return &failure{exitRefused, err, "Fit a longer log, or leave out what selects a part of it."}
			}
			if err != nil {
				return err
			}
			if err := p.Write(file); err != nil {
				return err
			}
			if err := file.Commit(); err != nil {
				return err
			}
			describe(a.err, p)
			if path != "-" {
				fmt.Fprintf(a.err, "wrote %s. Generate from it:\n  %s generate --profile %s --duration 1d -o synthetic.jsonl\n", path, program(), shellQuote(path))
			}
			return nil
		},
	}
	c.Flags().StringVarP(&path, "output", "o", "", "`path` of the profile to write, which appears whole or not at all; - is standard output")
	c.Flags().StringVar(&o.Name, "name", "", "`name` of the profile, for its readers")
	c.Flags().BoolVar(&o.NoPath, "no-path", false, "leave out the log's load by time: what is generated has ups and downs of its own, like the log's")
	c.Flags().IntVar(&o.Clients, "clients", 0, "tell apart so many of the busiest clients, by arrivals, lengths and all (ServeGen's decomposition); they become client-1, client-2 …")
	in.addFlags(c)
	return c
}

// describe says on a few lines what a profile holds.
func describe(w io.Writer, p *workload.Profile) {
	for i := range p.Services {
		s := &p.Services[i]
		fmt.Fprintf(w, "service %s: %s requests\n", s.Service, count(s.Requests))
		for j := range s.Flows {
			f := &s.Flows[j]
			name := "requests"
			if f.Kind == workload.KindConversations {
				name = "conversations"
			}
			if f.LogType != "" {
				name = f.LogType + " " + name
			}
			if f.Client != "" {
				name += " of " + f.Client
			}
			fmt.Fprintf(w, "  %s: %.3g a second, %s", name, f.Arrivals.Rate, plural(int64(len(f.Models)), "model"))
			if f.Conversations != nil {
				fmt.Fprintf(w, ", %.3g turns each", float64(f.Conversations.Turns)/float64(max(f.Conversations.Count, 1)))
			}
			switch f.Arrivals.Shape.Period {
			case "none":
				fmt.Fprintf(w, ", the same rate at all hours (a day's shape needs two days of log)")
			default:
				fmt.Fprintf(w, ", by hour of the %s", f.Arrivals.Shape.Period)
			}
			fmt.Fprintln(w)
		}
	}
	if p.Fitted != nil && p.Fitted.LeftOut > 0 {
		fmt.Fprintf(w, "%s requests are left out: they are of log types (or of requests without a conversation) with fewer than 20\n", count(p.Fitted.LeftOut))
	}
}

// profile reads a profile from a file, standard input, or those that are shipped.
func (a *app) profile(name string) (*workload.Profile, error) {
	if p, err := workload.Shipped(name); err == nil {
		return p, nil
	}
	var r io.Reader = a.in
	if name != "-" {
		f, err := openProfile(name)
		if err != nil {
			return nil, err
		}
		defer f.Close()
		r = f
	}
	p, err := workload.Read(r)
	if err != nil {
		return nil, &failure{exitRefused, fmt.Errorf("%s: %w", name, err), ""}
	}
	return p, nil
}

// openProfile opens a profile's file.
func openProfile(name string) (*os.File, error) {
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, usage(fmt.Errorf("there is no file %s, and the profiles that come with tidegauge are %s", name, strings.Join(workload.ShippedNames(), ", ")))
	}
	return f, err
}
