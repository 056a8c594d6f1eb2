package integration

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"tidegauge/processors"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// watch asks ClickHouse again and again how far each service's requests have come, and notes how long they stood still
// although the ledger was ahead.
type watch struct {
	db     *storage.DB
	ledger *ledger

	mu      sync.Mutex
	visible map[string]int64 // by service: the highest seq in table requests
	stalls  map[int]time.Duration
}

// run watches until ctx ends.
func (w *watch) run(ctx context.Context, every time.Duration) {
	since := make(map[string]time.Time) // when each service last came further, or had nothing to wait for
	for ctx.Err() == nil {
		now := time.Now()
		seen := w.ask(ctx) // nil: no answer, so nothing is visible
		w.ledger.mu.Lock()
		w.mu.Lock()
		fault := int(w.ledger.fault.Load())
		for service, acknowledged := range w.ledger.newest {
			began, known := since[service]
			if !known || seen[service] > w.visible[service] || w.visible[service] >= acknowledged {
				since[service] = now
			} else {
				w.stalls[fault] = max(w.stalls[fault], now.Sub(began))
			}
			w.visible[service] = max(w.visible[service], seen[service])
		}
		w.mu.Unlock()
		w.ledger.mu.Unlock()
		select {
		case <-ctx.Done():
		case <-time.After(every):
		}
	}
}

func (w *watch) ask(ctx context.Context) map[string]int64 {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Second)
	defer cancel()
	rows, err := w.db.Query(ctx, "SELECT service, max(seq) FROM requests GROUP BY service")
	if err != nil {
		return nil
	}
	defer rows.Close()
	seen := make(map[string]int64)
	for rows.Next() {
		var service string
		var seq int64
		if rows.Scan(&service, &seq) == nil {
			seen[service] = seq
		}
	}
	if rows.Err() != nil {
		return nil
	}
	return seen
}

// caughtUp gives a condition: everything that is acknowledged by now is visible.
func (w *watch) caughtUp() func() bool {
	w.ledger.mu.Lock()
	defer w.ledger.mu.Unlock()
	goal := make(map[string]int64, len(w.ledger.newest))
	for service, seq := range w.ledger.newest {
		goal[service] = seq
	}
	return func() bool {
		w.mu.Lock()
		defer w.mu.Unlock()
		for service, seq := range goal {
			if w.visible[service] < seq {
				return false
			}
		}
		return true
	}
}

// entity is what a row is about, as far as it takes to say during which fault it was written: a request, a minute of a
// service, or a conversation.
type entity struct{ table, service, key string }

// check holds the tables against the ledger: each request there once, and every row equal, but for the time of storing,
// to that which the ledger's requests come to when nothing disturbs them. What is wrong is counted with the last fault
// that the row's requests were acknowledged in.
func (c *chaos) check() {
	c.t.Helper()
	last := make(map[entity]int)
	var all []schemas.Request
	c.traffic.ledger.each(func(r *schemas.Request, fault int) {
		all = append(all, *r)
		c.faults[fault].requests++
		last[entity{"requests", r.Service, r.RequestID}] = fault
		last[entity{"minutes", r.Service, fmt.Sprint(r.ArrivalUS / schemas.MinuteUS)}] = fault
		if r.Conversation != "" {
			last[entity{"conversations", r.Service, r.Conversation}] = fault
		}
	})
	c.once(last)
	undisturbed := testenv.Open(c.t, "clickhouse://"+c.engine.Addr())
	written(c.t, undisturbed, all)
	for _, table := range []struct{ name, key string }{
		{"requests", "request_id"}, {"minutes", "toString(minute)"}, {"conversations", "conversation"},
	} {
		rows := c.compare(undisturbed, table.name, table.key, last)
		c.lap("table %s: %d rows compared", table.name, rows)
		if rows == 0 {
			c.t.Errorf("table %s is empty", table.name)
		}
	}
	var letters uint64
	if err := c.db.QueryRow(c.t.Context(), "SELECT count() FROM dead_letters").Scan(&letters); err != nil || letters != 0 {
		c.t.Errorf("%d dead letters (%v)", letters, err)
	}
	verify := c.fleet.command("verify", "--clickhouse", "clickhouse://"+c.engine.Addr(), "--clickhouse-database", c.db.Database())
	if out, err := verify.CombinedOutput(); err != nil {
		c.t.Errorf("tidegauge verify: %v\n%s", err, out)
	}
}

