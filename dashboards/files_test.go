package dashboards_test

import (
	"bytes"
	"flag"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
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

// TestImage: what the plugin's build takes from outside its folder is in the image's context, and copied to where it is looked for.
func TestImage(t *testing.T) {
	read := func(path string) string {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	build, ignored, image := read("datasource/rspack.config.mjs"), read("../.dockerignore"), read("../deploy/grafana/Dockerfile")
	found := regexp.MustCompile(`'\.\./\.\./\.\./([\w./-]+)'`).FindAllStringSubmatch(build, -1)
	for _, f := range found {
		if !strings.Contains(ignored, "\n!"+f[1]+"\n") || !strings.Contains(image, "COPY "+f[1]+" /src/\n") {
			t.Errorf("the plugin's build takes %s: deploy/grafana/Dockerfile has to copy it, and .dockerignore to leave it in", f[1])
		}
	}
	if len(found) == 0 || !strings.Contains(image, "WORKDIR /src/dashboards/datasource\n") {
		t.Error("the plugin is not built where it lies in the project")
	}
}
