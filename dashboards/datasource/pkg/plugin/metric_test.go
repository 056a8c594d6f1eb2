package plugin

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/backend"
	"github.com/grafana/grafana-plugin-sdk-go/data"

	"tidegauge/dashboards/catalogue"
	"tidegauge/report"
	"tidegauge/testenv"
)

// TestPlugin asks a data source over a day of the sample log.
func TestPlugin(t *testing.T) {
	db := filled(t)
	storeGPUs(t, db)
	storeMarked(t, db)
	d := over(t, db, nil)
	t.Run("Document", func(t *testing.T) {
		testenv.Sequential(t)
		from, to := start.UnixMicro(), start.Add(day).UnixMicro()
		document, err := report.FromClickHouse(t.Context(), db, report.Query{Service: "demo", FromUS: &from, ToUS: &to})
		if err != nil {
			t.Fatal(err)
		}
		compareDocument(t, d, document)
	})
	t.Run("EveryMetric", func(t *testing.T) { testenv.Sequential(t); everyMetric(t, d) })
	t.Run("Ranges", func(t *testing.T) { testenv.Sequential(t); ranges(t, d) })
	t.Run("Windows", func(t *testing.T) { testenv.Sequential(t); windows(t, d) })
	t.Run("Heatmaps", func(t *testing.T) { testenv.Sequential(t); heatmaps(t, d) })
	t.Run("Distributions", func(t *testing.T) { testenv.Sequential(t); distributions(t, d) })
	t.Run("GPUs", func(t *testing.T) { testenv.Sequential(t); gpus(t, d) })
	t.Run("Annotations", func(t *testing.T) { testenv.Sequential(t); marks(t, d) })
	t.Run("Errors", func(t *testing.T) { errorsOfQueries(t, d) })
	t.Run("SQL", func(t *testing.T) { testenv.Sequential(t); analysts(t, db, d) })
	t.Run("Limits", func(t *testing.T) { boundaries(t, db) })
	t.Run("Cancellation", func(t *testing.T) { cancellation(t, db, d) })
	t.Run("Parallel", func(t *testing.T) { parallel(t, db) })
	t.Run("Resources", func(t *testing.T) { resources(t, d) })
	t.Run("Live", func(t *testing.T) { live(t, db, d) })
	t.Run("Health", func(t *testing.T) { health(t, db) })
}

