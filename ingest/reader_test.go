package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// manyRows is a log of several blocks, with what can go wrong in it every thousand rows.
func manyRows(rows int, bad string) string {
	var b strings.Builder
	b.WriteString(burst1)
	for i := range rows {
		switch {
		case i%1000 == 500 && bad != "":
			b.WriteString(bad)
		default:
			fmt.Fprintf(&b, "%d,m,%d,2,3,API log\n", i, i%5000)
		}
	}
	return b.String()
}

// TestOrder: many workers deliver what one delivers, in the same order, with the right lines.
func TestOrder(t *testing.T) {
	text := manyRows(40_000, "1,\"a\nb\",1,2,3,API log\n\n")
	one := readText(t, ReaderConfig{Workers: 1}, text)
	many := readText(t, ReaderConfig{Workers: 7}, text)
	if one.err != nil || len(one.requests) != 40_000 {
		t.Fatalf("%d requests, %v", len(one.requests), one.err)
	}
	if diff := cmp.Diff(jsonOf(one.requests), jsonOf(many.requests)); diff != "" {
		t.Error("workers differ")
	}
	lines := strings.Split(text, "\n")
	for i, q := range one.requests {
		if i > 0 && one.lines[i] <= one.lines[i-1] {
			t.Fatalf("line %d after %d", one.lines[i], one.lines[i-1])
		}
		if line := lines[one.lines[i]-1]; q.Model == "m" && line != fmt.Sprintf("%d,m,%d,2,3,API log", q.ArrivalUS/1_000_000, q.RequestTokens) {
			t.Fatalf("request %d is not of line %d: %s", i, one.lines[i], line)
		}
		if q.Seq != one.lines[i] || !strings.HasSuffix(q.RequestID, fmt.Sprintf(":%d", q.Seq)) {
			t.Fatalf("id %s, seq %d, line %d", q.RequestID, q.Seq, one.lines[i])
		}
	}
}

func TestStop(t *testing.T) {
	out := readText(t, ReaderConfig{Workers: 3}, manyRows(30_000, "x\n"))
	var bad *LineError
	if !errors.As(out.err, &bad) || bad.Line != 502 || len(out.requests) != 500 {
		t.Errorf("%d requests, then %v", len(out.requests), out.err)
	}
	if diff := cmp.Diff(Stats{Read: 500, LastArrivalUS: 499_000_000}, out.stats); diff != "" {
		t.Error(diff)
	}
}

func TestSkip(t *testing.T) {
	var progress Progress
	out := readText(t, ReaderConfig{OnError: Skip, Progress: &progress}, manyRows(30_000, "x\n")+"9,m,1,2,3,API log")
	if out.err != nil || out.stats.Refused != 30 || out.stats.Read != 29_971 || len(out.stats.Refusals) != MaxRefusals {
		t.Fatalf("%+v, %v", out.stats, out.err)
	}
	for i, e := range out.stats.Refusals {
		if want := fmt.Sprintf("log: line %d: row: has 1 fields where the header has 6", i*1000+502); e.Error() != want {
			t.Errorf("%v, want %s", e, want)
		}
	}
	if progress.Rows.Load() != 29_971 || progress.Refused.Load() != 30 || progress.BytesTotal.Load() != -1 || progress.Source() != "log" || progress.BytesDone.Load() == 0 {
		t.Errorf("progress: %d rows, %d refused, %d bytes of %d, in %s", progress.Rows.Load(), progress.Refused.Load(), progress.BytesDone.Load(), progress.BytesTotal.Load(), progress.Source())
	}
}

func TestStats(t *testing.T) {
	out := readText(t, ReaderConfig{}, burst2+"7,,90000,m,1,2,3,API log\n5,,1,m,1,2,3,API log\n")
	if diff := cmp.Diff(Stats{Read: 2, CutDurations: 1, FirstArrivalUS: 5_000_000, LastArrivalUS: 7_000_000}, out.stats); diff != "" {
		t.Error(diff)
	}
	if out := readText(t, ReaderConfig{}, `{"schema":"dynamo.request.trace.v1","event_type":"tool_end"}`); out.stats.Other != 1 || out.err != nil {
		t.Errorf("%+v, %v", out.stats, out.err)
	}
}

