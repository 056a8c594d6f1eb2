package integration

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidegauge/testenv"
)

// fleet is `tidegauge process`, as processes of their own that come and go.
type fleet struct {
	t         *testing.T
	binary    string
	folder    string // of what they write
	arguments []string
	rng       *rand.Rand
	running   []*processor
	spawned   int
	killed    int
}

type processor struct {
	command *exec.Cmd
	log     string
	ended   <-chan struct{}
}

// buildBinary builds the program.
func buildBinary(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "tidegauge")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", path, "tidegauge/cmd/tidegauge")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building tidegauge: %v\n%s", err, out)
	}
	return path
}

// command is the program with surroundings of its own: no configuration, no running pipeline.
func (f *fleet) command(arguments ...string) *exec.Cmd {
	c := exec.Command(f.binary, arguments...)
	c.Dir = f.folder
	c.Env = []string{"HOME=" + f.folder, "TIDEGAUGE_DATA_DIR=" + filepath.Join(f.folder, "data")}
	return c
}

// spawn starts one more processor.
func (f *fleet) spawn() *processor {
	f.t.Helper()
	f.spawned++
	p := &processor{log: filepath.Join(f.folder, fmt.Sprintf("processor-%03d.log", f.spawned))}
	out, err := os.Create(p.log)
	if err != nil {
		f.t.Fatal(err)
	}
	defer out.Close()
	p.command = f.command(append([]string{"process", "--listen", "off", "--log-format", "text"}, f.arguments...)...)
	p.command.Stdout, p.command.Stderr = out, out
	if p.ended, err = testenv.StartChild(p.command); err != nil {
		f.t.Fatal(err)
	}
	f.t.Cleanup(func() { // whatever comes of the test
		_ = p.command.Process.Kill()
		<-p.ended
	})
	f.running = append(f.running, p)
	return p
}

// joined counts the generations of the group that the processor has been a member of.
func (p *processor) joined() int {
	text, _ := os.ReadFile(p.log)
	return bytes.Count(text, []byte("joined the consumer group"))
}

// tail gives the end of what the processor wrote.
func (p *processor) tail() string {
	text, _ := os.ReadFile(p.log)
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	return fmt.Sprintf("%s ends:\n%s", filepath.Base(p.log), strings.Join(lines[max(0, len(lines)-15):], "\n"))
}

// healthy ends the test if a processor has ended that was not told to.
func (f *fleet) healthy() {
	f.t.Helper()
	for _, p := range f.running {
		select {
		case <-p.ended:
			f.t.Fatalf("a processor has ended by itself (%s): %s", p.command.ProcessState, p.tail())
		default:
		}
	}
}

// await waits until the condition holds. That it never does is the failure that the whole test is about, so there is
// much time for it: a busy machine is no failure.
func (f *fleet) await(what string, condition func() bool) {
	f.t.Helper()
	for deadline := time.Now().Add(3 * time.Minute); !condition(); time.Sleep(20 * time.Millisecond) {
		f.healthy()
		if time.Now().After(deadline) {
			for _, p := range f.running {
				f.t.Log(p.tail())
			}
			f.t.Fatal("waited three minutes in vain: ", what)
		}
	}
}

// anyone picks a processor that has work: one that has joined the group.
func (f *fleet) anyone() *processor {
	f.t.Helper()
	var p *processor
	f.await("a processor that has joined the group", func() bool {
		p = f.running[f.rng.IntN(len(f.running))]
		return p.joined() > 0
	})
	return p
}

func (f *fleet) remove(p *processor) {
	for i := range f.running {
		if f.running[i] == p {
			f.running = append(f.running[:i:i], f.running[i+1:]...)
			return
		}
	}
}

// kill ends a processor at work with SIGKILL, and starts another.
func (f *fleet) kill() {
	f.t.Helper()
	p := f.anyone()
	f.remove(p)
	_ = p.command.Process.Kill()
	<-p.ended
	f.killed++
	f.spawn()
}

// signal sends a signal to a processor that must be there.
func (f *fleet) signal(p *processor, s syscall.Signal) {
	f.t.Helper()
	if err := p.command.Process.Signal(s); err != nil {
		f.t.Fatalf("%v: %v: %s", s, err, p.tail())
	}
}

// stop ends a processor as an administrator does; it must end cleanly.
func (f *fleet) stop(p *processor) {
	f.t.Helper()
	f.remove(p)
	f.signal(p, syscall.SIGTERM)
	<-p.ended
	if code := p.command.ProcessState.ExitCode(); code != 0 {
		f.t.Errorf("a processor that was told to stop ended with %d: %s", code, p.tail())
	}
}
