package plugin

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/grafana/grafana-plugin-sdk-go/backend"
)

// errQuery is an error in what was asked: the query's JSON, an unknown metric, an impossible step.
type errQuery struct{ error }

func (e errQuery) Unwrap() error { return e.error }

func badQuery(format string, arguments ...any) error {
	return errQuery{fmt.Errorf(format, arguments...)}
}

// ClickHouse's error codes that are explained.
const (
	codeTooManyRows         = 158
	codeTimeout             = 159
	codeReadonly            = 164
	codeMemory              = 241
	codeTooManyBytes        = 307
	codeTooManyRowsOrBytes  = 396
	codeQueryCancelled      = 394
	codeUnknownTable        = 60
	codeUnknownFunction     = 46
	codeAccessDenied        = 497
	codeTooManyQueries      = 202
	codeAuthenticationError = 516
)

// response says to Grafana what went wrong, with a status, and whether it is this plugin's fault: all that ClickHouse or the
// query is to blame for is "downstream".
func (d *Datasource) response(err error) backend.DataResponse {
	status, advice := backend.StatusBadGateway, ""
	var exception *clickhouse.Exception
	var network net.Error
	var query errQuery
	switch {
	case errors.Is(err, context.Canceled):
		status = backend.Status(499) // the panel was left: nobody reads this
	case errors.As(err, &query):
		status = backend.StatusBadRequest
	case errors.As(err, &exception):
		status = backend.StatusBadRequest
		switch exception.Code {
		case codeTimeout:
			status = backend.StatusTimeout
			advice = d.slow()
		case codeMemory:
			status = backend.Status(http.StatusInsufficientStorage)
			advice = "ask for a shorter range or a coarser step"
		case codeTooManyRows, codeTooManyRowsOrBytes, codeTooManyBytes:
			advice = fmt.Sprintf("the answer is larger than the data source allows (%d rows, %d bytes): aggregate, add a LIMIT, or raise its limits",
				d.settings.MaxRows, d.settings.MaxBytes)
		case codeReadonly, codeAccessDenied:
			status = backend.StatusForbidden
			advice = "this data source only reads, and only what its user may read"
		case codeTooManyQueries:
			status = backend.StatusTooManyRequests
			advice = "ClickHouse has its limit of queries at once: lower max. concurrent queries, or raise the server's"
		case codeUnknownTable, codeUnknownFunction:
			advice = "is the database's schema older than this plugin? The data source's health check says (Save & test)"
		}
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &network) && network.Timeout():
		status, advice = backend.StatusTimeout, d.slow()
	}
	if advice != "" {
		err = fmt.Errorf("%w: %s", err, advice)
	}
	return backend.DataResponse{Error: backend.DownstreamError(err), Status: status, ErrorSource: backend.ErrorSourceDownstream}
}

func (d *Datasource) slow() string {
	return fmt.Sprintf("no answer within the data source's %g s: ask for a shorter range or a coarser step, or raise the limit", d.settings.QueryTimeout)
}