// compareDocument holds the plugin's numbers against the summary document's: all of them that the document has.
func compareDocument(t *testing.T, d *Datasource, document *report.Summary) {
	text, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	var tree object
	if err := json.Unmarshal(text, &tree); err != nil {
		t.Fatal(err)
	}
	service := tree["services"].([]any)[0].(object)
	streams := service["streams"].([]any)
	if len(streams) < 6 {
		t.Fatalf("the sample has only %d streams", len(streams))
	}
	compared := 0
	// All of the service, and the last of one model and log type: each costs forty queries.
	chosen := []any{streams[0], streams[len(streams)-1]}
	if testing.Short() {
		chosen = chosen[1:]
	}
	for _, s := range chosen {
		stream := s.(object)
		q := object{"service": "demo", "step": "0"}
		if m, ok := stream["model"].(string); ok {
			q["model"] = m
		}
		if l, ok := stream["log_type"].(string); ok {
			q["logType"] = l
		}
		for _, p := range places {
			if p.service {
				continue
			}
			compared += compare(t, d, q, p, stream)
		}
	}
	for _, p := range places {
		if p.service {
			compared += compare(t, d, object{"service": "demo"}, p, service)
		}
	}
	t.Logf("%d numbers compared", compared)

	// The fits, by family.
	arrivals := streams[0].(object)["arrivals"].(object)
	fits := ask(t, d, object{"metric": "families", "service": "demo",
		"columns": []string{"best", "aic", "ks", "rate", "shape", "scale", "k", "lambda", "mu", "sigma"}})
	for row := range fits.Rows() {
		family, _ := fits.Fields[0].ConcreteAt(row)
		want := arrivals["families"].(object)[family.(string)].(object)
		for name, v := range want["params"].(object) {
			same(t, family.(string)+" "+name, value(t, fits, name, row), v.(float64))
		}
		same(t, "aic", value(t, fits, "aic", row), want["aic"].(float64))
		same(t, "ks", value(t, fits, "ks", row), want["ks"].(float64))
		best, _ := fits.FieldByName("best")
		if is, _ := best.ConcreteAt(row); is.(bool) != (arrivals["best_family"] == family) {
			t.Errorf("the best family is %v, and %v says %v", arrivals["best_family"], family, is)
		}
	}
	for _, name := range []string{"requests", "failures", "request_tokens", "response_tokens"} {
		hours := ask(t, d, object{"metric": "by_hour", "service": "demo", "columns": []string{name}})
		week := ask(t, d, object{"metric": "by_weekday_hour", "service": "demo", "columns": []string{name}})
		for hour := range 24 {
			want := service["by_hour"].([]any)[hour].(object)[name].(float64)
			same(t, "by_hour "+name, value(t, hours, name, hour), want)
			sum := 0.0
			for weekday := range 7 {
				sum += value(t, week, "count", hour*7+weekday)
			}
			same(t, "by_weekday_hour "+name, sum, want)
		}
	}
	profile := ask(t, d, object{"metric": "length_profile", "service": "demo", "columns": []string{"n", "mean", "p50"}})
	bins := streams[0].(object)["lengths"].(object)["profile"].([]any)
	if profile.Rows() != len(bins) || len(bins) == 0 {
		t.Fatalf("the profile has %d bins, want %d", profile.Rows(), len(bins))
	}
	for row, b := range bins {
		for name, v := range b.(object) {
			same(t, "profile "+name, value(t, profile, name, row), v.(float64))
		}
	}
	turns := ask(t, d, object{"metric": "turns_histogram", "service": "demo"})
	for row := range turns.Rows() {
		n := service["conversations"].(object)["turns_histogram"].(object)[jsonNumber(value(t, turns, "turns", row))]
		same(t, "turns_histogram", value(t, turns, "conversations", row), n.(float64))
	}
}

func jsonNumber(v float64) string {
	text, _ := json.Marshal(v)
	return string(text)
}

// ranges: a query may ask about all that is stored, or about the end of a long range, and then says so.
func ranges(t *testing.T, d *Datasource) {
	elsewhere := request(t, "A", object{"metric": "services", "allTime": true})
	elsewhere.TimeRange = backend.TimeRange{From: start.AddDate(1, 0, 0), To: start.AddDate(1, 0, 1)}
	if r := respond(t.Context(), t, d, elsewhere); r.Error != nil || len(r.Frames) != 1 || r.Frames[0].Rows() == 0 {
		t.Errorf("all services there are: %+v, %v", r.Frames, r.Error)
	}
	about := func(maxRange int, from, to time.Time) (float64, []data.Notice) {
		q := request(t, "A", object{"metric": "log_quality", "service": "demo", "columns": []string{"requests"}, "maxRange": maxRange})
		q.TimeRange = backend.TimeRange{From: from, To: to}
		r := respond(t.Context(), t, d, q)
		if r.Error != nil {
			t.Fatal(r.Error)
		}
		return value(t, r.Frames[0], "requests", 0), r.Frames[0].Meta.Notices
	}
	short, none := about(3600, start.Add(day-time.Hour), start.Add(day))
	long, notices := about(3600, start, start.Add(day))
	if short == 0 || long != short || len(none) != 0 || len(notices) != 1 || notices[0].Severity != data.NoticeSeverityWarning {
		t.Errorf("the last hour has %g requests (%v), a day of which one hour is asked about %g (%v)", short, none, long, notices)
	}
}

// place is where the document has a metric's column.
type place struct {
	metric, path string            // of the object
	keys         map[string]string // column → key, where they differ
	columns      []string
	service      bool // of the service, not of the stream
	step         string
}

