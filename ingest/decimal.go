package ingest

import (
	"errors"
	"fmt"
	"math"

	"tidegauge/schemas"
)

// Numbers are read from their decimal text. A detour through binary floating point would move times: 0.0000005 s is
// exactly half a microsecond and rounds to 0, which no float64 says.

var (
	errNumber = errors.New("is not a number")
	errRange  = errors.New("is too large")
)

var powers = [...]int64{1, 10, 100, 1_000, 10_000, 100_000, 1_000_000}

// scaled reads a decimal number (digits, an optional fraction, an optional exponent) and gives it times 10^scale,
// rounded half to even, and whether that is exact. scale is 0 to 6.
func scaled(b []byte, scale int) (value int64, exact bool, err error) {
	// Up to 12 digits before the point and no more decimals than the scale keeps: all that real logs write.
	var v int64
	i := 0
	for i < len(b) && b[i]-'0' <= 9 {
		v = v*10 + int64(b[i]-'0')
		i++
	}
	if i == 0 || i > 12 {
		return scaledSlowly(b, scale)
	}
	if i == len(b) {
		return v * powers[scale], true, nil
	}
	decimals := len(b) - i - 1
	if b[i] != '.' || decimals == 0 || decimals > scale {
		return scaledSlowly(b, scale)
	}
	for _, c := range b[i+1:] {
		if c-'0' > 9 {
			return scaledSlowly(b, scale)
		}
		v = v*10 + int64(c-'0')
	}
	return v * powers[scale-decimals], true, nil
}

// scaledSlowly is scaled for any sign, length and exponent, and says what is wrong with the rest.
func scaledSlowly(b []byte, scale int) (int64, bool, error) {
	b = trimSpaces(b)
	negative := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative = b[0] == '-'
		b = b[1:]
	}
	// Find where the digits end and the point stands.
	digits, whole, end := 0, -1, 0
	for ; end < len(b); end++ {
		if b[end] == '.' && whole < 0 {
			whole = digits
			continue
		}
		if b[end]-'0' > 9 {
			break
		}
		digits++
	}
	if whole < 0 {
		whole = digits
	}
	exponent, ok := exponent(b[end:])
	if digits == 0 || !ok {
		return 0, false, errNumber
	}

	// keep is how many of the digits stand left of the point once scaled.
	keep := whole + exponent + scale
	var v int64
	var dropped byte
	sticky, at := false, 0
	for _, c := range b[:end] {
		if c == '.' {
			continue
		}
		d := c - '0'
		switch {
		case at < keep:
			if v > (math.MaxInt64-9)/10 {
				return 0, false, errRange
			}
			v = v*10 + int64(d)
		case at == keep:
			dropped = d
		default:
			sticky = sticky || d != 0
		}
		at++
	}
	if keep < 0 { // below a tenth of the unit: too small to round up
		sticky, dropped = sticky || dropped != 0, 0
	}
	for ; at < keep && v != 0; at++ {
		if v > math.MaxInt64/10 {
			return 0, false, errRange
		}
		v *= 10
	}
	if dropped > 5 || (dropped == 5 && (sticky || v&1 == 1)) {
		v++
	}
	if negative {
		v = -v
	}
	return v, dropped == 0 && !sticky, nil
}

// exponent reads "", "e5", "E-05". Beyond what any number needs it stops counting.
func exponent(b []byte) (int, bool) {
	if len(b) == 0 {
		return 0, true
	}
	if b[0]|0x20 != 'e' {
		return 0, false
	}
	b = b[1:]
	negative := false
	if len(b) > 0 && (b[0] == '-' || b[0] == '+') {
		negative = b[0] == '-'
		b = b[1:]
	}
	if len(b) == 0 {
		return 0, false
	}
	v := 0
	for _, c := range b {
		if c-'0' > 9 {
			return 0, false
		}
		if v < 1_000_000_000 {
			v = v*10 + int(c-'0')
		}
	}
	if negative {
		return -v, true
	}
	return v, true
}

func trimSpaces(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\t') {
		b = b[1:]
	}
	for len(b) > 0 && (b[len(b)-1] == ' ' || b[len(b)-1] == '\t') {
		b = b[:len(b)-1]
	}
	return b
}

// count reads a number of tokens, "472" or as pandas writes it "472.0"; empty is unknown.
func count(field string, b []byte) (int64, error) {
	if len(b)-1 < 9 {
		var v int64
		for i, c := range b {
			if c-'0' > 9 {
				break
			}
			v = v*10 + int64(c-'0')
			if i == len(b)-1 && v <= schemas.MaxTokens {
				return v, nil
			}
		}
	}
	if len(b) == 0 {
		return schemas.Unknown, nil
	}
	v, exact, err := scaled(b, 0)
	switch {
	case err != nil:
		return 0, fieldError(field, "%s %v", clip(b), err)
	case v < 0 || (!exact && trimSpaces(b)[0] == '-'):
		return 0, fieldError(field, "%s is negative", clip(b))
	case !exact:
		return 0, fieldError(field, "%s is not a whole number", clip(b))
	case v > schemas.MaxTokens:
		return 0, fieldError(field, "%s is more than the %d tokens that any request can have", clip(b), schemas.MaxTokens)
	}
	return v, nil
}

// duration reads a time span in units of 10^scale microseconds (6: seconds, 3: milliseconds); empty is unknown.
func duration(field string, b []byte, scale int) (int64, error) {
	if len(b) == 0 {
		return schemas.Unknown, nil
	}
	v, exact, err := scaled(b, scale)
	if err != nil {
		return 0, fieldError(field, "%s %v", clip(b), err)
	}
	if v < 0 || (!exact && trimSpaces(b)[0] == '-') {
		return 0, fieldError(field, "%s is negative", clip(b))
	}
	return v, nil
}

// moment reads a trace's own time in units of 10^scale microseconds and adds the epoch.
func moment(field string, b []byte, scale int, epochUS int64) (int64, error) {
	if len(b) == 0 {
		return 0, fieldError(field, "is missing")
	}
	v, _, err := scaled(b, scale)
	if err == nil && (v > math.MaxInt64/2 || v < math.MinInt64/2) {
		err = errRange
	}
	if err != nil {
		return 0, fieldError(field, "%s %v", clip(b), err)
	}
	return v + epochUS, nil
}

// clip shows the start of what could not be read.
func clip(b []byte) string {
	const most = 40
	if len(b) > most {
		return fmt.Sprintf("%q…", b[:most])
	}
	return fmt.Sprintf("%q", b)
}
