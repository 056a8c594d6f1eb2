package plugin

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"tidegauge/dashboards/catalogue"
)

const (
	// recentPath is the channel's path: recent/ and the query's JSON in base64url. Grafana allows no channel of more than 160
	// characters; for a longer query the path is recent/sum/ and a checksum, and the query comes with the subscription.
	recentPath = "recent/"
	sumPath    = recentPath + "sum/"
	// recent is how much of the past a stream has.
	recent = 15 * time.Minute
	// beat is how often a stream looks for what has changed.
	beat = time.Second
)

// liveQuery reads a channel's path, and what came with the subscription.
func liveQuery(path string, sent json.RawMessage) (query, error) {
	text := []byte(sent)
	if !strings.HasPrefix(path, sumPath) {
		encoded, ok := strings.CutPrefix(path, recentPath)
		if !ok {
			return query{}, badQuery("there is no channel %q: it is %s and the query in base64url", path, recentPath)
		}
		var err error
		if text, err = base64.RawURLEncoding.DecodeString(strings.TrimRight(encoded, "=")); err != nil {
			return query{}, badQuery("the channel's query is not base64url: %w", err)
		}
	}
	q, err := parseQuery(text)
	if err != nil {
		return q, err
	}
	m, ok := catalogue.Find(q.Metric)
	if !ok || m.Kind != catalogue.Series || !m.Has("step_s") {
		return q, badQuery("metric %q is no series, and only series are streamed", q.Metric)
	}
	q.QueryType, q.Step, q.AllTime, q.MaxRange = "metric", "60", false, 0 // the range is the last minutes
	return q, nil
}

// recentWindows asks for the last minutes as they are now, the running one with what has come of it.
func (d *Datasource) recentWindows(ctx context.Context, q query, now time.Time) (*data.Frame, error) {
	q.from, q.to, q.now = now.Add(-recent), now, now.Add(2*time.Minute)
	frames, err := d.metric(ctx, q)
	if err != nil {
		return nil, err
	}
	return frames[0], nil
}

// SubscribeStream lets a panel listen to a metric's last minutes, and gives it what there is.
func (d *Datasource) SubscribeStream(ctx context.Context, request *backend.SubscribeStreamRequest) (*backend.SubscribeStreamResponse, error) {
	q, err := liveQuery(request.Path, request.Data)
	if err != nil {
		backend.Logger.FromContext(ctx).Warn("a channel is refused", "path", request.Path, "error", err)
		return &backend.SubscribeStreamResponse{Status: backend.SubscribeStreamStatusNotFound}, nil
	}
	frame, err := d.recentWindows(ctx, q, time.Now())
	if err != nil {
		return nil, fmt.Errorf("channel %s: %w", q.Metric, err)
	}
	initial, err := backend.NewInitialFrame(frame, data.IncludeAll)
	if err != nil {
		return nil, err
	}
	return &backend.SubscribeStreamResponse{Status: backend.SubscribeStreamStatusOK, InitialData: initial}, nil
}

// PublishStream refuses: numbers come from ClickHouse alone.
func (d *Datasource) PublishStream(context.Context, *backend.PublishStreamRequest) (*backend.PublishStreamResponse, error) {
	return &backend.PublishStreamResponse{Status: backend.PublishStreamStatusPermissionDenied}, nil
}

// RunStream sends the windows that are new or have changed, once a second, until nobody listens any more. A window that comes again
// replaces the one of the same time. Errors are logged and the next beat tries again: ClickHouse may be restarting.
func (d *Datasource) RunStream(ctx context.Context, request *backend.RunStreamRequest, sender *backend.StreamSender) error {
	q, err := liveQuery(request.Path, request.Data)
	if err != nil {
		return err
	}
	ticker := time.NewTicker(beat)
	defer ticker.Stop()
	var sent sentWindows
	for failed := false; ; {
		frame, err := d.recentWindows(ctx, q, time.Now())
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && !failed:
			failed = true
			backend.Logger.FromContext(ctx).Warn("a live stream finds no data; it keeps trying", "metric", q.Metric, "error", err)
		case err == nil:
			failed = false
			if changed := sent.changed(frame); changed != nil {
				if err := sender.SendFrame(changed, data.IncludeAll); err != nil {
					return err
				}
			}
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// sentWindows remembers what was sent, by time.
type sentWindows map[int64][]string

// changed gives the rows of a frame that are not as they were sent, nil for none.
func (s *sentWindows) changed(frame *data.Frame) *data.Frame {
	if len(frame.Fields) == 0 {
		return nil
	}
	now := sentWindows{}
	var rows []int
	for row := range frame.Rows() {
		at, _ := frame.Fields[0].At(row).(time.Time)
		values := make([]string, 0, len(frame.Fields)-1)
		for _, field := range frame.Fields[1:] {
			v, err := field.NullableFloatAt(row)
			if err != nil || v == nil {
				values = append(values, field.Labels.String())
			} else {
				values = append(values, fmt.Sprint(field.Labels, *v))
			}
		}
		now[at.Unix()] = values
		if !slices.Equal((*s)[at.Unix()], values) {
			rows = append(rows, row)
		}
	}
	*s = now
	if len(rows) == 0 {
		return nil
	}
	out := frame.EmptyCopy()
	for _, row := range rows {
		out.AppendRow(frame.RowCopy(row)...)
	}
	for i, field := range out.Fields {
		field.Config = frame.Fields[i].Config
	}
	return out
}
