package integration

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tidegauge/processors"
	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// binary builds the program.
func binary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tidegauge")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", path, "tidegauge/cmd/tidegauge")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building tidegauge: %v\n%s", err, out)
	}
	return path
}

// freePort gives a loopback port that nobody listens on.
func freePort(t *testing.T) int {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().(*net.TCPAddr).Port
}

// processor is `tidegauge process` as a process of its own.
type processor struct {
	command *exec.Cmd
	output  *bytes.Buffer
}

func (p *pipeline) spawn(binary string) *processor {
	p.t.Helper()
	c := exec.Command(binary, "process", "--brokers", p.broker, "--topic", p.topic, "--group", p.group,
		"--clickhouse", testenv.Engine(p.t).Addr(), "--clickhouse-database", p.db.Database(),
		"--processor-flush-interval", "100ms", "--processor-cache", "16MiB",
		"--listen", fmt.Sprintf("127.0.0.1:%d", freePort(p.t)), "--log-format", "text")
	c.Env = append(os.Environ(), "HOME="+p.t.TempDir())
	s := &processor{c, new(bytes.Buffer)}
	c.Stdout, c.Stderr = s.output, s.output
	if err := c.Start(); err != nil {
		p.t.Fatal(err)
	}
	return s
}

// kill ends the process with SIGKILL, whatever it is doing.
func (s *processor) kill() {
	_ = s.command.Process.Kill()
	_ = s.command.Wait()
}

// contents gives every row of a table but for the time of storing, in order.
func contents(t *testing.T, db *storage.DB, table string) []string {
	t.Helper()
	rows, err := db.Query(t.Context(), "SELECT toString(tuple(* EXCEPT stored_at)) AS line FROM "+table+" FINAL ORDER BY line")
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	var all []string
	for rows.Next() {
		var line string
		if err := rows.Scan(&line); err != nil {
			t.Fatal(err)
		}
		all = append(all, line)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

// TestKilledProcessorsChangeNothing kills the real program at random moments while records arrive, and holds the tables
// against those that the same requests come to when nothing disturbs them.
func TestKilledProcessorsChangeNothing(t *testing.T) {
	p := newPipeline(t)
	program := binary(t)
	var all []schemas.Request
	for _, tr := range sampleTraces(t) {
		all = append(all, tr.read(t)...)
	}
	rng := rand.New(rand.NewPCG(3, 4))
	rng.Shuffle(len(all)/2, func(i, j int) { all[i], all[j] = all[j], all[i] }) // the first half in no order at all

	kills := 8
	if testing.Short() {
		kills = 3
	}
	part := len(all)/kills + 1
	running := p.spawn(program)
	for round := range kills {
		p.write(all[min(len(all), round*part):min(len(all), (round+1)*part)])
		time.Sleep(time.Duration(rng.IntN(1500)) * time.Millisecond)
		running.kill()
		running = p.spawn(program)
	}
	t.Cleanup(func() {
		if t.Failed() {
			running.kill()
			t.Logf("the last processor wrote:\n%s", running.output)
		}
	})
	p.drained()
	if err := running.command.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	if err := running.command.Wait(); err != nil {
		t.Errorf("the processor did not stop cleanly: %v\n%s", err, running.output)
	}

	undisturbed := newPipeline(t)
	blocks, err := processors.Evaluate(all)
	if err != nil {
		t.Fatal(err)
	}
	writer, err := storage.NewWriter(storage.DefaultWriterConfig(), storage.WriterDependencies{DB: undisturbed.db,
		Quarantine: func(table string, _ schemas.Block, err error) { t.Errorf("a row of %s was refused: %v", table, err) }})
	if err != nil {
		t.Fatal(err)
	}
	if err := writer.Write(t.Context(), [][]schemas.Block{blocks}); err != nil {
		t.Fatal(err)
	}
	for _, table := range []string{"requests", "minutes", "conversations"} {
		want, got := contents(t, undisturbed.db, table), contents(t, p.db, table)
		if len(want) != len(got) {
			t.Errorf("table %s has %d rows, want %d", table, len(got), len(want))
		}
		wrong := 0
		for i := range min(len(want), len(got)) {
			if want[i] != got[i] {
				if wrong++; wrong == 1 {
					t.Errorf("table %s differs, first at row %d:\nwant %s\ngot  %s", table, i, want[i], got[i])
				}
			}
		}
	}
	if lines := strings.Count(running.output.String(), "level=ERROR"); lines > 0 {
		t.Errorf("the processor logged errors:\n%s", running.output)
	}
}
