package plugin

import (
	"context"
	"errors"
	"fmt"
	"sync"

	"github.com/grafana/grafana-plugin-sdk-go/backend"

	"tidegauge/storage"
)

// connection is a data source's pool of connections, once there is one.
type connection struct {
	sync.Mutex
	db *storage.DB
	// mayLimit says that the user may give settings with a query: readonly and the limits. One whose profile says readonly = 1
	// cannot, and cannot write either.
	mayLimit bool
	// mayProtect says that readonly itself may be set: a profile of readonly = 2 forbids it, and writing too.
	mayProtect bool
	closed     bool
}

func (c *connection) close() {
	c.Lock()
	defer c.Unlock()
	c.closed = true
	if c.db != nil {
		if err := c.db.Close(); err != nil {
			backend.Logger.Warn("closing the connections to ClickHouse", "error", err)
		}
		c.db = nil
	}
}

func (c *connection) get() (*storage.DB, error) {
	c.Lock()
	defer c.Unlock()
	if c.closed {
		return nil, errors.New("the data source's settings have changed: ask again")
	}
	return c.db, nil
}

// open gives the pool, and connects if there is none yet. An error of connecting is not remembered: the next query tries again.
// Many panels that find a server gone wait for one attempt.
func (d *Datasource) open(ctx context.Context) (*storage.DB, error) {
	if d.wrong != nil {
		return nil, d.wrong
	}
	if db, err := d.connection.get(); db != nil || err != nil {
		return db, err
	}
	attempt := d.opening.DoChan("", func() (any, error) {
		if db, err := d.connection.get(); db != nil || err != nil {
			return db, err
		}
		// Not the context of the one query that happens to be first.
		db, err := storage.Open(context.WithoutCancel(ctx), d.settings.storage())
		if err != nil {
			return nil, err
		}
		var readonly string
		if err := db.QueryRow(context.WithoutCancel(ctx), "SELECT toString(getSetting('readonly'))").Scan(&readonly); err != nil {
			return nil, errors.Join(fmt.Errorf("asking ClickHouse what user %s may do: %w", d.settings.User, err), db.Close())
		}
		d.connection.Lock()
		defer d.connection.Unlock()
		if d.connection.closed {
			return nil, errors.Join(errors.New("the data source's settings have changed: ask again"), db.Close())
		}
		d.connection.db, d.connection.mayLimit, d.connection.mayProtect = db, readonly != "1", readonly == "0"
		return db, nil
	})
	select {
	case <-ctx.Done():
		return nil, ctx.Err()
	case result := <-attempt:
		if result.Err != nil {
			return nil, result.Err
		}
		return result.Val.(*storage.DB), nil
	}
}
