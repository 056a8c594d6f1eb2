// Command tidegauge characterises LLM-serving logs: while they are written, and exactly.
//
// Each subcommand has a file of its own name, which reads its configuration and wires components by hand. What several
// of them need is in app.go (configuration, logs), exit.go (errors and exit statuses), parts.go (start in order, stop in
// reverse), pipeline.go (broker, engine, processors) and listener.go (metrics and health). Nothing here computes.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
)

func main() {
	// After the first signal the default handling is back, so that a second Ctrl-C ends what does not want to stop.
	ctx, restore := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, restore)
	os.Exit(run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}
