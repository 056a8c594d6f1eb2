package storage_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tidegauge/storage"
	"tidegauge/testenv"
)

func TestOpenMakesTheDatabaseWhereAllowed(t *testing.T) {
	e := testenv.Engine(t)
	for _, address := range []string{e.Addr(), e.HTTPAddr()} {
		c := storage.DefaultConfig()
		c.Address = address + "/made_by_open?max_threads=3"
		_, err := storage.Open(t.Context(), c)
		wantError(t, err, "no database made_by_open", "tidegauge migrate")

		db := open(t, c.Address, func(c *storage.Config) { c.CreateDatabase = true })
		if n := count(t, db, "SELECT toUInt64(getSetting('max_threads'))"); n != 3 {
			t.Errorf("max_threads is %d", n)
		}
		var standard, native string
		if err := db.SQL().QueryRowContext(t.Context(), "SELECT currentDatabase()").Scan(&standard); err != nil {
			t.Fatal(err)
		}
		if err := db.QueryRow(t.Context(), "SELECT currentDatabase()").Scan(&native); err != nil {
			t.Fatal(err)
		}
		if native != "made_by_open" || standard != native || db.Database() != native {
			t.Errorf("databases %q, %q, %q", native, standard, db.Database())
		}
		run(t, db, "DROP DATABASE made_by_open")
	}
}

// deaf listens and never says anything.
func deaf(t *testing.T) string {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	return listener.Addr().String()
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	c := engineConfig(t.TempDir())
	c.User, c.Password = "tide", "s3cret"
	e := startEngine(t, c)
	native, http := fmt.Sprintf("127.0.0.1:%d", e.NativePort()), fmt.Sprintf("127.0.0.1:%d", e.HTTPPort())
	secure := httptest.NewUnstartedServer(nil)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0)
	secure.StartTLS()
	t.Cleanup(secure.Close)
	tlsAddress := secure.Listener.Addr().String()
	gone := deaf(t)
	for _, test := range []struct {
		name, address string
		says          []string
	}{
		{"wrong password", "clickhouse://tide:wr0ng@" + native, []string{"user tide is refused", native}},
		{"wrong password over HTTP", "http://tide:wr0ng@" + http, []string{"user tide is refused", http}},
		{"unknown user", "clickhouse://nobody:wr0ng@" + native, []string{"user nobody is refused"}},
		{"native to the HTTP port", "clickhouse://tide:s3cret@" + http, []string{"HTTP port", "write http://"}},
		{"HTTP to the native port", "http://tide:s3cret@" + native, []string{"native port", "write clickhouse://"}},
		{"TLS to a plain port", "clickhouses://tide:s3cret@" + native, []string{"does not speak TLS"}},
		{"HTTPS to a plain port", "https://tide:s3cret@" + http, []string{"does not speak TLS"}},
		{"plain to a TLS port", "clickhouse://tide:s3cret@" + tlsAddress, []string{"TLS"}},
		{"certificate", "https://tide:s3cret@" + tlsAddress, []string{"certificate is not trusted", "CA file"}},
		{"refused", "clickhouse://tide:s3cret@127.0.0.1:1", []string{"nothing listens there", "127.0.0.1:1"}},
		{"unknown host", "clickhouse://tide:s3cret@no-such-host.invalid:9000", []string{"host name is not known"}},
		{"no answer", "clickhouse://tide:s3cret@" + gone, []string{"no answer in time"}},
		{"no answer over HTTP", "http://tide:s3cret@" + gone, []string{"no answer in time"}},
		{"scheme", "mysql://tide:s3cret@" + native, []string{"clickhouse://", "https://"}},
		{"no scheme", "tide:s3cret@" + native, []string{"has to begin with"}},
		{"no host", "clickhouse:///tidegauge", []string{"address"}},
		{"port", "clickhouse://tide:s3cret@host:port", []string{"cannot be read"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			c := storage.DefaultConfig()
			c.Address = test.address
			c.DialTimeout = 700 * time.Millisecond
			db, err := storage.Open(t.Context(), c)
			if err == nil {
				_ = db.Close()
			}
			wantError(t, err, test.says...)
			if err != nil && (strings.Contains(err.Error(), "s3cret") || strings.Contains(err.Error(), "wr0ng")) {
				t.Errorf("the error shows the password: %v", err)
			}
		})
	}
}

