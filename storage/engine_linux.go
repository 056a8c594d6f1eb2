//go:build linux && amd64 && !noengine

package storage

import (
	"errors"
	"fmt"
	"os"
	"strconv"
	"syscall"
	"unsafe"
)

const engineSupported = true

// openTerminal returns the two ends of a new pseudo-terminal. Only the slave is given to ClickHouse; whoever holds the
// master must keep reading it, or the slave's writers block once the kernel's buffer is full.
func openTerminal() (master, slave *os.File, err error) {
	master, err = os.OpenFile("/dev/ptmx", os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, fmt.Errorf("opening a pseudo-terminal (is /dev/ptmx there, and devpts mounted?): %w", err)
	}
	var number, unlock uint32
	for _, control := range []struct {
		request  uintptr
		argument *uint32
	}{{syscall.TIOCGPTN, &number}, {syscall.TIOCSPTLCK, &unlock}} {
		_, _, errno := syscall.Syscall(syscall.SYS_IOCTL, master.Fd(), control.request, uintptr(unsafe.Pointer(control.argument)))
		if errno != 0 {
			return nil, nil, errors.Join(fmt.Errorf("setting up a pseudo-terminal: %w", errno), master.Close())
		}
	}
	slave, err = os.OpenFile("/dev/pts/"+strconv.Itoa(int(number)), os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, errors.Join(fmt.Errorf("opening a pseudo-terminal: %w", err), master.Close())
	}
	return master, slave, nil
}

// lockFile takes the exclusive lock on file and reports whether it got it. The lock belongs to the open file, not to
// the process: handing the descriptor to a child hands it the lock, and the kernel drops it when the last holder dies.
func lockFile(file *os.File) (bool, error) {
	err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return false, nil
	}
	return err == nil, err
}

// engineProcess puts the child in its own session: a Ctrl-C meant for the parent must not stop the engine before the
// parent has flushed what it holds.
func engineProcess() *syscall.SysProcAttr { return &syscall.SysProcAttr{Setsid: true} }

// machineMemory is the machine's memory in bytes, 0 where it cannot be told.
func machineMemory() int64 {
	var info syscall.Sysinfo_t
	if syscall.Sysinfo(&info) != nil {
		return 0
	}
	return int64(info.Totalram) * int64(info.Unit)
}

func duplicateOnto(file *os.File, descriptor int) error {
	return syscall.Dup3(int(file.Fd()), descriptor, 0)
}

// hangUp cuts every network connection of this process, as if the other side had closed it.
func hangUp() {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, entry := range entries {
		descriptor, err := strconv.Atoi(entry.Name())
		if err != nil {
			continue
		}
		// Everything but a connected socket has no peer, and is left alone.
		if peer, err := syscall.Getpeername(descriptor); err == nil {
			switch peer.(type) {
			case *syscall.SockaddrInet4, *syscall.SockaddrInet6:
				_ = syscall.Shutdown(descriptor, syscall.SHUT_RDWR)
			}
		}
	}
}
