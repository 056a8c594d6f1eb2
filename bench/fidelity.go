package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"tidegauge/bench/fidelity"
)

// newFidelity judges synthetic traffic. It needs no services, but data: real traces, and a file that is made up.
func newFidelity() *cobra.Command {
	var data, burst, cache, python, traces, models, jsonPath string
	var explain bool
	var o fidelity.Options
	c := &cobra.Command{
		Use: "fidelity", Short: "Synthetic traffic beside the real thing: fit and generate, Poisson, BurstGPT-Perf, ServeGen",
		Example: `  go -C bench run . fidelity --trace azure-code --seeds 3   # a few seconds
  make bench ARGS="fidelity --json /tmp/fidelity.json"          # all traces, some minutes`,
		RunE: func(c *cobra.Command, _ []string) error {
			o.Log = func(format string, arguments ...any) { fmt.Fprintf(c.ErrOrStderr(), format+"\n", arguments...) }
			if explain {
				o.Explain = c.OutOrStdout()
			}
			if models != "" {
				o.Models = strings.Split(models, ",")
			}
			if data == "" {
				return errors.New("--data: no folder with real traces; TIDEGAUGE_TEST_DATA is not set either")
			}
			var results []*fidelity.Result
			chosen, known := strings.Split(traces, ","), []string{}
			for _, source := range fidelity.Sources(data, burst) {
				known = append(known, source.Name)
				if traces != "" && !slices.Contains(chosen, source.Name) {
					continue
				}
				if source.Name == fidelity.MadeUp && source.Path == "" {
					var err error
					if source.Path, err = burstFile(c.Context(), cache, python, fullScale); err != nil {
						return err
					}
				}
				o.Trace = source
				result, err := fidelity.Judge(c.Context(), o)
				if err != nil {
					return err
				}
				if err := result.Write(c.OutOrStdout()); err != nil {
					return err
				}
				results = append(results, result)
			}
			if len(results) == 0 {
				return fmt.Errorf("--trace %s: there are %s", traces, strings.Join(known, ", "))
			}
			if err := fidelity.WriteTotal(c.OutOrStdout(), results); err != nil {
				return err
			}
			if jsonPath == "" {
				return nil
			}
			text, err := json.MarshalIndent(results, "", " ")
			if err != nil {
				return err
			}
			return os.WriteFile(jsonPath, append(text, '\n'), 0o644)
		},
	}
	c.Flags().StringVar(&data, "data", os.Getenv("TIDEGAUGE_TEST_DATA"), "folder with the real traces (azure/, burstgpt/)")
	c.Flags().StringVar(&burst, "burst", "", "a full-sized file in BurstGPT's format; made up if not given")
	c.Flags().StringVar(&cache, "cache", "../.cache/bench", "folder where that is kept")
	c.Flags().StringVar(&python, "python", "../.cache/bench/python/bin/python", "Python with what python/requirements.txt lists, to make it")
	c.Flags().StringVar(&traces, "trace", "", "some of azure-code, azure-conv, burstgpt-rows, synth-burst, separated by commas")
	c.Flags().StringVar(&models, "models", "", "some of tidegauge, poisson, burstgpt, servegen, separated by commas")
	c.Flags().IntVar(&o.Seeds, "seeds", 10, "how often each model makes the second half")
	c.Flags().IntVar(&o.Deals, "deals", 10, "how often the trace's blocks are dealt out to two halves, for the sampling error")
	c.Flags().Float64Var(&o.Seconds, "seconds", 0, "only the first so many seconds of each trace")
	c.Flags().StringVar(&jsonPath, "json", "", "file for all values and errors")
	c.Flags().BoolVar(&explain, "explain", false, "by which features the classifier tells windows apart")
	return c
}
