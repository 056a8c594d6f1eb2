package plugin

import (
	"context"
	"fmt"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"tidegauge/schemas"
	"tidegauge/storage"
)

// CheckHealth says whether the data source works, and if not, why and what to do: the settings, the connection, the user, the
// database, the version of its schema.
func (d *Datasource) CheckHealth(ctx context.Context, _ *backend.CheckHealthRequest) (*backend.CheckHealthResult, error) {
	message, err := d.health(ctx)
	if err != nil {
		return &backend.CheckHealthResult{Status: backend.HealthStatusError, Message: err.Error()}, nil
	}
	return &backend.CheckHealthResult{Status: backend.HealthStatusOk, Message: message}, nil
}

func (d *Datasource) health(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*seconds(d.settings.DialTimeout))
	defer cancel()
	db, err := d.open(ctx)
	if err != nil {
		return "", err
	}
	files, err := schemas.Migrations(schemas.Topology{})
	if err != nil {
		return "", err
	}
	if err := storage.CheckSchema(ctx, db, files); err != nil {
		return "", err
	}
	version, err := storage.SchemaVersion(ctx, db)
	if err != nil {
		return "", err
	}
	var services uint64
	if err := db.QueryRow(ctx, "SELECT count() FROM services(from_us = 0, to_us = 4102444800000000)").Scan(&services); err != nil {
		return "", fmt.Errorf("connected to %s, but the views cannot be read: %w", db.Address(), err)
	}
	return fmt.Sprintf("Connected to database %s; schema version %d; services with requests: %d", db.Database(), version, services), nil
}
