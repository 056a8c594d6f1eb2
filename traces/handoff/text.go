package handoff

import (
	"math"
	"strconv"
	"strings"
)

// quote has a shell take a text as one word.
func quote(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:=@%+,", r))
	}) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// decimal writes three digits.
func decimal(v float64) string {
	if !(v > 0) {
		return "0"
	}
	return strconv.FormatFloat(v, 'f', max(0, 2-int(math.Floor(math.Log10(v)))), 64)
}

func whole(v float64) int64 {
	if math.IsNaN(v) || v < 0 {
		return 0
	}
	return int64(v + 0.5)
}
