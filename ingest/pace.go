package ingest

import (
	"context"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"
)

// Pace is how fast a log is written, relative to its own time: 1 as it happened, 10 ten times as fast, 0 (max) as fast
// as it goes.
type Pace float64

// MaxPace writes without waiting.
const MaxPace Pace = 0

// ParsePace reads "max", or a positive factor like "1x", "10x", "0.5x".
func ParsePace(text string) (Pace, error) {
	if text == "max" {
		return MaxPace, nil
	}
	if number, ok := strings.CutSuffix(text, "x"); ok {
		if v, err := strconv.ParseFloat(number, 64); err == nil && v > 0 && !math.IsInf(v, 0) {
			return Pace(v), nil
		}
	}
	return 0, fmt.Errorf("pace %q is neither max nor a factor like 1x, 10x or 0.5x", text)
}

// String gives what ParsePace reads.
func (p Pace) String() string {
	if p == MaxPace {
		return "max"
	}
	return strconv.FormatFloat(float64(p), 'g', -1, 64) + "x"
}

// pacer keeps to a schedule that begins with the first request it sees.
type pacer struct {
	pace    Pace
	started bool
	start   time.Time // when the first request was due
	first   int64     // its arrival, microseconds
}

// finest is the shortest wait that is waited: below it the system's own sleep is not exact, and a schedule that is kept
// on average needs none.
const finest = time.Millisecond

// wait waits until a request with this arrival is due. Requests that are late, or arrive out of order, are due at once.
func (p *pacer) wait(ctx context.Context, arrivalUS int64) error {
	d := p.until(arrivalUS)
	if d < finest {
		return nil
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// until is how long it is until a request with this arrival is due.
func (p *pacer) until(arrivalUS int64) time.Duration {
	now := time.Now()
	if !p.started {
		p.started, p.start, p.first = true, now, arrivalUS
	}
	after := float64(arrivalUS-p.first) / float64(p.pace) * float64(time.Microsecond)
	if after > math.MaxInt64/2 {
		after = math.MaxInt64 / 2 // beyond any run: 146 years
	}
	return p.start.Add(time.Duration(after)).Sub(now)
}
