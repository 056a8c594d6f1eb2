package contrast

import (
	"math"
	"testing"
)

func TestFormat(t *testing.T) {
	for _, c := range []struct{ got, want string }{
		{span(0), "0 s"}, {span(0.0005), "500 µs"}, {span(0.25), "250 ms"}, {span(90), "90.0 s"}, {span(150), "2.50 min"},
		{span(5 * 3600), "5.00 h"}, {span(3 * 86400), "3.00 d"}, {span(math.NaN()), undefined},
		{figure(0), "0"}, {figure(0.02118), "0.0212"}, {figure(13.24), "13.2"}, {figure(1250), "1,250"},
		{figure(math.NaN()), undefined}, {figure(math.Inf(1)), undefined},
		{percent(0), "0 %"}, {percent(0.0265), "2.6 %"}, {percent(0.38), "38 %"}, {percent(0.00001), "<0.01 %"},
		{brief(0.05), "0.05"}, {brief(0.00001), "<0.0001"}, {several(1, "log"), "1 log"}, {several(2000, "log"), "2,000 logs"},
	} {
		if c.got != c.want {
			t.Errorf("%s, want %s", c.got, c.want)
		}
	}
}
