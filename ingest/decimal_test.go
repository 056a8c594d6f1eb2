package ingest

import (
	"math/big"
	"strings"
	"testing"
	"time"
)

func TestScaled(t *testing.T) {
	tests := []struct {
		text  string
		scale int
		want  int64
		exact bool
		err   error
	}{
		{"0", 6, 0, true, nil},
		{"19440110.0", 6, 19440110_000000, true, nil},
		{"5", 6, 5_000000, true, nil},
		{"0.000001", 6, 1, true, nil},
		{"0.0000005", 6, 0, false, nil},           // half to even: down
		{"0.0000015", 6, 2, false, nil},           // half to even: up
		{"0.0000025", 6, 2, false, nil},           //
		{"0.00000250000000001", 6, 3, false, nil}, // more than half
		{"2.0000000", 6, 2_000000, true, nil},
		{"1381.891193", 3, 1381891, false, nil},
		{"2124.7523410000003", 3, 2124752, false, nil},
		{"0.0005", 3, 0, false, nil},
		{"1e3", 6, 1000_000000, true, nil},
		{"1.5E-06", 6, 2, false, nil},
		{"-0.5", 6, -500000, true, nil},
		{"-0.0000015", 6, -2, false, nil},
		{" 7 ", 0, 7, true, nil},
		{"+7", 0, 7, true, nil},
		{"007", 0, 7, true, nil},
		{".5", 0, 0, false, nil},
		{"5.", 0, 5, true, nil},
		{"1e-400", 6, 0, false, nil},
		{"9223372036854775799", 0, 9223372036854775799, true, nil},
		{"92233720368547758080", 0, 0, false, errRange},
		{"1e400", 0, 0, false, errRange},
		{"0e400", 0, 0, true, nil},
		{"", 6, 0, false, errNumber},
		{"NaN", 6, 0, false, errNumber},
		{"inf", 6, 0, false, errNumber},
		{"1.2.3", 6, 0, false, errNumber},
		{"1e", 6, 0, false, errNumber},
		{"1_000", 6, 0, false, errNumber},
		{"-", 6, 0, false, errNumber},
		{".", 6, 0, false, errNumber},
		{"0x10", 6, 0, false, errNumber},
	}
	for _, test := range tests {
		v, exact, err := scaled([]byte(test.text), test.scale)
		if err != test.err || (err == nil && (v != test.want || exact != test.exact)) {
			t.Errorf("scaled(%q, %d) = %d, %t, %v; want %d, %t, %v", test.text, test.scale, v, exact, err, test.want, test.exact, test.err)
		}
	}
}

// FuzzScaled holds scaled against big rational numbers.
func FuzzScaled(f *testing.F) {
	for _, s := range []string{"19440110.0", "0.0000005", "1.5e-6", "-3", "999999999999.9999995", "1e17", "123456789012345678"} {
		f.Add(s, 6)
	}
	f.Fuzz(func(t *testing.T, s string, scale int) {
		scale = ((scale % 7) + 7) % 7
		v, exact, err := scaled([]byte(s), scale)
		if err != nil {
			return
		}
		s = strings.Trim(s, " \t")
		if i := strings.IndexAny(s, "eE"); i >= 0 && len(s)-i > 5 {
			return // more than big.Rat should be asked for
		}
		want, ok := new(big.Rat).SetString(s)
		if !ok {
			t.Fatalf("%q is no number, but %d was read", s, v)
		}
		want.Mul(want, new(big.Rat).SetInt64(powers[scale]))
		diff := new(big.Rat).Sub(want, new(big.Rat).SetInt64(v))
		if exact != (diff.Sign() == 0) {
			t.Errorf("%q times 10^%d: %d, exact %t", s, scale, v, exact)
		}
		switch c := diff.Abs(diff).Cmp(big.NewRat(1, 2)); {
		case c > 0, c == 0 && v&1 == 1:
			t.Errorf("%q times 10^%d is %s, not %d", s, scale, want.FloatString(3), v)
		}
	})
}

