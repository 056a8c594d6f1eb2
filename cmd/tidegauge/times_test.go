package main

import (
	"strings"
	"testing"
	"time"
)

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 3, 10, 12, 0, 0, 0, time.UTC)
	for text, want := range map[string]string{
		"now":                       "2026-03-10T12:00:00Z",
		"now-6h":                    "2026-03-10T06:00:00Z",
		"now-2w":                    "2026-02-24T12:00:00Z",
		"now+90s":                   "2026-03-10T12:01:30Z",
		"2026-01-05":                "2026-01-05T00:00:00Z",
		"2026-01-05 08:30":          "2026-01-05T08:30:00Z",
		"2026-01-05 08:30:10":       "2026-01-05T08:30:10Z",
		"2026-01-05T08:30:10Z":      "2026-01-05T08:30:10Z",
		"2026-01-05T08:30:10+01:00": "2026-01-05T07:30:10Z",
		"1767571201":                "2026-01-05T00:00:01Z",
		"1767571201.5":              "2026-01-05T00:00:01.5Z",
		"0":                         "1970-01-01T00:00:00Z",
	} {
		us, err := parseTime(text, now)
		if got := time.UnixMicro(us).UTC().Format(time.RFC3339Nano); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":                             "is no time",
		"yesterday":                    "is no time",
		"now - 6h":                     "is no time",
		"now-6y":                       "is no time",
		"now-99999999999999w":          "too far",
		"1767571201249":                "not within 1970 to 2100 in seconds",
		"-5":                           "not within",
		"NaN":                          "not within",
		"2026-13-01":                   "is no time",
		"now-99999999999999999999999h": "too far",
	} {
		if us, err := parseTime(text, now); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %d, %v; want %q", text, us, err, want)
		}
	}
}

// TestAround: the range that ingest names must hold the first and the last request.
func TestAround(t *testing.T) {
	from, to := around(1_767_571_201_249_330, 1_767_571_260_000_000)
	if clock(from) != "2026-01-05T00:00:00Z" || clock(to) != "2026-01-05T00:02:00Z" {
		t.Errorf("%s to %s", clock(from), clock(to))
	}
}

func TestShellQuote(t *testing.T) {
	for word, want := range map[string]string{"demo": "demo", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$(x)": "'$(x)'", "/srv/tide-1": "/srv/tide-1"} {
		if got := shellQuote(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}
