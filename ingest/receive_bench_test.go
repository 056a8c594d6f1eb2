package ingest

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.opentelemetry.io/collector/pdata/ptrace/ptraceotlp"

	"tidegauge/testenv"
)

// BenchmarkReceive posts requests from 64 clients at once, of 1, 100 and 10,000 to a post, and OTLP messages of 100 spans over
// gRPC; clients, receiver and the embedded broker share the machine.
func BenchmarkReceive(b *testing.B) {
	const clients, services = 64, 24
	report := func(b *testing.B, each int, start time.Time) {
		posts := float64(b.N) / time.Since(start).Seconds()
		b.ReportMetric(posts, "posts/s")
		b.ReportMetric(posts*float64(each), "requests/s")
	}
	run := func(b *testing.B, each int, post func(i int) error) {
		var n atomic.Int64
		b.SetParallelism(clients)
		start := time.Now()
		b.ResetTimer()
		b.RunParallel(func(pb *testing.PB) {
			for pb.Next() {
				if err := post(int(n.Add(1))); err != nil {
					b.Error(err)
					return
				}
			}
		})
		report(b, each, start)
	}
	start := func(b *testing.B) *Receiver {
		return startReceiver(b, []string{testenv.Broker(b)}, nil)
	}
	for _, each := range []int{1, 100, 10_000} {
		b.Run(fmt.Sprintf("ndjson-%d", each), func(b *testing.B) {
			r := start(b)
			client := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4 * clients}}
			defer client.CloseIdleConnections()
			var bodies [services]string
			for s := range bodies {
				var text strings.Builder
				for i := range each {
					text.WriteString(posted(fmt.Sprint("service-", s), i))
					text.WriteByte('\n')
				}
				bodies[s] = text.String()
			}
			b.SetBytes(int64(len(bodies[0])))
			run(b, each, func(i int) error {
				response, err := client.Post("http://"+r.HTTPAddr()+"/v1/requests", "application/x-ndjson", strings.NewReader(bodies[i%services]))
				if err != nil {
					return err
				}
				_, _ = io.Copy(io.Discard, response.Body)
				response.Body.Close()
				if response.StatusCode != http.StatusOK {
					return fmt.Errorf("status %d", response.StatusCode)
				}
				return nil
			})
		})
	}
	b.Run("grpc-100", func(b *testing.B) {
		r := start(b)
		var spans []string
		for i := range 100 {
			spans = append(spans, spanOf(fmt.Sprint(i), "", client, 1, 2, "gen_ai.operation.name=chat", "gen_ai.request.model=m", "gen_ai.usage.input_tokens=5", "gen_ai.usage.output_tokens=50"))
		}
		request := tracesOf(b, message("s", spans...))
		exporter := ptraceotlp.NewGRPCClient(dial(b, r, nil))
		run(b, 100, func(int) error {
			_, err := exporter.Export(b.Context(), request)
			return err
		})
	})
}
