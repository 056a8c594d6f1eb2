package ingest

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"
)

func TestParsePace(t *testing.T) {
	for text, want := range map[string]Pace{"max": MaxPace, "1x": 1, "10x": 10, "0.5x": 0.5, "2.5e1x": 25} {
		got, err := ParsePace(text)
		if got != want || err != nil {
			t.Errorf("ParsePace(%q) = %v, %v; want %v", text, got, err, want)
		}
		if again, err := ParsePace(got.String()); again != want || err != nil {
			t.Errorf("%v is not read again: %v, %v", got, again, err)
		}
	}
	for _, text := range []string{"", "10", "x", "0x", "-1x", "fast", "NaNx", "Infx"} {
		if got, err := ParsePace(text); err == nil {
			t.Errorf("ParsePace(%q) = %v", text, got)
		}
	}
}

// TestPacer keeps to a schedule on a clock of its own.
func TestPacer(t *testing.T) {
	for pace, seconds := range map[Pace]float64{1: 100, 10: 10, 0.5: 200} {
		synctest.Test(t, func(t *testing.T) {
			p := pacer{pace: pace}
			start := time.Now()
			for _, s := range []int64{1_000, 1_001, 1_000, 1_000, 1_050, 1_049, 1_100} { // out of order: at once
				if err := p.wait(t.Context(), s*1_000_000); err != nil {
					t.Fatal(err)
				}
			}
			if took := time.Since(start); took != time.Duration(seconds*float64(time.Second)) {
				t.Errorf("at %v: %v", pace, took)
			}
			// Time spent elsewhere is not waited for again.
			time.Sleep(time.Hour)
			late := time.Now()
			if err := p.wait(t.Context(), 1_200*1_000_000); err != nil || time.Since(late) != 0 {
				t.Errorf("waited %v, %v", time.Since(late), err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			if err := p.wait(ctx, 4_000_000_000_000_000); !errors.Is(err, context.DeadlineExceeded) {
				t.Error(err)
			}
		})
	}
}
