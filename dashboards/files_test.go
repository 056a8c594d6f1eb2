package dashboards_test

import (
	"bytes"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tidegauge/dashboards"
	"tidegauge/testenv"
)

var update = flag.Bool("update", false, "write the generated files")

func TestMain(m *testing.M) { testenv.Main(m) }

// TestFilesAreCurrent: what is committed is what the package makes, no file less and none more.
func TestFilesAreCurrent(t *testing.T) {
	files, err := dashboards.Files()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join("..", filepath.FromSlash(name))
		if *update {
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, files[name], 0o644); err != nil {
				t.Fatal(err)
			}
			continue
		}
		if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, files[name]) {
			t.Errorf("%s is not what the code says (%v): run go generate ./dashboards", name, err)
		}
	}
	err = filepath.WalkDir("json", func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || !strings.HasSuffix(path, ".json") {
			return err
		}
		if _, ok := files["dashboards/"+filepath.ToSlash(path)]; !ok {
			t.Errorf("%s is made by nothing: delete it", path)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}
