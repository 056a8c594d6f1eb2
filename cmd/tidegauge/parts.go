package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"
)

// parts are what a long-running command has started, in order. They are stopped in reverse, each exactly once.
type parts struct {
	logger *slog.Logger
	stops  []part
}

type part struct {
	name string
	stop func(context.Context) error
}

// stopTimeout bounds how long one part may take to stop. The longest is a processor's last flush to a slow ClickHouse,
// which bounds itself; beyond this it hangs.
const stopTimeout = 40 * time.Second

// start starts a part, and remembers how to stop it if that succeeds.
func (p *parts) start(ctx context.Context, name string, start, stop func(context.Context) error) error {
	begun := time.Now()
	if err := start(ctx); err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	p.stops = append(p.stops, part{name, stop})
	p.logger.Debug("started", "part", name, "took", time.Since(begun).Round(time.Millisecond))
	return nil
}

// stop stops all parts, whatever happens on the way, and joins what went wrong.
func (p *parts) stop() error {
	var errs []error
	for len(p.stops) > 0 {
		last := p.stops[len(p.stops)-1]
		p.stops = p.stops[:len(p.stops)-1]
		begun := time.Now()
		// Parts are stopped because the command's own context has ended, so each gets a new one.
		ctx, cancel := context.WithTimeout(context.Background(), stopTimeout)
		if err := last.stop(ctx); err != nil {
			errs = append(errs, fmt.Errorf("stopping %s: %w", last.name, err))
		}
		cancel()
		p.logger.Debug("stopped", "part", last.name, "took", time.Since(begun).Round(time.Millisecond))
	}
	return errors.Join(errs...)
}
