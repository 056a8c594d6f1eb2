package storage

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// FetchEngine makes sure that folder (EngineFolder where it is empty) holds the engine's library, fetching it with npm
// where it does not, and returns the library's path. Archive and library are checked against pinned checksums; the
// library appears under its name complete or not at all, so an interrupted or a concurrent run does no harm.
//
// progress, where not nil, is called now and then with the bytes fetched so far and all there are.
func FetchEngine(ctx context.Context, folder string, progress func(done, total int64)) (string, error) {
	if !engineSupported {
		return "", ErrEngineUnsupported
	}
	if folder == "" {
		var err error
		if folder, err = EngineFolder(); err != nil {
			return "", err
		}
	}
	library := filepath.Join(folder, engineLibraryName)
	if sum, err := fileSHA256(library); err == nil && sum == engineLibrarySHA256 {
		return library, nil
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return "", fmt.Errorf("making the engine's folder: %w", err)
	}
	removeAbandoned(folder)
	// Beside its destination, so that the last step is a rename within one file system.
	work, err := os.MkdirTemp(folder, fetchPrefix)
	if err != nil {
		return "", fmt.Errorf("making a folder to fetch the engine into: %w", err)
	}
	defer func() { _ = os.RemoveAll(work) }()

	archive, err := packEngine(ctx, work, progress)
	if err != nil {
		return "", err
	}
	if err := unpackEngine(ctx, archive, work); err != nil {
		if errors.Is(err, syscall.ENOSPC) {
			err = fmt.Errorf("no space left in %s: the engine needs about 1 GB while it is fetched and 570 MB afterwards: %w", folder, err)
		}
		return "", err
	}
	for _, name := range []string{engineLicenceName, engineLibraryName} { // the library last: its presence means complete
		if err := os.Rename(filepath.Join(work, name), filepath.Join(folder, name)); err != nil {
			return "", fmt.Errorf("moving the engine into place: %w", err)
		}
	}
	return library, nil
}

const (
	fetchPrefix = ".fetch-"
	// engineLicenceName is the package's own description, which names its licence (Apache-2.0); it ships no other text.
	engineLicenceName = "package.json"
	// A fetch that is older than this was killed: npm gives up on its own long before.
	abandonedFetch = 6 * time.Hour
)

// removeAbandoned clears up after fetches that were killed, and leaves those that may be running.
func removeAbandoned(folder string) {
	left, _ := filepath.Glob(filepath.Join(folder, fetchPrefix+"*"))
	for _, path := range left {
		if info, err := os.Stat(path); err == nil && time.Since(info.ModTime()) > abandonedFetch {
			_ = os.RemoveAll(path)
		}
	}
}

// packEngine has npm fetch the package's archive into work. npm knows the user's registry, proxy and credentials; no
// download address is written down here.
func packEngine(ctx context.Context, work string, progress func(done, total int64)) (string, error) {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return "", fmt.Errorf("npm is needed to fetch the engine and was not found: install Node.js and npm, or copy %s from "+
			"another machine and set %s to its path: %w", engineLibraryName, EngineLibraryVariable, err)
	}
	var output bytes.Buffer
	// A cache of its own: its growth is the progress, and 178 MB do not stay behind in the user's.
	command := exec.CommandContext(ctx, npm, "pack", enginePackage+"@"+EngineVersion, "--ignore-scripts", "--no-audit",
		"--no-fund", "--no-update-notifier", "--loglevel", "error", "--pack-destination", work, "--cache", filepath.Join(work, "cache"))
	command.Dir = work
	command.Stdout, command.Stderr = &output, &output
	command.WaitDelay = time.Second
	if err := command.Start(); err != nil {
		return "", fmt.Errorf("starting npm: %w", err)
	}
	finished := make(chan struct{})
	watched := make(chan struct{})
	go func() {
		defer close(watched)
		watchFetch(work, progress, finished)
	}()
	err = command.Wait()
	close(finished)
	<-watched
	if ctx.Err() != nil {
		return "", fmt.Errorf("fetching the engine: %w", ctx.Err())
	}
	if err != nil {
		return "", npmError(err, output.String())
	}
	if progress != nil {
		progress(enginePackageBytes, enginePackageBytes)
	}
	archives, _ := filepath.Glob(filepath.Join(work, "*.tgz"))
	if len(archives) != 1 {
		return "", fmt.Errorf("npm pack %s left %d archives, not one; it said: %s", enginePackage, len(archives), firstLines(output.String()))
	}
	return archives[0], nil
}

func watchFetch(work string, progress func(done, total int64), finished <-chan struct{}) {
	if progress == nil {
		return
	}
	for {
		select {
		case <-finished:
			return
		case <-time.After(200 * time.Millisecond):
			progress(min(largestFile(work), enginePackageBytes), enginePackageBytes)
		}
	}
}

