package testenv

import (
	"os"
	"testing"
)

// LongVariable makes tests of random cases try many more of them: make long.
const LongVariable = "TIDEGAUGE_TEST_LONG"

// Times is how many random cases a test tries: few are enough to hold a change against, many to look for what nobody has met.
func Times(few, many int) int {
	if os.Getenv(LongVariable) != "" {
		return many
	}
	return few
}

// Sequential skips a test in the lane of the race detector. It is for tests in which nothing of ours runs beside anything else, as
// where ClickHouse does the work: the detector has nothing to find there, and takes its time; the other lane runs them.
func Sequential(t testing.TB) {
	t.Helper()
	if race && os.Getenv(LongVariable) == "" {
		t.Skip("nothing runs at once here: the lane without the race detector has it")
	}
}
