package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
	"golang.org/x/sys/unix"

	"tidegauge/schemas"
	"tidegauge/storage"
	"tidegauge/testenv"
)

// lab is what a benchmark works with: an Apache Kafka, a ClickHouse engine and the product's binary, all on the same
// cores as the benchmark.
type lab struct {
	out    io.Writer // results
	log    io.Writer // what is going on
	binary string    // tidegauge
	self   string    // this program, which some contenders are part of
	folder string
	// profile, where given, is a file that gets a CPU profile of the processor's first seconds of a drain.
	profile string

	kafka  *testenv.Cluster
	engine *storage.Engine
	db     *storage.DB // the engine's, no database in particular
	client *kafka.Client
	tally  int
}

func newLab(ctx context.Context, out, log io.Writer, binary string) (_ *lab, err error) {
	l := &lab{out: out, log: log}
	if l.binary, err = filepath.Abs(binary); err != nil {
		return nil, err
	}
	if l.self, err = os.Executable(); err != nil {
		return nil, err
	}
	if _, err := os.Stat(l.binary); err != nil {
		return nil, fmt.Errorf("the program to measure: %w (make build makes it)", err)
	}
	if err := pin(cores); err != nil {
		return nil, err
	}
	if l.folder, err = os.MkdirTemp("", "tidegauge-bench-"); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			l.close()
		}
	}()
	if l.kafka, err = testenv.StartKafka(1); err != nil {
		return nil, err
	}
	l.client = &kafka.Client{Addr: kafka.TCP(l.broker()), Timeout: 10 * time.Second}
	c := storage.DefaultEngineConfig()
	c.Folder, c.Executable = filepath.Join(l.folder, "engine"), l.binary
	c.Logger = slog.New(slog.DiscardHandler)
	c.Grants = []string{"GRANT TABLE ENGINE ON Kafka", "GRANT READ ON KAFKA"} // for ClickHouse's own way
	if l.engine, err = storage.StartEngine(ctx, c); err != nil {
		return nil, err
	}
	l.db, err = l.open(ctx, "")
	return l, err
}

// cores are how many everything shares: producer, broker, processors and engine.
const cores = 2

// pin keeps this process, and with it whatever it starts, to the first n cores. Affinity is a thread's own and goes to
// the threads and processes that it makes.
func pin(n int) error {
	var allowed, set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &allowed); err != nil {
		return err
	}
	for cpu := 0; set.Count() < min(n, allowed.Count()); cpu++ {
		if allowed.IsSet(cpu) {
			set.Set(cpu)
		}
	}
	threads, err := os.ReadDir("/proc/self/task")
	for _, thread := range threads {
		id, malformed := strconv.Atoi(thread.Name())
		failed := unix.SchedSetaffinity(id, &set)
		if errors.Is(failed, unix.ESRCH) { // it has ended since
			failed = nil
		}
		err = errors.Join(err, malformed, failed)
	}
	return err
}

func (l *lab) broker() string { return l.kafka.Addrs()[0] }

func (l *lab) say(format string, arguments ...any) {
	fmt.Fprintf(l.log, format+"\n", arguments...)
}

func (l *lab) open(ctx context.Context, database string) (*storage.DB, error) {
	c := storage.DefaultConfig()
	c.Address, c.Database, c.CreateDatabase = l.engine.Addr(), database, database != ""
	if database == "" {
		c.Database = "default"
	}
	return storage.Open(ctx, c)
}

// name gives a name for a topic, a group or a database that nobody had before.
func (l *lab) name(what string) string {
	l.tally++
	return fmt.Sprintf("%s_%d", what, l.tally)
}

