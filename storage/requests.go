package storage

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"

	"tidegauge/schemas"
)

// Selection says which recorded requests to read. Its zero value is all of them.
type Selection struct {
	// Service, Model and LogType are names; "" is all.
	Service, Model, LogType string
	// FromUS and ToUS bound arrivals, [from, to), in microseconds since the Unix epoch; where both are 0, all there are.
	FromUS, ToUS int64
	// ByTime has the requests of all services in one order, that of their arrivals, as one trace.
	ByTime bool
}

// Has says whether a request is selected.
func (s Selection) Has(r *schemas.Request) bool {
	from, to := s.limits()
	return r.ArrivalUS >= from && r.ArrivalUS < to && (s.Service == "" || s.Service == r.Service) &&
		(s.Model == "" || s.Model == r.Model) && (s.LogType == "" || s.LogType == r.LogType)
}

// requestsInQuery is about how many requests one query of Requests gives. It sorts as many in memory; a minute is never
// divided, so it may be one of the largest minutes more. Tests make it small.
var requestsInQuery int64 = 200_000

// Requests gives recorded requests, each once however often it was stored: service by service in the byte order of their
// names (unless ByTime), within one in the order of everything (arrival, seq, XXH64 of the id). The request is reused by the
// next; its strings stay valid. However many there are, memory holds a stretch of one service: the range is read in pieces, so nothing
// depends on how fast they are taken, and requests that are stored meanwhile may or may not be among them.
func (d *DB) Requests(ctx context.Context, s Selection) iter.Seq2[*schemas.Request, error] {
	return func(yield func(*schemas.Request, error) bool) {
		parts, err := d.selections(ctx, s)
		if err != nil {
			yield(nil, fmt.Errorf("reading the services' names: %w", err))
			return
		}
		var r schemas.Request
		for _, part := range parts {
			if err := d.requestsOf(ctx, part, &r, yield); err == errEnough {
				return
			} else if err != nil {
				yield(nil, fmt.Errorf("reading requests: %w", err))
				return
			}
		}
	}
}

func (d *DB) requestsOf(ctx context.Context, s Selection, r *schemas.Request, yield func(*schemas.Request, error) bool) error {
	stretches, err := d.requestStretches(ctx, s)
	if err != nil {
		return err
	}
	for _, part := range stretches {
		s.FromUS, s.ToUS = part.from, part.to
		if err := d.readRequests(ctx, s, r, func() bool { return yield(r, nil) }); err != nil {
			return err
		}
	}
	return nil
}

// errEnough ends a query whose caller wants no more rows.
var errEnough = errors.New("enough")

// CountRequests gives how many requests are stored, copies included: what a progress bar counts up to.
func (d *DB) CountRequests(ctx context.Context, s Selection) (n int64, err error) {
	err = queryAll(ctx, d, "SELECT toInt64(count()) FROM requests WHERE "+s.where(), func(scan func(...any) error) error { return scan(&n) })
	return n, err
}

// limits gives the bounds with those that are not given filled in.
func (s Selection) limits() (from, to int64) {
	if s.FromUS == 0 && s.ToUS == 0 {
		return schemas.MinArrivalUS, schemas.MaxArrivalUS
	}
	return s.FromUS, s.ToUS
}

func (s Selection) where() string {
	from, to := s.limits()
	conditions := []string{fmt.Sprintf("arrival_us >= %d AND arrival_us < %d", from, to)}
	for _, name := range []struct{ column, value string }{{"service", s.Service}, {"model", s.Model}, {"log_type", s.LogType}} {
		if name.value != "" {
			conditions = append(conditions, name.column+" = "+quote(name.value))
		}
	}
	return strings.Join(conditions, " AND ")
}

// selections gives one selection for each run of requests that are in order.
func (d *DB) selections(ctx context.Context, s Selection) (all []Selection, err error) {
	if s.ByTime {
		return []Selection{s}, nil
	}
	var names []string
	err = queryAll(ctx, d, "SELECT DISTINCT toString(service) FROM requests WHERE "+s.where(), func(scan func(...any) error) error {
		var name string
		err := scan(&name)
		names = append(names, name)
		return err
	})
	slices.Sort(names)
	for _, s.Service = range names {
		all = append(all, s)
	}
	return all, err
}

// requestStretches divides a range between minutes, so that each part has about as many requests as one query should give.
func (d *DB) requestStretches(ctx context.Context, s Selection) (parts []stretch, err error) {
	from, to := s.limits()
	last := stretch{from: from, to: to}
	err = queryAll(ctx, d, "SELECT toInt64(intDiv(arrival_us, 60000000)) AS minute, toInt64(count()) FROM requests WHERE "+s.where()+
		" GROUP BY minute ORDER BY minute", func(scan func(...any) error) error {
		var minute, n int64
		if err := scan(&minute, &n); err != nil {
			return err
		}
		if last.requests > 0 && last.requests+n > requestsInQuery {
			next := stretch{from: minute * schemas.MinuteUS, to: to}
			last.to = next.from
			parts = append(parts, last)
			last = next
		}
		last.requests += n
		return nil
	})
	return append(parts, last), err
}

// readRequests fills r with one request after the other and calls each.
func (d *DB) readRequests(ctx context.Context, s Selection, r *schemas.Request, each func() bool) error {
	var outcome int8
	var seeded uint8
	var request, response, reasoning, cached, most, target, steps int32
	var labels map[string]string
	targets := []any{&r.Service, &r.Model, &r.LogType, &r.Operation, &r.ArrivalUS, &r.RequestID, &r.Seq, &r.Conversation, &r.Client, &r.PromptID,
		&outcome, &r.StatusCode, &r.ErrorType, &r.FinishReason, &request, &response, &reasoning, &cached, &most, &target, &steps,
		&r.ElapsedUS, &r.TTFTUS, &r.QueueUS, &r.Config, &r.Host, &r.Temperature, &r.TopP, &seeded, &r.Seed, &r.PrefixHashes,
		&r.PrefixBlockTokens, &labels}
	sql := `SELECT toString(service), toString(model), toString(log_type), toString(operation), arrival_us, request_id, seq, conversation, client, prompt_id,
    CAST(outcome, 'Int8'), status_code, toString(error_type), toString(finish_reason), request_tokens, response_tokens, reasoning_tokens, cached_tokens,
    max_tokens, target_tokens, steps, elapsed_us, ttft_us, queue_us, toString(config), toString(host), temperature, top_p, has_seed, seed, prefix_hashes,
    prefix_block_tokens, labels
FROM requests FINAL
WHERE ` + s.where() + `
ORDER BY arrival_us, requests.service, seq, if(request_id = '', 0, xxHash64(request_id)), content`
	return queryAll(ctx, d, sql, func(scan func(...any) error) error {
		r.Reset()
		clear(labels)
		if err := scan(targets...); err != nil {
			return err
		}
		r.Outcome = schemas.Outcome(outcome)
		r.RequestTokens, r.ResponseTokens, r.ReasoningTokens, r.CachedTokens = int64(request), int64(response), int64(reasoning), int64(cached)
		r.MaxTokens, r.TargetTokens, r.Steps = int64(most), int64(target), int64(steps)
		if r.HasSeed = seeded != 0; !r.HasSeed {
			r.Seed = 0
		}
		r.PrefixBlockTokens = max(r.PrefixBlockTokens, 0)
		for key, value := range labels {
			r.Labels = append(r.Labels, schemas.Label{Key: key, Value: value})
		}
		slices.SortFunc(r.Labels, func(a, b schemas.Label) int { return strings.Compare(a.Key, b.Key) })
		if !each() {
			return errEnough
		}
		return nil
	})
}
