package testenv

import (
	"testing"

	"tidegauge/schemas"
	"tidegauge/storage"
)

// Migrated returns a fresh database on the shared engine with the project's schema.
func Migrated(t testing.TB) *storage.DB {
	t.Helper()
	db := Database(t)
	Migrate(t, db)
	return db
}

// Migrate gives a database the project's schema.
func Migrate(t testing.TB, db *storage.DB) {
	t.Helper()
	files, err := schemas.Migrations(schemas.Topology{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := storage.Migrate(t.Context(), db, files); err != nil {
		t.Fatal(err)
	}
}

// Writer returns a writer to the database, for which a row that ClickHouse refuses fails the test.
func Writer(t testing.TB, db *storage.DB) *storage.Writer {
	t.Helper()
	writer, err := storage.NewWriter(storage.DefaultWriterConfig(), storage.WriterDependencies{DB: db,
		Quarantine: func(table string, _ schemas.Block, err error) { t.Errorf("a row of %s was refused: %v", table, err) }})
	if err != nil {
		t.Fatal(err)
	}
	return writer
}
