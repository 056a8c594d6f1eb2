package encode

import (
	"strconv"
	"strings"
	"time"

	"tidegauge/schemas"
)

// appendScaled appends microseconds in units of 10^scale microseconds (6: seconds, 3: milliseconds), exactly, without the zeros
// at its end.
func appendScaled(dst []byte, us int64, scale int) []byte {
	unit := int64(1_000_000)
	if scale == 3 {
		unit = 1_000
	}
	if us < 0 {
		dst = append(dst, '-')
		us = -us
	}
	dst = strconv.AppendInt(dst, us/unit, 10)
	rest := us % unit
	if rest == 0 {
		return dst
	}
	dst = append(dst, '.')
	for unit /= 10; rest > 0; unit /= 10 {
		dst = append(dst, byte('0'+rest/unit))
		rest %= unit
	}
	return dst
}

// appendCell appends a field of a CSV row, in quotes where it needs them.
func appendCell(dst []byte, text string) []byte {
	if !strings.ContainsAny(text, ",\"\r\n") && text == strings.TrimSpace(text) {
		return append(dst, text...)
	}
	return append(append(append(dst, '"'), strings.ReplaceAll(text, `"`, `""`)...), '"')
}

// appendCount appends a number, nothing where it is not known.
func appendCount(dst []byte, n int64) []byte {
	if n == schemas.Unknown {
		return dst
	}
	return strconv.AppendInt(dst, n, 10)
}

// appendClock appends a time as Azure's traces have it, with seven decimals.
func appendClock(dst []byte, us int64) []byte {
	return append(time.UnixMicro(us).UTC().AppendFormat(dst, "2006-01-02 15:04:05.000000"), '0')
}

// appendHashes appends a list of whole numbers.
func appendHashes(dst []byte, hashes []uint64) []byte {
	dst = append(dst, '[')
	for i, h := range hashes {
		if i > 0 {
			dst = append(dst, ',')
		}
		dst = strconv.AppendUint(dst, h, 10)
	}
	return append(dst, ']')
}