// largestFile is the size of the largest file below folder: while npm fetches, the archive in its cache.
func largestFile(folder string) (largest int64) {
	_ = filepath.WalkDir(folder, func(_ string, entry fs.DirEntry, err error) error {
		if err == nil && entry.Type().IsRegular() {
			if info, err := entry.Info(); err == nil {
				largest = max(largest, info.Size())
			}
		}
		return nil // files come and go under npm's hands
	})
	return largest
}

// npmError says what to do about a failed npm, which itself prints pages.
func npmError(err error, output string) error {
	has := func(codes ...string) bool {
		for _, code := range codes {
			if strings.Contains(output, code) {
				return true
			}
		}
		return false
	}
	what := "npm could not fetch the engine"
	switch {
	case has("ENOSPC"):
		what = "no space left while fetching the engine, which needs about 1 GB while it is fetched and 570 MB afterwards"
	case has("ENOTFOUND", "EAI_AGAIN", "ETIMEDOUT", "ECONNREFUSED", "ECONNRESET", "ENETUNREACH", "ERR_SOCKET_TIMEOUT"):
		what = "npm cannot reach its registry: check the network and npm's proxy settings (npm config list), or copy " +
			engineLibraryName + " from another machine and set " + EngineLibraryVariable + " to its path"
	case has("E404", "ETARGET", "ENOVERSIONS"):
		what = "npm's registry does not have " + enginePackage + "@" + EngineVersion + ": check npm's registry setting (npm config get registry)"
	case has("E401", "E403"):
		what = "npm's registry refuses access: check npm's registry and credentials (npm config list)"
	}
	return fmt.Errorf("%s: %w: %s", what, err, firstLines(output))
}

// firstLines keeps the beginning of npm's output, where the reason stands, short enough for one message.
func firstLines(output string) string {
	lines := strings.FieldsFunc(strings.TrimSpace(output), func(r rune) bool { return r == '\n' })
	return strings.Join(lines[:min(len(lines), 4)], "; ")
}

// unpackEngine takes the library and the licence out of the archive into work, checking both checksums.
func unpackEngine(ctx context.Context, archive, work string) error {
	file, err := os.Open(archive)
	if err != nil {
		return fmt.Errorf("opening the engine's archive: %w", err)
	}
	defer func() { _ = file.Close() }()
	archiveSum := sha256.New()
	source := io.TeeReader(bufio.NewReaderSize(file, 1<<20), archiveSum)
	unzipped, err := gzip.NewReader(source)
	if err != nil {
		return fmt.Errorf("reading the engine's archive: %w", err)
	}
	librarySum := ""
	for entries := tar.NewReader(unzipped); ; {
		entry, err := entries.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return fmt.Errorf("reading the engine's archive: %w", err)
		}
		// Fixed names only, so that nothing in an archive can choose where it is written.
		name := strings.TrimPrefix(entry.Name, "package/")
		if name != engineLibraryName && name != engineLicenceName {
			continue
		}
		sum, err := writeSummed(ctx, filepath.Join(work, name), io.LimitReader(entries, engineLibraryBytes+1))
		if err != nil {
			return fmt.Errorf("unpacking the engine's %s: %w", name, err)
		}
		if name == engineLibraryName {
			librarySum = sum
		}
	}
	if _, err := io.Copy(io.Discard, source); err != nil {
		return fmt.Errorf("reading the engine's archive: %w", err)
	}
	for _, check := range []struct{ what, want, got string }{
		{"archive", enginePackageSHA256, hex.EncodeToString(archiveSum.Sum(nil))},
		{"library", engineLibrarySHA256, librarySum},
	} {
		if check.got != check.want {
			return fmt.Errorf("the engine's %s has checksum %q and not the pinned %s: it is not the file Tidegauge was "+
				"tested with, and was thrown away; check which registry npm uses (npm config get registry)", check.what, check.got, check.want)
		}
	}
	return nil
}

func writeSummed(ctx context.Context, path string, content io.Reader) (string, error) {
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o644)
	if err != nil {
		return "", err
	}
	sum := sha256.New()
	_, err = io.Copy(io.MultiWriter(file, sum), contextReader{ctx, content})
	if err == nil {
		err = file.Sync()
	}
	if err = errors.Join(err, file.Close()); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}

// contextReader ends a long copy when its context ends.
type contextReader struct {
	ctx    context.Context
	reader io.Reader
}

func (r contextReader) Read(buffer []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.reader.Read(buffer)
}

func fileSHA256(path string) (string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", err
	}
	defer func() { _ = file.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, file); err != nil {
		return "", err
	}
	return hex.EncodeToString(sum.Sum(nil)), nil
}
