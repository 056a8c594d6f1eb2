package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"time"

	"github.com/twmb/franz-go/pkg/kerr"
	"github.com/twmb/franz-go/pkg/kfake"
	"github.com/twmb/franz-go/pkg/kgo"
	"github.com/twmb/franz-go/pkg/kmsg"
)

// Errors a caller may want to tell apart, with errors.Is.
var (
	// ErrLocked says that another process holds the data folder.
	ErrLocked = errors.New("the embedded broker's folder is in use by another process")
	// ErrPortBusy says that something else listens on the address.
	ErrPortBusy = errors.New("the address is in use")
)

// Broker is an embedded Kafka broker. Its methods may be called from any goroutine.
type Broker struct {
	config  Configuration
	logger  *slog.Logger
	metrics *metrics
	every   time.Duration // a round of retention

	mu      sync.Mutex // guards what follows
	running bool
	lock    *folderLock
	kfake   *kfake.Cluster
	events  *eventLog
	client  *kgo.Client
	addr    string
	cancel  context.CancelFunc
	loop    sync.WaitGroup
}

// New checks the configuration and stores it. It touches neither disk nor network.
func New(config Configuration, dependencies Dependencies) (*Broker, error) {
	if err := config.Validate(); err != nil {
		return nil, fmt.Errorf("embedded broker: %w", err)
	}
	logger := dependencies.Logger
	if logger == nil {
		logger = slog.New(slog.DiscardHandler)
	}
	m, err := newMetrics(dependencies.Registerer)
	if err != nil {
		return nil, fmt.Errorf("embedded broker: registering metrics: %w", err)
	}
	return &Broker{every: retentionInterval, config: config, logger: logger, metrics: m}, nil
}

// Start locks the folder, loads the log, listens, and makes the missing topics. When it fails, nothing is left running.
// A broker that was stopped can be started again.
func (b *Broker) Start(ctx context.Context) (err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.running {
		return errors.New("embedded broker: already started")
	}
	defer func() {
		if err != nil {
			err = fmt.Errorf("starting the embedded broker: %w", errors.Join(err, b.shut()))
		}
	}()

	// 0700: what people ask a model may be guessed from sizes and times, and the log holds conversation ids.
	if err := os.MkdirAll(b.config.DataDir, 0o700); err != nil {
		return fmt.Errorf("making its folder: %w", err)
	}
	if b.lock, err = lockFolder(b.config.DataDir); err != nil {
		return err
	}
	begun := time.Now()
	b.events = &eventLog{logger: b.logger}
	if b.kfake, err = kfake.NewCluster(b.options()...); err != nil {
		if errors.Is(err, syscall.EADDRINUSE) {
			return fmt.Errorf("%w: something else listens on %s; stop it or choose another address", ErrPortBusy,
				b.config.Listen)
		}
		return fmt.Errorf("opening the log in %s on %s: %w", b.config.DataDir, b.config.Listen, err)
	}
	b.addr = b.kfake.ListenAddrs()[0]
	if b.client, err = kgo.NewClient(kgo.SeedBrokers(b.addr), kgo.ClientID("tidegauge-broker")); err != nil {
		return fmt.Errorf("making its own client: %w", err)
	}
	for _, topic := range b.config.Topics {
		if err := b.createTopic(ctx, topic, b.config.Partitions); err != nil {
			return err
		}
	}

	background, cancel := context.WithCancel(context.Background())
	b.cancel = cancel
	if b.config.RetentionBytes > 0 {
		b.loop.Go(func() { b.retain(background, b.client, b.every) })
	}
	b.running = true
	b.logger.Info("embedded broker started", "address", b.addr, "folder", b.config.DataDir,
		"took", time.Since(begun).Round(time.Millisecond))
	return nil
}

