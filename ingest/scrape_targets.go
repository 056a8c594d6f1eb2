package ingest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Target is a page to scrape.
type Target struct {
	Address      string // host:port
	Scheme, Path string // http, /metrics
	// Labels are what a file of targets says of it; rules may ask for them.
	Labels map[string]string
}

// Name is what it is called in logs, metrics and what is stored: its address, with the path where that is not the usual one, as
// several engines may answer behind one port.
func (t Target) Name() string {
	if t.Path == defaultPath {
		return t.Address
	}
	return t.Address + t.Path
}

// defaultPath is where exporters have their page.
const defaultPath = "/metrics"

// URL is where its page is.
func (t Target) URL() string { return t.Scheme + "://" + t.Address + t.Path }

// Host is the address without the port.
func (t Target) Host() string {
	host, _, _ := net.SplitHostPort(t.Address)
	return host
}

// ParseTarget reads host:port, or the whole address of a page.
func ParseTarget(text string) (Target, error) {
	t := Target{Address: text, Scheme: "http", Path: defaultPath}
	if strings.Contains(text, "://") {
		u, err := url.Parse(text)
		if err != nil || u.Host == "" || u.User != nil || u.Scheme != "http" && u.Scheme != "https" {
			return t, fmt.Errorf("target %q is no address of a page: write host:port or http://host:port/metrics (a token goes into a file)", text)
		}
		t.Scheme, t.Address = u.Scheme, u.Host
		if u.Path != "" && u.Path != "/" {
			t.Path = u.RequestURI()
		}
		if u.Port() == "" {
			t.Address = net.JoinHostPort(u.Hostname(), map[string]string{"http": "80", "https": "443"}[u.Scheme])
		}
	}
	host, port, err := net.SplitHostPort(t.Address)
	if err != nil || host == "" {
		return t, fmt.Errorf("target %q is not host:port", text)
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return t, fmt.Errorf("target %q: port %q is not between 1 and 65535", text, port)
	}
	return t, nil
}

// discovery finds the targets, again and again. What cannot be read or resolved at the moment is as it was the last time.
type discovery struct {
	static   []Target
	files    []string // may be patterns
	names    []string // name:port, or a name of SRV records
	resolver *net.Resolver
	log      *slog.Logger

	read     map[string]fileTargets // by path
	resolved map[string][]string    // addresses, by name
	failing  map[string]string      // the error that was logged last, by path or name
}

// fileTargets is a file as it was read last.
type fileTargets struct {
	text    []byte
	targets []Target
}

func newDiscovery(c ScrapeConfig, log *slog.Logger) (*discovery, error) {
	d := &discovery{files: c.Files, names: c.DNS, resolver: c.Resolver, log: log, read: make(map[string]fileTargets),
		resolved: make(map[string][]string), failing: make(map[string]string)}
	if d.resolver == nil {
		d.resolver = net.DefaultResolver
	}
	var errs []error
	for _, text := range c.Targets {
		t, err := ParseTarget(text)
		d.static, errs = append(d.static, t), append(errs, err)
	}
	for _, pattern := range c.Files {
		if _, err := filepath.Match(pattern, ""); err != nil {
			errs = append(errs, fmt.Errorf("file of targets %q: %w", pattern, err))
		}
	}
	for _, name := range c.DNS {
		if srv(name) {
			continue
		}
		if _, err := ParseTarget(name); err != nil || strings.Contains(name, "://") {
			errs = append(errs, fmt.Errorf("DNS name %q is neither name:port nor a name of SRV records, as _metrics._tcp.dcgm-exporter", name))
		}
	}
	return d, errors.Join(errs...)
}

// srv says whether a name is one of SRV records: these begin with an underscore.
func srv(name string) bool { return strings.HasPrefix(name, "_") }