func TestOpenWaitsForAServer(t *testing.T) {
	e := testenv.Engine(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0") // a port that will be free
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	go func() { // the server comes up later: a relay to the engine
		time.Sleep(300 * time.Millisecond)
		relay(t, address, fmt.Sprintf("127.0.0.1:%d", e.NativePort()))
	}()
	open(t, "clickhouse://"+address, func(c *storage.Config) { c.Wait = 10 * time.Second })

	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	c := storage.DefaultConfig()
	c.Address, c.Wait = "clickhouse://127.0.0.1:1", time.Hour
	if _, err := storage.Open(ctx, c); err == nil {
		t.Error("no error after the context ended")
	}
}

func TestOpenTakesTheNextHost(t *testing.T) {
	e := testenv.Engine(t)
	open(t, fmt.Sprintf("clickhouse://127.0.0.1:1,127.0.0.1:%d/default", e.NativePort()))
}

// relay passes connections on, until the test ends.
func relay(t *testing.T, from, to string) {
	listener, err := net.Listen("tcp", from)
	if err != nil {
		t.Error(err)
		return
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			near, err := listener.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", to)
			if err != nil {
				_ = near.Close()
				continue
			}
			pass := func(a, b net.Conn) {
				buffer := make([]byte, 32<<10)
				for {
					n, err := a.Read(buffer)
					if _, failed := b.Write(buffer[:n]); err != nil || failed != nil {
						_, _ = a.Close(), b.Close()
						return
					}
				}
			}
			go pass(near, far)
			go pass(far, near)
		}
	}()
}

func TestConfigReportsAllMistakes(t *testing.T) {
	c := storage.Config{Address: "clickhouses://host", CAFile: "/nowhere.pem", Wait: -1}
	wantError(t, c.Validate(), "/nowhere.pem", "connections", "timeout", "wait")
	c = storage.DefaultConfig()
	c.SkipVerify = true
	wantError(t, c.Validate(), "does not use TLS")
	c.SkipVerify, c.CA = false, []byte("x")
	wantError(t, c.Validate(), "does not use TLS")
	c.Address = "clickhouses://host"
	wantError(t, c.Validate(), "no PEM certificate")
	c.CA, c.Key = nil, []byte("x")
	wantError(t, c.Validate(), "both a certificate and a key")
	if err := errors.Join(storage.DefaultConfig().Validate(), storage.DefaultWriterConfig().Validate()); err != nil {
		t.Error(err)
	}
}

func TestRedact(t *testing.T) {
	for address, want := range map[string]string{
		"clickhouse://u:p@h:9000/d":              "clickhouse://u:xxxxx@h:9000/d",
		"clickhouse://u@h":                       "clickhouse://u@h",
		"http://h:8123/d?password=p&user=u":      "http://h:8123/d?password=xxxxx&user=u",
		"https://u:p@q@h1,h2/d?a=b&pass%77ord=p": "https://u:xxxxx@h1,h2/d?a=b&pass%77ord=xxxxx",
		"clickhouse://u:p?q@h:9000/d":            "clickhouse://u:p?xxxxx",
		"u:p@h":                                  "u:xxxxx@h",
		"":                                       "",
		"nonsense":                               "nonsense",
	} {
		if got := storage.Redact(address); got != want {
			t.Errorf("Redact(%q) = %q, want %q", address, got, want)
		}
	}
}

func FuzzRedactHidesPasswords(f *testing.F) {
	f.Add("geheim", "h/d?a=b")
	f.Add("a?b", "h")
	f.Add("a/b@c", "h,i?password=geheim")
	f.Add("@?", "0")
	f.Fuzz(func(t *testing.T, password, rest string) {
		const mark = "\x01secret\x01"
		if strings.ContainsAny(rest, "@:") || strings.Contains(password, "secret") {
			t.Skip()
		}
		if got := storage.Redact("clickhouse://user:" + password + mark + "@" + rest); strings.Contains(got, mark) {
			t.Errorf("%q is shown: %q", password+mark, got)
		}
	})
}
