package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/cenkalti/backoff/v5"
)

// Config says how to reach ClickHouse. Start from DefaultConfig.
type Config struct {
	// Address is clickhouse://, clickhouses:// (native protocol, plain or TLS), http:// or https://, then
	// user:password@host:port[,host:port]/database?parameters. Ports default to 9000, 9440, 8123 and 8443. Parameters
	// are clickhouse-go's (compress, skip_verify, connection_open_strategy, …); any other is a ClickHouse setting.
	// Native is preferred: it cancels at once and reports errors in mid-stream properly.
	Address string
	// User, Password and Database take the place of the address's where they are not empty, so that a secret can come
	// from elsewhere than the address.
	User, Password, Database string
	// CreateDatabase makes the database where it is not there.
	CreateDatabase bool
	// Cluster is the ClickHouse cluster (of remote_servers) to migrate on; empty for a single node.
	Cluster string
	// CAFile, CertFile and KeyFile are PEM files for TLS: who signed the server's certificate, where the system does not
	// know, and the client's own. SkipVerify believes any certificate.
	CAFile, CertFile, KeyFile string
	SkipVerify                bool
	// CA, Cert and Key are what would be in these files, for a program that has no files.
	CA, Cert, Key []byte
	// MaxOpenConns bounds the connections; a query that finds none free waits DialTimeout for one.
	MaxOpenConns int
	// DialTimeout bounds connecting and the handshake, ReadTimeout the silence between two packets of an answer, and
	// WriteTimeout how long half a megabyte or a column of a block may take to be taken over.
	DialTimeout, ReadTimeout, WriteTimeout time.Duration
	// Wait is how long Open keeps trying while the server cannot be reached; 0 tries once.
	Wait time.Duration
	// Settings are ClickHouse settings of every query.
	Settings map[string]any
}

// DefaultConfig is a ClickHouse on this machine's usual port, database tidegauge.
func DefaultConfig() Config {
	return Config{
		Address:      "clickhouse://127.0.0.1:9000/tidegauge",
		MaxOpenConns: 16,
		DialTimeout:  10 * time.Second,
		ReadTimeout:  5 * time.Minute, // an ALTER or an OPTIMIZE is silent while it works
		WriteTimeout: 30 * time.Second,
	}
}

// Validate reports everything that is wrong, not only the first.
func (c Config) Validate() error {
	var wrong []error
	if _, err := c.options(); err != nil {
		wrong = append(wrong, err)
	}
	if c.MaxOpenConns < 1 {
		wrong = append(wrong, fmt.Errorf("clickhouse: %d connections are not enough, at least 1", c.MaxOpenConns))
	}
	if c.DialTimeout <= 0 || c.ReadTimeout <= 0 || c.WriteTimeout <= 0 {
		wrong = append(wrong, fmt.Errorf("clickhouse: dial timeout %s, read timeout %s and write timeout %s must be above zero", c.DialTimeout, c.ReadTimeout, c.WriteTimeout))
	}
	if c.Wait < 0 {
		wrong = append(wrong, fmt.Errorf("clickhouse: cannot wait for %s", c.Wait))
	}
	return errors.Join(wrong...)
}

// DB is an open ClickHouse. It is safe for use by several goroutines.
type DB struct {
	driver.Conn
	config  Config
	options *clickhouse.Options

	once     sync.Once
	standard *sql.DB
}

// Open connects and returns once the server has answered a query. An error says what is wrong, where, and what to do.
func Open(ctx context.Context, c Config) (*DB, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	options, err := c.options()
	if err != nil {
		return nil, err
	}
	conn, err := clickhouse.Open(options)
	if err != nil {
		return nil, fmt.Errorf("clickhouse %s: %w", Redact(c.Address), err)
	}
	db := &DB{Conn: conn, config: c, options: options}
	if err := db.patiently(ctx, db.try); err != nil {
		return nil, errors.Join(explain(c, options, err), db.Close())
	}
	return db, nil
}

// patiently repeats do while the server cannot be reached, for as long as the configuration says to wait.
func (d *DB) patiently(ctx context.Context, do func(context.Context) error) error {
	delays := backoff.NewExponentialBackOff()
	delays.InitialInterval, delays.MaxInterval = 50*time.Millisecond, 2*time.Second
	for began := time.Now(); ; {
		err := do(ctx)
		delay := delays.NextBackOff()
		if err == nil || classify(err) != transient || time.Since(began)+delay > d.config.Wait {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(delay):
		}
	}
}

// try asks the server something, making the database first where that is allowed and needed.
func (d *DB) try(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, 2*d.config.DialTimeout)
	defer cancel()
	err := d.ask(ctx)
	var exception *clickhouse.Exception
	if !errors.As(err, &exception) || exception.Code != codeUnknownDatabase || !d.config.CreateDatabase {
		return err
	}
	options := *d.options
	options.Auth.Database = ""
	conn, err := clickhouse.Open(&options)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close() }()
	if err := conn.Exec(ctx, "CREATE DATABASE IF NOT EXISTS "+quoteName(d.Database())+d.onCluster()); err != nil {
		return fmt.Errorf("creating database %s: %w", d.Database(), err)
	}
	return d.ask(ctx)
}

func (d *DB) ask(ctx context.Context) error {
	if err := d.Ping(ctx); err != nil {
		return err
	}
	// A ping is answered before the right to query is looked at.
	var one uint8
	return d.QueryRow(ctx, "SELECT 1").Scan(&one)
}

func (d *DB) onCluster() string {
	if d.config.Cluster == "" {
		return ""
	}
	return " ON CLUSTER " + quoteName(d.config.Cluster)
}

// SQL is the same ClickHouse as a database/sql handle, which migrations need; it has its own few connections and is
// closed with the DB.
func (d *DB) SQL() *sql.DB {
	d.once.Do(func() {
		options := *d.options
		options.Settings = maps.Clone(options.Settings)
		options.MaxOpenConns, options.MaxIdleConns, options.ConnMaxLifetime = 0, 0, 0 // database/sql has its own pool
		d.standard = clickhouse.OpenDB(&options)
		d.standard.SetMaxOpenConns(4)
		d.standard.SetMaxIdleConns(1)
	})
	return d.standard
}

// Database is the database's name.
func (d *DB) Database() string {
	if d.options.Auth.Database == "" {
		return "default"
	}
	return d.options.Auth.Database
}

// Address is the address without the password, for logs.
func (d *DB) Address() string { return Redact(d.config.Address) }

// Config is what the DB was opened with.
func (d *DB) Config() Config { return d.config }

// Close closes every connection.
func (d *DB) Close() error {
	d.once.Do(func() {}) // from here on SQL makes no new handle
	if d.standard != nil {
		return errors.Join(d.standard.Close(), d.Conn.Close())
	}
	return d.Conn.Close()
}
