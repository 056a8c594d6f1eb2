package report_test

import (
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tidegauge/ingest"
	"tidegauge/processors"
	"tidegauge/report"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

func TestMain(m *testing.M) { testenv.Main(m) }

// filled is a fresh database with the log's requests, and the rows that processors make of them.
func filled(t testing.TB, log []schemas.Request) *storage.DB {
	t.Helper()
	db := testenv.Migrated(t)
	blocks, err := processors.Evaluate(log)
	if err != nil {
		t.Fatal(err)
	}
	writer := testenv.Writer(t, db)
	if err := writer.Write(t.Context(), [][]schemas.Block{blocks}); err != nil {
		t.Fatal(err)
	}
	return db
}

func fromClickHouse(t testing.TB, db *storage.DB, q report.Query) *report.Summary {
	t.Helper()
	s, err := report.FromClickHouse(t.Context(), db, q)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func wantSame(t testing.TB, want, got *report.Summary) {
	t.Helper()
	differences := report.Compare(want, got)
	for i, d := range differences {
		if i == 20 {
			t.Errorf("… and %d more", len(differences)-i)
			break
		}
		t.Error(d)
	}
}

// TestFromClickHouse holds merged minutes against what is computed from the raw requests of random logs.
func TestFromClickHouse(t *testing.T) {
	seeds := testenv.Times(4, 40)
	if testing.Short() {
		seeds = min(seeds, 2)
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			log := randomLog(seed)
			wantSame(t, summarise(t, log), fromClickHouse(t, filled(t, log), report.Query{}))
		})
	}
}

// TestFromClickHouseFiles does the same with real logs.
func TestFromClickHouseFiles(t *testing.T) {
	testenv.Sequential(t)
	data := os.Getenv("TIDEGAUGE_TEST_DATA")
	if data == "" {
		t.Skip("TIDEGAUGE_TEST_DATA is not set")
	}
	for _, pattern := range []string{"azure/*.csv", "burstgpt/*", "mooncake/*.jsonl", "dynamo/*.gz"} {
		paths, err := filepath.Glob(filepath.Join(data, pattern))
		if err != nil || len(paths) == 0 {
			t.Fatalf("no %s: %v", pattern, err)
		}
		for _, path := range paths {
			t.Run(filepath.Base(path), func(t *testing.T) {
				log := readLog(t, path)
				want := summarise(t, log)
				got := fromClickHouse(t, filled(t, log), report.Query{Service: want.Services[0].Service})
				wantSame(t, want, got)
				if a, b := codes(want), codes(got); !slices.Equal(a, b) {
					t.Errorf("warnings: want %v, got %v", a, b)
				}
			})
		}
	}
}

func codes(s *report.Summary) (out []string) {
	for _, w := range s.Warnings {
		out = append(out, fmt.Sprint(w.Code, " ", w.Count))
	}
	return out
}

func readLog(t testing.TB, path string) (log []schemas.Request) {
	t.Helper()
	sources, err := ingest.Sources([]string{path}, nil)
	if err != nil {
		t.Fatal(err)
	}
	reader, err := ingest.NewReader(ingest.ReaderConfig{}, sources)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	for r, err := range reader.All(t.Context()) {
		if err != nil {
			t.Fatal(err)
		}
		r := *r
		r.PrefixHashes, r.Labels = slices.Clone(r.PrefixHashes), slices.Clone(r.Labels)
		log = append(log, r)
	}
	return log
}

// TestFromClickHouseRange cuts a range out of a log, in another time zone. What counts there is the range's requests,
// conversations that begin in it, whole, and for what is in flight also what came before.
func TestFromClickHouseRange(t *testing.T) {
	testenv.Sequential(t)
	log := randomLog(3)
	for i := range log {
		log[i].Service = "one"
	}
	sorted := slices.SortedFunc(slices.Values(log), func(a, b schemas.Request) int { return int(a.ArrivalUS - b.ArrivalUS) })
	from, to := sorted[len(sorted)/3].ArrivalUS+1, sorted[len(sorted)*2/3].ArrivalUS+1
	begin, end := up(from), up(to)
	in := func(us int64) bool { return us >= begin && us < end }
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	got := fromClickHouse(t, filled(t, log), report.Query{FromUS: &from, ToUS: &to, Location: berlin})
	if *got.Range.FromUS != begin || *got.Range.ToUS != end || got.Range.TimeZone != "Europe/Berlin" {
		t.Errorf("range %d to %d, %s", *got.Range.FromUS, *got.Range.ToUS, got.Range.TimeZone)
	}

	first := map[string]int64{}
	for i := len(sorted) - 1; i >= 0; i-- {
		first[sorted[i].Conversation] = sorted[i].ArrivalUS
	}
	inside := report.NewCollector(report.Options{Location: berlin})
	talks := report.NewCollector(report.Options{})
	for i := range log {
		if in(log[i].ArrivalUS) {
			inside.Add(&log[i])
		}
		if log[i].Conversation != "" && in(first[log[i].Conversation]) {
			talks.Add(&log[i])
		}
	}
	want, conversations := mustSummary(t, inside), mustSummary(t, talks)
	want.Services[0].Conversations = conversations.Services[0].Conversations
	for i := range want.Services[0].Streams {
		s := &want.Services[0].Streams[i]
		s.Arrivals.InFlightMean, s.Arrivals.InFlightPeak = flights(distinct(log), s, begin, end, 0)
		// Not recomputed here: TestWindowViews does.
		s.Failures.LoadCorrelation.InFlightMean = got.Services[0].Streams[i].Failures.LoadCorrelation.InFlightMean
	}
	wantSame(t, want, got)
}

