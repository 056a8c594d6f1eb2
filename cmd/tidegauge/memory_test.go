package main

import (
	"context"
	"runtime/debug"
	"testing"
	"time"
)

// TestMemoryLimit holds that a heap has its room, also where more is live than the budget has foreseen.
func TestMemoryLimit(t *testing.T) {
	const most = 200 << 20
	for _, c := range []struct{ live, want int64 }{
		{0, most},
		{150 << 20, most},
		{160 << 20, most},
		{400 << 20, 500 << 20},
	} {
		if got := limit(most, c.live); got != c.want {
			t.Errorf("%d MiB live: a limit of %d MiB, want %d", c.live>>20, got>>20, c.want>>20)
		}
	}
}

// TestMemoryLimitOfSurroundings holds that a limit that was given from outside stands.
func TestMemoryLimitOfSurroundings(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "1GiB")
	if limitMemory(t.Context(), 64<<20) {
		t.Error("GOMEMLIMIT was given, and another limit taken")
	}
}

// TestMemoryLimitIsTaken holds that the limit is that of the budget while the context lasts, and what it was before afterwards.
func TestMemoryLimitIsTaken(t *testing.T) {
	t.Setenv("GOMEMLIMIT", "")
	const budget = 1 << 30 // far more than is live here
	before := debug.SetMemoryLimit(-1)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	if !limitMemory(ctx, budget) {
		t.Fatal("no limit was taken")
	}
	if got := debug.SetMemoryLimit(-1); got != budget+besideBudget {
		t.Errorf("the limit is %d", got)
	}
	cancel()
	for deadline := time.Now().Add(10 * time.Second); debug.SetMemoryLimit(-1) != before; time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatalf("the limit is still %d, before it was %d", debug.SetMemoryLimit(-1), before)
		}
	}
}

// TestCacheBudget holds that what is said counts, and that what is not said lies within its bounds.
func TestCacheBudget(t *testing.T) {
	if got := cacheBudget(64 << 20); got != 64<<20 {
		t.Errorf("64 MiB were asked for, got %d", got)
	}
	if got := cacheBudget(0); got < 512<<20 || got > 4<<30 {
		t.Errorf("without a setting the budget is %d", got)
	}
}
