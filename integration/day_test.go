package integration

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"tidegauge/dashboards/datasource/pkg/plugin"
	"tidegauge/processors"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
	"tidegauge/traces"
)

// day is a generated day with incidents, in ClickHouse as processors and the scraper would have stored it.
type day struct {
	config  traces.DayConfig
	log     []schemas.Request // with the days before, by arrival
	samples []*schemas.GPURecord
	db      *storage.DB
	source  *plugin.Datasource
	// panelsOf is what panels show of the service, by flavour.
	panelsOf map[string]map[string]*shown
}

// TestDay asks every panel of every dashboard, and every alert rule, in both flavours, about a day on which it is known what
// happened and when: which of them change, by how much, and that they recover.
func TestDay(t *testing.T) {
	if testing.Short() {
		t.Skip("asks every panel and every rule of Grafana; the full tests do")
	}
	d := loadDay(t)
	t.Run("Rules", d.rules)
	// What a machine logs late is not there while rules look at its time. Now it comes.
	d.late(t)
	t.Run("Panels", d.panels)
	t.Run("Report", d.report)
	t.Run("Annotations", d.annotations)
	t.Run("Variables", d.variables)
}

func loadDay(t *testing.T) *day {
	d := &day{config: traces.DefaultDayConfig(), db: testenv.Migrated(t)}
	for r := range traces.Day(d.config) {
		d.log = append(d.log, *r)
	}
	d.store(t, slices.DeleteFunc(slices.Clone(d.log), func(r schemas.Request) bool { return d.config.Late(&r) }))
	for r := range traces.DaySamples(d.config) {
		d.samples = append(d.samples, r)
	}
	d.storeSamples(t)
	var letters schemas.DeadLetters
	var found []time.Time
	for i, l := range traces.DayDeadLetters(d.config) {
		letters.Append(schemas.RequestsTopic, 0, int64(i), l.Reason, []byte(l.Value))
		found = append(found, l.Found)
	}
	block := letters.Block()
	block.Columns = append(block.Columns, schemas.Column{Name: "stored_at", Data: found})
	d.write(t, block)

	settings, err := json.Marshal(map[string]any{"address": d.db.Config().Address, "database": d.db.Database()})
	if err != nil {
		t.Fatal(err)
	}
	instance, err := plugin.New(t.Context(), backend.DataSourceInstanceSettings{UID: "tidegauge", JSONData: settings})
	if err != nil {
		t.Fatal(err)
	}
	d.source = instance.(*plugin.Datasource)
	t.Cleanup(d.source.Dispose)
	return d
}

func (d *day) write(t *testing.T, blocks ...schemas.Block) {
	t.Helper()
	if err := testenv.Writer(t, d.db).Write(t.Context(), [][]schemas.Block{blocks}); err != nil {
		t.Fatal(err)
	}
}

// store stores requests and the rows that processors make of them, as of the moments when a live pipeline would have.
func (d *day) store(t *testing.T, log []schemas.Request) {
	t.Helper()
	blocks, err := processors.Evaluate(log)
	if err != nil {
		t.Fatal(err)
	}
	type minute struct {
		service string
		at      uint32
	}
	stored, last := map[string]time.Time{}, map[minute]time.Time{}
	for i := range log {
		r := &log[i]
		at := d.config.Stored(r)
		stored[r.RequestID] = at
		if m := (minute{r.Service, uint32(r.ArrivalUS / schemas.MinuteUS)}); at.After(last[m]) {
			last[m] = at
		}
	}
	for i := range blocks {
		b := &blocks[i]
		column := func(name string) any {
			return b.Columns[slices.IndexFunc(b.Columns, func(c schemas.Column) bool { return c.Name == name })].Data
		}
		at := make([]time.Time, b.Rows)
		switch b.Table {
		case "requests":
			ids := column("request_id").(schemas.Texts)
			for row := range at {
				at[row] = stored[ids.At(row)]
			}
		case "minutes":
			services, minutes := column("service").([]string), column("minute").([]uint32)
			for row := range at {
				at[row] = last[minute{services[row], minutes[row]}]
			}
		default:
			continue
		}
		b.Columns = append(b.Columns, schemas.Column{Name: "stored_at", Data: at})
	}
	d.write(t, blocks...)
}

// late stores what comes late, and the rows of its minutes anew.
func (d *day) late(t *testing.T) {
	minutes := map[int64]bool{}
	for i := range d.log {
		if r := &d.log[i]; d.config.Late(r) {
			minutes[r.ArrivalUS/schemas.MinuteUS] = true
		}
	}
	if len(minutes) != 3 {
		t.Fatalf("requests of %d minutes come late, want 3", len(minutes))
	}
	d.store(t, slices.DeleteFunc(slices.Clone(d.log), func(r schemas.Request) bool {
		return r.Service != d.config.Service || !minutes[r.ArrivalUS/schemas.MinuteUS]
	}))
}

func (d *day) storeSamples(t *testing.T) {
	store := storage.NewStore(d.db, testenv.Writer(t, d.db))
	if _, err := store.Write(t.Context(), [][]schemas.Block{schemas.GPUBlocks(d.samples)}, nil); err != nil {
		t.Fatal(err)
	}
	rewrites, err := schemas.Rewrites()
	if err != nil {
		t.Fatal(err)
	}
	for _, rewrite := range rewrites {
		if err := d.db.Exec(t.Context(), fmt.Sprintf(rewrite.Insert, "1")); err != nil { // all minutes at once
			t.Fatal(err)
		}
	}
}

// near says whether two numbers are the same within a share of them; NaN is no number.
func near(got, want, within float64) bool {
	return got == want || math.IsNaN(got) && math.IsNaN(want) || math.Abs(got-want) <= within*max(math.Abs(want), 1e-3)
}
