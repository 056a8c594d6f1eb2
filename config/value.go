package config

import (
	"errors"
	"fmt"
	"net"
	"reflect"
	"strconv"
	"strings"
	"time"

	"github.com/dustin/go-humanize"
)

// Size is a number of bytes, written 512MiB, 2GB or 1000000.
type Size int64

// String gives the shortest exact form.
func (s Size) String() string {
	for _, unit := range []struct {
		name string
		size Size
	}{{"TiB", 1 << 40}, {"GiB", 1 << 30}, {"MiB", 1 << 20}, {"KiB", 1 << 10}} {
		if s != 0 && s%unit.size == 0 {
			return strconv.FormatInt(int64(s/unit.size), 10) + unit.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// format gives a value as a person would write it in the file or in the environment.
func format(v reflect.Value) string {
	switch value := v.Interface().(type) {
	case []string:
		return strings.Join(value, ",")
	default:
		return fmt.Sprint(value) // durations and sizes have their own String
	}
}

// parse sets target, of the key's type, from what a source gave: text from flags and environment, what YAML makes of a
// value from the file. Errors say what is wrong with the value, not whose it is.
func parse(k key, raw any, target reflect.Value) error {
	if raw == nil {
		return errors.New("has no value: give one, or leave the key out")
	}
	if list, ok := raw.([]any); ok {
		if k.kind.Kind() != reflect.Slice {
			return fmt.Errorf("is a list, want %s", wanted(k))
		}
		var items []string
		for _, item := range list {
			items = append(items, strings.TrimSpace(fmt.Sprint(item)))
		}
		return assign(k, target, reflect.ValueOf(items))
	}
	if _, ok := raw.(map[string]any); ok {
		return fmt.Errorf("is a section, want %s", wanted(k))
	}
	text := strings.TrimSpace(fmt.Sprint(raw))
	invalid := func() error { return fmt.Errorf("%q is not %s", text, wanted(k)) }
	switch k.kind {
	case reflect.TypeFor[string]():
		return assign(k, target, reflect.ValueOf(text))
	case reflect.TypeFor[bool]():
		v, err := strconv.ParseBool(text)
		if err != nil {
			return invalid()
		}
		return assign(k, target, reflect.ValueOf(v))
	case reflect.TypeFor[int]():
		v, err := strconv.Atoi(text)
		if err != nil {
			return invalid()
		}
		return assign(k, target, reflect.ValueOf(v))
	case reflect.TypeFor[time.Duration]():
		v, err := time.ParseDuration(text)
		if err != nil {
			return invalid()
		}
		return assign(k, target, reflect.ValueOf(v))
	case reflect.TypeFor[Size]():
		v, err := humanize.ParseBytes(text)
		if err != nil || v > 1<<62 {
			return invalid()
		}
		return assign(k, target, reflect.ValueOf(Size(v)))
	case reflect.TypeFor[[]string]():
		var items []string
		for item := range strings.SplitSeq(text, ",") {
			if item = strings.TrimSpace(item); item != "" {
				items = append(items, item)
			}
		}
		if len(items) == 0 && fmt.Sprint(raw) != "" { // somebody means something: without tokens, a receiver is open to all
			return errors.New("has nothing between its commas: give something, or leave it empty")
		}
		return assign(k, target, reflect.ValueOf(items))
	}
	panic("config: no parser for the type of " + k.name)
}

func wanted(k key) string {
	switch k.kind {
	case reflect.TypeFor[bool]():
		return "true or false"
	case reflect.TypeFor[int]():
		return "a whole number"
	case reflect.TypeFor[time.Duration]():
		return "a duration like 500ms, 1s or 2m"
	case reflect.TypeFor[Size]():
		return "a size like 64MiB or 2GiB"
	case reflect.TypeFor[[]string]():
		return "a list"
	}
	return "a text"
}

// assign checks the value and sets target to it.
func assign(k key, target, v reflect.Value) error {
	if err := check(k, v); err != nil {
		return err
	}
	target.Set(v)
	return nil
}

func check(k key, v reflect.Value) error {
	if oneof, ok := k.tag.Lookup("oneof"); ok {
		allowed := strings.Split(oneof, ",")
		if s := v.String(); !contains(allowed, s) {
			return fmt.Errorf("%q is none of %s%s", s, strings.Trim(strings.Join(allowed, ", "), ", "), didYouMean(s, allowed))
		}
	}
	for _, bound := range []string{"min", "max"} {
		limit, ok := k.tag.Lookup(bound)
		if !ok {
			continue
		}
		l := reflect.New(k.kind).Elem()
		// Bounds are written as values are; without their own bounds, or this would not end.
		if err := parse(key{name: k.name, kind: k.kind}, limit, l); err != nil {
			panic("config: bound of " + k.name + ": " + err.Error())
		}
		if bound == "min" && v.Int() < l.Int() && (v.Int() != 0 || k.tag.Get("zero") == "") {
			return fmt.Errorf("%v is below %s", v, limit)
		}
		if bound == "max" && v.Int() > l.Int() {
			return fmt.Errorf("%v is above %s", v, limit)
		}
	}
	switch k.tag.Get("check") {
	case "addresses":
		var errs []error
		for i := range v.Len() {
			errs = append(errs, checkHostPort(v.Index(i).String()))
		}
		return errors.Join(errs...)
	case "hostport":
		return checkHostPort(v.String())
	case "listen":
		if s := v.String(); s != "off" && !strings.HasPrefix(s, ":") {
			return checkHostPort(s)
		} else if s != "off" {
			return checkHostPort("0.0.0.0" + s)
		}
	case "name":
		return checkName(v.String())
	case "clickhouse":
		return checkClickHouse(v.String())
	}
	return nil
}

func checkHostPort(address string) error {
	host, port, err := net.SplitHostPort(address)
	if err != nil || host == "" {
		return fmt.Errorf("%q is not host:port", address)
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return fmt.Errorf("%q: port %q is not between 0 and 65535", address, port)
	}
	return nil
}

// checkName is Kafka's rule for the names of topics, which suits groups too.
func checkName(name string) error {
	if name == "" {
		return errors.New("is empty")
	}
	if len(name) > 249 {
		return fmt.Errorf("has %d characters, more than the 249 that Kafka allows", len(name))
	}
	for _, r := range name {
		if !strings.ContainsRune("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-", r) {
			return fmt.Errorf("%q has a %q: Kafka allows letters, digits, dots, underscores and hyphens", name, r)
		}
	}
	return nil
}

func checkClickHouse(address string) error {
	if address == "" {
		return nil
	}
	// The address may hold a password, so it is never repeated in a message. net/url refuses more than one host with a
	// port, which ClickHouse's addresses may have, so only the parts that must be there are looked at.
	scheme, rest, found := strings.Cut(address, "://")
	if !found {
		return errors.New("has no scheme: write clickhouse://host:9000 (native) or http://host:8123")
	}
	switch scheme {
	case "clickhouse", "clickhouses", "http", "https":
	default:
		return fmt.Errorf("has the scheme %q, want clickhouse, clickhouses, http or https", scheme)
	}
	hosts, _, _ := strings.Cut(rest, "/")
	hosts, _, _ = strings.Cut(hosts, "?")
	if hosts[strings.LastIndex(hosts, "@")+1:] == "" {
		return errors.New("has no host")
	}
	return nil
}

func contains(list []string, wanted string) bool {
	for _, item := range list {
		if item == wanted {
			return true
		}
	}
	return false
}
