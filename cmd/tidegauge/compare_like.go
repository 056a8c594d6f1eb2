package main

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tidegauge/traces/contrast"
	"tidegauge/traces/workload"
)

// allShipped is what --like means without names.
const allShipped = "shipped"

const (
	// mostLike is how many requests of a profile are enough to compare with: more tell nothing more about it.
	mostLike = 200_000
	// likeLonger is how long they go on at most: the week's shape is in that.
	likeLonger = 14 * 24 * time.Hour
)

// checkLike checks what does not go with --like.
func checkLike(o *comparing, arguments []string) error {
	switch {
	case len(arguments) > 1:
		return errors.New("--like takes one log; profiles stand after an equals sign: --like=chat,profile.json")
	case o.html != "" || o.failOn != "" || len(o.sections) > 0:
		return errors.New("--html, --fail-on and --sections do not go with --like")
	}
	return nil
}

// like says which profile a side resembles most. Of each profile as many requests are made as the side has, at its rate and
// from its first hour on, so that what depends on rate and time of day is the same.
func (a *app) like(c *cobra.Command, in *input, arguments []string, o *comparing) error {
	requests, err := a.requests(c, in, arguments)
	if err != nil {
		return err
	}
	w, err := record(requests, sideName(in, arguments), contrast.Mapping{}, o.infer)
	if err != nil {
		return err
	}
	names := strings.Split(o.like, ",")
	if o.like == allShipped {
		names = workload.ShippedNames()
	}
	service := w.Summary.Services[0]
	covered := time.Duration(service.LastArrivalUS-service.FirstArrivalUS) * time.Microsecond
	if covered < time.Minute {
		return &failure{status: exitRefused, err: fmt.Errorf("%s: its requests come within %s, too short a time to say what it is like", w.Name, covered)}
	}
	var candidates []*contrast.Workload
	for _, name := range names {
		p, err := a.profile(strings.TrimSpace(name))
		if err != nil {
			return err
		}
		g := workload.DefaultGenerateOptions()
		g.Rate = float64(service.Requests) / covered.Seconds()
		g.Start = time.UnixMicro(service.FirstArrivalUS).UTC()
		g.Duration = min(covered, likeLonger, time.Duration(mostLike/g.Rate*float64(time.Second)))
		made, err := workload.Generate(p, g)
		if err != nil {
			return fmt.Errorf("profile %s: %w", name, err)
		}
		recorder := contrast.NewRecorder(strings.TrimSuffix(p.Name, ".json"), contrast.Mapping{}, reportOptions(0))
		for r := range made {
			if c.Context().Err() != nil {
				return c.Context().Err()
			}
			recorder.Add(r)
		}
		candidate, err := recorder.Workload()
		if err != nil {
			return fmt.Errorf("profile %w at %.3g requests a second", err, g.Rate)
		}
		candidates = append(candidates, candidate)
	}
	l := contrast.Like(w, candidates, contrast.Options{GeneratedBy: generatedBy(), Tolerance: o.tolerance})
	if o.asJSON {
		return contrast.WriteLikenessJSON(a.out, l)
	}
	return contrast.WriteLikeness(a.out, l, contrast.TableOptions{Colour: isTerminal(a.out)})
}
