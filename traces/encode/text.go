package encode

import (
	"strconv"
	"strings"
	"time"
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

// wallClock writes times as Azure's traces have them, with seven decimals. Requests of one second come one after the other.
type wallClock struct {
	second int64
	text   []byte
}

func (w *wallClock) append(dst []byte, us int64) []byte {
	second, rest := us/1_000_000, us%1_000_000
	if second != w.second || w.text == nil {
		w.second = second
		w.text = time.Unix(second, 0).UTC().AppendFormat(w.text[:0], "2006-01-02 15:04:05.")
	}
	dst = append(dst, w.text...)
	for unit := int64(100_000); unit > 0; unit /= 10 {
		dst = append(dst, byte('0'+rest/unit%10))
	}
	return append(dst, '0')
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
