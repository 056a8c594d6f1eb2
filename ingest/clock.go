package ingest

import (
	"errors"

	"tidegauge/schemas"
)

var errClock = errors.New("is not a time like 2023-11-16 18:15:46.6805900")

// clock reads a wall clock, 2023-11-16 18:15:46.6805900 or with T and a zone (Z, +01:00), as microseconds since the
// Unix epoch, UTC where it names no zone, decimals beyond the sixth rounded half to even.
func clock(b []byte) (int64, error) {
	b = trimSpaces(b)
	if len(b) < 19 || b[4] != '-' || b[7] != '-' || (b[10] != ' ' && b[10] != 'T') || b[13] != ':' || b[16] != ':' {
		return 0, errClock
	}
	bad := false
	two := func(i int) int {
		t, u := b[i]-'0', b[i+1]-'0'
		bad = bad || t > 9 || u > 9
		return int(t)*10 + int(u)
	}
	year, month, day := two(0)*100+two(2), two(5), two(8)
	hour, minute, second := two(11), two(14), two(17)
	if bad || month < 1 || month > 12 || day < 1 || day > daysIn(year, month) || hour > 23 || minute > 59 || second > 59 {
		return 0, errClock
	}
	us := (int64(daysSince1970(year, month, day))*86_400 + int64(hour*3600+minute*60+second)) * schemas.SecondUS
	b = b[19:]
	if len(b) > 0 && b[0] == '.' {
		end := 1
		for end < len(b) && b[end]-'0' <= 9 {
			end++
		}
		if end == 1 {
			return 0, errClock
		}
		us += decimals(b[1:end])
		b = b[end:]
	}
	offset, ok := zone(b)
	if !ok {
		return 0, errClock
	}
	return us - offset, nil
}

// decimals gives the digits after a second's point in microseconds, half to even.
func decimals(b []byte) int64 {
	var v int64
	n := min(len(b), 6)
	for _, c := range b[:n] {
		v = v*10 + int64(c-'0')
	}
	v *= powers[6-n]
	if rest := b[n:]; len(rest) > 0 {
		sticky := false
		for _, c := range rest[1:] {
			sticky = sticky || c != '0'
		}
		if d := rest[0] - '0'; d > 5 || (d == 5 && (sticky || v&1 == 1)) {
			v++
		}
	}
	return v
}

// zone reads what may follow a time: nothing or Z (UTC), or an offset of hours and minutes; it gives microseconds.
func zone(b []byte) (int64, bool) {
	switch string(b) {
	case "", "Z", "z", " UTC":
		return 0, true
	}
	if len(b) == 6 && b[3] == ':' {
		b = []byte{b[0], b[1], b[2], b[4], b[5]}
	}
	if (len(b) != 5 && len(b) != 3) || (b[0] != '+' && b[0] != '-') {
		return 0, false
	}
	for _, c := range b[1:] {
		if c-'0' > 9 {
			return 0, false
		}
	}
	minutes := (int64(b[1]-'0')*10 + int64(b[2]-'0')) * 60
	if len(b) == 5 {
		minutes += int64(b[3]-'0')*10 + int64(b[4]-'0')
	}
	if b[0] == '-' {
		minutes = -minutes
	}
	return minutes * schemas.MinuteUS, true
}

func daysIn(year, month int) int {
	switch month {
	case 4, 6, 9, 11:
		return 30
	case 2:
		if year%4 == 0 && (year%100 != 0 || year%400 == 0) {
			return 29
		}
		return 28
	}
	return 31
}

// daysSince1970 counts days of the proleptic Gregorian calendar, years starting in March so that leap days come last.
func daysSince1970(year, month, day int) int {
	if month <= 2 {
		year--
		month += 12
	}
	return 365*year + year/4 - year/100 + year/400 + (153*(month-3)+2)/5 + day - 1 - 719_468
}
