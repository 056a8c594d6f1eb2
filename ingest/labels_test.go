package ingest

import (
	"fmt"
	"strings"
	"testing"
)

func TestLooksLikeID(t *testing.T) {
	for value, want := range map[string]bool{
		"": false, "chat": false, "eu-west-1": false, "gpt-4o-2024-08-06": false, "v1.24.3": false, "10.0.12.7": false, "user-12345": false,
		"llama-3.1-8b-instruct": false, "internationalisation": false, "@team": false, "nightly-20261128": true,
		"user-123456": true, "1764288000.5": true, "550e8400-e29b-41d4-a716-446655440000": true, "a3fb-aaaa": false,
		"abcdefab-abcd-abcd-abcd-abcdefabcdef": true, "abcdefag-abcd-abcd-abcd-abcdefabcdef": false,
		"r4kZpQwxTbLbmVnQ": true, "sha:9f86d081884c7d659a2feaa0c55ad015": true, "jane@example.org": true, "日本語": false,
	} {
		if looksLikeID(value) != want {
			t.Errorf("%q: %t", value, !want)
		}
	}
}

func TestLabelValues(t *testing.T) {
	const line = `{"service":"s","model":"m","arrival_us":1,"outcome":"ok","request_id":"r","labels":{"team":"550e8400-e29b-41d4-a716-446655440000","user":"u-9007199","zone":"a"}}`
	for _, test := range []struct {
		name     string
		labels   []string
		values   int
		want     string
		bucketed int64
	}{
		{"as they are", nil, 0, `{"team":"550e8400-e29b-41d4-a716-446655440000","user":"u-9007199","zone":"a"}`, 0},
		{"ids share buckets, but for those of few things", nil, 1000, `{"team":"550e8400-e29b-41d4-a716-446655440000","user":"#573","zone":"a"}`, 1},
		{"some", []string{"user", "zone"}, 1000, `{"user":"u-9007199","zone":"a"}`, 0}, // who names it wants it
		{"some, one of them in buckets", []string{"team/8", "zone"}, 1000, `{"team":"#7","zone":"a"}`, 1},
		{"buckets stay", []string{"zone/8"}, 1000, `{"zone":"#2"}`, 1},
		{"none", []string{}, 1000, ``, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			line := line
			if test.name == "buckets stay" {
				line = strings.Replace(line, `"zone":"a"`, `"zone":"#2"`, 1)
			}
			var texts [2]string
			for i, text := range []string{line, `{"service":"s","model":"m","arrival_us":0,"outcome":"ok","labels":{"user":"u-1234567"}}` + "\n" + line} {
				out := readText(t, ReaderConfig{Options: Options{Labels: test.labels, LabelValues: test.values}}, text)
				if out.err != nil {
					t.Fatal(out.err)
				}
				texts[i] = jsonOf(out.requests[i:])
				if i == 0 && out.stats.Bucketed != test.bucketed {
					t.Errorf("%d values in buckets", out.stats.Bucketed)
				}
			}
			_, labels, _ := strings.Cut(strings.TrimSpace(texts[0]), `"labels":`)
			if labels = strings.TrimSuffix(labels, "}"); labels != test.want {
				t.Errorf("%s\nwant %s", labels, test.want)
			}
			if texts[0] != texts[1] { // else reading a log again would count requests again
				t.Errorf("what was read before makes another request\n%s%s", texts[0], texts[1])
			}
		})
	}
	for _, wrong := range []string{"a/", "a/0", "a/x", "a/-1"} {
		if out := readText(t, ReaderConfig{Options: Options{Labels: []string{wrong}}}, line); !strings.Contains(errText(out.err), "like tenant/64") {
			t.Errorf("%s: %v", wrong, out.err)
		}
	}
}

// TestWideLabels: a label with many values that do not look like ids is told of.
func TestWideLabels(t *testing.T) {
	var b strings.Builder
	for i := range 20 {
		fmt.Fprintf(&b, `{"service":"s","model":"m","arrival_us":%d,"outcome":"ok","labels":{"few":"a%d","many":"b%d","id":"%d"}}`+"\n", i, i%10, i, 1_000_000+i)
	}
	out := readText(t, ReaderConfig{Options: Options{LabelValues: 10}}, b.String())
	if out.err != nil || fmt.Sprint(out.stats.WideLabels) != "[many]" || out.stats.Bucketed != 20 {
		t.Errorf("%+v, %v", out.stats, out.err)
	}
}