var places = func() []place {
	seconds := func(id string) place {
		keys := map[string]string{}
		var columns []string
		for _, k := range []string{"n", "mean", "p50", "p90", "p95", "p99", "max"} {
			keys[id+"_"+k] = k
			columns = append(columns, id+"_"+k)
		}
		return place{metric: id, path: "latency." + id, keys: keys, columns: columns}
	}
	tokens := func(side string) place {
		keys := map[string]string{}
		var columns []string
		for _, k := range []string{"mean", "cv", "p5", "p25", "p50", "p75", "p90", "p95", "p99", "max", "lognormal_mu", "lognormal_sigma"} {
			keys[side+"_"+k] = k
			columns = append(columns, side+"_"+k)
		}
		return place{metric: side + "_length", path: "lengths." + side, keys: keys, columns: columns}
	}
	conversation := func(metric, path string, keys map[string]string, columns ...string) place {
		return place{metric: metric, path: "conversations" + path, keys: keys, columns: columns, service: true}
	}
	list := []place{
		{metric: "requests", columns: []string{"requests"}},
		{metric: "in_flight_mean", path: "arrivals", columns: []string{"in_flight_mean"}},
		{metric: "in_flight_peak", path: "arrivals", columns: []string{"in_flight_peak"}},
		{metric: "idc", path: "arrivals.idc", keys: map[string]string{"idc_1": "1", "idc_10": "10", "idc_60": "60"}, columns: []string{"idc_1", "idc_10", "idc_60"}},
		{metric: "peak_to_mean", path: "arrivals.peak_to_mean", keys: map[string]string{"peak_to_mean_1": "1", "peak_to_mean_10": "10", "peak_to_mean_60": "60"},
			columns: []string{"peak_to_mean_1", "peak_to_mean_10", "peak_to_mean_60"}},
		{metric: "share_bursty", path: "arrivals.windows.300", columns: []string{"share_bursty", "windows"}},
		{metric: "share_bursty", path: "arrivals.windows.1200", columns: []string{"share_bursty", "windows"}, step: "1200"},
		{metric: "window_cv", path: "arrivals.windows.300.gap_cv", keys: map[string]string{"gap_cv_p10": "p10", "gap_cv_p50": "p50", "gap_cv_p90": "p90"},
			columns: []string{"gap_cv_p10", "gap_cv_p50", "gap_cv_p90"}},
		seconds("elapsed"), seconds("ttft"), seconds("tpot"), tokens("request"), tokens("response"),
		{metric: "length_n", path: "lengths", columns: []string{"n"}},
		{metric: "tokens", path: "lengths", columns: []string{"request_tokens", "response_tokens"}},
		{metric: "length_fit", path: "lengths", columns: []string{"slope", "intercept", "r2", "pearson"}},
		{metric: "lag1", path: "lengths", columns: []string{"lag1"}},
		{metric: "bimodality", path: "lengths.response", columns: []string{"bimodality"}},
		{metric: "zipf", path: "lengths.request", columns: []string{"zipf_alpha", "zipf_alpha_se"}},
		{metric: "failure_rate", path: "failures", columns: []string{"failure_rate"}},
		{metric: "failure_rate", path: "failures.wilson", keys: map[string]string{"wilson_low": "low", "wilson_high": "high"}, columns: []string{"wilson_low", "wilson_high"}},
		{metric: "fault_rate", path: "failures", columns: []string{"fault_rate"}},
		{metric: "failures", path: "failures", columns: []string{"failures", "faults"}},
		{metric: "outcomes", path: "failures.outcomes", columns: []string{"ok", "empty", "error", "timeout", "rate_limited", "cancelled", "filtered"}},
		{metric: "failure_run", path: "failures.failure_run", keys: map[string]string{"failure_run_p50": "p50", "failure_run_p99": "p99", "failure_run_max": "max"},
			columns: []string{"failure_run_p50", "failure_run_p99", "failure_run_max"}},
		{metric: "failure_after_failure", path: "failures", columns: []string{"failure_after_failure"}},
		{metric: "load_correlation", path: "failures.load_correlation", columns: []string{"rate", "gap_cv", "in_flight_mean", "windows"}},
		conversation("conversations", "", nil, "conversations", "turns"),
		conversation("turns_per_conversation", ".turns_per_conversation", map[string]string{"turns_mean": "mean", "turns_p50": "p50", "turns_p75": "p75", "turns_p90": "p90",
			"turns_p99": "p99", "turns_max": "max"}, "turns_mean", "turns_p50", "turns_p75", "turns_p90", "turns_p99", "turns_max"),
		conversation("single_turn_share", "", nil, "single_turn_share"),
		conversation("history_carried_share", "", nil, "history_carried_share"),
	}
	for _, name := range []string{"rate", "gap_mean", "gap_cv", "gamma_shape", "gamma_scale", "gamma_shape_mle", "gamma_scale_mle", "zero_gap_share", "burstiness",
		"burstiness_finite", "memory"} {
		list = append(list, place{metric: name, path: "arrivals", columns: []string{name}})
	}
	for id, keys := range map[string][]string{
		"interval": {"n", "mean", "p10", "p25", "p50", "p75", "p90", "p99", "lognormal_mu", "lognormal_sigma"}, "think_time": {"n", "overlaps", "p10", "p50", "p90"},
		"duration": {"p50", "p99"}, "context_growth": {"mean", "p10", "p50", "p90"},
	} {
		p := conversation(id, "."+id, map[string]string{})
		for _, k := range keys {
			p.keys[id+"_"+k], p.columns = k, append(p.columns, id+"_"+k)
		}
		list = append(list, p)
	}
	return list
}()

