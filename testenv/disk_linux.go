package testenv

import (
	"fmt"
	"syscall"
	"testing"
)

// SmallDisk mounts a file system of the given size, in memory, for a test that fills it; it goes with the test. The
// error says why there is none: mounting is root's right.
func SmallDisk(t testing.TB, bytes int64) (folder string, err error) {
	t.Helper()
	folder = t.TempDir()
	if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, fmt.Sprintf("size=%d,mode=0700", bytes)); err != nil {
		return "", fmt.Errorf("mounting a small file system: %w", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(folder, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmounting %s: %v", folder, err)
		}
	})
	return folder, nil
}