// TestRequestsAreReused: what Next gave may change with the following Next, but for strings.
func TestStringsStay(t *testing.T) {
	r, err := NewReader(ReaderConfig{Workers: 1}, []Source{textSource("log", manyRows(30_000, ""))})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	var ids []string
	for q, err := range r.All(context.Background()) {
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, q.RequestID)
	}
	for i, id := range ids {
		if !strings.HasSuffix(id, fmt.Sprintf(":%d", i+2)) {
			t.Fatalf("id %d is %s", i, id)
		}
	}
}

func TestLongLine(t *testing.T) {
	long := "2," + strings.Repeat("m", maxLine+100) + ",1,2,3,API log\n"
	text := burst1 + "1,m,1,2,3,API log\n" + long + "3,m,1,2,3,API log\n"
	if out := readText(t, ReaderConfig{}, text); len(out.requests) != 1 || !strings.HasPrefix(errText(out.err), "log: line 3: row: the line is longer than 4194304 bytes") {
		t.Errorf("%d requests, %v", len(out.requests), out.err)
	}
	out := readText(t, ReaderConfig{OnError: Skip}, text)
	if out.err != nil || len(out.requests) != 2 || out.lines[1] != 4 || out.stats.Refused != 1 {
		t.Errorf("%d requests at %v, %+v, %v", len(out.requests), out.lines, out.stats, out.err)
	}
	out = readText(t, ReaderConfig{OnError: Skip}, burst1+"1,m,1,2,3,API log\n"+long[:len(long)-1])
	if out.err != nil || len(out.requests) != 1 || out.stats.Refused != 1 {
		t.Errorf("at the end: %d requests, %+v, %v", len(out.requests), out.stats, out.err)
	}
	// A long line that is allowed: a prompt with many prefixes.
	hashes := strings.Repeat("18446744073709551615,", 60_000)
	out = readText(t, ReaderConfig{}, `{"timestamp":1,"input_length":1,"hash_ids":[`+hashes+`1]}`+"\n"+`{"timestamp":1,"input_length":1,"hash_ids":[`+hashes+`1]}`)
	if out.err != nil || len(out.requests) != 2 || len(out.requests[1].PrefixHashes) != 60_001 {
		t.Errorf("%d requests, %v", len(out.requests), out.err)
	}
}

// TestOpenQuote: a quote that is never closed costs its line only.
func TestOpenQuote(t *testing.T) {
	for _, rows := range []int{3, 30_000} {
		text := burst1 + "1,\"m,1,2,3,API log\n" + strings.TrimPrefix(manyRows(rows, ""), burst1)
		out := readText(t, ReaderConfig{OnError: Skip}, text)
		if out.err != nil || len(out.requests) != rows || out.stats.Refused != 1 || out.lines[0] != 3 {
			t.Errorf("%d requests of %d, %+v, %v", len(out.requests), rows, out.stats, out.err)
		}
	}
}

func TestSeveralSources(t *testing.T) {
	burst := textSource("a", burst1+"1,m,1,2,3,API log\n")
	clock := textSource("b", azureH+"2023-11-16 18:15:46,1,2")
	empty := textSource("c", "")
	blank := textSource("d", "\n \r\n")
	out := read(t, ReaderConfig{}, empty, burst, blank, clock)
	if out.err != nil || len(out.requests) != 2 || out.requests[1].Service != "azure" || out.requests[1].Seq != 2 {
		t.Errorf("%s%v", jsonOf(out.requests), out.err)
	}
	// A child in one file, its grandparent in the other.
	out = read(t, ReaderConfig{}, textSource("a", `{"chat_id":2,"parent_chat_id":1,"timestamp":1}`), textSource("b", `{"chat_id":3,"parent_chat_id":2,"timestamp":1}`))
	if out.err != nil || len(out.requests) != 2 || out.requests[1].Conversation != "1" {
		t.Errorf("%s%v", jsonOf(out.requests), out.err)
	}
	for _, c := range []ReaderConfig{{Options: Options{Source: "x"}}, {Follow: true}} {
		if out := read(t, c, burst, clock); !strings.Contains(errText(out.err), "there are 2") {
			t.Errorf("%+v: %v", c, out.err)
		}
	}
}

