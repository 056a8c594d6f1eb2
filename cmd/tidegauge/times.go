package main

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"tidegauge/schemas"
)

const timeHelp = "a date, an RFC 3339 time, seconds since 1970, or now, now-6h, now-7d"

// relative is Grafana's way to name a time by its distance from now.
var relative = regexp.MustCompile(`^now(?:([+-])(\d+)(s|m|h|d|w))?$`)

// parseTime reads a time as the commands take it, in microseconds since the Unix epoch.
func parseTime(text string, now time.Time) (int64, error) {
	text = strings.TrimSpace(text)
	if m := relative.FindStringSubmatch(text); m != nil {
		if m[1] == "" {
			return now.UnixMicro(), nil
		}
		units := map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour, "d": 24 * time.Hour, "w": 7 * 24 * time.Hour}
		n, err := strconv.ParseInt(m[1]+m[2], 10, 64)
		if distance := time.Duration(n) * units[m[3]]; err == nil && distance/units[m[3]] == time.Duration(n) {
			return now.Add(distance).UnixMicro(), nil
		}
		return 0, fmt.Errorf("%q is too far from now", text)
	}
	for _, layout := range []string{time.RFC3339Nano, time.DateOnly, time.DateTime, "2006-01-02 15:04", "2006-01-02T15:04:05", "2006-01-02T15:04"} {
		if t, err := time.Parse(layout, text); err == nil { // without a zone: UTC, like everything here
			return t.UnixMicro(), nil
		}
	}
	if seconds, err := strconv.ParseFloat(text, 64); err == nil {
		// Milliseconds and microseconds are the usual mistake; no arrival is that late.
		if us := seconds * schemas.SecondUS; us >= schemas.MinArrivalUS && us <= schemas.MaxArrivalUS {
			return int64(us), nil
		}
		return 0, fmt.Errorf("%q is not within 1970 to 2100 in seconds", text)
	}
	return 0, fmt.Errorf("%q is no time: use %s", text, timeHelp)
}

// clock writes a time of the log for people, and so that parseTime reads it.
func clock(us int64) string { return time.UnixMicro(us).UTC().Format(time.RFC3339) }

// around gives the whole minutes that hold a range of arrivals, the end excluded: what views and reports count in.
func around(firstUS, lastUS int64) (from, to int64) {
	return firstUS / schemas.MinuteUS * schemas.MinuteUS, (lastUS/schemas.MinuteUS + 1) * schemas.MinuteUS
}
