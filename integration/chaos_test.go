package integration

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tidegauge/storage"
	"tidegauge/testenv"
)

var chaosLong = flag.Bool("chaos.long", false,
	"the chaos test's long form: three brokers, 50 processors killed, a full disk; about seven minutes, a table on standard output")

// fault is one kind of what is done to the pipeline, and what came of it.
type fault struct {
	name   string
	times  int
	took   time.Duration // all times together, until everything acknowledged meanwhile was visible
	notRun string        // why not

	requests, lost, duplicated, wrong int
}

// chaos is the pipeline under fire: the program's own processes between a real Kafka and a real ClickHouse engine, with
// traffic going on, and what is known about the traffic from its producer.
type chaos struct {
	t       *testing.T
	rng     *rand.Rand
	began   time.Time
	cluster *testenv.Cluster // nil: Kafka is shared, and must not be killed
	disk    string           // the small file system under the engine's folder; empty where there is none
	engine  *testenv.MortalEngine
	gate    *testenv.Gate // between the processors and the engine
	db      *storage.DB   // past the gate
	fleet   *fleet
	traffic *traffic
	watch   *watch
	faults  []*fault
}

// diskBytes is several times what the longest run needs, and soon filled.
const diskBytes = 2 << 30

// TestChaos does to the pipeline what may happen to it while requests arrive, and then holds the tables against what the
// producer knows to be acknowledged.
func TestChaos(t *testing.T) {
	if testing.Short() && !*chaosLong { // the program under fire is built without the race detector anyway
		t.Skip("takes tens of seconds")
	}
	c := &chaos{t: t, rng: rand.New(rand.NewPCG(1, uint64(time.Now().UnixNano()))), began: time.Now()}
	var kafka []string
	var topic string
	folder, services, rate := t.TempDir(), 8, float64(trafficRateLess)
	if *chaosLong {
		c.cluster = testenv.KafkaCluster(t, 3)
		kafka, topic, services, rate = c.cluster.Addrs(), testenv.Unique(t), 24, trafficRate
		testenv.CreateTopic(t, kafka[0], topic, partitions)
		disk, err := testenv.SmallDisk(t, diskBytes)
		if err == nil {
			c.disk, folder = disk, disk
		} else {
			c.faults = append(c.faults, &fault{name: diskFault, notRun: err.Error()})
		}
	} else {
		kafka, topic = []string{testenv.Kafka(t)}, testenv.KafkaTopic(t, partitions)
	}
	c.engine = testenv.StartMortalEngine(t, filepath.Join(folder, "engine"))
	c.gate = testenv.NewGate(t, c.engine.Addr())
	c.db = testenv.Open(t, "clickhouse://"+c.engine.Addr())
	testenv.Migrate(t, c.db)
	c.traffic = newTraffic(kafka, topic, services, rate)
	c.watch = &watch{db: c.db, ledger: c.traffic.ledger, visible: make(map[string]int64), stalls: make(map[int]time.Duration)}
	c.fleet = &fleet{t: t, binary: buildBinary(t), folder: t.ArtifactDir(), rng: c.rng, arguments: []string{
		"--brokers", strings.Join(kafka, ","), "--topic", topic, "--group", topic + "-group",
		"--clickhouse", "clickhouse://" + c.gate.Addr(), "--clickhouse-database", c.db.Database(), "--clickhouse-wait", "5m",
		"--processor-flush-interval", "250ms", "--processor-cache", "16MiB", "--processor-session-timeout", session.String()}}
	for range 4 {
		c.fleet.spawn()
	}
	watching, stop := context.WithCancel(t.Context())
	defer stop()
	go c.watch.run(watching, 100*time.Millisecond)
	stopTraffic := c.traffic.start(t)

	if *chaosLong {
		c.long()
	} else {
		c.short()
	}

	stopTraffic()
	c.lap("the traffic has ended")
	c.fleet.await("the last requests", c.watch.caughtUp())
	// Requests are stored before their rows, the rows before the position.
	(&pipeline{t: t, broker: kafka[0], topic: topic, group: topic + "-group", db: c.db}).drained()
	stop()
	for len(c.fleet.running) > 0 {
		c.fleet.stop(c.fleet.running[0])
	}
	c.lap("the processors have stopped")
	c.check()
	c.lap("checked")
	if *chaosLong {
		c.reference()
		c.lap("compared with the reference")
	}
	c.report()
}

// session is the shortest that Kafka allows: so long a dead processor's partitions wait.
const session = 6 * time.Second

