package testenv

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/segmentio/kafka-go"
)

const (
	kafkaClusterID    = "VGlkZWdhdWdlVGVzdHMwMA" // 16 bytes in base64, as Kafka wants it
	kafkaStartTimeout = 90 * time.Second         // 3 s on an idle machine
)

// Cluster is an Apache Kafka in KRaft mode on loopback ports, each node broker and controller, with its data in a
// temporary folder. Methods are for one goroutine.
type Cluster struct {
	folder string
	java   string
	jars   string
	nodes  []*kafkaNode
	voters string
}

type kafkaNode struct {
	id                 int
	folder             string
	client, controller int // ports
	process            *os.Process
	ended              <-chan struct{} // closed when the process is gone
}

// StartKafka starts n nodes and waits until they answer and can hold consumer groups. Tests take Kafka or KafkaCluster;
// this is for programs around tests. The nodes end with this process, however it ends (on Linux).
func StartKafka(n int) (*Cluster, error) {
	java, jars, err := kafkaInstallation()
	if err != nil {
		return nil, err
	}
	// Between finding a free port and Kafka's listening on it another process may take it.
	for attempt := 0; ; attempt++ {
		c, err := startKafka(java, jars, n)
		if err == nil {
			return c, nil
		}
		if attempt == 2 || !strings.Contains(err.Error(), "Address already in use") {
			return nil, fmt.Errorf("starting an Apache Kafka of %d nodes: %w", n, err)
		}
	}
}

func startKafka(java, jars string, n int) (_ *Cluster, err error) {
	folder, err := os.MkdirTemp("", "tidegauge-kafka-")
	if err != nil {
		return nil, err
	}
	c := &Cluster{folder: folder, java: java, jars: jars}
	defer func() {
		if err != nil {
			c.Stop()
		}
	}()
	ports, err := freePorts(2 * n)
	if err != nil {
		return nil, err
	}
	var voters []string
	for i := range n {
		node := &kafkaNode{
			id: i + 1, folder: filepath.Join(folder, fmt.Sprintf("node-%d", i+1)),
			client: ports[2*i], controller: ports[2*i+1],
		}
		c.nodes = append(c.nodes, node)
		voters = append(voters, fmt.Sprintf("%d@127.0.0.1:%d", node.id, node.controller))
	}
	c.voters = strings.Join(voters, ",")
	for _, node := range c.nodes {
		if err := c.format(node); err != nil {
			return nil, err
		}
	}
	for _, node := range c.nodes {
		if err := c.start(node); err != nil {
			return nil, err
		}
	}
	return c, c.await(n)
}

// Addrs gives the nodes' addresses, host:port, in the order of their numbers, running or not.
func (c *Cluster) Addrs() []string {
	addrs := make([]string, len(c.nodes))
	for i, node := range c.nodes {
		addrs[i] = fmt.Sprintf("127.0.0.1:%d", node.client)
	}
	return addrs
}

// PIDs gives the process ids of the nodes that run.
func (c *Cluster) PIDs() []int {
	var pids []int
	for _, n := range c.nodes {
		if n.process != nil {
			pids = append(pids, n.process.Pid)
		}
	}
	return pids
}

// Kill ends a node (0 is the first) with SIGKILL.
func (c *Cluster) Kill(node int) error {
	n := c.nodes[node]
	if n.process == nil {
		return fmt.Errorf("kafka node %d does not run", n.id)
	}
	if err := n.process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-n.ended
	n.process = nil
	return nil
}

// Restart starts a killed node on its old data and port, and waits until all running nodes see each other.
func (c *Cluster) Restart(node int) error {
	if c.nodes[node].process != nil {
		return fmt.Errorf("kafka node %d runs", c.nodes[node].id)
	}
	if err := c.start(c.nodes[node]); err != nil {
		return err
	}
	running := 0
	for _, n := range c.nodes {
		if n.process != nil {
			running++
		}
	}
	return c.await(running)
}

// Stop ends all nodes and removes their data. It may be called twice.
func (c *Cluster) Stop() {
	// Nobody needs the data any more: a clean shutdown would move leaders about for seconds.
	for i, n := range c.nodes {
		if n.process != nil {
			_ = c.Kill(i)
		}
	}
	_ = os.RemoveAll(c.folder)
}

