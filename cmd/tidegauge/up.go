package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tidegauge/broker"
	"tidegauge/config"
	"tidegauge/storage"
)

func newUp(a *app) *cobra.Command {
	c := &cobra.Command{
		Use:     "up",
		GroupID: groupPipeline,
		Short:   "Run the whole pipeline on this machine, with nothing else installed",
		Long: `Runs a Kafka broker, the ClickHouse engine and the processors in one go, with all data in one folder, and stops
them in order on Ctrl-C or SIGTERM. Started again on the same folder it goes on where it was.

Broker and engine listen on loopback only, as 127.0.0.1:9092 and :9000 (native) and :8123 (HTTP) unless told
otherwise; any Kafka or ClickHouse client can use them. While it runs, other tidegauge commands with the same data
folder find it by themselves.`,
		Example: `  tidegauge up
  tidegauge up --data-dir /srv/tidegauge --broker-listen 127.0.0.1:0 --engine-native-port 0 --engine-http-port 0
  tidegauge up & sleep 5; tidegauge ingest access.jsonl.gz; tidegauge report`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := a.load(c, false, checkEmbedded); err != nil {
				return err
			}
			return a.up(c.Context())
		},
	}
	config.AddFlags(c.Flags(), "broker", "engine", "listen", "pprof", "kafka.topic", "kafka.group", "kafka.partitions", "processor")
	return c
}

func (a *app) up(ctx context.Context) (err error) {
	// What is missing on this machine is said before anything is started.
	if _, err := storage.FindEngine(a.Engine.Library); err != nil {
		return err
	}
	if err := makeFolder(a.DataDir); err != nil {
		return err
	}
	p := newPipeline(a.Settings, a.logger)
	defer func() { err = errors.Join(err, p.parts.stop()) }()
	if other, err := config.FindRunning(a.DataDir); err == nil {
		return alreadyUp(a.DataDir, other, nil)
	}
	if err := p.startListener(ctx, "broker", "clickhouse", "processors"); err != nil {
		return err
	}
	if err := p.startEmbedded(ctx, a.DataDir); err != nil {
		if errors.Is(err, broker.ErrLocked) || errors.Is(err, storage.ErrFolderInUse) {
			other, _ := config.FindRunning(a.DataDir)
			return alreadyUp(a.DataDir, other, err)
		}
		return err
	}
	err = p.parts.start(ctx, "the note for other commands", func(context.Context) error {
		return config.WriteRunning(a.DataDir, config.Running{
			PID: os.Getpid(), Started: time.Now().Truncate(time.Second), Version: version(),
			Kafka: p.broker.Addr(), ClickHouse: withDatabase(p.engine.Addr()), HTTP: p.engine.HTTPAddr(), Listen: p.listener.address,
			Topic: a.Kafka.Topic, Group: a.Kafka.Group,
		})
	}, func(context.Context) error { return config.RemoveRunning(a.DataDir) })
	if err != nil {
		return err
	}
	a.welcome(p)
	err = p.wait(ctx)
	a.logger.Info("stopping")
	return err
}

// startEmbedded starts broker, engine and processors, with their data below folder.
func (p *pipeline) startEmbedded(ctx context.Context, folder string) error {
	if err := p.startBroker(ctx, folder); err != nil {
		return err
	}
	if err := p.startEngine(ctx, folder); err != nil {
		return err
	}
	if err := p.openDatabase(ctx, true); err != nil {
		return err
	}
	if err := p.startProcessors(ctx); err != nil {
		return err
	}
	return p.startHeadline(ctx)
}

func alreadyUp(folder string, other *config.Running, cause error) error {
	if other != nil {
		return &failure{exitFailed, fmt.Errorf("tidegauge up is already running from %s, as process %d since %s", folder, other.PID,
			other.Started.Local().Format(time.DateTime)), "Use it, stop it, or start another one with --data-dir FOLDER."}
	}
	return &failure{exitFailed, cause, "Another process uses this folder: stop it, or choose another folder with --data-dir."}
}

// withDatabase adds the database to the engine's address, so that it can be used as it is.
func withDatabase(address string) string {
	return strings.TrimSuffix(address, "/") + "/" + defaultDatabase
}

// welcome says on standard output where everything is and what to do next.
func (a *app) welcome(p *pipeline) {
	metrics := "off"
	if p.listener.address != "" {
		metrics = "http://" + p.listener.address + "/metrics"
	}
	fmt.Fprintf(a.out, `tidegauge %s is up. Everything is kept in %s

  Kafka        %s, topic %s
  ClickHouse   %s
               %s
  Metrics      %s

Try, in another terminal:
  %[8]s ingest%[9]s access.jsonl.gz     # a serving log; ingest --help lists the formats
  %[8]s report%[9]s                     # what it comes to
  %[8]s sql%[9]s "SELECT service, requests FROM services(from_us = 0, to_us = 4102444800000000)"

Stop with Ctrl-C.
`, version(), a.DataDir, p.broker.Addr(), a.Kafka.Topic, withDatabase(p.engine.Addr()), p.engine.HTTPAddr(), metrics, program(), a.folderFlag())
}

// shellQuote makes a word that a shell takes as it is.
func shellQuote(word string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("-_./:=,@%+~", r)
	}
	if word != "" && strings.IndexFunc(word, func(r rune) bool { return !plain(r) }) < 0 {
		return word
	}
	return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'"
}