// The faults' names, as the table has them.
const (
	calmFault    = "none"
	memberFault  = "a processor joins, one leaves"
	killFault    = "processor killed"
	zombieFault  = "processor stopped for longer than its session"
	bothFault    = "processor stopped, the others killed"
	brokerFault  = "broker killed"
	engineFault  = "ClickHouse killed"
	refuseFault  = "ClickHouse resets connections"
	errorFault   = "ClickHouse refuses inserts"
	diskFault    = "ClickHouse's disk is full"
	combineFault = "ClickHouse and a processor killed"
)

func (c *chaos) short() {
	c.inject(engineFault, 1, func() { c.killEngine(nil) })
	c.inject(bothFault, 4, func() { c.zombie(true, func() { c.kill(3) }) })
	c.inject(memberFault, 1, c.member)
	c.inject(errorFault, 1, func() { c.refuseInserts(500 * time.Millisecond) })
	c.inject(refuseFault, 1, func() { c.refuse(1500 * time.Millisecond) })
}

func (c *chaos) long() {
	c.inject(calmFault, 1, func() { time.Sleep(5 * time.Second) })
	for i := range 3 {
		c.inject(memberFault, 1, c.member)
		c.killRounds(4)
		c.inject(brokerFault, 1, func() { c.killBroker(i) })
		c.inject(engineFault, 1, func() { c.killEngine(nil) })
		c.inject(combineFault, 1, func() { c.killEngine(func() { c.kill(1) }) })
		if i > 0 {
			c.inject(zombieFault, 1, func() { c.zombie(i > 1, nil) })
		}
	}
	c.inject(errorFault, 2, func() { c.refuseInserts(10 * time.Second) })
	if c.disk != "" {
		c.inject(diskFault, 1, func() { c.fillDisk(10 * time.Second) })
	}
	c.inject(refuseFault, 1, func() { c.refuse(time.Minute) })
	if c.fleet.killed < 50 {
		c.t.Errorf("%d processors were killed, want 50", c.fleet.killed)
	}
}

// killRounds kills all four processors within a second or two, waits for those that take over, and again.
func (c *chaos) killRounds(n int) {
	for range n {
		c.inject(killFault, 4, func() { c.kill(4) })
	}
}

// inject does something to the pipeline and waits until everything acknowledged by then is visible.
func (c *chaos) inject(name string, times int, do func()) {
	c.t.Helper()
	i := 0
	for i < len(c.faults) && c.faults[i].name != name {
		i++
	}
	if i == len(c.faults) {
		c.faults = append(c.faults, &fault{name: name})
	}
	c.traffic.ledger.fault.Store(int32(i))
	began := time.Now()
	do()
	c.fleet.await("requests acknowledged until the end of: "+name, c.watch.caughtUp())
	took := time.Since(began)
	c.faults[i].times += times
	c.faults[i].took += took
	c.lap("%s (%d): %.1fs until all was visible", name, times, took.Seconds())
}

// lap says how far the test is, for whoever waits for it.
func (c *chaos) lap(format string, arguments ...any) {
	c.t.Helper()
	c.t.Logf("%5.1fs  %s", time.Since(c.began).Seconds(), fmt.Sprintf(format, arguments...))
}

// soon waits for up to most, so that what comes next falls anywhere in the pipeline's work.
func (c *chaos) soon(most time.Duration) { time.Sleep(time.Duration(c.rng.Int64N(int64(most)))) }

func (c *chaos) must(what string, err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatalf("%s: %v", what, err)
	}
}

func (c *chaos) member() {
	p := c.fleet.spawn()
	c.fleet.await("a new processor's joining", func() bool { return p.joined() > 0 })
	c.soon(time.Second)
	c.fleet.stop(c.fleet.anyone())
}

func (c *chaos) kill(n int) {
	for range n {
		c.soon(500 * time.Millisecond)
		c.fleet.kill()
	}
}

// killBroker kills one of the three, which leads a third of the partitions, and starts it again a little later.
func (c *chaos) killBroker(node int) {
	c.soon(time.Second)
	c.must("killing a broker", c.cluster.Kill(node))
	time.Sleep(5 * time.Second)
	c.must("restarting the broker", c.cluster.Restart(node))
}

// killEngine kills ClickHouse and starts it again after what happens meanwhile.
func (c *chaos) killEngine(meanwhile func()) {
	c.soon(time.Second)
	c.must("killing ClickHouse", c.engine.Kill())
	if meanwhile != nil {
		meanwhile()
	} else {
		c.soon(2 * time.Second)
	}
	c.must("restarting ClickHouse", c.engine.Restart(c.t.Context()))
}

func (c *chaos) refuse(d time.Duration) {
	c.gate.Shut()
	time.Sleep(d)
	if !c.gate.Open() {
		c.t.Error("no connection was reset: nothing was tested")
	}
}

