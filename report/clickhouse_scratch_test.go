package report_test

import (
	"os"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"tidegauge/report"
)

func TestScratch(t *testing.T) {
	if os.Getenv("SCRATCH") == "" {
		t.Skip()
	}
	conn, err := clickhouse.Open(&clickhouse.Options{Addr: []string{"127.0.0.1:19000"}, Auth: clickhouse.Auth{Database: "v"}})
	if err != nil {
		t.Fatal(err)
	}
	begin := time.Now()
	s, err := report.FromClickHouse(t.Context(), conn, report.Query{Service: os.Getenv("SCRATCH")})
	if err != nil {
		t.Fatal(err)
	}
	t.Log(time.Since(begin))
	f, _ := os.Create("/tmp/vw/got.json")
	report.WriteJSON(f, s)
	f.Close()
	t.Log(s.Warnings)
}