// find gives the targets as they are now, by name. Of two of one name the first counts: those that are given, those
// of files, those of names.
func (d *discovery) find(ctx context.Context) map[string]Target {
	found := make(map[string]Target)
	add := func(targets []Target) {
		for _, t := range targets {
			if _, twice := found[t.Name()]; !twice {
				found[t.Name()] = t
			}
		}
	}
	add(d.static)
	add(d.fromFiles())
	for _, name := range d.names {
		add(d.fromName(ctx, name))
	}
	return found
}

func (d *discovery) fromFiles() (all []Target) {
	paths := make(map[string]bool)
	for _, pattern := range d.files {
		matches, _ := filepath.Glob(pattern) // the pattern was looked at before
		if matches == nil {
			matches = []string{pattern} // it is not there: the error says so
		}
		for _, path := range matches {
			paths[path] = true
		}
	}
	maps.DeleteFunc(d.read, func(path string, _ fileTargets) bool { return !paths[path] })
	for _, path := range slices.Sorted(maps.Keys(paths)) {
		text, err := os.ReadFile(path)
		if last, ok := d.read[path]; err == nil && (!ok || !bytes.Equal(text, last.text)) {
			var targets []Target
			if targets, err = parseTargets(text); err == nil {
				d.read[path] = fileTargets{text, targets}
				d.log.Info("read a file of targets", "file", path, "targets", len(targets))
			}
		}
		d.news(path, "cannot read a file of targets; those that it had are kept", err)
		all = append(all, d.read[path].targets...)
	}
	return all
}

// news logs an error when it is another than the last time.
func (d *discovery) news(of, what string, err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	if text != d.failing[of] && err != nil {
		d.log.Warn(what, "of", of, "error", err)
	}
	d.failing[of] = text
}

// parseTargets reads a file of targets in the shape of Prometheus's file_sd: a list, in YAML or JSON, of groups of targets
// with labels.
func parseTargets(text []byte) ([]Target, error) {
	var groups []struct {
		Targets []string          `yaml:"targets"`
		Labels  map[string]string `yaml:"labels"`
	}
	if err := yaml.Unmarshal(text, &groups); err != nil {
		return nil, fmt.Errorf("is no list of groups, each with targets and labels: %w", err)
	}
	var all []Target
	for _, g := range groups {
		for _, address := range g.Targets {
			t, err := ParseTarget(address)
			if err != nil {
				return nil, err
			}
			if scheme := g.Labels["__scheme__"]; scheme != "" {
				t.Scheme = scheme
			}
			if path := g.Labels["__metrics_path__"]; path != "" {
				t.Path = path
			}
			if t.Scheme != "http" && t.Scheme != "https" || !strings.HasPrefix(t.Path, "/") {
				return nil, fmt.Errorf("target %q: scheme %q, path %q", address, t.Scheme, t.Path)
			}
			t.Labels = g.Labels
			all = append(all, t)
		}
	}
	return all, nil
}

func (d *discovery) fromName(ctx context.Context, name string) (all []Target) {
	addresses, err := d.resolve(ctx, name)
	d.news(name, "cannot resolve a DNS name; the targets that it had are kept", err)
	if err == nil {
		slices.Sort(addresses)
		if !slices.Equal(addresses, d.resolved[name]) {
			d.log.Info("resolved a DNS name", "name", name, "targets", addresses)
		}
		d.resolved[name] = addresses
	}
	for _, address := range d.resolved[name] {
		all = append(all, Target{Address: address, Scheme: "http", Path: defaultPath})
	}
	return all
}

// resolve asks for a name's addresses and ports.
func (d *discovery) resolve(ctx context.Context, name string) (addresses []string, err error) {
	if srv(name) {
		_, records, err := d.resolver.LookupSRV(ctx, "", "", name)
		for _, r := range records {
			addresses = append(addresses, net.JoinHostPort(strings.TrimSuffix(r.Target, "."), strconv.Itoa(int(r.Port))))
		}
		return addresses, err
	}
	host, port, _ := net.SplitHostPort(name)
	ips, err := d.resolver.LookupHost(ctx, host)
	for _, ip := range ips {
		addresses = append(addresses, net.JoinHostPort(ip, port))
	}
	return addresses, err
}