// database makes a database with the product's tables, or an empty one.
func (l *lab) database(ctx context.Context, name string, migrate bool) (*storage.DB, error) {
	db, err := l.open(ctx, name)
	if err != nil || !migrate {
		return db, err
	}
	migrations, err := schemas.Migrations(schemas.Topology{})
	if err == nil {
		_, err = storage.Migrate(ctx, db, migrations)
	}
	if err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// drop removes a database and closes its handle.
func (l *lab) drop(ctx context.Context, db *storage.DB) error {
	return errors.Join(db.Exec(ctx, "DROP DATABASE "+db.Database()+" SYNC"), db.Close())
}

// processor starts tidegauge process on a topic, with more arguments where given.
func (l *lab) processor(topic, group string, db *storage.DB, arguments ...string) (*process, error) {
	return startProcess(l.folder, "process", l.binary, append([]string{"process", "--brokers", l.broker(), "--topic", topic,
		"--group", group, "--clickhouse", l.engine.Addr() + "/" + db.Database(), "--listen", "off",
		"--data-dir", l.folder, "--log-format", "text"}, arguments...)...)
}

func (l *lab) close() {
	if l.db != nil {
		_ = l.db.Close()
	}
	if l.engine != nil {
		_ = l.engine.Stop(context.Background())
	}
	if l.kafka != nil {
		l.kafka.Stop()
	}
	_ = os.RemoveAll(l.folder)
}

// ends gives the offset after the last record of each partition of a topic.
func (l *lab) ends(ctx context.Context, topic string, partitions int) (map[int]int64, error) {
	var requests []kafka.OffsetRequest
	for p := range partitions {
		requests = append(requests, kafka.LastOffsetOf(p))
	}
	response, err := l.client.ListOffsets(ctx, &kafka.ListOffsetsRequest{Topics: map[string][]kafka.OffsetRequest{topic: requests}})
	if err != nil {
		return nil, err
	}
	ends := map[int]int64{}
	for _, p := range response.Topics[topic] {
		if p.Error != nil {
			return nil, p.Error
		}
		ends[p.Partition] = p.LastOffset
	}
	return ends, nil
}

// committed counts the records up to a group's commits.
func (l *lab) committed(ctx context.Context, group, topic string, partitions int) (int64, error) {
	var ids []int
	for p := range partitions {
		ids = append(ids, p)
	}
	response, err := l.client.OffsetFetch(ctx, &kafka.OffsetFetchRequest{GroupID: group, Topics: map[string][]int{topic: ids}})
	if err != nil {
		return 0, err
	}
	var records int64
	for _, p := range response.Topics[topic] {
		if p.Error != nil {
			return 0, p.Error
		}
		records += max(0, p.CommittedOffset)
	}
	return records, nil
}

// deleteTopic frees a topic's disk.
func (l *lab) deleteTopic(ctx context.Context, topic string) error {
	response, err := l.client.DeleteTopics(ctx, &kafka.DeleteTopicsRequest{Topics: []string{topic}})
	if err == nil {
		err = response.Errors[topic]
	}
	return err
}

// How often the end of a drain is looked for: often enough for times of seconds, rarely enough to cost nothing.
const pollInterval = 50 * time.Millisecond

// drained waits until a group has committed n records: every contender commits what ClickHouse has acknowledged, and
// not before. A drain without progress for two minutes is an error.
func (l *lab) drained(ctx context.Context, group, topic string, partitions int, n int64, check func() error) error {
	last, since := int64(0), time.Now()
	for {
		done, err := l.committed(ctx, group, topic, partitions)
		if err != nil {
			return fmt.Errorf("reading the commits of group %s: %w", group, err)
		}
		if done >= n {
			return nil
		}
		if done != last {
			last, since = done, time.Now()
		}
		if time.Since(since) > 2*time.Minute {
			return fmt.Errorf("group %s has committed %d of %d records of topic %s and nothing for two minutes", group, done, n, topic)
		}
		if err := check(); err != nil {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(pollInterval):
		}
	}
}

// settled waits until the engine merges no more.
func (l *lab) settled(ctx context.Context) error {
	for quiet, began := 0, time.Now(); quiet < 3 && time.Since(began) < 3*time.Minute; {
		var merges uint64
		if err := l.db.QueryRow(ctx, "SELECT count() FROM system.merges").Scan(&merges); err != nil {
			return err
		}
		if quiet++; merges > 0 {
			quiet = 0
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(500 * time.Millisecond):
		}
	}
	return nil
}

// number asks for one number.
func number(ctx context.Context, db *storage.DB, query string) (int64, error) {
	var n int64
	err := db.QueryRow(ctx, query).Scan(&n)
	if err != nil {
		err = fmt.Errorf("%s: %w", strings.Join(strings.Fields(query), " "), err)
	}
	return n, err
}
