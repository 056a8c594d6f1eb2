package broker

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/segmentio/kafka-go"
	"go.uber.org/goleak"
)

const (
	testTopic = "broker.test.v1"
	testGroup = "broker-test"

	// childFolder, when set, makes the test binary a broker on that folder, to be killed by its parent.
	childFolder = "TIDEGAUGE_BROKER_TEST_FOLDER"
	childSync   = "TIDEGAUGE_BROKER_TEST_SYNC"
)

func TestMain(m *testing.M) {
	if folder := os.Getenv(childFolder); folder != "" {
		serveAsChild(folder)
	}
	goleak.VerifyTestMain(m)
}

func testConfiguration(folder string) Configuration {
	c := DefaultConfiguration()
	c.Listen = "127.0.0.1:0"
	c.DataDir = folder
	c.Topics = []string{testTopic}
	c.Partitions = 3
	return c
}

func start(t *testing.T, c Configuration) *Broker {
	t.Helper()
	b, err := New(c, Dependencies{})
	if err != nil {
		t.Fatal(err)
	}
	if err := b.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { stop(t, b) })
	return b
}

func stop(t *testing.T, b *Broker) {
	t.Helper()
	if err := b.Stop(); err != nil {
		t.Error(err)
	}
}

// connect gives a kafka-go client whose connections end with the test.
func connect(t *testing.T, addr string) *kafka.Client {
	t.Helper()
	transport := new(kafka.Transport)
	t.Cleanup(transport.CloseIdleConnections)
	return &kafka.Client{Addr: kafka.TCP(addr), Timeout: 20 * time.Second, Transport: transport}
}

func produce(ctx context.Context, client *kafka.Client, partition int, values ...string) error {
	records := make([]kafka.Record, len(values))
	for i, v := range values {
		records[i] = kafka.Record{Key: kafka.NewBytes([]byte("svc")), Value: kafka.NewBytes([]byte(v))}
	}
	response, err := client.Produce(ctx, &kafka.ProduceRequest{
		Topic: testTopic, Partition: partition, RequiredAcks: kafka.RequireAll, Records: kafka.NewRecordReader(records...),
	})
	if err != nil {
		return err
	}
	return response.Error
}

// consume reads a whole partition with Conn.ReadBatch, as the processors do.
func consume(t *testing.T, addr string, partition int) []string {
	t.Helper()
	conn, err := kafka.DialLeader(t.Context(), "tcp", addr, testTopic, partition)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	first, last, err := conn.ReadOffsets()
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.Seek(first, kafka.SeekAbsolute); err != nil {
		t.Fatal(err)
	}
	var values []string
	buf := make([]byte, 1<<20)
	for first+int64(len(values)) < last {
		if err := conn.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
			t.Fatal(err)
		}
		batch := conn.ReadBatch(1, 10<<20)
		for {
			n, err := batch.Read(buf)
			if err != nil {
				break
			}
			// A fetch answers with the whole record batch the offset lies in, and Batch.Read does not skip its head.
			if batch.Offset()-1 >= first+int64(len(values)) {
				values = append(values, string(buf[:n]))
			}
		}
		if err := batch.Close(); err != nil && !errors.Is(err, io.EOF) {
			t.Fatal(err)
		}
	}
	return values
}

