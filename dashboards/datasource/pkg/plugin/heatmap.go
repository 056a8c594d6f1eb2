package plugin

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/grafana/grafana-plugin-sdk-go/data"

	"tidegauge/dashboards/catalogue"
	"tidegauge/stats"
)

// frameTypeHeatmapCells is Grafana's type for cells of a heatmap. Fields called xMin, xMax, y, yMin and yMax say where a cell lies.
// With yMin and yMax ("sparse") cells are listed as they come, over time and with a logarithmic y axis; with one of them ("dense")
// they are a full grid, x by x, whose rows may have names.
const frameTypeHeatmapCells data.FrameType = "heatmap-cells"

// heatmap makes the frame of a metric of kind Heatmap.
func (a *asked) heatmap(rows *answer) (*data.Frame, error) {
	if rows.rows == 0 {
		return empty(frameTypeHeatmapCells), nil
	}
	switch a.metric.ID {
	case "gap_histogram":
		return a.gapsOverTime(rows), nil
	case "length_joint":
		return a.joint(rows), nil
	case "by_weekday_hour":
		return a.week(rows), nil
	}
	return nil, fmt.Errorf("nothing draws the heatmap %s", a.metric.ID)
}

// binRatio is a bin's upper limit by its lower one.
var binRatio = math.Pow(stats.Growth, catalogue.BucketsPerBin)

// gapsOverTime has a cell for each window and bin of gaps. A logarithmic axis has no 0: gaps of 0 get the bin below the least.
func (a *asked) gapsOverTime(rows *answer) *data.Frame {
	at, value, count := rows.column("time").times, rows.column("value"), rows.column("count")
	least := math.Inf(1)
	for row := range rows.rows {
		if v := value.number(row); v > 0 {
			least = min(least, v)
		}
	}
	if math.IsInf(least, 1) {
		least = 1e-6
	}
	width := time.Duration(a.step) * time.Second
	var xs []time.Time
	var lows, highs, counts []float64
	cell := func(x time.Time, high, n float64) {
		if high == 0 {
			high = least / binRatio
		}
		xs, lows, highs, counts = append(xs, x), append(lows, high/binRatio), append(highs, high), append(counts, n)
	}
	second := at[0].Add(2 * width)
	for row := range rows.rows {
		x := at[row].Add(width)
		// The panel takes the cells' width from the first two windows. Where they do not touch, an empty cell stands between.
		if len(xs) > 0 && !x.Equal(xs[0]) && xs[len(xs)-1].Equal(xs[0]) && x.After(second) {
			cell(second, highs[0], 0)
		}
		cell(x, value.number(row), count.number(row))
	}
	if xs[len(xs)-1].Equal(xs[0]) {
		cell(second, highs[0], 0)
	}
	return cells(data.NewField("xMax", nil, xs), data.NewField("yMin", nil, lows).SetConfig(&data.FieldConfig{Unit: "s"}),
		data.NewField("yMax", nil, highs).SetConfig(&data.FieldConfig{Unit: "s"}),
		data.NewField("count", nil, counts).SetConfig(&data.FieldConfig{DisplayNameFromDS: "Gaps", Unit: "short"}))
}

// cellsPerOctave are length_joint's.
const cellsPerOctave = 8

// joint is a full grid over log2 of request tokens and the response tokens' cells, which are named by where they begin. Heatmaps of
// Grafana have no logarithmic x axis, so that shows exponents: 10 is 1,024 tokens. Requests of 0 tokens are in the column before
// the first.
func (a *asked) joint(rows *answer) *data.Frame {
	bucket := func(c *column, row int) int {
		if c.number(row) <= 0 {
			return math.MinInt
		}
		return int(math.Round(math.Log2(c.number(row)) * cellsPerOctave))
	}
	requests, responses, count := rows.column("request_from"), rows.column("response_from"), rows.column("count")
	lowX, highX, lowY, highY := math.MaxInt, math.MinInt, math.MaxInt, math.MinInt
	zeros := false
	for row := range rows.rows {
		if x := bucket(requests, row); x == math.MinInt {
			zeros = true
		} else {
			lowX, highX = min(lowX, x), max(highX, x)
		}
		y := bucket(responses, row)
		lowY, highY = min(lowY, y), max(highY, y)
	}
	if lowX > highX {
		lowX, highX = 0, 0
	}
	if zeros {
		lowX--
	}
	highX = max(highX, lowX+1) // a grid of one column has no width
	grid := newGrid(highX-lowX+1, highY-lowY+1)
	for row := range rows.rows {
		grid.add(max(bucket(requests, row)-lowX, 0), bucket(responses, row)-lowY, count.number(row))
	}
	names := make([]string, 0, grid.height)
	for y := lowY; y <= highY; y++ {
		names = append(names, strconv.Itoa(int(math.Ceil(math.Exp2(float64(y)/cellsPerOctave)-1e-9))))
	}
	return grid.frame(func(x int) float64 { return float64(lowX+x) / cellsPerOctave }, "yMin", names,
		&data.FieldConfig{DisplayNameFromDS: "log2 of request tokens"}, &data.FieldConfig{DisplayNameFromDS: "Requests", Unit: "short"})
}

var weekdays = []string{"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"}

// week is a full grid over the hours of the day and the days of the week.
func (a *asked) week(rows *answer) *data.Frame {
	// Of the columns that were asked for, the first is drawn.
	at := slices.IndexFunc(a.columns, func(c catalogue.Column) bool { return c.Name != a.metric.X && c.Name != a.metric.Y })
	if at < 0 {
		at, a.columns = len(a.columns), append(a.columns, a.metric.Columns[2])
	}
	shown := a.columns[at]
	hour, weekday, count := rows.column("hour"), rows.column("weekday"), rows.column(shown.Name)
	grid := newGrid(24, len(weekdays))
	for row := range rows.rows {
		// Monday is the top row.
		grid.add(int(hour.number(row)), len(weekdays)-1-int(weekday.number(row)), count.number(row))
	}
	names := slices.Clone(weekdays)
	slices.Reverse(names)
	return grid.frame(func(x int) float64 { return float64(x) }, "y", names,
		&data.FieldConfig{DisplayNameFromDS: "Hour"}, &data.FieldConfig{DisplayNameFromDS: shown.Title, Unit: shown.Unit})
}

// grid is a dense heatmap's counts, column by column.
type grid struct {
	width, height int
	counts        []float64
}

func newGrid(width, height int) *grid {
	return &grid{width: width, height: height, counts: make([]float64, width*height)}
}

func (g *grid) add(x, y int, n float64) { g.counts[x*g.height+y] += n }

func (g *grid) frame(x func(int) float64, yName string, names []string, xConfig, config *data.FieldConfig) *data.Frame {
	xs, ys := make([]float64, len(g.counts)), make([]float64, len(g.counts))
	for i := range g.counts {
		xs[i], ys[i] = x(i/g.height), float64(i%g.height)
	}
	frame := cells(data.NewField("xMin", nil, xs).SetConfig(xConfig), data.NewField(yName, nil, ys), data.NewField("count", nil, g.counts).SetConfig(config))
	frame.Meta.Custom = custom{YOrdinalDisplay: names}
	return frame
}

func cells(fields ...*data.Field) *data.Frame {
	return data.NewFrame("", fields...).SetMeta(&data.FrameMeta{Type: frameTypeHeatmapCells})
}