func (b *Broker) options() []kfake.Opt {
	options := []kfake.Opt{
		kfake.NumBrokers(1),
		kfake.ClusterID("tidegauge-embedded"),
		kfake.DataDir(filepath.Join(b.config.DataDir, "kafka")),
		kfake.DefaultNumPartitions(b.config.Partitions),
		kfake.WithLogger(b.events),
		kfake.ListenFn(func(network, _ string) (net.Listener, error) {
			ln, err := net.Listen(network, b.config.Listen)
			if err != nil {
				return nil, err
			}
			return guardedListener{ln, b.logger}, nil
		}),
		kfake.BrokerConfigs(map[string]string{
			// Offsets are kept for good (the largest int32 is 4,000 years of minutes); see the package's comment.
			"offsets.retention.minutes": strconv.Itoa(1<<31 - 1),
			"log.segment.bytes":         strconv.FormatInt(segmentBytes(b.config.RetentionBytes), 10),
			// Retention is retention.go's.
			"log.retention.ms":    "-1",
			"log.retention.bytes": "-1",
		}),
	}
	if b.config.SyncWrites {
		options = append(options, kfake.SyncWrites())
	}
	return options
}

// CreateTopic makes a topic where it is missing; fewer than 1 partitions means Configuration.Partitions. A topic that
// exists keeps its partitions: a change would lead keys to other partitions than the ones that hold their past.
func (b *Broker) CreateTopic(ctx context.Context, topic string, partitions int) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.running {
		return errors.New("embedded broker: not started")
	}
	if err := checkTopic(topic); err != nil {
		return fmt.Errorf("embedded broker: %w", err)
	}
	if partitions < 1 {
		partitions = b.config.Partitions
	}
	return b.createTopic(ctx, topic, partitions)
}

func (b *Broker) createTopic(ctx context.Context, topic string, partitions int) error {
	request := kmsg.NewPtrCreateTopicsRequest()
	request.TimeoutMillis = 10_000
	wanted := kmsg.NewCreateTopicsRequestTopic()
	wanted.Topic = topic
	wanted.NumPartitions = int32(partitions)
	wanted.ReplicationFactor = 1
	request.Topics = append(request.Topics, wanted)
	response, err := request.RequestWith(ctx, b.client)
	if err != nil {
		return fmt.Errorf("making topic %s: %w", topic, err)
	}
	for _, made := range response.Topics {
		if err := kerr.ErrorForCode(made.ErrorCode); err != nil && !errors.Is(err, kerr.TopicAlreadyExists) {
			if made.ErrorMessage != nil {
				err = fmt.Errorf("%w (%s)", err, *made.ErrorMessage)
			}
			return fmt.Errorf("making topic %s with %d partitions: %w", topic, partitions, err)
		}
	}
	return nil
}

// Addr is the address clients connect to, host:port, after Start.
func (b *Broker) Addr() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.addr
}

// Stop closes the connections, writes everything to the disk and gives the folder free. It may be called twice, and
// before Start.
func (b *Broker) Stop() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !b.running {
		return nil
	}
	b.running = false
	if err := b.shut(); err != nil {
		return fmt.Errorf("stopping the embedded broker: %w", err)
	}
	b.logger.Info("embedded broker stopped", "folder", b.config.DataDir)
	return nil
}

// shut ends whatever Start got to, in reverse.
func (b *Broker) shut() error {
	var errs []error
	if b.cancel != nil {
		b.cancel()
		b.loop.Wait()
		b.cancel = nil
	}
	if b.client != nil {
		b.client.Close()
		b.client = nil
	}
	if b.kfake != nil {
		b.kfake.Close()
		b.kfake = nil
		// kfake reports what it could not save at Close to its log only.
		errs = append(errs, b.events.lastError())
		if !b.config.SyncWrites {
			errs = append(errs, syncTree(b.config.DataDir))
		}
	}
	if b.lock != nil {
		errs = append(errs, b.lock.release())
		b.lock = nil
	}
	return errors.Join(errs...)
}

// syncTree flushes every file and folder below root.
func syncTree(root string) error {
	return filepath.WalkDir(root, func(path string, _ os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(f.Sync(), f.Close())
	})
}
