package plugin

import (
	"context"

	"github.com/grafana/grafana-plugin-sdk-go/data"
)

// annotations answers a query of moments and stretches of time that are worth a mark.
func (d *Datasource) annotations(ctx context.Context, q query) (data.Frames, error) {
	return nil, badQuery("there are no annotations %q", q.Metric)
}
