package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"tidegauge/broker"
	"tidegauge/config"
	"tidegauge/processors"
	"tidegauge/schemas"
	"tidegauge/storage"
)

// pipeline is the parts of Tidegauge that this process runs. Only the listener is always there.
type pipeline struct {
	parts    parts
	logger   *slog.Logger
	settings config.Settings
	listener *listener
	// ended gets the reason why a part has ended by itself. It has room for all of them.
	ended chan error

	broker *broker.Broker
	engine *storage.Engine
	db     *storage.DB
	runner *processors.Runner
}

func newPipeline(s config.Settings, logger *slog.Logger) *pipeline {
	return &pipeline{
		parts: parts{logger: logger}, logger: logger, settings: s,
		listener: newListener(s.Listen, s.PProf, logger), ended: make(chan error, 8),
	}
}

// startListener opens the listener; the named parts count as not ready until they are.
func (p *pipeline) startListener(ctx context.Context, pending ...string) error {
	p.listener.pending(pending...)
	return p.parts.start(ctx, "the metrics listener", p.listener.start, p.listener.stop)
}

// brokerConfig is the embedded broker with its data below folder, and the requests topic on it.
func brokerConfig(s config.Settings, folder string) broker.Configuration {
	c := broker.DefaultConfiguration()
	c.Listen, c.DataDir = s.Broker.Listen, filepath.Join(folder, "broker")
	c.RetentionBytes, c.SyncWrites = int64(s.Broker.Retention), s.Broker.Sync
	c.Topics = []string{s.Kafka.Topic}
	if n := s.Kafka.Partitions; n > 0 {
		c.Partitions = n
	}
	return c
}

// engineConfig is the embedded engine with its data below folder.
func engineConfig(s config.Settings, folder string) storage.EngineConfig {
	c := storage.DefaultEngineConfig()
	c.Folder = filepath.Join(folder, "clickhouse")
	c.Library, c.NativePort, c.HTTPPort = s.Engine.Library, s.Engine.NativePort, s.Engine.HTTPPort
	c.MemoryLimit, c.FsyncInserts, c.LogLevel = int64(s.Engine.Memory), s.Engine.Sync, s.Engine.LogLevel
	return c
}

// checkEmbedded is what the parts of tidegauge up have to say to the settings.
func checkEmbedded(s config.Settings) error {
	pc := processorConfig(s)
	pc.Brokers = []string{s.Broker.Listen}
	return errors.Join(prefixed("broker", brokerConfig(s, s.DataDir).Validate()), engineConfig(s, s.DataDir).Validate(),
		prefixed("processor", pc.Validate()))
}

func (p *pipeline) startBroker(ctx context.Context, folder string) error {
	b, err := broker.New(brokerConfig(p.settings, folder), broker.Dependencies{
		Logger: p.logger.With("part", "broker"), Registerer: p.listener.registry,
	})
	if err != nil {
		return usage(err)
	}
	err = p.parts.start(ctx, "the broker", b.Start, func(context.Context) error { return b.Stop() })
	if errors.Is(err, broker.ErrPortBusy) {
		return &failure{exitFailed, err, "--broker-listen 127.0.0.1:0 takes a free port."}
	}
	if err != nil {
		return err
	}
	p.broker = b
	p.settings.Kafka.Brokers = []string{b.Addr()}
	// The rest of what reaches a real Kafka does not concern this one.
	p.settings.Kafka.TLS, p.settings.Kafka.SASL = config.TLS{}, config.SASL{}
	p.listener.check("broker", func(context.Context) error { return nil })
	return nil
}

func (p *pipeline) startEngine(ctx context.Context, folder string) error {
	c := engineConfig(p.settings, folder)
	c.Logger = p.logger.With("part", "engine")
	err := p.parts.start(ctx, "the ClickHouse engine", func(ctx context.Context) (err error) {
		p.engine, err = storage.StartEngine(ctx, c)
		return err
	}, func(ctx context.Context) error { return p.engine.Stop(ctx) })
	if err != nil && strings.Contains(err.Error(), "Address already in use") {
		return &failure{exitFailed, err, "--engine-native-port 0 --engine-http-port 0 takes free ports."}
	}
	if err != nil {
		return err
	}
	p.settings.ClickHouse = config.ClickHouse{Address: p.engine.Addr(), Database: defaultDatabase, Wait: p.settings.ClickHouse.Wait}
	go func() {
		<-p.engine.Done()
		if err := p.engine.Err(); err != nil {
			p.ended <- fmt.Errorf("the ClickHouse engine has ended: %w", err)
		}
	}()
	return nil
}