func compare(t *testing.T, d *Datasource, q object, p place, document object) (compared int) {
	t.Helper()
	at := document
	for _, key := range strings.Split(p.path, ".") {
		if key != "" {
			at = at[key].(object)
		}
	}
	query := object{"queryType": "metric", "metric": p.metric, "columns": p.columns}
	for k, v := range q {
		query[k] = v
	}
	if p.step != "" {
		query["step"] = p.step
	}
	frame := ask(t, d, query)
	if frame.Meta.Type != data.FrameTypeNumericWide || frame.Rows() != 1 || frame.Meta.ExecutedQueryString == "" {
		t.Fatalf("%s: a %s frame of %d rows: %+v", p.metric, frame.Meta.Type, frame.Rows(), frame.Meta)
	}
	for _, column := range p.columns {
		key := column
		if k, ok := p.keys[column]; ok {
			key = k
		}
		want, ok := at[key].(float64)
		if !ok {
			want = math.NaN() // null
			if p.metric == "outcomes" {
				want = 0 // those that do not occur are not listed
			}
		}
		same(t, p.metric+" "+column, value(t, frame, column, 0), want)
		compared++
	}
	return compared
}

// everyMetric asks for everything that the catalogue has, in every form that it has.
func everyMetric(t *testing.T, d *Datasource) {
	for _, m := range catalogue.All() {
		if m.Kind == catalogue.Annotations {
			continue
		}
		var columns []string
		for _, c := range m.Columns {
			columns = append(columns, c.Name)
		}
		frame := ask(t, d, object{"metric": m.ID, "service": "demo", "step": "3600", "columns": columns, "timeZone": "Europe/Berlin"})
		if frame.Meta.ExecutedQueryString == "" {
			t.Errorf("%s: the frame does not say which query was run", m.ID)
		}
		// The sample has no prompts, no dead letters, and of a week before nothing.
		if slices.Contains([]string{"prompt_lengths", "prompt_variance", "dead_letters"}, m.ID) {
			continue
		}
		if frame.Rows() == 0 {
			t.Errorf("%s is empty", m.ID)
		}
		// What the inspector shows can be run.
		if !m.Computed && !testing.Short() {
			if shown := ask(t, d, object{"queryType": "sql", "sql": frame.Meta.ExecutedQueryString}); shown.Rows() == 0 {
				t.Errorf("%s: %s gives nothing", m.ID, frame.Meta.ExecutedQueryString)
			}
		}
	}
}