// refuseInserts has ClickHouse answer with errors: first that there are too many parts, which passes by itself, then that
// a table is not there, which somebody has to mend.
func (c *chaos) refuseInserts(d time.Duration) {
	ctx := c.t.Context()
	c.must("setting limits", c.db.Exec(ctx, "ALTER TABLE requests MODIFY SETTING parts_to_throw_insert = 1, parts_to_delay_insert = 1"))
	time.Sleep(d)
	c.refused("Too many parts")
	c.must("resetting limits", c.db.Exec(ctx, "ALTER TABLE requests RESET SETTING parts_to_throw_insert, parts_to_delay_insert"))
	c.soon(time.Second)
	c.must("renaming", c.db.Exec(ctx, "RENAME TABLE minutes TO minutes_elsewhere"))
	time.Sleep(d)
	c.must("renaming back", c.db.Exec(ctx, "RENAME TABLE minutes_elsewhere TO minutes"))
}

// refused checks that ClickHouse does refuse inserts at the moment, with an error that says why. What it tries to insert
// is a copy of what is there.
func (c *chaos) refused(why string) {
	c.t.Helper()
	err := c.db.Exec(c.t.Context(), "INSERT INTO requests SELECT * FROM requests LIMIT 1")
	if err == nil || !strings.Contains(err.Error(), why) {
		c.t.Errorf("an insert was not refused for %s (%v): nothing was tested", why, err)
	}
}

// zombie stops a processor until its partitions have gone to others, and lets it go on. With writing it is stopped while
// a flush of its own is on the way, which it tries to write once more when it goes on.
func (c *chaos) zombie(writing bool, meanwhile func()) {
	c.soon(time.Second)
	p := c.fleet.anyone()
	if writing {
		c.gate.Shut()
		time.Sleep(500 * time.Millisecond)
	}
	c.fleet.signal(p, syscall.SIGSTOP)
	if writing {
		c.gate.Open()
	}
	before := p.joined()
	c.fleet.remove(p) // from what may be killed
	if meanwhile != nil {
		meanwhile()
	}
	time.Sleep(session)
	c.fleet.await("its partitions' new owners", c.watch.caughtUp())
	c.fleet.signal(p, syscall.SIGCONT)
	c.fleet.running = append(c.fleet.running, p)
	c.fleet.await("the stopped processor's coming back", func() bool { return p.joined() > before })
}

// fillDisk fills ClickHouse's disk far into what the engine keeps free, for a while. Not to the last byte: what another
// program does to that may be lost, see docs/reliability.md.
func (c *chaos) fillDisk(d time.Duration) {
	const left = 128 << 20
	path := filepath.Join(c.disk, "filler")
	filler, err := os.Create(path)
	c.must("making a large file", err)
	block := make([]byte, 1<<20)
	for end := time.Now().Add(d); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		for { // again and again: old parts are removed
			var disk syscall.Statfs_t
			c.must("asking for the disk's free space", syscall.Statfs(c.disk, &disk))
			if disk.Bavail*uint64(disk.Bsize) < left {
				break
			}
			_, err = filler.Write(block)
			c.must("filling the disk", err)
		}
	}
	c.refused("not enough space")
	c.must("removing the large file", errors.Join(filler.Close(), os.Remove(path)))
}

// report prints the table and fails the test if it is not clean.
func (c *chaos) report() {
	var text strings.Builder
	line := func(f *fault, stall time.Duration) {
		fmt.Fprintf(&text, "%-46s %5d %5.0f s %9d %6d %10d %10d %11.1f s\n", f.name, f.times, f.took.Seconds(), f.requests, f.lost, f.duplicated, f.wrong, stall.Seconds())
	}
	fmt.Fprintf(&text, "%-46s %5s %7s %9s %6s %10s %10s %13s\n", "fault", "times", "in all", "requests", "lost", "duplicated", "rows wrong", "longest stall")
	total := fault{name: "all"}
	var longest time.Duration
	for i, f := range c.faults {
		if f.notRun != "" {
			fmt.Fprintf(&text, "%-46s not run: %s\n", f.name, f.notRun)
			continue
		}
		line(f, c.watch.stalls[i])
		longest = max(longest, c.watch.stalls[i])
		total.times += f.times
		total.took += f.took
		total.requests += f.requests
		total.lost += f.lost
		total.duplicated += f.duplicated
		total.wrong += f.wrong
	}
	line(&total, longest)
	fmt.Fprintf(&text, "%d processors were started, %d of them killed; %d of the producer's batches were in doubt and written again.\n", c.fleet.spawned, c.fleet.killed, c.traffic.doubtful.Load())
	fmt.Print(text.String())
	if total.lost+total.duplicated+total.wrong > 0 {
		c.t.Errorf("the tables are not what was acknowledged:\n%s", text.String())
	}
}
