package testenv

import "syscall"

// endWithParent has the kernel kill the child when this process is gone, by whatever end: a test that panics, runs
// into its time limit or is killed leaves no Kafka behind. The child has its own process group, so that Ctrl-C reaches
// it through us, after the tests.
func endWithParent() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}