// windows looks at series: where they begin, what stands where nothing came, what they are called.
func windows(t *testing.T, d *Datasource) {
	night := func(q object) *data.Frame {
		r := request(t, "A", q)
		r.TimeRange = backend.TimeRange{From: start.Add(3*time.Hour + 90*time.Second), To: start.Add(4 * time.Hour)}
		response := respond(t.Context(), t, d, r)
		if response.Error != nil {
			t.Fatal(response.Error)
		}
		return response.Frames[0]
	}
	quiet := night(object{"metric": "requests", "service": "demo", "model": sample()[0].Model, "logType": "conversation", "step": "60"})
	latency := night(object{"metric": "elapsed", "service": "demo", "model": sample()[0].Model, "logType": "conversation", "step": "60", "columns": []string{"elapsed_p99", "elapsed_n"}})
	if quiet.Meta.Type != data.FrameTypeTimeSeriesWide || quiet.TimeSeriesSchema().Type != data.TimeSeriesTypeWide {
		t.Fatalf("a %s frame", quiet.Meta.Type)
	}
	zeros, total := 0, 0.0
	for row := range quiet.Rows() {
		at, _ := quiet.Fields[0].ConcreteAt(row)
		if row > 0 {
			before, _ := quiet.Fields[0].ConcreteAt(row - 1)
			if at.(time.Time).Sub(before.(time.Time)) != time.Minute {
				t.Fatalf("after %v comes %v", before, at)
			}
		}
		n := value(t, quiet, "requests", row)
		if total += n; n == 0 {
			zeros++
			if !math.IsNaN(value(t, latency, "elapsed_p99", row)) || value(t, latency, "elapsed_n", row) != 0 {
				t.Errorf("at %v nothing came, and the latency is %v of %v", at, value(t, latency, "elapsed_p99", row), value(t, latency, "elapsed_n", row))
			}
		}
	}
	if zeros == 0 || value(t, quiet, "requests", 0) == 0 || value(t, quiet, "requests", quiet.Rows()-1) == 0 {
		t.Errorf("%d of %d minutes of the night are without requests: the test needs some, between others", zeros, quiet.Rows())
	}
	want := 0
	for _, r := range sample() {
		if at := time.UnixMicro(r.ArrivalUS); r.Model == sample()[0].Model && r.LogType == "conversation" &&
			!at.Before(start.Add(3*time.Hour+time.Minute)) && at.Before(start.Add(4*time.Hour)) {
			want++
		}
	}
	same(t, "requests of the night", total, float64(want)) // the first window is whole
	config := quiet.Fields[1].Config
	if config.DisplayNameFromDS != "Requests" || config.Unit != "short" || config.Description == "" || quiet.Fields[0].Config.Interval != 60_000 {
		t.Errorf("the field is shown as %+v", config)
	}
	if l := quiet.Fields[1].Labels; l["service"] != "demo" || l["log_type"] != "conversation" || l["model"] == "" {
		t.Errorf("labels %v", l)
	}

	// Series of two services, or models, of one panel are told apart.
	response, err := d.QueryData(t.Context(), &backend.QueryDataRequest{Queries: []backend.DataQuery{
		request(t, "A", object{"metric": "rate", "service": "demo"}), request(t, "B", object{"metric": "rate", "service": "demo", "logType": "api"})}})
	if err != nil {
		t.Fatal(err)
	}
	if a, b := response.Responses["A"].Frames[0].Fields[1].Config.DisplayNameFromDS, response.Responses["B"].Frames[0].Fields[1].Config.DisplayNameFromDS; a != "Request rate" || b != "Request rate api" {
		t.Errorf("the series are called %q and %q", a, b)
	}

	// By what went wrong: a series each, on one axis of time.
	failures := ask(t, d, object{"metric": "error_types", "service": "demo", "step": "3600"})
	if failures.TimeSeriesSchema().Type != data.TimeSeriesTypeWide || len(failures.Fields) < 3 {
		t.Fatalf("failures by type have the fields %v", names(failures))
	}
	if f := failures.Fields[1]; f.Labels["outcome"] == "" || !strings.Contains(f.Config.DisplayNameFromDS, f.Labels["outcome"]) {
		t.Errorf("a series of failures is called %q, with labels %v", f.Config.DisplayNameFromDS, f.Labels)
	}

	// Throughput covers what of a window lies in the range.
	rate := ask(t, d, object{"metric": "tokens_per_second", "service": "demo", "step": "3600"})
	tokens := ask(t, d, object{"metric": "tokens", "service": "demo", "step": "3600"})
	same(t, "tokens/s", value(t, rate, "response_tokens_per_second", 5), value(t, tokens, "response_tokens", 5)/3600)

	// Nothing there: a frame with a type and no fields, "no data" for alert rules.
	for metric, want := range map[string]data.FrameType{"rate": data.FrameTypeTimeSeriesWide, "elapsed": data.FrameTypeTimeSeriesWide, "gap_histogram": frameTypeHeatmapCells} {
		if f := ask(t, d, object{"metric": metric, "service": "no such service"}); f.Meta.Type != want || len(f.Fields) != 0 {
			t.Errorf("%s of a service that is not there: a %s frame with the fields %v", metric, f.Meta.Type, names(f))
		}
	}
	if f := ask(t, d, object{"metric": "rate", "service": "no such service", "step": "0"}); f.Meta.Type != data.FrameTypeNumericWide || len(f.Fields) != 0 {
		t.Errorf("a number of a service that is not there: a %s frame with the fields %v", f.Meta.Type, names(f))
	}
}

