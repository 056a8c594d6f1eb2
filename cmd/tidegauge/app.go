package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"tidegauge/config"
	"tidegauge/ingest"
	"tidegauge/storage"
)

// app is what commands share: where they read and write, and the configuration once it is loaded.
type app struct {
	in       io.Reader
	out, err io.Writer
	file     string // --config
	started  bool   // a command has begun its work: from here on errors are not about usage
	*config.Loaded
	logger *slog.Logger
}

// run is main without the process around it.
func run(ctx context.Context, arguments []string, in io.Reader, out, errs io.Writer) int {
	a := &app{in: in, out: out, err: errs, logger: slog.New(slog.DiscardHandler)}
	root := newRoot(a)
	root.SetArgs(arguments)
	root.SetIn(in)
	root.SetOut(out)
	root.SetErr(errs)
	command, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	var f *failure
	if !a.started && !errors.As(err, &f) {
		err = &failure{exitUsage, err, fmt.Sprintf("Run `%s --help` for how to use it.", command.CommandPath())}
	}
	status := statusOf(ctx, err)
	if status == exitInterrupted && !errors.As(err, &f) { // else there is something to say about what was done until then
		fmt.Fprintf(errs, "%s: interrupted\n", command.CommandPath())
		return status
	}
	complain(errs, command.CommandPath(), err)
	return status
}

// The groups of the help text.
const (
	groupPipeline = "pipeline"
	groupAnalyse  = "analyse"
	groupTraces   = "traces"
	groupAdmin    = "administer"
)

func newRoot(a *app) *cobra.Command {
	root := &cobra.Command{
		Use:   "tidegauge",
		Short: "Characterise LLM-serving logs, online and exactly",
		Long: `Tidegauge reads serving logs, carries them through Kafka, computes what is known to matter about
LLM traffic (burstiness, conversations, lengths, failures, latency) and keeps it in ClickHouse.

A first look, with nothing else installed:
  tidegauge demo                      a made-up log through the whole pipeline, and its numbers
  tidegauge doctor LOG                what a file has, what it lacks, what in it looks wrong
  tidegauge characterize LOG          the numbers of a file, without broker and database
  tidegauge up                        the pipeline on this machine; then, elsewhere: tidegauge ingest LOG

` + exitHelp,
		Version:       version(),
		SilenceUsage:  true,
		SilenceErrors: true,
		Args:          noCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
		PersistentPreRun: func(*cobra.Command, []string) {
			a.started = true
		},
	}
	root.SetVersionTemplate("tidegauge {{.Version}}\n")
	root.AddGroup(
		&cobra.Group{ID: groupPipeline, Title: "Run the pipeline:"},
		&cobra.Group{ID: groupAnalyse, Title: "Analyse:"},
		&cobra.Group{ID: groupTraces, Title: "Traces:"},
		&cobra.Group{ID: groupAdmin, Title: "Administer:"},
	)
	root.SetHelpCommandGroupID(groupAdmin)
	root.SetCompletionCommandGroupID(groupAdmin)
	flags := root.PersistentFlags()
	flags.StringVar(&a.file, "config", "", "configuration file (default: ./tidegauge.yaml or the user's configuration folder, if there is one)")
	config.AddFlags(flags, "data_dir", "log")
	flags.SortFlags = false
	root.SetUsageFunc(usageText)
	cobra.EnableCommandSorting = false
	root.AddCommand(
		newDemo(a), newUp(a), newIngest(a), newReceive(a), newScrape(a), newProcess(a),
		newDoctor(a), newCharacterize(a), newReport(a), newVerify(a), newSQL(a),
		newSample(a), newExport(a), newConvert(a), newFit(a), newGenerate(a), newCompare(a), newReplay(a),
		newMigrate(a), newRecompute(a), newConfig(a), newEngine(a), newMan(a), newVersion(a),
	)
	for _, c := range root.Commands() {
		finish(c)
	}
	return root
}

// noCommand refuses a command that there is none of: without it, cobra would print the help and end with 0.
func noCommand(c *cobra.Command, arguments []string) error {
	if len(arguments) == 0 {
		return nil
	}
	meant := ""
	c.SuggestionsMinimumDistance = 2 // as cobra has it where it does this itself
	if near := c.SuggestionsFor(arguments[0]); len(near) > 0 {
		meant = "; did you mean " + strings.Join(near, " or ") + "?"
	}
	return fmt.Errorf("%s has no command %q%s", c.CommandPath(), arguments[0], meant)
}

