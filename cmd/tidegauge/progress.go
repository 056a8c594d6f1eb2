package main

import (
	"fmt"
	"io"
	"sync"
	"time"

	"github.com/dustin/go-humanize"
	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"tidegauge/ingest"
)

// How often a bar is drawn, and how often a line is written where no bar can be.
const (
	barInterval  = 100 * time.Millisecond
	lineInterval = 5 * time.Second
)

// count writes a number for people, with separators.
func count[N int | int64 | uint64](n N) string { return humanize.Comma(int64(n)) }

// watch shows on w how far reading is until the returned function is called: a bar on a terminal, a line now and then
// elsewhere, unless only a bar is wanted.
func watch(w io.Writer, p *ingest.Progress, writes, onlyBar bool) (stop func()) {
	ended := make(chan struct{})
	var done sync.WaitGroup
	switch {
	case isTerminal(w):
		done.Go(func() { showBar(w, p, writes, ended) })
	case !onlyBar:
		done.Go(func() { showLines(w, p, writes, ended) })
	}
	return func() {
		close(ended)
		done.Wait()
	}
}

func showBar(w io.Writer, p *ingest.Progress, writes bool, ended <-chan struct{}) {
	// What is over at once needs no bar, and before the reading begins its length is not known.
	for first := true; first || p.BytesTotal.Load() == 0; first = false {
		select {
		case <-ended:
			return
		case <-time.After(3 * barInterval):
		}
	}
	total := p.BytesTotal.Load()
	rows := decor.Any(func(decor.Statistics) string { return "  " + progressText(p, writes) })
	container := mpb.New(mpb.WithOutput(w), mpb.WithRefreshRate(barInterval), mpb.WithWidth(48))
	var bar *mpb.Bar
	if total > 0 {
		bar = container.New(total, mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]"), mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Percentage(decor.WC{W: 5})),
			mpb.AppendDecorators(decor.AverageETA(decor.ET_STYLE_GO, decor.WC{W: 6}), rows))
	} else {
		bar = container.New(0, mpb.SpinnerStyle("-", "\\", "|", "/"), mpb.BarWidth(1), mpb.BarRemoveOnComplete(),
			mpb.AppendDecorators(decor.Any(func(decor.Statistics) string { return humanize.IBytes(uint64(p.BytesDone.Load())) }), rows))
	}
	tick := time.NewTicker(barInterval)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			// One short of the total, so that the bar does not end before the last records are acknowledged.
			done := p.BytesDone.Load()
			if total > 0 {
				done = min(done, total-1)
			}
			bar.SetCurrent(done)
		case <-ended:
			bar.Abort(true)
			container.Wait()
			return
		}
	}
}

// progressText says how much was done, nothing before the first row.
func progressText(p *ingest.Progress, writes bool) string {
	rows, refused := p.Rows.Load(), p.Refused.Load()
	if rows+refused == 0 {
		return ""
	}
	text := count(rows) + " read"
	if writes {
		text += ", " + count(p.Written.Load()) + " written"
	}
	if refused > 0 {
		text += ", " + count(refused) + " refused"
	}
	return text
}

func showLines(w io.Writer, p *ingest.Progress, writes bool, ended <-chan struct{}) {
	tick := time.NewTicker(lineInterval)
	defer tick.Stop()
	for {
		select {
		case <-ended:
			return
		case <-tick.C:
		}
		text := progressText(p, writes)
		if text == "" {
			continue
		}
		if total := p.BytesTotal.Load(); total > 0 {
			text += fmt.Sprintf(", %d %% of %s", 100*p.BytesDone.Load()/total, humanize.IBytes(uint64(total)))
		}
		fmt.Fprintln(w, text)
	}
}

// bar shows how far something is whose end is known.
type bar struct {
	title     string
	unit      func(int64) string
	w         io.Writer
	container *mpb.Progress
	bar       *mpb.Bar
	said      time.Time
}

// newBar makes a bar that appears with the first call of set. unit writes an amount.
func newBar(w io.Writer, title string, unit func(int64) string) *bar {
	return &bar{title: title, unit: unit, w: w, said: time.Now()}
}

// set is called now and then with how much is done, of how much.
func (b *bar) set(done, total int64) {
	if !isTerminal(b.w) {
		if time.Since(b.said) > lineInterval {
			b.said = time.Now()
			fmt.Fprintf(b.w, "%s: %s of %s\n", b.title, b.unit(done), b.unit(total))
		}
		return
	}
	if b.bar == nil {
		b.container = mpb.New(mpb.WithOutput(b.w), mpb.WithRefreshRate(barInterval), mpb.WithWidth(48))
		b.bar = b.container.New(total, mpb.BarStyle().Lbound("[").Filler("=").Tip(">").Padding(" ").Rbound("]"), mpb.BarRemoveOnComplete(),
			mpb.PrependDecorators(decor.Name(b.title+" ")),
			mpb.AppendDecorators(decor.Any(func(s decor.Statistics) string { return " " + b.unit(s.Current) + " of " + b.unit(s.Total) })))
	}
	b.bar.SetCurrent(min(done, total-1))
}

// stop takes the bar away.
func (b *bar) stop() {
	if b.bar != nil {
		b.bar.Abort(true)
		b.container.Wait()
	}
}