func heatmaps(t *testing.T, d *Datasource) {
	// Every gap is in a cell, and windows lie side by side.
	gaps := ask(t, d, object{"metric": "gap_histogram", "service": "demo", "step": "3600"})
	if got := names(gaps); !slices.Equal(got, []string{"xMax", "yMin", "yMax", "count"}) || gaps.Meta.Type != "heatmap-cells" {
		t.Fatalf("the heatmap of gaps is a %s of %v", gaps.Meta.Type, got)
	}
	total := 0.0
	for row := range gaps.Rows() {
		total += value(t, gaps, "count", row)
		if low, high := value(t, gaps, "yMin", row), value(t, gaps, "yMax", row); low <= 0 || high/low < 1.14 || high/low > 1.16 {
			t.Fatalf("a cell from %v to %v", low, high)
		}
	}
	same(t, "gaps in cells", total, float64(len(sample())-24)) // a window's first request has none
	first, _ := gaps.Fields[0].ConcreteAt(0)
	if first.(time.Time) != start.Add(time.Hour) {
		t.Errorf("the first window ends %v", first)
	}

	joint := ask(t, d, object{"metric": "length_joint", "service": "demo"})
	n := value(t, ask(t, d, object{"metric": "length_n", "service": "demo", "step": "0"}), "n", 0)
	total = 0
	for row := range joint.Rows() {
		total += value(t, joint, "count", row)
	}
	same(t, "requests in cells", total, n)
	if rows := joint.Meta.Custom.(custom).YOrdinalDisplay; joint.Rows()%len(rows) != 0 || !slices.Equal(names(joint), []string{"xMin", "yMin", "count"}) {
		t.Errorf("a grid of %d cells of %v, and %d names", joint.Rows(), names(joint), len(rows))
	}
	week := ask(t, d, object{"metric": "by_weekday_hour", "service": "demo"})
	if rows := week.Meta.Custom.(custom).YOrdinalDisplay; week.Rows() != 168 || rows[6] != "Monday" {
		t.Errorf("the week has %d cells and the rows %v", week.Rows(), rows)
	}
	same(t, "Monday's noon", value(t, week, "count", 12*7+6), value(t, ask(t, d, object{"metric": "by_hour", "service": "demo"}), "requests", 12))
}

// distributions holds the shares that are drawn, and the fits over them, to what shares have to be.
func distributions(t *testing.T, d *Datasource) {
	for metric, families := range map[string][]string{
		"gap_distribution": {"exponential", "gamma", "weibull", "lognormal"}, "request_distribution": {"lognormal"}, "response_distribution": {"lognormal"},
	} {
		frame := ask(t, d, object{"metric": metric, "service": "demo", "logType": "api"})
		sums := map[string]float64{}
		for row := range frame.Rows() {
			for _, name := range append([]string{"observed"}, families...) {
				sums[name] += value(t, frame, name, row)
			}
			if row > 0 && value(t, frame, frame.Fields[0].Name, row) <= value(t, frame, frame.Fields[0].Name, row-1) {
				t.Fatalf("%s: the axis does not ascend", metric)
			}
		}
		if frame.Rows() < 20 || frame.Rows() > 150 {
			t.Errorf("%s has %d bins", metric, frame.Rows())
		}
		same(t, metric+" in all", sums["observed"], 1)
		for _, name := range families {
			if sums[name] < 0.9 || sums[name] > 1+1e-9 {
				t.Errorf("%s: the bins hold %v of the %s distribution", metric, sums[name], name)
			}
		}
	}
}

