package storage

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// EngineVersion is the version of the engine's package, pinned: what is tested is what runs.
const EngineVersion = "26.7.3-stable.1"

// EngineLibraryVariable is the environment variable that says where the engine's library is.
const EngineLibraryVariable = "TIDEGAUGE_CHDB_LIB"

// The package that carries the engine and what is expected in it. A new version is a new set of these, taken from
// `npm pack`, sha256sum and ls, after the tests have passed with it.
const (
	enginePackage       = "@chdb/lib-linux-x64-gnu"
	enginePackageBytes  = 177817999
	enginePackageSHA256 = "c0d32b129e988f2b9a9a31c9141aecf5e1e2453f9a079efc4d36ab8e3f92b2ad"
	engineLibraryName   = "libchdb.so"
	engineLibraryBytes  = 566330096
	engineLibrarySHA256 = "36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5"
)

// Errors of finding and starting the engine, for errors.Is. Each says what to do.
var (
	ErrEngineMissing = errors.New("the embedded ClickHouse engine is not installed")

	ErrEngineUnsupported = errors.New("the embedded ClickHouse engine exists for Linux on x86-64 with glibc only; " +
		"run a ClickHouse server and point --clickhouse at it (clickhouse://user:password@host:9000/tidegauge)")

	ErrFolderInUse = errors.New("the engine's folder is in use")
)

// EngineFolder is where FetchEngine puts the library and FindEngine looks for it: a folder of the user's cache, so
// that every project folder and every version of Tidegauge that pins the same engine shares one copy.
func EngineFolder() (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("finding the user's cache folder (set XDG_CACHE_HOME or HOME, or give the library's path in %s): %w", EngineLibraryVariable, err)
	}
	return filepath.Join(cache, "tidegauge", "engine", EngineVersion), nil
}

// FindEngine returns the path of the engine's library: the explicit one where there is one, else the environment's,
// else the one in EngineFolder. A path that was asked for and is not there is an error, never passed over.
func FindEngine(explicit string) (string, error) {
	if !engineSupported {
		return "", ErrEngineUnsupported
	}
	if explicit != "" {
		return explicit, checkLibrary(explicit, "the configured engine library")
	}
	if path := os.Getenv(EngineLibraryVariable); path != "" {
		return path, checkLibrary(path, EngineLibraryVariable)
	}
	folder, err := EngineFolder()
	if err != nil {
		return "", err
	}
	path := filepath.Join(folder, engineLibraryName)
	info, err := os.Stat(path)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", fmt.Errorf("%w: no %s; get it with `tidegauge engine fetch` (or `make engine`), "+
			"or set %s to a copy of it", ErrEngineMissing, path, EngineLibraryVariable)
	case err != nil:
		return "", fmt.Errorf("looking for the engine's library: %w", err)
	case info.Size() != engineLibraryBytes:
		return "", fmt.Errorf("%w: %s has %d bytes and not %d; get it again with `tidegauge engine fetch` (or `make engine`)",
			ErrEngineMissing, path, info.Size(), engineLibraryBytes)
	}
	return path, nil
}

func checkLibrary(path, origin string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("%w: %s: %w", ErrEngineMissing, origin, err)
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%w: %s: %s is not a file; it should be the path of %s", ErrEngineMissing, origin, path, engineLibraryName)
	}
	return nil
}