// finish does to a command and those below it what would else be said in each of them.
func finish(c *cobra.Command) {
	c.Flags().SortFlags = false
	c.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return &failure{exitUsage, err, fmt.Sprintf("Run `%s --help` for how to use it.", c.CommandPath())}
	})
	for _, name := range []string{"log-level", "log-format", "kafka-compression", "engine-log-level", "receive-spans"} {
		if values := config.Choices(name); c.Flag(name) != nil {
			_ = c.RegisterFlagCompletionFunc(name, cobra.FixedCompletions(values, cobra.ShellCompDirectiveNoFileComp))
		}
	}
	for _, sub := range c.Commands() {
		finish(sub)
	}
}

// load reads the configuration; all mistakes in it are reported at once. check is what the components that the command
// uses have to say to it.
func (a *app) load(c *cobra.Command, running bool, check func(config.Settings) error) error {
	loaded, err := config.Load(config.Options{Flags: c.Flags(), File: a.file, Running: running})
	// config has said what is wrong with which setting. What components find beyond that has no better name than theirs.
	if err == nil && check != nil {
		err = check(loaded.Settings)
	}
	if err != nil {
		return usage(fmt.Errorf("the configuration is wrong:\n%s", bullets(err)))
	}
	a.Loaded = loaded
	a.logger = newLogger(a.err, loaded.Log)
	// Libraries and components without a logger of their own.
	slog.SetDefault(a.logger)
	for _, w := range loaded.Warnings {
		a.logger.Warn(w)
	}
	return nil
}

// bullets lists joined errors, one a line, each once.
func bullets(err error) string {
	var lines []string
	var walk func(error)
	walk = func(err error) {
		if joined, ok := err.(interface{ Unwrap() []error }); ok {
			for _, e := range joined.Unwrap() {
				walk(e)
			}
			return
		}
		for line := range strings.Lines(err.Error()) {
			if line = "- " + strings.TrimSpace(line); !slices.Contains(lines, line) {
				lines = append(lines, line)
			}
		}
	}
	walk(err)
	return strings.Join(lines, "\n")
}