// format prepares a node's folder, as kafka-storage.sh does.
func (c *Cluster) format(n *kafkaNode) error {
	if err := os.MkdirAll(n.folder, 0o700); err != nil {
		return err
	}
	replicas := min(len(c.nodes), 3)
	inSync := max(1, replicas-1)
	properties := fmt.Sprintf(`process.roles=broker,controller
node.id=%[1]d
controller.quorum.voters=%[2]s
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:%[3]d,CONTROLLER://127.0.0.1:%[4]d
advertised.listeners=PLAINTEXT://127.0.0.1:%[3]d
inter.broker.listener.name=PLAINTEXT
listener.security.protocol.map=CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT
log.dirs=%[5]s
default.replication.factor=%[6]d
min.insync.replicas=%[7]d
offsets.topic.replication.factor=%[6]d
transaction.state.log.replication.factor=%[6]d
transaction.state.log.min.isr=%[7]d
# Fewer internal partitions and shorter waits than in production: tests start often and kill nodes.
offsets.topic.num.partitions=4
group.initial.rebalance.delay.ms=0
broker.heartbeat.interval.ms=500
broker.session.timeout.ms=3000
# A mistyped topic is an error.
auto.create.topics.enable=false
`, n.id, c.voters, n.client, n.controller, filepath.Join(n.folder, "data"), replicas, inSync)
	logging := `appender.out.type = Console
appender.out.name = out
appender.out.layout.type = PatternLayout
appender.out.layout.pattern = %d{HH:mm:ss.SSS} %p %c{1} %m%n
rootLogger.level = INFO
rootLogger.appenderRef.out.ref = out
`
	if err := os.WriteFile(filepath.Join(n.folder, "server.properties"), []byte(properties), 0o600); err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(n.folder, "log4j2.properties"), []byte(logging), 0o600); err != nil {
		return err
	}
	format := c.command(n, "kafka.tools.StorageTool", "format", "-t", kafkaClusterID, "-c", "server.properties")
	if out, err := format.CombinedOutput(); err != nil {
		return fmt.Errorf("formatting node %d: %w\n%s", n.id, err, out)
	}
	return nil
}

func (c *Cluster) command(n *kafkaNode, arguments ...string) *exec.Cmd {
	cmd := exec.Command(c.java, append([]string{
		// 512 MB is plenty for tests. The first compiler alone halves the start; nothing runs long enough for
		// the second to pay.
		"-Xmx512m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1",
		"-Dlog4j2.configurationFile=" + filepath.Join(n.folder, "log4j2.properties"),
		"-cp", filepath.Join(c.jars, "*"),
	}, arguments...)...)
	cmd.Dir = n.folder
	return cmd
}

func (n *kafkaNode) logFile() string { return filepath.Join(n.folder, "log") }

func (c *Cluster) start(n *kafkaNode) error {
	out, err := os.OpenFile(n.logFile(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer out.Close()
	cmd := c.command(n, "kafka.Kafka", "server.properties")
	cmd.Stdout, cmd.Stderr = out, out
	ended, err := StartChild(cmd)
	if err != nil {
		return fmt.Errorf("starting node %d: %w", n.id, err)
	}
	n.process, n.ended = cmd.Process, ended
	return nil
}

// await returns when n nodes answer and the topic of consumer offsets is there: the first group on a new broker would
// wait seconds for it.
func (c *Cluster) await(n int) error {
	ctx, cancel := context.WithTimeoutCause(context.Background(), kafkaStartTimeout,
		fmt.Errorf("not ready after %s", kafkaStartTimeout))
	defer cancel()
	var addrs []string
	for i, node := range c.nodes {
		if node.process == nil {
			continue
		}
		addrs = append(addrs, c.Addrs()[i])
		go func() { // give up as soon as a node has ended by itself
			select {
			case <-node.ended:
				cancel()
			case <-ctx.Done():
			}
		}()
	}
	err := awaitBrokers(ctx, addrs, n)
	if err == nil {
		return nil
	}
	for _, node := range c.nodes {
		if node.process != nil {
			err = fmt.Errorf("%w\nthe log of node %d ends:\n%s", err, node.id, node.logTail())
		}
	}
	return err
}

func awaitBrokers(ctx context.Context, addrs []string, n int) error {
	for _, addr := range addrs {
		client, done := kafkaClient(addr)
		defer done()
		for {
			problem := askBroker(ctx, client, n)
			if problem == nil {
				break
			}
			if err := pause(ctx); err != nil {
				return fmt.Errorf("%w: Kafka at %s: %w", err, addr, problem)
			}
		}
	}
	return nil
}

func askBroker(ctx context.Context, client *kafka.Client, n int) error {
	metadata, err := client.Metadata(ctx, &kafka.MetadataRequest{})
	if err != nil {
		return err
	}
	if len(metadata.Brokers) < n {
		return fmt.Errorf("%d of %d nodes are up", len(metadata.Brokers), n)
	}
	coordinator, err := client.FindCoordinator(ctx, &kafka.FindCoordinatorRequest{
		Key: "tidegauge-testenv", KeyType: kafka.CoordinatorKeyTypeConsumer,
	})
	if err != nil {
		return err
	}
	return coordinator.Error
}

func (n *kafkaNode) logTail() string {
	const lines = 25
	text, err := os.ReadFile(n.logFile())
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(text)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// kafkaClient gives a client with connections of its own, and how to close them.
func kafkaClient(addr string) (*kafka.Client, func()) {
	transport := &kafka.Transport{DialTimeout: 2 * time.Second}
	return &kafka.Client{Addr: kafka.TCP(addr), Timeout: 10 * time.Second, Transport: transport},
		transport.CloseIdleConnections
}

func pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-time.After(50 * time.Millisecond):
		return nil
	}
}

// freePorts finds n loopback ports that are free now.
func freePorts(n int) ([]int, error) {
	ports := make([]int, n)
	for i := range ports {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer l.Close() // all at the end, so that no port is given twice
		_, port, err := net.SplitHostPort(l.Addr().String())
		if err != nil {
			return nil, err
		}
		if ports[i], err = strconv.Atoi(port); err != nil {
			return nil, err
		}
	}
	return ports, nil
}
