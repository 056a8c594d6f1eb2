// Package tools holds what the project is checked with: the pinned linter (go.mod) and this test of docker-compose.yml,
// which reads it with the library that `docker compose` itself uses.
package tools

import (
	"context"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/cli"
	"github.com/compose-spec/compose-go/v2/types"
)

const (
	base       = "../docker-compose.yml"
	clickhouse = "../deploy/grafana/clickhouse-datasource.yml"
)

func load(t *testing.T, files []string, environment ...string) (*types.Project, error) {
	t.Helper()
	options, err := cli.NewProjectOptions(files, cli.WithEnv(environment), cli.WithName("tidegauge"), cli.WithProfiles([]string{"gpu"}))
	if err != nil {
		t.Fatal(err)
	}
	return options.LoadProject(context.Background())
}

func TestCompose(t *testing.T) {
	for _, files := range [][]string{{base}, {base, clickhouse}} {
		project, err := load(t, files, "CLICKHOUSE_PASSWORD=hushhush", "GRAFANA_PASSWORD=hushhush")
		if err != nil {
			t.Fatal(err)
		}
		checkServices(t, project)
	}
}

func checkServices(t *testing.T, project *types.Project) {
	t.Helper()
	for _, service := range project.Services {
		if service.Build == nil && !regexp.MustCompile(`:\d+\.\d+`).MatchString(service.Image) {
			t.Errorf("%s: image %q has no version", service.Name, service.Image)
		}
		for _, port := range service.Ports {
			if port.HostIP != "127.0.0.1" {
				t.Errorf("%s: port %s is published on %q, want 127.0.0.1", service.Name, port.Published, port.HostIP)
			}
		}
		if service.HealthCheck == nil && service.Restart != "on-failure" && service.Restart != "no" {
			t.Errorf("%s: neither a one-shot nor has a health check", service.Name)
		}
		for other, dependency := range service.DependsOn {
			if dependency.Condition == types.ServiceConditionStarted {
				t.Errorf("%s: waits for %s to be started only", service.Name, other)
			}
		}
		for _, volume := range service.Volumes {
			if volume.Type != types.VolumeTypeBind {
				continue
			}
			if _, err := os.Stat(volume.Source); err != nil {
				t.Errorf("%s: %v", service.Name, err)
			}
		}
	}
}

// TestComposeHasNoPassword: without one from outside the project does not start, and none is in the files.
func TestComposeHasNoPassword(t *testing.T) {
	for given, missing := range map[string]string{"CLICKHOUSE_PASSWORD": "GRAFANA_PASSWORD", "GRAFANA_PASSWORD": "CLICKHOUSE_PASSWORD"} {
		if _, err := load(t, []string{base}, given+"=hushhush"); err == nil || !strings.Contains(err.Error(), missing) {
			t.Errorf("without %s: %v", missing, err)
		}
	}
	example, err := os.ReadFile("../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"CLICKHOUSE_PASSWORD", "GRAFANA_PASSWORD"} {
		if !regexp.MustCompile(`(?m)^` + name + `=$`).Match(example) {
			t.Errorf(".env.example does not leave %s empty", name)
		}
	}
}
