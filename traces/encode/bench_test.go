package encode

import (
	"io"
	"testing"

	"tidegauge/schemas"
)

// BenchmarkEncode is the cost of one request.
func BenchmarkEncode(b *testing.B) {
	for _, f := range Formats() {
		if f.Folder {
			continue
		}
		b.Run(f.Name, func(b *testing.B) {
			e, err := f.New(io.Discard, Options{})
			if err != nil {
				b.Fatal(err)
			}
			r := request(0, func(r *schemas.Request) {
				r.Conversation, r.ElapsedUS, r.RequestID = "c", 1_000_000, "demo-000001"
				r.Labels = []schemas.Label{{Key: "synthetic", Value: "true"}}
			})
			b.ReportAllocs()
			for b.Loop() {
				r.ArrivalUS += 234_567
				if err := e.Encode(&r); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
