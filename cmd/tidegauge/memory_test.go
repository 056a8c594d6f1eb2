package main

import "testing"

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
