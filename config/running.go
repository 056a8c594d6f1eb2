package config

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// ErrNotRunning says that no `tidegauge up` runs from a data folder.
var ErrNotRunning = errors.New("no tidegauge up is running")

// runningFile stands in the data folder of a running `tidegauge up`.
const runningFile = "up.json"

// Running is what a running `tidegauge up` tells other commands: how to reach its parts.
type Running struct {
	PID     int       `json:"pid"`
	Started time.Time `json:"started"`
	Version string    `json:"version"`
	// Kafka is a bootstrap address, ClickHouse and HTTP the database's native and HTTP addresses, Listen the address of
	// metrics and health, "" where off.
	Kafka      string `json:"kafka"`
	ClickHouse string `json:"clickhouse"`
	HTTP       string `json:"clickhouse_http"`
	Listen     string `json:"listen"`
	Topic      string `json:"topic"`
	Group      string `json:"group"`
}

// WriteRunning tells the world how to reach this process's parts. The file appears whole or not at all.
func WriteRunning(folder string, r Running) error {
	text, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return err
	}
	path := filepath.Join(folder, runningFile)
	// 0600: the engine's address may hold a password.
	if err := os.WriteFile(path+".new", append(text, '\n'), 0o600); err != nil {
		return fmt.Errorf("writing the addresses for other commands: %w", err)
	}
	return os.Rename(path+".new", path)
}

// RemoveRunning takes the file away again.
func RemoveRunning(folder string) error {
	err := os.Remove(filepath.Join(folder, runningFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	return err
}

// FindRunning gives the `tidegauge up` that runs from a data folder, or an error that wraps ErrNotRunning. What a killed
// one left behind counts as not running.
func FindRunning(folder string) (*Running, error) {
	path := filepath.Join(folder, runningFile)
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%w from %s", ErrNotRunning, folder)
	}
	if err != nil {
		return nil, fmt.Errorf("looking for a running tidegauge up: %w", err)
	}
	var r Running
	if err := json.Unmarshal(text, &r); err != nil {
		return nil, fmt.Errorf("%s does not say how to reach tidegauge up (delete it if nothing is running): %w", path, err)
	}
	if !alive(r.PID) {
		return nil, fmt.Errorf("%w from %s: the one that was started at %s as process %d has ended without stopping cleanly",
			ErrNotRunning, folder, r.Started.Local().Format(time.DateTime), r.PID)
	}
	return &r, nil
}

// alive says whether a process exists. A number that was given to another process since is taken for it: the address
// then refuses, and says so.
func alive(pid int) bool {
	p, err := os.FindProcess(pid)
	if err != nil || pid <= 0 {
		return false
	}
	err = p.Signal(syscall.Signal(0))
	return err == nil || errors.Is(err, os.ErrPermission)
}

// use takes over the addresses of a running `tidegauge up`, topic and group included: they are one pipeline.
func (l *Loaded) use(up *Running) {
	l.Up = up
	const source = "running tidegauge up"
	l.Kafka.Brokers, l.ClickHouse.Address = []string{up.Kafka}, up.ClickHouse
	l.Kafka.Topic, l.Kafka.Group = up.Topic, up.Group
	for _, name := range []string{"kafka.brokers", "clickhouse.address", "kafka.topic", "kafka.group"} {
		l.sources[name] = source
	}
}

// documentedDataDir is what documents call the default data folder.
const documentedDataDir = "~/.local/share/tidegauge"

// defaultDataDir is the XDG data folder. It is a relative folder only where there is no home.
func defaultDataDir() string {
	if folder := os.Getenv("XDG_DATA_HOME"); filepath.IsAbs(folder) { // XDG: a relative one is to be ignored
		return filepath.Join(folder, "tidegauge")
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return "tidegauge-data"
	}
	return filepath.Join(home, ".local", "share", "tidegauge")
}
