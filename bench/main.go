// Command bench measures Tidegauge against others and against its own targets, on one machine, in one run: figures of
// different runs or machines are not compared. README.md beside it has the results and what they mean.
//
// The made-up requests are in workload.go, the services in lab.go; each rival has a file contender_*.go, each
// measurement a file of its own.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

func init() { runtime.LockOSThread() } // see startProcess

func main() {
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, restore)
	c := newCommand()
	err := c.ExecuteContext(ctx)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "bench:", err)
	if errors.Is(err, context.Canceled) {
		os.Exit(130)
	}
	os.Exit(1)
}

func newCommand() *cobra.Command {
	var binary string
	root := &cobra.Command{
		Use:   "bench",
		Short: "Measure Tidegauge against others and against its targets",
		Example: `  make bench                             # everything that README.md has
  go -C bench run . drain --requests 1000000 --only tidegauge,by-hand`,
		SilenceUsage: true, SilenceErrors: true,
	}
	root.PersistentFlags().StringVar(&binary, "binary", "../bin/tidegauge", "the program to measure")
	inLab := func(c *cobra.Command, do func(context.Context, *lab) error) error {
		l, err := newLab(c.Context(), c.OutOrStdout(), c.ErrOrStderr(), binary)
		if err != nil {
			return err
		}
		defer l.close()
		return do(c.Context(), l)
	}
	var n, drainRuns int
	var only, profile string
	drain := &cobra.Command{
		Use: "drain", Short: "A full topic into ClickHouse: tidegauge, ClickHouse's Kafka engine, two programs by hand",
		RunE: func(c *cobra.Command, _ []string) error {
			var chosen []contender
			for _, contender := range contenders() {
				if only == "" || slices.Contains(strings.Split(only, ","), contender.key) {
					chosen = append(chosen, contender)
				}
			}
			if len(chosen) == 0 {
				return fmt.Errorf("--only %s: there are tidegauge, kafka-engine, naive, by-hand", only)
			}
			return inLab(c, func(ctx context.Context, l *lab) error {
				l.profile = profile
				return l.drainAll(ctx, chosen, n, drainRuns)
			})
		},
	}
	drain.Flags().IntVar(&n, "requests", fullScale, "how many requests to make up")
	drain.Flags().IntVar(&drainRuns, "runs", 2, "how often each contender drains the topic; the cheapest run counts")
	drain.Flags().StringVar(&only, "only", "", "some of tidegauge, kafka-engine, naive, by-hand, separated by commas")
	drain.Flags().StringVar(&profile, "profile", "", "file for a CPU profile of tidegauge process (5 s; the run then is dearer)")

	// What reads a file.
	var f files
	var cache string
	var rows, runs int
	withFile := func(flags *pflag.FlagSet) {
		flags.StringVar(&f.path, "file", "", "a BurstGPT file; made up if not given")
		flags.IntVar(&rows, "rows", fullScale, "rows of the file that is made up")
		flags.StringVar(&cache, "cache", "../.cache/bench", "folder where that is kept")
		flags.StringVar(&f.python, "python", "../.cache/bench/python/bin/python", "Python with what python/requirements.txt lists")
		flags.IntVar(&runs, "runs", 3, "how often everything runs; the best run counts")
	}
	openFile := func(c *cobra.Command) (err error) {
		f.binary, f.out = binary, c.OutOrStdout()
		f.log = func(format string, arguments ...any) { fmt.Fprintf(c.ErrOrStderr(), format+"\n", arguments...) }
		if f.path == "" {
			if f.path, err = burstFile(c.Context(), cache, f.python, rows); err != nil {
				return err
			}
		}
		f.rows, f.size, err = countRows(f.path)
		return err
	}
	characterize := &cobra.Command{
		Use: "characterize", Short: "A file's numbers: tidegauge, pandas, polars, DuckDB",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := openFile(c); err != nil {
				return err
			}
			return f.characterize(c.Context(), runs)
		},
	}
	ingest := &cobra.Command{
		Use: "ingest", Short: "A file into Kafka",
		RunE: func(c *cobra.Command, _ []string) error {
			if err := openFile(c); err != nil {
				return err
			}
			return inLab(c, func(ctx context.Context, l *lab) error { return f.ingest(ctx, l, runs) })
		},
	}
	withFile(characterize.Flags())
	withFile(ingest.Flags())

	// What only the product does.
	measure := func(use, short, flag, what string, value int, do func(l *lab, ctx context.Context, n int) error) *cobra.Command {
		var n int
		c := &cobra.Command{Use: use, Short: short, RunE: func(c *cobra.Command, _ []string) error {
			return inLab(c, func(ctx context.Context, l *lab) error { return do(l, ctx, n) })
		}}
		c.Flags().IntVar(&n, flag, value, what)
		return c
	}
	var part, heap string
	remember := measure("memory", "A processor's memory against its budget", "requests", "how many", 5_000_000, func(l *lab, ctx context.Context, n int) error {
		l.profile = heap
		return l.memories(ctx, n, part)
	})
	remember.Flags().StringVar(&part, "only", "", "one of budget, requests, conversations")
	remember.Flags().StringVar(&heap, "profile", "", "files for heap profiles at two thirds of each part: FILE.N, and the runtime's account in FILE.N.txt")
	var minutes int
	disordered := measure("disorder", "What requests cost in order, a tenth of them late, and shuffled", "rate", "requests a second", 1_000, func(l *lab, ctx context.Context, n int) error {
		return l.disorder(ctx, n, minutes)
	})
	disordered.Flags().IntVar(&minutes, "minutes", 60, "how many of them (an hour of 10,000 requests a second takes 9 GB of memory to make up)")
	driven := replayed{ttft: 20 * time.Millisecond, interval: 5 * time.Millisecond, failing: 0.01}
	drive := measure("replay", "A trace against a server process, its results through the pipeline", "rate", "requests a second", 2_000, func(l *lab, ctx context.Context, n int) error {
		driven.rate = n
		return l.replays(ctx, driven)
	})
	drive.Flags().IntVar(&driven.seconds, "seconds", 60, "how long")
	drive.Flags().BoolVar(&driven.realtime, "realtime", false, "run the generator and the server before all else (chrt), as on machines of their own")
	root.AddCommand(drain, characterize, ingest, remember, drive,
		measure("freshness", "From the producer to the row, at a constant rate", "rate", "requests a second", 20_000, func(l *lab, ctx context.Context, n int) error {
			return l.freshness(ctx, n, 60)
		}),
		measure("restart", "From a killed processor to a working one", "rate", "requests a second", 10_000, func(l *lab, ctx context.Context, n int) error {
			return l.restart(ctx, n, 90)
		}),
		measure("growth", "What a request costs, by how many there are and of how many services", "requests", "most", 10_000_000, (*lab).growth),
		disordered,
		measure("scale", "One processor and two", "requests", "how many", 4_000_000, (*lab).scale),
		newFidelity(), newConsume())
	for _, c := range root.Commands() {
		c.Args = cobra.NoArgs
	}
	all := &cobra.Command{
		Use: "all", Short: "Everything above, one after the other, as make bench has it", Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			// characterize comes first: it may use all cores, which the others bind themselves to two of.
			for _, name := range []string{"characterize", "drain", "ingest", "memory", "freshness", "restart", "growth", "disorder", "scale", "replay"} {
				one, _, err := root.Find([]string{name})
				if err != nil {
					return err
				}
				one.SetContext(c.Context())
				fmt.Fprintf(c.OutOrStdout(), "\n## %s\n", one.Short)
				if err := one.RunE(one, nil); err != nil {
					return fmt.Errorf("%s: %w", name, err)
				}
			}
			return nil
		},
	}
	root.AddCommand(all)
	return root
}

// newConsume is what the rivals that are programs run as.
func newConsume() *cobra.Command {
	var how string
	var what consumption
	c := &cobra.Command{
		Use: "consume", Hidden: true, Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			switch how {
			case "naive":
				return consumeNaive(c.Context(), what)
			case "by-hand":
				return consumeByHand(c.Context(), what)
			}
			return fmt.Errorf("--how %s: there are naive, by-hand", how)
		},
	}
	c.Flags().StringVar(&how, "how", "", "naive or by-hand")
	c.Flags().StringVar(&what.broker, "broker", "", "Kafka")
	c.Flags().StringVar(&what.topic, "topic", "", "topic")
	c.Flags().StringVar(&what.group, "group", "", "consumer group")
	c.Flags().StringVar(&what.clickhouse, "clickhouse", "", "ClickHouse, with the database")
	return c
}
