package testenv

import (
	"os/exec"
	"runtime"
)

// StartChild starts a command that ends with this process, however that ends (on Linux). ended is closed once the
// child is gone and has been waited for.
func StartChild(command *exec.Cmd) (ended <-chan struct{}, err error) {
	command.SysProcAttr = endWithParent()
	started, done := make(chan error, 1), make(chan struct{})
	go func() {
		// The kernel's notice of the parent's death is about the thread that started the child, so that thread is
		// kept for as long as the child runs.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := command.Start()
		started <- err
		if err == nil {
			_ = command.Wait() // how it ended is in ProcessState
		}
		close(done)
	}()
	return done, <-started
}