// TestFromClickHouseNothing asks for what is not there.
func TestFromClickHouseNothing(t *testing.T) {
	db := filled(t, randomLog(1))
	early := int64(1)
	for name, q := range map[string]report.Query{"no such service": {Service: "none"}, "empty range": {ToUS: &early}} {
		if s := fromClickHouse(t, db, q); len(s.Services) != 0 || s.Requests != 0 || s.Warnings == nil || s.Services == nil {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// TestFromClickHouseNames has names that need escaping in SQL.
func TestFromClickHouseNames(t *testing.T) {
	testenv.Sequential(t)
	log := randomLog(6)[:200]
	for i := range log {
		log[i].Service, log[i].Model = "it's\\n \t\n{x:String}", []string{`\N`, "NULL", "'"}[i%3]
		if log[i].LogType != "" {
			log[i].LogType = "`%s` -- \""
		}
	}
	db := filled(t, log)
	wantSame(t, summarise(t, log), fromClickHouse(t, db, report.Query{Service: log[0].Service}))
	_, err := report.FromClickHouse(t.Context(), testenv.Database(t), report.Query{})
	if err == nil || !strings.Contains(err.Error(), "view services") {
		t.Errorf("without tables: %v", err)
	}
}

func up(us int64) int64 { return (us + schemas.MinuteUS - 1) / schemas.MinuteUS * schemas.MinuteUS }

// distinct leaves out copies, as METRICS does.
func distinct(log []schemas.Request) (out []schemas.Request) {
	seen := map[string]bool{}
	for i := range log {
		key := fmt.Sprint(log[i].ArrivalUS, log[i].RequestID, log[i].Content())
		if !seen[key] {
			seen[key] = true
			out = append(out, log[i])
		}
	}
	return out
}

func of(s *report.Stream, r *schemas.Request) bool {
	return (s.Model == nil || *s.Model == r.Model) && (s.LogType == nil || *s.LogType == r.LogType)
}

// flights computes from the requests one by one what a stream has in flight in [begin, end): with width 0 over the minutes from its
// first to its last arrival there, else over all of it.
func flights(log []schemas.Request, s *report.Stream, begin, end, width int64) (mean, peak report.Number) {
	first, last, known := int64(math.MaxInt64), int64(-1), false
	for i := range log {
		if r := &log[i]; of(s, r) && r.ArrivalUS >= begin && r.ArrivalUS < end {
			first, last = min(first, r.ArrivalUS), max(last, r.ArrivalUS)
		}
	}
	if width == 0 {
		begin, end = first/schemas.MinuteUS*schemas.MinuteUS, (last/schemas.MinuteUS+1)*schemas.MinuteUS
	}
	var total int64
	change := map[int64]int64{}
	for i := range log {
		r := &log[i]
		if !of(s, r) || r.ElapsedUS < 0 || r.ArrivalUS >= end {
			continue
		}
		known = true
		done := r.ArrivalUS + r.ElapsedUS
		total += max(min(done, end)-max(r.ArrivalUS, begin), 0)
		change[max(r.ArrivalUS, begin)/schemas.SecondUS]++
		change[max((done+schemas.SecondUS-1)/schemas.SecondUS, begin/schemas.SecondUS)]--
	}
	if !known {
		return report.Null, report.Null
	}
	var flying, most int64
	seconds := make([]int64, 0, len(change))
	for second := range change {
		seconds = append(seconds, second)
	}
	slices.Sort(seconds)
	for _, second := range seconds {
		flying += change[second]
		most = max(most, flying)
	}
	return report.Number(float64(total) / float64(end-begin)), report.Number(most)
}
