//go:build !linux

package testenv

import "syscall"

// endWithParent: only Linux can tie a child's life to its parent's; elsewhere a killed test leaves its Kafka running.
func endWithParent() *syscall.SysProcAttr { return nil }
