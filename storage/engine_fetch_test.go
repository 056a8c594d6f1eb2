//go:build linux && amd64 && !noengine

package storage_test

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"tidegauge/storage"
	"tidegauge/testenv"
)

// fakeNPM puts a program called npm first in the path. What it stands in for is npm's ways of failing; that a true
// npm fetches the true engine is what `make engine` shows.
func fakeNPM(t *testing.T, script string) {
	t.Helper()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "npm"), []byte("#!/bin/sh\n"+script), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", folder+":/usr/bin:/bin")
}

// archive is a package archive whose library is not the engine.
func archive(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "engine.tgz")
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	zipped := gzip.NewWriter(file)
	entries := tar.NewWriter(zipped)
	content := []byte("not an engine")
	for _, name := range []string{"package/package.json", "package/libchdb.so", "package/../../escaped"} {
		err = errors.Join(err, entries.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(content))}))
		_, failed := entries.Write(content)
		err = errors.Join(err, failed)
	}
	if err = errors.Join(err, entries.Close(), zipped.Close(), file.Close()); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestFetchEngineSaysWhatIsWrongAndLeavesNothing(t *testing.T) {
	for _, test := range []struct {
		name, npm string
		says      []string
	}{
		{"no network", "echo npm error code ENOTFOUND >&2; exit 1", []string{"cannot reach its registry", "ENOTFOUND", "TIDEGAUGE_CHDB_LIB"}},
		{"no such version", "echo npm error code ETARGET >&2; exit 1", []string{"does not have", storage.EngineVersion}},
		{"no space", "echo npm error code ENOSPC >&2; exit 1", []string{"no space left", "1 GB"}},
		{"no access", "echo npm error code E403 >&2; exit 1", []string{"refuses access"}},
		{"something else", "echo npm error out of sorts >&2; exit 1", []string{"out of sorts"}},
		{"nothing fetched", "exit 0", []string{"0 archives"}},
		{"not an archive", "echo nonsense > engine.tgz", []string{"archive"}},
		{"another archive", "cp " + archive(t) + " engine.tgz", []string{"checksum", "pinned"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			fakeNPM(t, test.npm)
			folder := filepath.Join(t.TempDir(), "engine")
			_, err := storage.FetchEngine(t.Context(), folder, func(done, total int64) {})
			wantError(t, err, test.says...)
			if left, _ := os.ReadDir(folder); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestFetchEngineWithoutNPM(t *testing.T) {
	t.Setenv("PATH", t.TempDir())
	_, err := storage.FetchEngine(t.Context(), t.TempDir(), nil)
	wantError(t, err, "npm is needed", "TIDEGAUGE_CHDB_LIB")
}

func TestFetchEngineInterrupted(t *testing.T) {
	fakeNPM(t, "sleep 20")
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	began := time.Now()
	_, err := storage.FetchEngine(ctx, t.TempDir(), nil)
	if !errors.Is(err, context.DeadlineExceeded) || time.Since(began) > 10*time.Second {
		t.Errorf("after %s: %v", time.Since(began), err)
	}
}

func TestFetchEngineKeepsACompleteOne(t *testing.T) {
	testenv.Engine(t)
	library, err := storage.FindEngine("")
	if err != nil {
		t.Fatal(err)
	}
	fakeNPM(t, "exit 1")
	folder := t.TempDir()
	if err := os.Symlink(library, filepath.Join(folder, "libchdb.so")); err != nil {
		t.Fatal(err)
	}
	if got, err := storage.FetchEngine(t.Context(), folder, nil); err != nil || got != filepath.Join(folder, "libchdb.so") {
		t.Errorf("%s, %v", got, err)
	}
}

func TestFindEngine(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Setenv(storage.EngineLibraryVariable, "")
	missing := func(_ string, err error) error {
		t.Helper()
		if !errors.Is(err, storage.ErrEngineMissing) {
			t.Errorf("error %v", err)
		}
		return err
	}
	wantError(t, missing(storage.FindEngine("")), cache, "tidegauge engine fetch", "make engine", storage.EngineLibraryVariable)
	wantError(t, missing(storage.FindEngine("/nowhere/lib.so")), "/nowhere/lib.so")
	wantError(t, missing(storage.FindEngine(cache)), "not a file")

	folder, err := storage.EngineFolder()
	if err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(folder, "libchdb.so")
	if err := errors.Join(os.MkdirAll(folder, 0o755), os.WriteFile(half, []byte("half"), 0o644)); err != nil {
		t.Fatal(err)
	}
	wantError(t, missing(storage.FindEngine("")), half, "4 bytes")
	if path, err := storage.FindEngine(half); err != nil || path != half {
		t.Errorf("a library of one's own: %s, %v", path, err)
	}
	t.Setenv(storage.EngineLibraryVariable, "/nowhere/lib.so")
	wantError(t, missing(storage.FindEngine("")), "/nowhere/lib.so", storage.EngineLibraryVariable)
}