// once counts requests that are lost, and requests that are there twice although the table keeps one of each.
func (c *chaos) once(last map[entity]int) {
	stored := make(map[entity]uint64)
	rows, err := c.db.Query(c.t.Context(), "SELECT service, request_id, count() FROM requests FINAL GROUP BY service, request_id")
	if err != nil {
		c.t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		e, n := entity{table: "requests"}, uint64(0)
		if err := rows.Scan(&e.service, &e.key, &n); err != nil {
			c.t.Fatal(err)
		}
		stored[e] = n
		if _, acknowledged := last[e]; !acknowledged {
			c.t.Errorf("request %s of %s is stored, and nobody has sent it", e.key, e.service)
		}
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}
	for e, fault := range last {
		switch n := stored[e]; {
		case e.table != "requests":
		case n == 0:
			c.faults[fault].lost++
		case n > 1:
			c.faults[fault].duplicated++
		}
	}
}

// compare counts the rows of a table that are not those of the undisturbed database, and says how many were compared.
func (c *chaos) compare(undisturbed *storage.DB, table, key string, last map[entity]int) (compared uint64) {
	c.t.Helper()
	side := func(db *storage.DB, name string) string {
		return fmt.Sprintf("SELECT service, %s AS entity, toString(tuple(* EXCEPT stored_at)) AS line, '%s' AS side FROM %s.%s FINAL",
			key, name, db.Database(), table)
	}
	both := side(undisturbed, "want") + " UNION ALL " + side(c.db, "got")
	if err := c.db.QueryRow(c.t.Context(), "SELECT countIf(side = 'want') FROM ("+both+")").Scan(&compared); err != nil {
		c.t.Fatal(err)
	}
	rows, err := c.db.Query(c.t.Context(), `SELECT service, entity, greatest(countIf(want > got), countIf(got > want)), groupArray(text) FROM (
	SELECT service, entity, countIf(side = 'want') AS want, countIf(side = 'got') AS got, concat(any(side), ' ', any(line)) AS text
	FROM (`+both+`) GROUP BY service, entity, sipHash128(line) HAVING want != got
) GROUP BY service, entity`)
	if err != nil {
		c.t.Fatal(err)
	}
	defer rows.Close()
	for shown := 0; rows.Next(); {
		e, n, lines := entity{table: table}, uint64(0), []string(nil)
		if err := rows.Scan(&e.service, &e.key, &n, &lines); err != nil {
			c.t.Fatal(err)
		}
		c.faults[last[e]].wrong += int(n)
		if shown++; shown <= 3 {
			c.t.Logf("%s: %s of %s differs: %q", table, e.key, e.service, lines)
		}
	}
	if err := rows.Err(); err != nil {
		c.t.Fatal(err)
	}
	return compared
}

// written brings to a database what the requests come to when nothing disturbs them.
func written(t *testing.T, db *storage.DB, requests []schemas.Request) {
	t.Helper()
	testenv.Migrate(t, db)
	blocks, err := processors.Evaluate(requests)
	if err != nil {
		t.Fatal(err)
	}
	writer := testenv.Writer(t, db)
	if err := writer.Write(t.Context(), [][]schemas.Block{blocks}); err != nil {
		t.Fatal(err)
	}
}

// reference holds `tidegauge report` of the busiest service against the independent reference's summary of what the ledger
// has of it, where that is at hand. One of the services, because a report of all their streams takes minutes.
func (c *chaos) reference() {
	c.t.Helper()
	scripts, python := os.Getenv("TIDEGAUGE_REFERENCE"), os.Getenv("TIDEGAUGE_REFERENCE_PYTHON")
	if scripts == "" || python == "" {
		c.t.Log("TIDEGAUGE_REFERENCE or TIDEGAUGE_REFERENCE_PYTHON is not set: the report was not compared with the reference")
		return
	}
	folder := c.t.TempDir()
	file := func(name string) string { return filepath.Join(folder, name) }
	const service = "service-00"
	var lines []byte
	c.traffic.ledger.each(func(r *schemas.Request, _ int) {
		if r.Service == service {
			lines = append(schemas.AppendJSON(lines, r), '\n')
		}
	})
	if err := os.WriteFile(file("ledger.jsonl"), lines, 0o600); err != nil {
		c.t.Fatal(err)
	}
	run := func(output string, command *exec.Cmd) {
		out, err := os.Create(file(output))
		if err != nil {
			c.t.Fatal(err)
		}
		defer out.Close()
		command.Stdout, command.Stderr = out, c.t.Output()
		if err := command.Run(); err != nil {
			text, _ := os.ReadFile(file(output))
			c.t.Errorf("%v: %v\n%.2000s", command.Args, err, text)
		}
	}
	run("want.json", exec.Command(python, filepath.Join(scripts, "characterize.py"), "--format", "canonical", file("ledger.jsonl")))
	run("got.json", c.fleet.command("report", "--json", "--service", service, "--clickhouse", "clickhouse://"+c.engine.Addr(), "--clickhouse-database", c.db.Database()))
	run("compared", exec.Command(python, filepath.Join(scripts, "compare.py"), file("want.json"), file("got.json")))
}
