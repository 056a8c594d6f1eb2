package storage_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"tidegauge/schemas"
	"tidegauge/testenv"
)

// BenchmarkGPUViews asks the views of GPUs about 30 days of eight of them, in the windows that a dashboard takes. p95-ms is the
// time that 19 of 20 queries stay below.
func BenchmarkGPUViews(b *testing.B) {
	const days, dayUS = 30, int64(1440) * schemas.MinuteUS
	db := testenv.Migrated(b)
	run(b, db, fmt.Sprintf(`INSERT INTO gpu_samples (host, uuid, gpu, at_us, service, share, xid, utilisation, graphics_active, sm_active, sm_occupancy, tensor_active,
			dram_active, memory_copy_utilisation, fb_used_bytes, fb_total_bytes, power_w, temperature_c, sm_clock_hz, memory_clock_hz, energy_j)
		SELECT 'node', concat('GPU-', toString(g)), toString(g), %d + i * 15000000, 'chat', 1, 0, r, r / 2, r / 3, r / 4, r / 5, r / 6, r / 7, r * 8e10, 8e10, r * 700,
			30 + r * 50, 1.9e9, 2.6e9, i * 15 * 350
		FROM (SELECT number AS i, arrayJoin(range(8)) AS g, cityHash64(i, g) %% 1000 / 1000 AS r FROM numbers(5760))`, int64(aligned)))
	rewrites, err := schemas.Rewrites()
	if err != nil {
		b.Fatal(err)
	}
	run(b, db, fmt.Sprintf(rewrites[0].Insert, "1"))
	run(b, db, "CREATE TABLE day ENGINE = Memory AS SELECT * FROM gpu_minutes")
	for day := 1; day < days; day++ {
		us := int64(day) * dayUS
		run(b, db, fmt.Sprintf(`INSERT INTO gpu_minutes SELECT * REPLACE (minute + %[1]d AS minute, first_us + %[2]d AS first_us, last_us + %[2]d AS last_us,
			energy_j_first_us + %[2]d AS energy_j_first_us, energy_j_last_us + %[2]d AS energy_j_last_us, energy_j_first + %[1]d * 60 * 350 AS energy_j_first,
			energy_j_last + %[1]d * 60 * 350 AS energy_j_last) FROM day`, day*1440, us))
	}
	const device = "window_start, host, gpu, gpu_instance, "
	for _, v := range []struct {
		name, columns, view string
		steps               []int
	}{
		{"utilisation", device + "utilisation_mean, utilisation_p95", "gpu(host = NULL, uuid = NULL, %s)", []int{300, 3600}},
		{"energy", device + "energy_j, xid_changes", "gpu(host = NULL, uuid = NULL, %s)", []int{300, 3600}},
		{"gpu", "*", "gpu(host = NULL, uuid = NULL, %s)", []int{3600}},
		{"gpu_service", "*", "gpu_service(service = 'chat', %s)", []int{300, 3600}},
		{"joules", "window_start, joules_per_1000_response_tokens", "gpu_service(service = 'chat', %s)", []int{3600}},
		{"gpu_devices", "*", "gpu_devices(%s)", []int{-1}},
	} {
		for _, span := range []int64{1, days} {
			for _, step := range v.steps {
				parameters := fmt.Sprintf("from_us = %d, to_us = %d", int64(aligned)+(days-span)*dayUS, int64(aligned)+days*dayUS)
				name := fmt.Sprintf("%s/%dd", v.name, span)
				if step >= 0 {
					parameters += fmt.Sprintf(", step_s = %d", step)
					name += fmt.Sprintf("/step=%d", step)
				}
				b.Run(name, func(b *testing.B) {
					var took []time.Duration
					for b.Loop() {
						began := time.Now()
						run(b, db, "SELECT "+v.columns+" FROM "+fmt.Sprintf(v.view, parameters)+" FORMAT Null")
						took = append(took, time.Since(began))
					}
					slices.Sort(took)
					b.ReportMetric(float64(took[(len(took)*19-1)/20].Microseconds())/1000, "p95-ms")
					b.ReportMetric(float64(took[0].Microseconds())/1000, "min-ms")
				})
			}
		}
	}
}
