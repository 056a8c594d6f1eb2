//go:build !linux

package testenv

import (
	"errors"
	"testing"
)

// SmallDisk is for Linux only.
func SmallDisk(testing.TB, int64) (folder string, err error) {
	return "", errors.New("mounting a small file system: not on this system")
}