// openDatabase connects to ClickHouse, and migrates it or checks that somebody has.
func (p *pipeline) openDatabase(ctx context.Context, migrate bool) error {
	c := clickHouseConfig(p.settings.ClickHouse)
	c.CreateDatabase = migrate
	return p.parts.start(ctx, "the connection to ClickHouse", func(ctx context.Context) (err error) {
		p.db, err = storage.Open(ctx, c)
		if err != nil {
			return unreachable(err, "")
		}
		p.listener.check("clickhouse", p.db.Ping)
		if !migrate {
			err = checkSchema(ctx, p.db, c.Cluster)
		} else {
			err = p.migrate(ctx, c.Cluster)
		}
		if err != nil {
			return errors.Join(err, p.db.Close())
		}
		return nil
	}, func(context.Context) error { return p.db.Close() })
}

func (p *pipeline) migrate(ctx context.Context, cluster string) error {
	migrations, err := schemas.Migrations(schemas.Topology{Cluster: cluster})
	if err != nil {
		return err
	}
	applied, err := storage.Migrate(ctx, p.db, migrations)
	if err == nil && applied > 0 {
		p.logger.Info("migrated the database", "applied", applied)
	}
	return err
}

func processorConfig(s config.Settings) processors.Config {
	c := processors.DefaultConfig()
	c.Brokers, c.Topic, c.Group = s.Kafka.Brokers, s.Kafka.Topic, s.Kafka.Group
	c.FlushInterval, c.SessionTimeout = s.Processor.FlushInterval, s.Processor.SessionTimeout
	return c.WithMemory(cacheBudget(s.Processor.Cache))
}

// startProcessors starts the processors on the broker and database of the settings.
func (p *pipeline) startProcessors(ctx context.Context) error {
	c := storage.DefaultWriterConfig()
	if p.settings.ClickHouse.Cluster != "" {
		c.Settings = storage.QuorumInserts()
	}
	writer, err := storage.NewWriter(c, storage.WriterDependencies{
		DB: p.db, Registerer: p.listener.registry, Logger: p.logger.With("part", "writer"),
		Quarantine: quarantine(p.settings.DataDir, p.logger),
	})
	if err != nil {
		return err
	}
	dialer, err := kafkaConfig(p.settings.Kafka).Dialer()
	if err != nil {
		return usage(err)
	}
	p.runner, err = processors.New(processorConfig(p.settings), processors.Dependencies{
		Store: storage.NewStore(p.db, writer), Dialer: dialer, Registerer: p.listener.registry,
		Logger: p.logger.With("part", "processors"),
	})
	if err != nil {
		return usage(err)
	}
	// Run ends with its own context, not with the command's: parts are stopped in order.
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	done := make(chan error, 1)
	return p.parts.start(ctx, "the processors", func(context.Context) error {
		p.listener.check("processors", func(context.Context) error { return p.runner.Ready() })
		go func() {
			err := p.runner.Run(running)
			if running.Err() == nil { // nobody has asked for it
				p.ended <- fmt.Errorf("the processors have ended: %w", err)
			}
			done <- err
		}()
		return nil
	}, func(ctx context.Context) error {
		stop()
		select {
		case err := <-done:
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	})
}

// wait returns when the command is to stop: nil when it was told to, else what has ended by itself.
func (p *pipeline) wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case err := <-p.ended:
		return err
	}
}

// makeFolder makes a data folder that nobody else can read: sizes and times tell what people asked a model.
func makeFolder(path string) error {
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("making the data folder: %w (choose another with --data-dir)", err)
	}
	return nil
}
