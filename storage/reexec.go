package storage

import (
	"fmt"
	"os"
	"slices"
)

// ServeIfEngine serves and ends the process where its arguments are those of an engine's child (EngineConfig's default
// Command), and returns otherwise. A test binary calls it first thing in TestMain, so that StartEngine can start the
// test binary as the engine.
func ServeIfEngine() {
	command := DefaultEngineConfig().Command
	if len(os.Args) <= len(command) || !slices.Equal(os.Args[1:1+len(command)], command) {
		return
	}
	if err := ServeEngine(os.Args[1+len(command):]); err != nil {
		fmt.Fprintln(os.Stderr, "engine:", err)
		os.Exit(1)
	}
	os.Exit(0)
}
