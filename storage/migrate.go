package storage

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"time"

	"github.com/cenkalti/backoff/v5"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/database"
)

// migrationsTable holds which migrations have been applied, and when. Its name is an interface: backups and other tools
// look at it.
const migrationsTable = "tidegauge_migrations"

// Errors of CheckSchema, for errors.Is.
var (
	// ErrSchemaOlder: the database lacks migrations that this program needs.
	ErrSchemaOlder = errors.New("the database's schema is older than this program's")
	// ErrSchemaNewer: a newer program has migrated the database.
	ErrSchemaNewer = errors.New("the database's schema is newer than this program's")
)

// migrateAttempts is how often Migrate starts over after an error. Two processes that migrate at once can each make
// the other fail once a migration at the most.
const migrateAttempts = 5

// Migrate applies the migrations in fsys that the database lacks and returns how many it applied. The files lie at the
// root of fsys, are named NNNNN_name.sql and carry goose's annotations.
//
// Nothing locks a ClickHouse, and its statements are no transaction, so two rules make it safe to be interrupted or to
// run twice at once: every statement can be repeated (IF NOT EXISTS, OR REPLACE), and migrations are applied one by
// one, looking anew at what has been applied before each. A migration can then run twice, beside itself or again, but
// never after a later one has been finished by the other process unless it had begun before.
func Migrate(ctx context.Context, db *DB, fsys fs.FS) (applied int, err error) {
	provider, latest, err := newProvider(db, fsys)
	if err != nil {
		return 0, err
	}
	// The provider's own Close would close the DB's handle.
	delays := backoff.NewExponentialBackOff()
	delays.InitialInterval, delays.MaxInterval = 100*time.Millisecond, 2*time.Second
	for failures := 0; ; {
		_, err := provider.UpByOne(ctx)
		switch {
		case err == nil:
			applied++
			continue
		case errors.Is(err, goose.ErrNoNextVersion):
			version, err := SchemaVersion(ctx, db)
			switch {
			case err != nil:
				return applied, err
			case version < latest:
				return applied, fmt.Errorf("migrating %s: at version %d after migrating to %d; is something deleting from %s?",
					db.Address(), version, latest, migrationsTable)
			case version > latest:
				return applied, newerSchema(db, version, latest)
			}
			return applied, nil
		}
		failures++
		if failures == migrateAttempts || ctx.Err() != nil || classify(err) == schema {
			file := ""
			var partial *goose.PartialError
			if errors.As(err, &partial) {
				file, err = partial.Failed.Source.Path+": ", partial.Err
			}
			return applied, fmt.Errorf("migrating %s: %s%w (what was applied stays; run `tidegauge migrate` again once the cause is mended)",
				db.Address(), file, err)
		}
		select {
		case <-ctx.Done():
		case <-time.After(delays.NextBackOff()):
		}
	}
}

// SchemaVersion is the number of the last migration applied to the database, 0 for none.
func SchemaVersion(ctx context.Context, db *DB) (int64, error) {
	store, err := newVersionStore(db)
	if err != nil {
		return 0, err
	}
	there, err := store.TableExists(ctx, db.SQL())
	if err != nil {
		return 0, fmt.Errorf("looking for the schema's version in %s: %w", db.Address(), err)
	}
	if !there {
		return 0, nil
	}
	version, err := store.GetLatestVersion(ctx, db.SQL())
	if err != nil {
		return 0, fmt.Errorf("reading the schema's version in %s: %w", db.Address(), err)
	}
	return version, nil
}

// CheckSchema is for services, which never change the schema: it refuses a database whose schema is not the one that
// fsys ends in, saying what to do. It waits for a server that cannot be reached, as Open does.
func CheckSchema(ctx context.Context, db *DB, fsys fs.FS) error {
	_, wanted, err := newProvider(db, fsys)
	if err != nil {
		return err
	}
	var found int64
	err = db.patiently(ctx, func(ctx context.Context) (err error) {
		found, err = SchemaVersion(ctx, db)
		return err
	})
	switch {
	case err != nil:
		return err
	case found == 0 && wanted > 0:
		return fmt.Errorf("%w: database %s at %s has no tables of Tidegauge's yet; run `tidegauge migrate`", ErrSchemaOlder, db.Database(), db.Address())
	case found < wanted:
		return fmt.Errorf("%w: database %s at %s has version %d and needs %d; run `tidegauge migrate`", ErrSchemaOlder, db.Database(), db.Address(), found, wanted)
	case found > wanted:
		return newerSchema(db, found, wanted)
	}
	return nil
}

func newerSchema(db *DB, found, known int64) error {
	return fmt.Errorf("%w: database %s at %s has version %d and this program knows %d; run the newer program, migrations never go back",
		ErrSchemaNewer, db.Database(), db.Address(), found, known)
}

// newProvider returns goose's provider for the migrations in fsys, and the number of the last of them.
func newProvider(db *DB, fsys fs.FS) (*goose.Provider, int64, error) {
	store, err := newVersionStore(db)
	if err != nil {
		return nil, 0, err
	}
	provider, err := goose.NewProvider(goose.DialectCustom, db.SQL(), fsys, goose.WithStore(store), goose.WithDisableGlobalRegistry(true))
	if err != nil {
		return nil, 0, fmt.Errorf("reading the migrations: %w", err)
	}
	sources := provider.ListSources()
	return provider, sources[len(sources)-1].Version, nil
}

// versionStore is goose's table for ClickHouse with three differences: on a cluster it is on every node and replicated
// (a service may ask any of them); it is found by looking, not by provoking an error that ends in the server's log; and a
// table whose making was interrupted, which lacks goose's version 0, counts as not there and is completed.
type versionStore struct {
	database.Store
	db *DB
}

func newVersionStore(db *DB) (*versionStore, error) {
	store, err := database.NewStore(database.DialectClickHouse, migrationsTable)
	if err != nil {
		return nil, fmt.Errorf("preparing the migrations' table: %w", err)
	}
	return &versionStore{store, db}, nil
}

func (s *versionStore) TableExists(ctx context.Context, conn database.DBTxConn) (bool, error) {
	var tables uint64
	err := conn.QueryRowContext(ctx, "SELECT count() FROM system.tables WHERE database = currentDatabase() AND name = $1", migrationsTable).Scan(&tables)
	if err != nil || tables == 0 {
		return false, err
	}
	_, err = s.GetMigration(ctx, conn, 0)
	if errors.Is(err, database.ErrVersionNotFound) || errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return err == nil, err
}

func (s *versionStore) CreateVersionTable(ctx context.Context, conn database.DBTxConn) error {
	engine := "MergeTree"
	if s.db.config.Cluster != "" {
		// One copy of the table, whatever the shard: a migration is applied to all of them.
		engine = "ReplicatedMergeTree('/clickhouse/tables/{database}/" + migrationsTable + "', '{shard}_{replica}')"
	}
	_, err := conn.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS "+migrationsTable+s.db.onCluster()+
		" (version_id Int64, is_applied UInt8, date Date DEFAULT now(), tstamp DateTime DEFAULT now())"+
		" ENGINE = "+engine+" ORDER BY version_id")
	return err
}
