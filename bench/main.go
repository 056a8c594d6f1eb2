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
	"strings"
	"syscall"

	"github.com/spf13/cobra"
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
	var n, runs int
	var only string
	drain := &cobra.Command{
		Use: "drain", Short: "A full topic into ClickHouse: tidegauge, ClickHouse's Kafka engine, two programs by hand",
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			var chosen []contender
			for _, contender := range contenders() {
				if only == "" || strings.Contains(","+only+",", ","+contender.key+",") {
					chosen = append(chosen, contender)
				}
			}
			if len(chosen) == 0 {
				return fmt.Errorf("--only %s: there are tidegauge, kafka-engine, naive, by-hand", only)
			}
			return inLab(c, func(ctx context.Context, l *lab) error { return l.drainAll(ctx, chosen, n, runs) })
		},
	}
	drain.Flags().IntVar(&n, "requests", 5_344_021, "how many requests to make up")
	drain.Flags().IntVar(&runs, "runs", 2, "how often each contender drains the topic; the cheapest run counts")
	drain.Flags().StringVar(&only, "only", "", "some of tidegauge, kafka-engine, naive, by-hand, separated by commas")
	root.AddCommand(drain, newConsume())
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
