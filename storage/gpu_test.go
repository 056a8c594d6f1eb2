package storage_test

import (
	"fmt"
	"testing"

	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// storeGPU stores records and the minutes made of them, as a processor does.
func storeGPU(t testing.TB, db *storage.DB, records ...*schemas.GPURecord) {
	t.Helper()
	store := storage.NewStore(db, testenv.Writer(t, db))
	if _, err := store.Write(t.Context(), [][]schemas.Block{schemas.GPUBlocks(records)}, nil); err != nil {
		t.Fatal(err)
	}
	rewriteGPU(t, db, records...)
}

func rewriteGPU(t testing.TB, db *storage.DB, records ...*schemas.GPURecord) {
	t.Helper()
	store := storage.NewStore(db, testenv.Writer(t, db))
	rewrites, err := schemas.Rewrites()
	if err != nil {
		t.Fatal(err)
	}
	for _, rewrite := range rewrites {
		var keys []schemas.HostMinute
		for _, r := range records {
			if table, key, ok := r.Minute(); ok && table == rewrite.Samples {
				keys = append(keys, key)
			}
		}
		if err := store.RewriteMinutes(t.Context(), rewrite, keys); err != nil {
			t.Fatal(err)
		}
	}
}

func known(v float64) *float64 { return &v }

// gpuFirstUS is when the samples of fillGPUs begin.
const gpuFirstUS = 1_700_000_000_000_000

// fillGPUs stores ten minutes of two hosts with two GPUs each and an engine, all of a service's.
func fillGPUs(t testing.TB, db *storage.DB, service string) {
	t.Helper()
	var records []*schemas.GPURecord
	for i := range 40 {
		at := gpuFirstUS + int64(i)*15_000_000
		for host := range 2 {
			name := fmt.Sprint("node-", host)
			for gpu := range 2 {
				records = append(records, &schemas.GPURecord{GPU: &schemas.GPUSample{Host: name, UUID: fmt.Sprint("GPU-", host, gpu),
					AtUS: at, GPU: fmt.Sprint(gpu), Service: service, Share: 1, Utilisation: known(.5), PowerW: known(300),
					EnergyJ: known(float64(i) * 15 * 300)}})
			}
			records = append(records,
				&schemas.GPURecord{Engine: &schemas.EngineSample{Host: name, Target: name + ":8000", Model: "m", AtUS: at, Engine: "vllm",
					Service: service, Running: known(float64(i % 4)), Waiting: known(0), KVCacheUsage: known(.25), Preemptions: known(float64(i))}},
				&schemas.GPURecord{Scrape: &schemas.ScrapeSample{Host: name, Target: name + ":9400", AtUS: at, Kind: "dcgm", Up: i != 20, Samples: 2}})
		}
	}
	storeGPU(t, db, records...)
}