func TestClock(t *testing.T) {
	tests := []struct{ text, want string }{
		{"2023-11-16 18:15:46.6805900", "2023-11-16T18:15:46.68059Z"},
		{"2023-11-16 18:15:46", "2023-11-16T18:15:46Z"},
		{"2024-05-10 00:00:00.009930+00:00", "2024-05-10T00:00:00.00993Z"},
		{"2024-02-29T23:59:59Z", "2024-02-29T23:59:59Z"},
		{"2024-02-29T23:59:59.5+01:30", "2024-02-29T22:29:59.5Z"},
		{"2024-02-29T23:59:59-0800", "2024-03-01T07:59:59Z"},
		{"2023-11-16 18:15:46.0000005", "2023-11-16T18:15:46Z"},
		{"2023-11-16 18:15:46.0000015", "2023-11-16T18:15:46.000002Z"},
		{"2023-11-16 18:15:46.00000150000001", "2023-11-16T18:15:46.000002Z"},
		{"2023-11-16 18:15:46.9999995", "2023-11-16T18:15:47Z"},
		{"9999-12-31 00:00:00", "9999-12-31T00:00:00Z"},
		{"1969-12-31 23:59:59.5", "1969-12-31T23:59:59.5Z"},
	}
	for _, test := range tests {
		want, err := time.Parse(time.RFC3339Nano, test.want)
		if err != nil {
			t.Fatal(err)
		}
		if us, err := clock([]byte(test.text)); err != nil || us != want.UnixMicro() {
			t.Errorf("clock(%q) = %s, %v; want %s", test.text, time.UnixMicro(us).UTC().Format(time.RFC3339Nano), err, test.want)
		}
	}
	for _, bad := range []string{"", "now", "2023-11-16", "2023-13-16 18:15:46", "2023-02-29 18:15:46", "2100-02-29 00:00:00", "2023-11-16 24:00:00",
		"2023-11-16 18:60:46", "2023-11-16 18:15:60", "2023-11-16 18:15:46.", "2023-11-16 18:15:46 CET", "2023-11-16 18:15:46+1", "1700000000",
		"2023-11-16 18:15:46,5", "2023/11/16 18:15:46", "2023-11-1x 18:15:46", "2023-11-00 18:15:46"} {
		if us, err := clock([]byte(bad)); err == nil {
			t.Errorf("clock(%q) = %d, want an error", bad, us)
		}
	}
}

// TestDays walks through every day that clock can name around the centuries.
func TestDays(t *testing.T) {
	for day := time.Date(1890, 1, 1, 0, 0, 0, 0, time.UTC); day.Year() < 2110; day = day.AddDate(0, 0, 1) {
		if got := daysSince1970(day.Year(), int(day.Month()), day.Day()); int64(got) != day.Unix()/86400 {
			t.Fatalf("%s is day %d, not %d", day.Format(time.DateOnly), day.Unix()/86400, got)
		}
	}
}

func TestCount(t *testing.T) {
	for text, want := range map[string]int64{"": -1, "0": 0, "472": 472, "472.0": 472, "472.": 472, "4.72e2": 472, "100000000": 100000000, " 5": 5, "-0": 0, "000000000472": 472} {
		if v, err := count("f", []byte(text)); v != want || err != nil {
			t.Errorf("count(%q) = %d, %v; want %d", text, v, err, want)
		}
	}
	for text, want := range map[string]string{
		"NaN": `f: "NaN" is not a number`, "-1": `f: "-1" is negative`, "-0.5": `f: "-0.5" is negative`, "472.5": `f: "472.5" is not a whole number`,
		"100000001": `f: "100000001" is more than the 100000000 tokens`, "99999999999999999999999": `f: "99999999999999999999999" is too large`, "4 72": `is not a number`,
	} {
		if _, err := count("f", []byte(text)); !strings.HasPrefix(errText(err), "f: ") || !strings.Contains(errText(err), want) {
			t.Errorf("count(%q): %v; want %s", text, err, want)
		}
	}
}

func TestParseEpoch(t *testing.T) {
	for text, want := range map[string]int64{"0": 0, "1700000000": 1700000000_000000, "1700000000.5": 1700000000_500000, "2023-11-14T22:13:20Z": 1700000000_000000, "2023-11-14": 1699920000_000000} {
		if us, err := ParseEpoch(text); us != want || err != nil {
			t.Errorf("ParseEpoch(%q) = %d, %v; want %d", text, us, err, want)
		}
	}
	if _, err := ParseEpoch("yesterday"); err == nil {
		t.Error("yesterday is an epoch")
	}
}
