//go:build !(darwin || dragonfly || freebsd || linux || netbsd || openbsd)

package broker

import (
	"errors"
	"runtime"
)

type folderLock struct{}

func lockFolder(string) (*folderLock, error) {
	return nil, errors.New("the embedded broker cannot lock its folder on " + runtime.GOOS + "; use an Apache Kafka")
}

func (*folderLock) release() error { return nil }
