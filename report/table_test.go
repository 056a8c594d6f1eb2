package report_test

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"tidegauge/report"
	"tidegauge/schemas"
)

var update = flag.Bool("update", false, "write the golden files instead of comparing with them")

func table(t *testing.T, s *report.Summary, o report.TableOptions) string {
	t.Helper()
	var b strings.Builder
	if err := report.WriteTable(&b, s, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// TestTable compares with testdata/table_*.txt. Look at what -update writes as a stranger would.
func TestTable(t *testing.T) {
	many := at()
	for i := range 300 {
		r := at(float64(i * i % 4000))[0]
		r.Model, r.Seq = fmt.Sprintf("a-model-with-a-long-name-%02d", i%10*i%23), int64(i)
		r.RequestTokens, r.ResponseTokens, r.ElapsedUS, r.TTFTUS = int64(i*100), int64(i), int64(i)*100_000, int64(i)*1_000
		many = append(many, r)
	}
	services := at()
	for i := range 11 {
		r := at(float64(i))[0]
		r.Service = fmt.Sprintf("service-%02d", i)
		services = append(services, r, r)
	}
	var everything []schemas.Request
	benchLog(5000, true, func(r *schemas.Request) { everything = append(everything, *r) })
	for _, c := range []struct {
		name     string
		requests []schemas.Request
		options  report.TableOptions
	}{
		{"empty", nil, report.TableOptions{}},
		{"one", at(5), report.TableOptions{}},
		{"everything", everything, report.TableOptions{}},
		{"unknown_counts", randomLog(15), report.TableOptions{}},
		{"colour", randomLog(6)[:40], report.TableOptions{Colour: true}},
		{"many_streams", many, report.TableOptions{Streams: 4}},
		{"many_services", services, report.TableOptions{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := table(t, summarise(t, c.requests), c.options)
			file := filepath.Join("testdata", "table_"+c.name+".txt")
			if *update {
				if err := os.WriteFile(file, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

// TestTableWidth: nothing is wider than 100 characters, whatever the log.
func TestTableWidth(t *testing.T) {
	for seed := range uint64(20) {
		for _, line := range strings.Split(table(t, summarise(t, randomLog(seed)), report.TableOptions{Streams: -1}), "\n") {
			if utf8.RuneCountInString(line) > 100 || strings.HasSuffix(line, " ") {
				t.Errorf("seed %d: %q", seed, line)
			}
		}
	}
}
