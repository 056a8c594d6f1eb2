package storage_test

import (
	"fmt"
	"slices"
	"strings"
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

// fillGPUs stores ten minutes of two hosts with two GPUs each and an engine, all of a service's.
func fillGPUs(t testing.TB, db *storage.DB, service string) {
	t.Helper()
	var records []*schemas.GPURecord
	for i := range 40 {
		at := aligned + int64(i)*15_000_000
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

// rowsOf gives a query's answer, a line a row, columns separated by blanks.
func rowsOf(t testing.TB, db *storage.DB, sql string, arguments ...any) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), sql, arguments...)
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	defer rows.Close()
	var out []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		out = append(out, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

func wantRows(t *testing.T, db *storage.DB, sql string, want ...string) {
	t.Helper()
	got := rowsOf(t, db, sql)
	if !slices.Equal(got, want) {
		t.Errorf("%s:\n%s\nwant\n%s", sql, strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// aligned is where the samples below begin: a minute, and a window of five.
const aligned = 1_700_000_100_000_000 - 1_700_000_100_000_000%(300*1_000_000)

// gpuAt is a sample of GPU-a on node-a some seconds after aligned.
func gpuAt(second float64, change func(*schemas.GPUSample)) *schemas.GPURecord {
	s := &schemas.GPUSample{Host: "node-a", UUID: "GPU-a", AtUS: aligned + int64(second*1e6), GPU: "0", Share: 1}
	change(s)
	return &schemas.GPURecord{GPU: s}
}

// TestEnergyPerToken: GPUs that draw 300 W, beside a service whose requests are known, come to the joules per token of the closed
// form, in every window, with samples out of step with minutes; and windows add up to the range.
func TestEnergyPerToken(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	const minutes, gpus, watts, tokens = 20, 2, 300, 1500
	var records []*schemas.GPURecord
	for gpu := range gpus {
		for second := -41.3; second < minutes*60; second += 15 {
			records = append(records, gpuAt(second, func(s *schemas.GPUSample) {
				s.UUID, s.Service, s.Utilisation = fmt.Sprint("GPU-", gpu), "chat", known(.25)
				s.EnergyJ = known(1e9 + watts*(second+41.3))
			}))
		}
	}
	var log []schemas.Request
	for minute := range int64(minutes) {
		for i := range int64(3) { // of 500 response tokens each, at 0, 20 and 40 s
			var r schemas.Request
			r.Reset()
			r.Service, r.Model, r.Outcome, r.RequestID = "chat", "m", schemas.OK, fmt.Sprint(minute, "-", i)
			r.ArrivalUS, r.RequestTokens, r.ResponseTokens, r.ElapsedUS = aligned+minute*schemas.MinuteUS+i*20_000_000, 100, tokens/3, 10_000_000
			log = append(log, r)
		}
	}
	fill(t, db, log)
	storeGPU(t, db, records...)
	for _, step := range []int{60, 300, 0} {
		windows := 1
		if step > 0 {
			windows = minutes * 60 / step
		}
		seconds := minutes * 60 / windows
		const perThousand = gpus * watts * 60 / (tokens / 1000.)
		query := fmt.Sprintf(`SELECT concat(toString(round(joules_per_1000_response_tokens, 6)), ' ', toString(round(energy_j, 6)), ' ', toString(gpus), ' ',
			toString(gpu_seconds), ' ', toString(response_tokens), ' ', toString(tokens_per_gpu_second), ' ', toString(utilisation_mean),
			' ', toString(round(in_flight_mean, 6)), ' ', toString(gap_cv)) FROM gpu_service(service = 'chat', from_us = %d, to_us = %d, step_s = %d)`,
			int64(aligned), int64(aligned)+minutes*schemas.MinuteUS, step)
		want := fmt.Sprint(perThousand, gpus*watts*seconds, gpus, gpus*seconds, tokens*seconds/60, float64(tokens+300)/(gpus*60), .25, .5, 0)
		wantRows(t, db, query, slices.Repeat([]string{want}, windows)...)
	}
}

// TestCounters: a counter that falls was started again; a gap of more than ten minutes counts for nothing; a range begins with what it
// gained since the last sample before it; what is unknown is NULL.
func TestCounters(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	var records []*schemas.GPURecord
	put := func(second float64, energy *float64, xid int64) {
		records = append(records, gpuAt(second, func(s *schemas.GPUSample) {
			s.EnergyJ = energy
			if xid >= 0 {
				s.XID = &xid
			}
		}))
	}
	put(-5, known(900), 13)
	put(10, known(1000), 13)
	put(25, known(1100), 31)
	put(40, known(30), 31) // started again
	put(70, known(50), 31)
	put(130, nil, -1) // a scrape without the counter
	put(190, known(80), 0)
	put(250, known(10), 13)    // started again between two minutes
	put(1000, known(5000), 13) // after a gap of 12.5 minutes
	put(1010, known(5001), 13)
	storeGPU(t, db, records...)
	query := `SELECT concat(toString(toUnixTimestamp(window_start) - %d), ' ', ifNull(toString(energy_j), '-'), ' ', ifNull(toString(xid_last), '-'), ' ',
		toString(xid_changes), ' ', toString(samples), ' ', toString(round(up, 3)), ' ', ifNull(toString(power_violation), '-'), ' ', ifNull(toString(utilisation_mean), '-'))
		FROM gpu(host = 'node-a', uuid = 'GPU-a', from_us = %d, to_us = %d, step_s = %d)`
	ask := func(to int64, step int, want ...string) {
		t.Helper()
		wantRows(t, db, fmt.Sprintf(query, aligned/1_000_000, int64(aligned), int64(aligned)+to*schemas.MinuteUS, step), want...)
	}
	ask(20, 60, "0 230 31 1 3 1 - -", "60 20 31 0 1 1 - -", "120 - - 0 1 1 - -", "180 30 0 0 1 1 - -", "240 10 13 1 1 1 - -", "960 1 13 0 2 1 - -")
	ask(20, 300, "0 290 13 2 7 1 - -", "900 1 13 0 2 0.2 - -")
	ask(20, 0, "0 291 13 2 9 0.3 - -")
	ask(1, 0, "0 230 31 1 3 1 - -")
	wantRows(t, db, fmt.Sprintf("SELECT uuid FROM gpu(host = 'node-b', uuid = NULL, from_us = 0, to_us = %d, step_s = 60)", int64(schemas.MaxArrivalUS)))
}

// TestGPUQuantiles holds means, maxima and 95th percentiles against numpy's, over minutes and over a window of several.
func TestGPUQuantiles(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	var records []*schemas.GPURecord
	for i := range 20 {
		records = append(records, gpuAt(float64(i)*15, func(s *schemas.GPUSample) {
			s.Utilisation, s.PowerW, s.PCIeTxBytes, s.PCIeRxBytes = known(float64(i*i%17)/20), known(float64(100+i)), known(10), known(30)
			s.FBTotalBytes = known(1 << 40)
		}))
	}
	storeGPU(t, db, records...)
	wantRows(t, db, fmt.Sprintf(`SELECT concat(toString(round(utilisation_mean, 9)), ' ', toString(utilisation_max), ' ', toString(round(utilisation_p95, 9)), ' ',
		toString(power_w_mean), ' ', toString(power_w_p95), ' ', toString(pcie_bytes_per_s), ' ', toString(fb_total_bytes), ' ', ifNull(toString(nvlink_bytes_per_s), '-'))
		FROM gpu(host = NULL, uuid = NULL, from_us = 0, to_us = %d, step_s = 300)`, int64(schemas.MaxArrivalUS)),
		"0.3525 0.8 0.8 109.5 118.05 40 1099511627776 -")
}

// TestInstances: what belongs to a GPU as a whole is divided among its instances, and so among services.
func TestInstances(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	var records []*schemas.GPURecord
	for i := range 8 {
		for instance, share := range map[string]float64{"": 0, "1": .75, "2": .25} {
			records = append(records, gpuAt(float64(i)*15, func(s *schemas.GPUSample) {
				s.GPUInstance, s.Share, s.EnergyJ = instance, share, known(float64(i)*15*200)
				s.Service = map[string]string{"1": "chat", "2": "code"}[instance]
				s.GraphicsActive = known(share)
			}))
		}
	}
	storeGPU(t, db, records...)
	for service, want := range map[string]string{"chat": "0.75 90 15750 0.75", "code": "0.25 30 5250 0.25"} {
		wantRows(t, db, fmt.Sprintf(`SELECT concat(toString(gpus), ' ', toString(gpu_seconds), ' ', toString(energy_j), ' ', toString(utilisation_mean))
			FROM gpu_service(service = '%s', from_us = 0, to_us = %d, step_s = 0)`, service, int64(schemas.MaxArrivalUS)), want)
	}
	wantRows(t, db, fmt.Sprintf(`SELECT concat(gpu_instance, ' ', service, ' ', toString(share), ' ', toString(samples)) FROM gpu_devices(from_us = 0, to_us = %d)`,
		int64(schemas.MaxArrivalUS)), "  0 8", "1 chat 0.75 8", "2 code 0.25 8")
}

// TestEngineLoad adds engines up by minute.
func TestEngineLoad(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	fillGPUs(t, db, "chat")
	wantRows(t, db, fmt.Sprintf(`SELECT concat(toString(engines), ' ', toString(running_mean), ' ', toString(running_max), ' ', toString(waiting_max), ' ',
		toString(kv_cache_usage_mean), ' ', toString(preemptions)) FROM engine_load(service = 'chat', from_us = 0, to_us = %d, step_s = 0)`,
		int64(schemas.MaxArrivalUS)), "2 3 6 0 0.25 78")
}

// TestScrapeTargets tells who is down, since when and why.
func TestScrapeTargets(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	var records []*schemas.GPURecord
	for i, up := range []bool{true, false, false, true} {
		for _, target := range []string{"a:1", "b:1"} {
			s := &schemas.ScrapeSample{Target: target, Host: target[:1], AtUS: aligned + int64(i), Kind: "dcgm", Up: up != (target == "b:1"), Samples: 2}
			if !s.Up {
				s.Error = fmt.Sprint("error ", i)
			}
			records = append(records, &schemas.GPURecord{Scrape: s})
		}
	}
	storeGPU(t, db, records...)
	storeGPU(t, db, records...) // read twice
	wantRows(t, db, fmt.Sprintf(`SELECT concat(target, ' ', kind, ' ', toString(up), ' ', last_error, ' ', toString(last_error_us - %[1]d), ' ', toString(last_seen_us - %[1]d), ' ',
		toString(since_us - %[1]d), ' ', toString(scrapes), ' ', toString(failures)) FROM scrape_targets(from_us = 0, to_us = %[2]d)`,
		int64(aligned), int64(schemas.MaxArrivalUS)), "a:1 dcgm 1 error 2 2 3 3 4 2", "b:1 dcgm 0 error 3 3 2 3 4 2")
}

// TestRewriteManyMinutes needs several statements.
func TestRewriteManyMinutes(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	var records []*schemas.GPURecord
	for host := range 250 {
		for minute := range 12 {
			records = append(records, gpuAt(float64(minute)*60, func(s *schemas.GPUSample) { s.Host = fmt.Sprintf("node-%0200d", host) }))
		}
	}
	storeGPU(t, db, records...)
	if n := count(t, db, "SELECT count() FROM gpu_minutes FINAL WHERE version = 1"); n != uint64(len(records)) {
		t.Errorf("%d minutes of %d", n, len(records))
	}
}

// TestStaleMinuteLoses: what was made of fewer samples and is written late, as by a process that had lost its partition, replaces nothing.
func TestStaleMinuteLoses(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	storeGPU(t, db, gpuAt(0, func(s *schemas.GPUSample) { s.PowerW = known(100) }))
	run(t, db, "CREATE TABLE stale ENGINE = Memory AS SELECT * FROM gpu_minutes")
	storeGPU(t, db, gpuAt(15, func(s *schemas.GPUSample) { s.PowerW = known(200) }))
	run(t, db, "INSERT INTO gpu_minutes SELECT * FROM stale")
	wantRows(t, db, "SELECT toString((version, power_w)) FROM gpu_minutes FINAL", "(2,[100,200])")
}

// TestCountersOutOfOrder: samples of two scrapers, one of which read the counter later than it says, are no restart.
func TestCountersOutOfOrder(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	var records []*schemas.GPURecord
	for i, energy := range []float64{1e6, 1.5e6 - 100, 1.5e6, 1.5e6 - 50, 1.5e6 + 200, 1.5e6 + 100, 1.5e6 + 400} { // two fall within minutes, one between two
		records = append(records,
			gpuAt(float64(i)*24, func(s *schemas.GPUSample) { s.EnergyJ = &energy }),
			&schemas.GPURecord{Engine: &schemas.EngineSample{Host: "node-a", Target: "node-a:8000", Model: "m", AtUS: aligned + int64(i)*24_000_000, Engine: "vllm",
				Service: "chat", Preemptions: &energy}})
	}
	storeGPU(t, db, records...)
	arguments := fmt.Sprintf("from_us = 0, to_us = %d, step_s = 0", int64(schemas.MaxArrivalUS))
	wantRows(t, db, "SELECT toString(energy_j) FROM gpu(host = NULL, uuid = NULL, "+arguments+")", "500400")
	wantRows(t, db, "SELECT toString(preemptions) FROM engine_load(service = 'chat', "+arguments+")", "500400")
}

// TestEnergyPerTokenOverAGap: where no GPU of a service has samples for some minutes, their energy comes with the next sample, and is set against
// the tokens of all of these minutes; where one of two has, no minute counts twice; where the energy is not known, tokens do not count.
func TestEnergyPerTokenOverAGap(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	const minutes, watts, tokens = 20, 300, 1500
	var records []*schemas.GPURecord
	for gpu := range 2 {
		for second := -41.3; second < minutes*60; second += 15 {
			switch minute := int(second / 60); {
			case minute >= 4 && minute < 9, minute >= 12 && minute < 15 && gpu == 0: // both are away, then one
				continue
			default:
				records = append(records, gpuAt(second, func(s *schemas.GPUSample) {
					s.UUID, s.Service = fmt.Sprint("GPU-", gpu), "chat"
					if minute < 17 {
						s.EnergyJ = known(1e9 + watts*(second+41.3))
					}
				}))
			}
		}
	}
	var log []schemas.Request
	for minute := range int64(minutes) {
		var r schemas.Request
		r.Reset()
		r.Service, r.Model, r.Outcome, r.RequestID = "chat", "m", schemas.OK, fmt.Sprint(minute)
		r.ArrivalUS, r.RequestTokens, r.ResponseTokens, r.ElapsedUS = aligned+minute*schemas.MinuteUS, 100, tokens, 10_000_000
		log = append(log, r)
	}
	fill(t, db, log)
	storeGPU(t, db, records...)
	wantRows(t, db, fmt.Sprintf(`SELECT concat(toString(round(joules_per_1000_response_tokens, 6)), ' ', toString(round(energy_j, 6)), ' ', toString(response_tokens), ' ',
		toString(gpu_seconds)) FROM gpu_service(service = 'chat', from_us = %d, to_us = %d, step_s = 0)`, int64(aligned), int64(aligned)+minutes*schemas.MinuteUS),
		fmt.Sprint(2*watts*60/(tokens/1000.), 2*watts*60*17, 15*tokens, (15*2-3)*60))
}

// TestUtilisationByShare: a GPU that is given away as instances does not count beside them, and a large instance counts more than a small one.
func TestUtilisationByShare(t *testing.T) {
	testenv.Sequential(t)
	db := testenv.Migrated(t)
	var records []*schemas.GPURecord
	for instance, share := range map[string]float64{"": 0, "1": .75, "2": .25} {
		records = append(records, gpuAt(0, func(s *schemas.GPUSample) {
			s.GPUInstance, s.Share, s.Service, s.GraphicsActive, s.SMActive = instance, share, "chat", known(share), known(share)
		}))
	}
	storeGPU(t, db, records...)
	wantRows(t, db, fmt.Sprintf("SELECT toString((utilisation_mean, sm_active_mean, gpus)) FROM gpu_service(service = 'chat', from_us = 0, to_us = %d, step_s = 0)",
		int64(schemas.MaxArrivalUS)), "(0.625,0.625,1)")
}
