package storage

import (
	"errors"
	"fmt"
	"log/slog"
	"net"
	"regexp"
	"slices"
	"strings"
	"time"
)

// EngineConfig is what StartEngine needs to know. Start from DefaultEngineConfig.
type EngineConfig struct {
	// Folder is the data folder, made if it is not there. One engine at a time may use it.
	Folder string
	// Library is the path of libchdb.so; empty looks for it (FindEngine).
	Library string
	// Executable and Command are what is started as the child: a program and the arguments that make it call
	// ServeEngine. Empty: this program, with `engine serve`.
	Executable string
	Command    []string
	// Host is the address to listen on. Anything but loopback needs a Password.
	Host string
	// NativePort and HTTPPort are the ports to listen on; 0 lets the system choose.
	NativePort, HTTPPort int
	// User and Password are what clients must give; without a password anyone who can connect may do anything.
	User, Password string
	// Grants are given to the user beside what Tidegauge needs, as SQL. The engine can reach files and other servers with
	// some of them, so that there are none by default; the benchmarks let it read Kafka.
	Grants []string
	// MemoryLimit bounds the engine's memory in bytes; 0 is 60 % of the machine's, at most 16 GiB.
	MemoryLimit int64
	// FsyncInserts makes an acknowledged insert survive a power cut, not only a killed process. It costs a few
	// milliseconds for each table partition that an insert falls in.
	FsyncInserts bool
	// LogLevel is ClickHouse's: fatal, critical, error, warning, notice, information, debug, trace or none.
	LogLevel string
	// SystemLogs keeps ClickHouse's query_log and part_log, for finding out why something is slow.
	SystemLogs bool
	// StartTimeout and StopTimeout bound how long a start may take (a folder with much data takes longer) and how
	// long a clean stop may take before the child is killed.
	StartTimeout, StopTimeout time.Duration
	// Logger is told when the engine starts and ends; nil is slog's default.
	Logger *slog.Logger
}

// DefaultEngineConfig is an engine on loopback with ports of the system's choice, all but its Folder.
func DefaultEngineConfig() EngineConfig {
	return EngineConfig{
		Command:      []string{"engine", "serve"},
		Host:         "127.0.0.1",
		LogLevel:     "information",
		StartTimeout: 60 * time.Second,
		StopTimeout:  30 * time.Second,
	}
}

// userName is narrow because a user's name is an element's name in ClickHouse's users file.
var userName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_]*$`)

var engineLogLevels = []string{"none", "fatal", "critical", "error", "warning", "notice", "information", "debug", "trace"}

// Validate reports everything that is wrong, not only the first.
func (c EngineConfig) Validate() error {
	var wrong []error
	report := func(format string, arguments ...any) {
		wrong = append(wrong, fmt.Errorf("engine: "+format, arguments...))
	}
	if c.Folder == "" {
		report("folder is empty: say where its data is to be kept")
	}
	if strings.ContainsAny(c.Folder, "\x00\\") {
		report("folder %q: ClickHouse cannot work in a folder with a backslash or a zero byte in its name", c.Folder)
	}
	if c.Host == "" {
		report("host is empty: 127.0.0.1 keeps the engine to this machine")
	}
	if c.Password == "" && !loopback(c.Host) {
		report("host %s can be reached from other machines: give the engine a password, or keep to 127.0.0.1", c.Host)
	}
	switch {
	case (c.User == "" || c.User == internalUser) && c.Password != "":
		report("user default cannot have a password, the engine's own session needs it without one: give another user")
	case c.User != "" && !userName.MatchString(c.User):
		report("user %q: letters, digits and underscores only, a letter first", c.User)
	}
	for _, port := range []struct {
		name   string
		number int
	}{{"native port", c.NativePort}, {"HTTP port", c.HTTPPort}} {
		if port.number < 0 || port.number > 65535 {
			report("%s %d is not between 0 and 65535", port.name, port.number)
		}
	}
	if c.NativePort != 0 && c.NativePort == c.HTTPPort {
		report("native port and HTTP port are both %d: each needs its own", c.NativePort)
	}
	// Below this ClickHouse refuses ordinary queries rather than running them slowly.
	if minimum := int64(512 << 20); c.MemoryLimit != 0 && c.MemoryLimit < minimum {
		report("memory limit %d is below %d bytes (512 MiB)", c.MemoryLimit, minimum)
	}
	if !slices.Contains(engineLogLevels, c.LogLevel) {
		report("log level %q is none of %s", c.LogLevel, strings.Join(engineLogLevels, ", "))
	}
	if c.StartTimeout <= 0 || c.StopTimeout <= 0 {
		report("start timeout %s and stop timeout %s must be above zero", c.StartTimeout, c.StopTimeout)
	}
	return errors.Join(wrong...)
}

func loopback(host string) bool {
	address := net.ParseIP(host)
	return host == "localhost" || address != nil && address.IsLoopback()
}