// commit joins the group, commits the offsets with a note under the group's generation, and leaves.
func commit(t *testing.T, addr string, offsets map[int]int64) {
	t.Helper()
	group, err := kafka.NewConsumerGroup(kafka.ConsumerGroupConfig{
		ID: testGroup, Brokers: []string{addr}, Topics: []string{testTopic}, JoinGroupBackoff: 50 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	defer group.Close()
	generation, err := group.Next(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	client := connect(t, addr)
	request := &kafka.OffsetCommitRequest{
		GroupID: testGroup, GenerationID: int(generation.ID), MemberID: generation.MemberID,
		Topics: map[string][]kafka.OffsetCommit{},
	}
	for p, offset := range offsets {
		request.Topics[testTopic] = append(request.Topics[testTopic],
			kafka.OffsetCommit{Partition: p, Offset: offset, Metadata: fmt.Sprintf("note %d", p)})
	}
	response, err := client.OffsetCommit(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range response.Topics[testTopic] {
		if p.Error != nil {
			t.Fatal(p.Error)
		}
	}
}

func committed(t *testing.T, addr string) map[int]string {
	t.Helper()
	response, err := connect(t, addr).OffsetFetch(t.Context(), &kafka.OffsetFetchRequest{
		GroupID: testGroup, Topics: map[string][]int{testTopic: {0, 1, 2}},
	})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[int]string)
	for _, p := range response.Topics[testTopic] {
		got[p.Partition] = fmt.Sprintf("%d %s", p.CommittedOffset, p.Metadata)
	}
	return got
}

func TestDataAndOffsetsSurviveRestart(t *testing.T) {
	folder := t.TempDir()
	c := testConfiguration(folder)
	b := start(t, c)
	client := connect(t, b.Addr())
	want := map[int][]string{0: {"a", "b", "c"}, 1: {"d"}}
	for p, values := range want {
		if err := produce(t.Context(), client, p, values...); err != nil {
			t.Fatal(err)
		}
	}
	commit(t, b.Addr(), map[int]int64{0: 2, 1: 1})

	for round := range 3 {
		stop(t, b)
		if err := b.Start(t.Context()); err != nil {
			t.Fatal(err)
		}
		for p := range 3 {
			if diff := cmp.Diff(want[p], consume(t, b.Addr(), p)); diff != "" {
				t.Errorf("round %d, partition %d (-want +got):\n%s", round, p, diff)
			}
		}
		offsets := map[int]string{0: "2 note 0", 1: "1 note 1", 2: "-1 "}
		if diff := cmp.Diff(offsets, committed(t, b.Addr())); diff != "" {
			t.Errorf("round %d, offsets (-want +got):\n%s", round, diff)
		}
		more := fmt.Sprint("round ", round)
		if err := produce(t.Context(), connect(t, b.Addr()), 2, more); err != nil {
			t.Fatal(err)
		}
		want[2] = append(want[2], more)
	}
}

// serveAsChild runs a broker until it is killed, and prints its address.
func serveAsChild(folder string) {
	c := testConfiguration(folder)
	c.SyncWrites = os.Getenv(childSync) == "true"
	b, err := New(c, Dependencies{})
	if err == nil {
		err = b.Start(context.Background())
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(b.Addr())
	_, _ = io.Copy(io.Discard, os.Stdin) // ends with the parent, should the parent forget
	os.Exit(0)
}

// child starts a broker process on the folder.
func child(t *testing.T, folder string, syncWrites bool) (process *os.Process, addr string) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), childFolder+"="+folder, fmt.Sprintf("%s=%t", childSync, syncWrites))
	cmd.Stderr = os.Stderr
	if _, err := cmd.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
	})
	addr, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		t.Fatalf("the child broker did not start: %v", err)
	}
	return cmd.Process, strings.TrimSpace(addr)
}

func TestAcknowledgedSurvivesKill(t *testing.T) {
	for _, syncWrites := range []bool{true, false} {
		t.Run(fmt.Sprintf("sync=%t", syncWrites), func(t *testing.T) {
			folder := t.TempDir()
			acknowledged := make([][]string, 3)
			var offsets map[int]string
			for round := range 3 {
				process, addr := child(t, folder, syncWrites)
				for p := range acknowledged {
					got := consume(t, addr, p)
					// A batch that was being answered when the kill came may be there too.
					if len(got) < len(acknowledged[p]) {
						t.Fatalf("round %d, partition %d: %d records, %d were acknowledged", round, p, len(got), len(acknowledged[p]))
					}
					if diff := cmp.Diff(acknowledged[p], got[:len(acknowledged[p]):len(acknowledged[p])]); diff != "" {
						t.Fatalf("round %d, partition %d (-want +got):\n%s", round, p, diff)
					}
					acknowledged[p] = got
				}
				if offsets != nil {
					if diff := cmp.Diff(offsets, committed(t, addr)); diff != "" {
						t.Fatalf("round %d, offsets (-want +got):\n%s", round, diff)
					}
				}
				client := connect(t, addr)
				if err := produce(t.Context(), client, 0, fmt.Sprint("before the commit of round ", round)); err != nil {
					t.Fatal(err)
				}
				acknowledged[0] = append(acknowledged[0], fmt.Sprint("before the commit of round ", round))
				commit(t, addr, map[int]int64{0: int64(len(acknowledged[0]))})
				offsets = map[int]string{0: fmt.Sprintf("%d note 0", len(acknowledged[0])), 1: "-1 ", 2: "-1 "}

				killed := time.AfterFunc(150*time.Millisecond, func() { _ = process.Kill() })
				for i := 0; ; i++ {
					values := []string{fmt.Sprint(round, i), fmt.Sprint(round, i, "b")}
					if err := produce(t.Context(), client, i%3, values...); err != nil {
						break
					}
					acknowledged[i%3] = append(acknowledged[i%3], values...)
				}
				if killed.Stop() {
					t.Fatal("producing failed before the kill")
				}
				_, _ = process.Wait()
			}
			if len(acknowledged[2]) == 0 {
				t.Fatal("nothing was acknowledged before the kills: the test shows nothing")
			}
		})
	}
}

