package processors

import (
	"testing"

	"tidegauge/testenv"
)

// TestFilter holds that nothing added is denied, however much comes, and that little else is affirmed.
func TestFilter(t *testing.T) {
	testenv.Sequential(t)
	var f filter
	const n = 10 * filterLeast
	for i := range uint64(n) {
		f.add(i%3, nameHash(string(rune(i))))
	}
	alarms := 0
	for i := range uint64(n) {
		if !f.has(i%3, nameHash(string(rune(i)))) {
			t.Fatalf("%d was added and is denied", i)
		}
		if f.has(7, nameHash(string(rune(i)))) {
			alarms++
		}
	}
	if share := float64(alarms) / n; share > 5*filterFalse {
		t.Errorf("%.1f %% false alarms", 100*share)
	}
	var empty filter
	if empty.has(1, 2) {
		t.Error("an empty filter has something")
	}
}