func errorsOfQueries(t *testing.T, d *Datasource) {
	for _, c := range []struct {
		q    object
		want string
	}{
		{object{"metric": "no such"}, "there is no metric"},
		{object{}, "no metric is chosen"},
		{object{"metric": "rate"}, "needs a service"},
		{object{"metric": "rate", "service": "demo", "step": "90"}, "a multiple of 60"},
		{object{"metric": "rate", "service": "demo", "step": 90}, "a multiple of 60"},
		{object{"metric": "elapsed", "service": "demo", "columns": []string{"elapsed_p42"}}, "elapsed_p99"},
		{object{"metric": "goodput", "service": "demo", "limits": object{"ttft": "fast"}}, "no number of seconds"},
		{object{"metric": "by_hour", "service": "demo", "timeZone": "Mars/Olympus"}, "Mars/Olympus"},
		{object{"queryType": "poetry"}, "no queryType"},
		{object{"queryType": "sql", "sql": "SELECT $__nonsense"}, "$__timeFilter"},
		{object{"queryType": "sql", "sql": "SELECT nonsense"}, "nonsense"},
		{object{"queryType": "sql", "sql": "SELECT 1", "format": "time_series"}, "column of times"},
		{object{"queryType": "sql", "sql": " "}, "empty"},
	} {
		response := respond(t.Context(), t, d, request(t, "A", c.q))
		if response.Error == nil || !strings.Contains(response.Error.Error(), c.want) || response.Status != 400 || response.ErrorSource != backend.ErrorSourceDownstream {
			t.Errorf("%v: error %v, status %v, source %v; it should say %q", c.q, response.Error, response.Status, response.ErrorSource, c.want)
		}
	}
	// One that is wrong does not touch the others of its panel.
	response, err := d.QueryData(t.Context(), &backend.QueryDataRequest{Queries: []backend.DataQuery{
		request(t, "A", object{"metric": "no such"}), request(t, "B", object{"metric": "rate", "service": "demo"}), {RefID: "C", JSON: []byte("{")}}})
	if err != nil || response.Responses["A"].Error == nil || response.Responses["B"].Error != nil || response.Responses["C"].Error == nil {
		t.Errorf("three queries, two of them wrong: %v, %+v", err, response.Responses)
	}
}

// TestStep looks at what "auto" takes.
func TestStep(t *testing.T) {
	for _, c := range []struct {
		span, interval time.Duration
		points, want   int64
	}{
		{time.Hour, time.Second, 1000, 60},
		{24 * time.Hour, time.Minute, 1000, 120},
		{24 * time.Hour, 10 * time.Minute, 1000, 600},
		{30 * 24 * time.Hour, time.Minute, 1000, 3600},
		{30 * 24 * time.Hour, time.Minute, 300, 10_800},
		{365 * 24 * time.Hour, time.Hour, 1000, 43_200},
		{10 * time.Minute, time.Second, 43_200, 60}, // an alert rule
		{80 * 365 * 24 * time.Hour, 0, 100, 28 * 86_400},
	} {
		if got := autoStep(c.span, c.interval, c.points); got != c.want {
			t.Errorf("%v of %d points at %v apart: step %d, want %d", c.span, c.points, c.interval, got, c.want)
		}
	}
}

// TestRunningMinute: the range ends with the last minute that is over, so that a panel does not fall at its right edge.
func TestRunningMinute(t *testing.T) {
	now := start.Add(day + 30*time.Second)
	q := query{Metric: "rate", Service: "s", Step: "300", from: start.Add(7 * time.Minute), to: now, now: now}
	a, err := q.choose()
	if err != nil || a.fromUS != start.Add(5*time.Minute).UnixMicro() || a.toUS != start.Add(day).UnixMicro() {
		t.Errorf("from %v to %v, %v", time.UnixMicro(a.fromUS).UTC(), time.UnixMicro(a.toUS).UTC(), err)
	}
	q.Step = "0"
	if a, err = q.choose(); err != nil || a.fromUS != q.from.UnixMicro() || a.toUS != now.UnixMicro() {
		t.Errorf("of the range as one, from %v to %v, %v", time.UnixMicro(a.fromUS).UTC(), time.UnixMicro(a.toUS).UTC(), err)
	}
}