func TestFolderIsLocked(t *testing.T) {
	folder := t.TempDir()
	c := testConfiguration(folder)
	process, _ := child(t, folder, true)
	b, err := New(c, Dependencies{})
	if err != nil {
		t.Fatal(err)
	}
	err = b.Start(t.Context())
	if !errors.Is(err, ErrLocked) || !strings.Contains(err.Error(), fmt.Sprint(process.Pid)) {
		t.Fatalf("got %v, want ErrLocked naming process %d", err, process.Pid)
	}
	if err := process.Kill(); err != nil {
		t.Fatal(err)
	}
	_, _ = process.Wait()
	if err := b.Start(t.Context()); err != nil {
		t.Fatalf("after the holder was killed: %v", err)
	}
	stop(t, b)
}

func TestStartErrors(t *testing.T) {
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer busy.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	broken := t.TempDir()
	if err := os.Mkdir(filepath.Join(broken, "kafka"), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(broken, "kafka", "meta.json"), []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, tc := range map[string]struct {
		change func(*Configuration)
		is     error
		says   string
	}{
		"port busy":        {func(c *Configuration) { c.Listen = busy.Addr().String() }, ErrPortBusy, busy.Addr().String()},
		"folder in a file": {func(c *Configuration) { c.DataDir = filepath.Join(file, "log") }, nil, file},
		"damaged log":      {func(c *Configuration) { c.DataDir = broken }, nil, "meta.json"},
	} {
		t.Run(name, func(t *testing.T) {
			c := testConfiguration(t.TempDir())
			tc.change(&c)
			b, err := New(c, Dependencies{})
			if err != nil {
				t.Fatal(err)
			}
			err = b.Start(t.Context())
			if err == nil {
				stop(t, b)
				t.Fatal("started")
			}
			if tc.is != nil && !errors.Is(err, tc.is) || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("got %q, want it to be %v and to mention %q", err, tc.is, tc.says)
			}
			if err := b.Stop(); err != nil {
				t.Errorf("Stop after a failed Start: %v", err)
			}
		})
	}
}

func TestTopicsKeepTheirPartitions(t *testing.T) {
	b := start(t, testConfiguration(t.TempDir()))
	if err := b.CreateTopic(t.Context(), testTopic, 9); err != nil {
		t.Fatal(err)
	}
	if err := b.CreateTopic(t.Context(), "other.v1", 0); err != nil {
		t.Fatal(err)
	}
	if err := b.CreateTopic(t.Context(), "no spaces", 0); err == nil || !strings.Contains(err.Error(), "no spaces") {
		t.Errorf("a name Kafka refuses: got %v", err)
	}
	metadata, err := connect(t, b.Addr()).Metadata(t.Context(), &kafka.MetadataRequest{})
	if err != nil {
		t.Fatal(err)
	}
	got := make(map[string]int)
	for _, topic := range metadata.Topics {
		got[topic.Name] = len(topic.Partitions)
	}
	if diff := cmp.Diff(map[string]int{testTopic: 3, "other.v1": 3}, got); diff != "" {
		t.Errorf("partitions (-want +got):\n%s", diff)
	}
}

func TestValidateReportsEveryMistake(t *testing.T) {
	c := Configuration{Listen: "0.0.0.0:70000", Partitions: 0, RetentionBytes: 5, Topics: []string{"a", ""}}
	_, err := New(c, Dependencies{})
	if err == nil {
		t.Fatal("accepted")
	}
	for _, want := range []string{"not a loopback", "65535", "data folder", "partitions is 0", "retention of 5", "topic 2"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is missing in:\n%v", want, err)
		}
	}
	for _, listen := range []string{"127.0.0.1:0", "localhost:9092", "[::1]:9092", "127.9.9.9:1"} {
		c := testConfiguration("x")
		c.Listen = listen
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", listen, err)
		}
	}
}
