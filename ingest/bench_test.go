package ingest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"testing"
	"time"
)

func burstText(rows int) []byte {
	var b bytes.Buffer
	b.WriteString("Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n")
	for i := range rows {
		switch i % 8 {
		case 0:
			fmt.Fprintf(&b, "%d.0,%08x,%d,GPT-4,%d,%d,%d,Conversation log\n", 19440110+i/3, i*7919, i%30, 500+i%1000, i%700, 500)
		default:
			fmt.Fprintf(&b, "%d.0,,%d,ChatGPT,%d,%d,%d,API log\n", 19440110+i/3, i%30, 500+i%1000, i%700, 500)
		}
	}
	return b.Bytes()
}

// wholeBlock makes one block of a whole log.
func wholeBlock(t testing.TB, f *Format, text []byte) *block {
	b := &block{from: &origin{name: "log", format: f, prefix: "0123456789abcdef:"}, buffer: text, end: len(text), line: 1}
	if f.table != nil {
		n := bytes.IndexByte(text, '\n')
		var err error
		if b.layout, err = f.table.layoutOf(text[:n], &Options{}); err != nil {
			t.Fatal(err)
		}
		b.start = n + 1
	}
	return b
}

// benchmarkDecode decodes a block over and over: what one core does to a row, from splitting lines to the request with
// its identity.
func benchmarkDecode(b *testing.B, f *Format, text []byte, rows int) {
	blk := wholeBlock(b, f, text)
	w := &worker{decoders: map[*Format]decoder{}}
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		w.decode(blk)
		if len(blk.batch.Requests) != rows {
			b.Fatalf("%d requests, stopped by %v", len(blk.batch.Requests), blk.batch.stopped)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(rows), "ns/row")
}

func BenchmarkDecodeCanonical(b *testing.B) {
	const rows = 400
	benchmarkDecode(b, &canonical, []byte(jsonOf(readText(b, ReaderConfig{}, string(burstText(rows))).requests)), rows)
}

func BenchmarkDecodeBurstGPT(b *testing.B) {
	const rows = 1500
	benchmarkDecode(b, &burstGPT, burstText(rows), rows)
}

// BenchmarkReadFile reads the file that TIDEGAUGE_BENCH_FILE names, on one decoder and on all cores.
func BenchmarkReadFile(b *testing.B) {
	path := os.Getenv("TIDEGAUGE_BENCH_FILE")
	if path == "" {
		b.Skip("TIDEGAUGE_BENCH_FILE is not set")
	}
	for _, workers := range []int{1, 0} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			for b.Loop() {
				start := time.Now()
				sources, err := Sources([]string{path}, nil)
				if err != nil {
					b.Fatal(err)
				}
				r, err := NewReader(ReaderConfig{Workers: workers}, sources)
				if err != nil {
					b.Fatal(err)
				}
				for err == nil {
					_, err = r.Next(context.Background())
				}
				if err != io.EOF {
					b.Fatal(err)
				}
				b.ReportMetric(float64(r.Stats().Read)/time.Since(start).Seconds(), "rows/s")
				r.Close()
			}
		})
	}
}

func textSource(name, text string) Source { return ReaderSource(name, strings.NewReader(text)) }