func TestReadError(t *testing.T) {
	broken := errors.New("disk on fire")
	out := read(t, ReaderConfig{}, ReaderSource("log", io.MultiReader(strings.NewReader(burst1+"1,m,1,2,3,API log\n2,m,1"), iotest.ErrReader(broken))))
	if len(out.requests) != 1 || !errors.Is(out.err, broken) || errText(out.err) != "log: reading it failed after line 2 (87 bytes): disk on fire" {
		t.Errorf("%d requests, %v", len(out.requests), out.err)
	}
}

// TestCancelled: Next gives up with its context and can be called again; Close does not wait for a silent stream.
func TestCancelled(t *testing.T) {
	in, feed := io.Pipe()
	r, err := NewReader(ReaderConfig{Options: Options{Source: "s"}}, []Source{ReaderSource("pipe", in)})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := r.Next(ctx); !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if _, err := feed.Write([]byte(burst1 + "1,m,1,2,3,API log\n")); err != nil {
		t.Fatal(err)
	}
	b, err := r.Next(context.Background())
	if err != nil || len(b.Requests) != 1 { // before the pipe ends
		t.Fatal(err)
	}
	r.Close()
	if err := feed.Close(); err != nil {
		t.Fatal(err)
	}
}

// FuzzReader: however a stream's bytes come, and however many decode, the rows are the same.
func FuzzReader(f *testing.F) {
	f.Add([]byte(burst1 + "1,m,1,2,3,API log\r\n\n" + burst2 + "2,,,m,1,2,3,API log"))
	f.Add([]byte(burst1 + "1,\"m\nn\",1,2,3,API log\n2,\"m,1,2,3,API log\n3,m,1,2,3,API log\n"))
	f.Add([]byte("\ufeff\n" + azureH + "2023-11-16 18:15:46,1,2\nx"))
	f.Add([]byte(`{"service":"s","model":"m","arrival_us":7,"outcome":"ok"}` + "\n\n" + `{"arr`))
	f.Add([]byte("\x1f\x8b\x08\x00"))
	f.Add([]byte("\x28\xb5\x2f\xfd\x00"))
	f.Add([]byte("BZh"))
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, on := range []OnError{Stop, Skip} {
			whole := read(t, ReaderConfig{OnError: on, Workers: 2}, ReaderSource("log", bytes.NewReader(text)))
			bytewise := read(t, ReaderConfig{OnError: on, Workers: 1}, ReaderSource("log", iotest.OneByteReader(bytes.NewReader(text))))
			if errText(whole.err) != errText(bytewise.err) {
				t.Fatalf("%v, byte by byte %v", whole.err, bytewise.err)
			}
			if jsonOf(whole.requests) != jsonOf(bytewise.requests) {
				t.Fatalf("%sbyte by byte\n%s", jsonOf(whole.requests), jsonOf(bytewise.requests))
			}
			if diff := cmp.Diff(whole.stats, bytewise.stats, cmpopts.EquateEmpty()); diff != "" {
				t.Fatal(diff)
			}
		}
	})
}

func TestParseOnError(t *testing.T) {
	for text, want := range map[string]OnError{"stop": Stop, "skip": Skip} {
		if got, err := ParseOnError(text); got != want || err != nil {
			t.Errorf("%s: %v, %v", text, got, err)
		}
	}
	if _, err := ParseOnError("ignore"); err == nil {
		t.Error("ignore is read")
	}
}
