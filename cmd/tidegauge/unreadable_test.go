//go:build unix

package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// TestUnreadableFile runs as a user who may not read the file: root, who reads everything, runs the program as nobody.
func TestUnreadableFile(t *testing.T) {
	s := newShell(t)
	path := s.write("secret.csv", azureLog(3))
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	c := s.command("characterize", path)
	if os.Geteuid() == 0 {
		for _, folder := range []string{filepath.Dir(binary), s.folder, filepath.Dir(s.folder)} {
			if err := os.Chmod(folder, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		const nobody = 65534
		c.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
	}
	var said bytes.Buffer
	c.Stderr = &said
	_ = c.Run() // its status is looked at below
	if c.ProcessState == nil || c.ProcessState.ExitCode() != exitFailed || !strings.Contains(said.String(), "secret.csv: permission denied") {
		t.Errorf("status %v: %s", c.ProcessState, said.String())
	}
}
