package report_test

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"
	"unsafe"

	"github.com/google/go-cmp/cmp"

	"tidegauge/report"
	"tidegauge/schemas"
)

func document(t *testing.T, s *report.Summary) string {
	t.Helper()
	s.Warnings = nil // which tell how many copies there were
	b, err := report.MarshalJSON(s)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestOrderOfAdd: the document is a function of the set of requests, to the last bit.
func TestOrderOfAdd(t *testing.T) {
	for seed := range uint64(14) {
		requests := randomLog(seed)
		if seed%2 == 0 { // without ids and lines to tell equal arrivals apart
			for i := range requests {
				if requests[i].RequestID == "" {
					requests[i].Seq = 0
				}
			}
		}
		want := document(t, summarise(t, requests))
		r := rand.New(rand.NewPCG(seed, 2))
		r.Shuffle(len(requests), func(i, j int) { requests[i], requests[j] = requests[j], requests[i] })
		if diff := cmp.Diff(want, document(t, summarise(t, requests))); diff != "" {
			t.Errorf("seed %d: another order gives another document (-want +got):\n%s", seed, diff)
		}
		for range len(requests) / 10 {
			if again := requests[r.IntN(len(requests))]; again.RequestID != "" {
				requests = append(requests, again)
			}
		}
		if diff := cmp.Diff(want, document(t, summarise(t, requests))); diff != "" {
			t.Errorf("seed %d: copies give another document (-want +got):\n%s", seed, diff)
		}
	}
}

// TestParallelism: however many goroutines work, and in whatever order, the document is the same to the last bit.
func TestParallelism(t *testing.T) {
	requests := randomLog(9)
	var want string
	for _, parallelism := range []int{1, 2, 7, 64} {
		c := report.NewCollector(report.Options{Parallelism: parallelism})
		for i := range requests {
			c.Add(&requests[i])
		}
		got := document(t, mustSummary(t, c))
		if want == "" {
			want = got
		}
		if got != want {
			t.Errorf("%d goroutines give another document", parallelism)
		}
	}
}

// TestCallersMemory: nothing of a request is kept but copies, so that a reader may reuse what its strings lie in.
func TestCallersMemory(t *testing.T) {
	requests := randomLog(6)
	want := document(t, summarise(t, requests))
	c := report.NewCollector(report.Options{GeneratedBy: "test"})
	var memory []byte
	lend := func(s *string) {
		from := len(memory)
		memory = append(memory, *s...)
		*s = unsafe.String(unsafe.SliceData(memory[from:]), len(*s))
	}
	for _, r := range requests {
		memory = make([]byte, 0, 1<<10)
		for _, s := range []*string{&r.Service, &r.Model, &r.LogType, &r.RequestID, &r.Conversation} {
			lend(s)
		}
		c.Add(&r)
		for i := range memory {
			memory[i] = 'x'
		}
	}
	if got := document(t, mustSummary(t, c)); got != want {
		t.Error("strings of a request were kept")
	}
}

// TestEverySizeOfChunk crosses the borders of chunks, with columns that begin in the middle of one.
func TestEverySizeOfChunk(t *testing.T) {
	for _, n := range []int{255, 256, 257, 70_000} {
		c := report.NewCollector(report.Options{})
		r := at(0)[0]
		for i := range n {
			r.ArrivalUS, r.Seq = int64(i)*1000, int64(i)
			r.ElapsedUS, r.TTFTUS, r.Conversation = schemas.Unknown, schemas.Unknown, ""
			if i >= n-10 {
				r.ElapsedUS, r.TTFTUS, r.Conversation = schemas.MaxElapsedUS, 5, "c"
			}
			c.Add(&r)
		}
		if per := float64(c.Bytes()) / float64(n); n > 1<<15 && per > 60 {
			t.Errorf("%.1f bytes a request", per)
		}
		s := mustSummary(t, c)
		if l, v := s.Services[0].Streams[0].Latency, s.Services[0].Conversations; s.Requests != int64(n) || l.Elapsed.N != 10 ||
			l.Elapsed.Max != 86_400 || l.TTFT.N != 10 || l.TTFT.P50 != 5e-6 || v.Turns != 10 {
			t.Errorf("%d requests: %d, latency %+v, turns %d", n, s.Requests, l, v.Turns)
		}
		if c.Requests() != 0 || len(mustSummary(t, c).Services) != 0 {
			t.Error("the collector is not empty after Summary")
		}
	}
}

// TestTimeZone follows a zone through a change of its offset: on 2026-03-29 Berlin goes from 01:59 to 03:00.
func TestTimeZone(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err) // Go brings the zones where the system has none
	}
	c := report.NewCollector(report.Options{Location: berlin})
	begin := time.Date(2026, 3, 28, 23, 0, 0, 0, time.UTC) // Sunday, 00:00 in Berlin
	for quarter := range 4 * 23 {
		r := at(float64(begin.Unix() + 900*int64(quarter)))[0]
		c.Add(&r)
	}
	s := mustSummary(t, c)
	if s.Range.TimeZone != "Europe/Berlin" {
		t.Errorf("the zone is %s", s.Range.TimeZone)
	}
	for hour, h := range s.Services[0].ByWeekdayHour[6] {
		want := int64(4)
		if hour == 2 {
			want = 0
		}
		if h.Requests != want || s.Services[0].ByHour[hour].Requests != want {
			t.Errorf("%d requests at %02d:00 on Sunday, want %d", h.Requests, hour, want)
		}
	}
}

// TestManyKinds has more models than are searched one by one, and streams that coincide with others.
func TestManyKinds(t *testing.T) {
	c := report.NewCollector(report.Options{})
	for i := range 3000 {
		r := at(float64(i))[0]
		r.Model, r.ResponseTokens, r.RequestTokens = fmt.Sprintf("m%03d", i%100), int64(1+i%100), 7
		c.Add(&r)
	}
	s := mustSummary(t, c).Services[0]
	if len(s.Streams) != 2+2*100 {
		t.Fatalf("%d streams", len(s.Streams))
	}
	for i, stream := range s.Streams[2:] {
		if *stream.Model != fmt.Sprintf("m%03d", i/2) || (stream.LogType == nil) != (i%2 == 0) || stream.Requests != 30 ||
			stream.Lengths.Response.Mean != report.Number(1+i/2) {
			t.Errorf("stream %d: %s, %d requests, mean %v", i, *stream.Model, stream.Requests, stream.Lengths.Response.Mean)
		}
	}
}

func TestWriteJSON(t *testing.T) {
	s := summarise(t, at(1, 2, 4))
	var b bytes.Buffer
	if err := report.WriteJSON(&b, s); err != nil {
		t.Fatal(err)
	}
	if want, _ := report.MarshalJSON(s); !bytes.Equal(b.Bytes(), want) || !bytes.HasSuffix(want, []byte("}\n")) {
		t.Error("WriteJSON and MarshalJSON differ, or there is no newline at the end")
	}
}
