//go:build !linux || !amd64 || noengine

package storage

import (
	"os"
	"syscall"
)

// Where the engine's library does not exist everything else of the package still builds and works against a server.
const engineSupported = false

func lockFile(*os.File) (bool, error) { return false, ErrEngineUnsupported }

func engineProcess() *syscall.SysProcAttr { return nil }

func machineMemory() int64 { return 0 }

// ServeEngine is what the child runs; see the Linux file.
func ServeEngine([]string) error { return ErrEngineUnsupported }