func newLogger(w io.Writer, c config.Log) *slog.Logger {
	var level slog.Level
	_ = level.UnmarshalText([]byte(c.Level)) // one of the choices, all of which slog knows
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
		if a.Value.Kind() == slog.KindDuration { // which JSON would have as nanoseconds without a unit
			a.Value = slog.StringValue(a.Value.Duration().String())
		}
		return a
	}}
	if c.Format == "text" || c.Format == "auto" && isTerminal(w) {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// program is how this program was started, for commands to type: tidegauge, or bin/tidegauge where that was typed.
func program() string { return shellQuote(os.Args[0]) }

func isTerminal(w any) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// kafka turns settings into how ingest reaches Kafka.
func kafkaConfig(k config.Kafka) ingest.KafkaConfig {
	c := ingest.DefaultKafkaConfig()
	c.Brokers = k.Brokers
	c.TLS = ingest.TLSConfig{Enabled: k.TLS.Enabled, CAFile: k.TLS.CAFile, CertFile: k.TLS.CertFile, KeyFile: k.TLS.KeyFile,
		ServerName: k.TLS.ServerName, Insecure: k.TLS.SkipVerify}
	c.SASL = ingest.SASLConfig{Mechanism: k.SASL.Mechanism, User: k.SASL.User, Password: k.SASL.Password}
	return c
}

// clickHouseConfig turns settings into how storage reaches ClickHouse.
func clickHouseConfig(s config.ClickHouse) storage.Config {
	c := storage.DefaultConfig()
	c.Address, c.User, c.Password, c.Database, c.Cluster = s.Address, s.User, s.Password, s.Database, s.Cluster
	if c.Database == "" && !namesDatabase(s.Address) {
		c.Database = defaultDatabase
	}
	c.CAFile, c.CertFile, c.KeyFile, c.SkipVerify = s.CAFile, s.CertFile, s.KeyFile, s.SkipVerify
	c.Wait = s.Wait
	return c
}

// reachClickHouse are the settings that it takes to ask ClickHouse something.
var reachClickHouse = []string{"clickhouse.address", "clickhouse.user", "clickhouse.database", "clickhouse.ca_file",
	"clickhouse.cert_file", "clickhouse.key_file", "clickhouse.skip_verify"}

// defaultDatabase is used where neither the address nor the configuration names one: Tidegauge's tables do not belong
// into ClickHouse's database default by accident.
const defaultDatabase = "tidegauge"

func namesDatabase(address string) bool {
	_, rest, _ := strings.Cut(address, "://")
	rest, _, _ = strings.Cut(rest, "?")
	_, path, _ := strings.Cut(rest[strings.LastIndex(rest, "@")+1:], "/")
	return path != ""
}

// checkKafka and checkClickHouse look for mistakes in what belongs together. An address that is missing is no mistake
// here: what it takes to find one is said by needKafka and needClickHouse.
func checkKafka(s config.Settings) error {
	c := kafkaConfig(s.Kafka)
	if len(c.Brokers) == 0 {
		c.Brokers = []string{"127.0.0.1:9092"}
	}
	return prefixed("kafka", c.Validate())
}

func checkClickHouse(s config.Settings) error {
	c := clickHouseConfig(s.ClickHouse)
	if c.Address == "" {
		c.Address = "clickhouse://127.0.0.1:9000"
	}
	return prefixed("clickhouse", c.Validate())
}

func prefixed(section string, err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("%s: %w", section, err)
}

// needKafka says what to do where no broker is known.
func (a *app) needKafka() error {
	if len(a.Kafka.Brokers) > 0 {
		return nil
	}
	return a.nothing("no Kafka broker to talk to", "--brokers HOST:PORT", "TIDEGAUGE_KAFKA_BROKERS", "kafka.brokers")
}

// needClickHouse says what to do where no database is known.
func (a *app) needClickHouse() error {
	if a.ClickHouse.Address != "" {
		return nil
	}
	return a.nothing("no ClickHouse to talk to", "--clickhouse ADDRESS", "TIDEGAUGE_CLICKHOUSE_ADDRESS", "clickhouse.address")
}

func (a *app) nothing(what, flag, variable, key string) error {
	_, err := config.FindRunning(a.DataDir)
	if err == nil { // it was not used because the other of the two addresses is configured
		return unreachable(errors.New(what), fmt.Sprintf("A tidegauge up is running from %s, but is not used because part of the pipeline is "+
			"configured elsewhere: give both addresses or neither (%s, %s, or %s in the configuration file).", a.DataDir, flag, variable, key))
	}
	return unreachable(fmt.Errorf("%s: %w", what, err), fmt.Sprintf("Start the pipeline on this machine with `tidegauge up`, or say where it is with "+
		"%s, %s, or %s in the configuration file.", flag, variable, key))
}

// openDatabase connects to ClickHouse; the caller closes the result.
func (a *app) openDatabase(ctx context.Context, create bool, wait bool) (*storage.DB, error) {
	if err := a.needClickHouse(); err != nil {
		return nil, err
	}
	c := clickHouseConfig(a.ClickHouse)
	c.CreateDatabase = create
	if !wait {
		c.Wait = 0
	}
	db, err := storage.Open(ctx, c)
	if err != nil {
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return nil, unreachable(err, fmt.Sprintf("The address is from %s.", a.origin("clickhouse.address")))
	}
	return db, nil
}

// openCurrent loads the settings and connects to a ClickHouse whose schema is this program's; the caller closes the
// result.
func (a *app) openCurrent(c *cobra.Command) (*storage.DB, error) {
	if err := a.load(c, true, checkClickHouse); err != nil {
		return nil, err
	}
	db, err := a.openDatabase(c.Context(), false, false)
	if err != nil {
		return nil, err
	}
	if err := checkSchema(c.Context(), db, a.ClickHouse.Cluster); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	return db, nil
}

// origin says where a setting came from, for messages.
func (a *app) origin(key string) string {
	if a.Up != nil && (key == "clickhouse.address" || key == "kafka.brokers") {
		return fmt.Sprintf("the tidegauge up that runs from %s (process %d)", a.DataDir, a.Up.PID)
	}
	return a.Source(key)
}
