package main

import (
	"fmt"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"tidegauge/traces/replay"
)

// replayLook is how often a bar's figures are taken: a rate of less time would jump about.
const replayLook = time.Second

// watchReplay shows how a run goes, until the returned function is called: a bar on a terminal, a line now and then elsewhere.
func watchReplay(w io.Writer, p *replay.Replay, c replay.Config) (stop func()) {
	ended := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		show := func(l replay.Live) { fmt.Fprintln(w, replayLine(l)) }
		every := lineInterval
		if isTerminal(w) {
			bar, close := replayBar(w, c)
			defer close()
			show, every = bar, replayLook
		}
		p.Live() // what follows is since now
		tick := time.NewTicker(every)
		defer tick.Stop()
		for {
			select {
			case <-ended:
				return
			case <-tick.C:
				show(p.Live())
			}
		}
	})
	return func() {
		close(ended)
		done.Wait()
	}
}

// replayBar shows how much of the time is over, where it is known how long requests go out, and the figures.
func replayBar(w io.Writer, c replay.Config) (show func(replay.Live), close func()) {
	var mutex sync.Mutex
	text := "starting"
	figures := decor.Any(func(decor.Statistics) string {
		mutex.Lock()
		defer mutex.Unlock()
		return "  " + text
	})
	container := mpb.New(mpb.WithOutput(w), mpb.WithRefreshRate(barInterval), mpb.WithWidth(24))
	total := int64(0)
	if c.Duration > 0 {
		total = int64(c.WarmUp + c.Duration)
	}
	var bar *mpb.Bar
	if total > 0 {
		bar = container.New(total, mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]"), mpb.BarRemoveOnComplete(),
			mpb.AppendDecorators(figures))
	} else {
		bar = container.New(0, mpb.SpinnerStyle("-", "\\", "|", "/"), mpb.BarWidth(1), mpb.BarRemoveOnComplete(), mpb.AppendDecorators(figures))
	}
	return func(l replay.Live) {
			mutex.Lock()
			text = replayLine(l)
			mutex.Unlock()
			if total > 0 {
				bar.SetCurrent(min(int64(l.Since), total-1))
			}
		}, func() {
			bar.Abort(true)
			container.Wait()
		}
}

// replayLine says where a run stands.
func replayLine(l replay.Live) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s: %s sent (%.0f/s), %s in flight, %s ended (%.0f/s)", l.Since.Round(time.Second), count(l.Sent), l.SentPerSecond, count(l.InFlight),
		count(l.Ended), l.EndedPerSecond)
	if l.Failed > 0 {
		fmt.Fprintf(&b, ", %s failed", count(l.Failed))
	}
	if l.TTFT99 > 0 {
		fmt.Fprintf(&b, "; first token p50 %s p99 %s", short(l.TTFT50), short(l.TTFT99))
	}
	if l.E2E99 > 0 {
		fmt.Fprintf(&b, "; whole p50 %s p99 %s", short(l.E2E50), short(l.E2E99))
	}
	fmt.Fprintf(&b, "; late p99 %s", short(l.ScheduleError99))
	return b.String()
}

// short writes a duration in three digits.
func short(d time.Duration) string {
	switch {
	case d >= 10*time.Second:
		return d.Round(100 * time.Millisecond).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= 100*time.Millisecond:
		return d.Round(time.Millisecond).String()
	}
	return d.Round(10 * time.Microsecond).String()
}
