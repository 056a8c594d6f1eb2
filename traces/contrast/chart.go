package contrast

import (
	"html/template"
	"math"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// The size of a chart, in points. The page scales it.
const (
	chartWidth  = vg.Length(420)
	chartHeight = vg.Length(236)
	labelSize   = vg.Length(10.5)
)

// face is what is closest to what the page shows its text in: Liberation Sans is as wide as Arial and Helvetica.
var face = font.Font{Typeface: "Liberation", Variant: "Sans"}

// dashes tell B from A where colours do not.
var dashes = []vg.Length{5, 2.5}

// scale is an axis: what it is called and how it is divided.
type scale struct {
	title     string
	log, time bool
	label     func(float64) string
	low, high float64
}

// newPlot is an empty plot with a grid and axes.
func newPlot(x, y scale) *plot.Plot {
	p := plot.New()
	p.BackgroundColor = nil
	grid := plotter.NewGrid()
	grid.Horizontal = draw.LineStyle{Color: inkGrid, Width: 0.6}
	grid.Vertical = draw.LineStyle{Color: inkGrid, Width: 0.6}
	p.Add(grid)
	for _, side := range []struct {
		axis  *plot.Axis
		scale scale
	}{{&p.X, x}, {&p.Y, y}} {
		a, s := side.axis, side.scale
		a.Min, a.Max = s.low, s.high
		a.Label.Text = s.title
		a.Label.TextStyle.Color, a.Label.TextStyle.Font = inkText, font.From(face, labelSize)
		a.Label.Padding = 4
		a.Tick.Label.Color, a.Tick.Label.Font = inkText, font.From(face, labelSize)
		a.LineStyle = draw.LineStyle{Color: inkAxis, Width: 0.8}
		a.Tick.LineStyle = a.LineStyle
		a.Tick.Length = 3
		a.Padding = 0
		switch {
		case s.log && s.time:
			a.Scale, a.Tick.Marker = plot.LogScale{}, clockTicks{}
		case s.log:
			a.Scale, a.Tick.Marker = plot.LogScale{}, logTicks{s.label}
		default:
			a.Tick.Marker = evenTicks{s.label}
		}
	}
	return p
}

// drawn gives a plot as SVG. What it holds was made or escaped by canvas.
func drawn(p *plot.Plot, width, height vg.Length) template.HTML {
	c := newCanvas(height)
	area := draw.Canvas{Canvas: c, Rectangle: vg.Rectangle{Max: vg.Point{X: width, Y: height}}}
	p.Draw(draw.Crop(area, 2, -12, 2, -4))
	return template.HTML(c.b.String()) //nolint:gosec // as above
}

// line adds a side's curve.
func line(p *plot.Plot, side int, points []point, steps bool) {
	if len(points) == 0 {
		return
	}
	l := plotter.Line{LineStyle: draw.LineStyle{Color: inkA, Width: 1.8}}
	if side == 1 {
		l.Color, l.Dashes = inkB, dashes
	}
	if steps {
		l.StepStyle = plotter.PostStep
	}
	for _, at := range points {
		l.XYs = append(l.XYs, plotter.XY{X: min(max(at.x, p.X.Min), p.X.Max), Y: min(max(at.y, p.Y.Min), p.Y.Max)})
	}
	p.Add(&l)
}

// dots adds a side's points: discs for A, rings for B.
func dots(p *plot.Plot, side int, points []point) {
	s := plotter.Scatter{GlyphStyle: draw.GlyphStyle{Color: inkA, Radius: 2.6, Shape: draw.CircleGlyph{}}}
	if side == 1 {
		s.GlyphStyle.Color, s.Shape = inkB, draw.RingGlyph{}
	}
	for _, at := range points {
		s.XYs = append(s.XYs, plotter.XY{X: at.x, Y: min(max(at.y, p.Y.Min), p.Y.Max)})
	}
	p.Add(&s)
}

// level adds a horizontal line.
func level(p *plot.Plot, y float64) {
	p.Add(&plotter.Line{XYs: plotter.XYs{{X: p.X.Min, Y: y}, {X: p.X.Max, Y: y}}, LineStyle: draw.LineStyle{Color: inkAxis, Width: 1}})
}

// distributionChart draws two distribution functions; log is for what spans decades, inTime for
// seconds.
func distributionChart(c curves, title string, log, inTime bool) template.HTML {
	label := plainLabel
	if inTime {
		label = timeLabel
	}
	low, high := math.Inf(1), math.Inf(-1)
	for _, side := range c {
		for i, at := range side {
			if at.y >= 0.004 && (at.x > 0 || !log) {
				low = min(low, at.x)
			}
			if at.y <= 0.9995 || i == 0 {
				high = max(high, at.x)
			}
		}
	}
	if !(high > low) {
		low, high = low/2, max(high, low)*2
	}
	if !(low < high) || math.IsInf(low, 0) { // all are 0
		low, high = 0.5, 2
	}
	if !log {
		low, high = max(low-(high-low)*0.05, 0), high+(high-low)*0.05
	}
	p := newPlot(scale{title, log, inTime, label, low, high}, scale{"cumulative share", false, false, shareLabel, 0, 1})
	for side, points := range c {
		if len(points) > 0 {
			points = append([]point{{low, before(points, low)}}, points...)
			points = append(points, point{high, points[len(points)-1].y})
			line(p, side, inside(points, low, high), true)
		}
	}
	return drawn(p, chartWidth, chartHeight)
}

// before is a distribution function's value below a limit.
func before(points []point, limit float64) (y float64) {
	for _, at := range points {
		if at.x < limit {
			y = at.y
		}
	}
	return y
}

func inside(points []point, low, high float64) (out []point) {
	for _, at := range points {
		if at.x >= low && at.x <= high {
			out = append(out, at)
		}
	}
	return out
}

// extent gives the limits of what two sides reach over.
func extent(sides [2][]point, of func(point) float64) (low, high float64) {
	low, high = math.Inf(1), math.Inf(-1)
	for _, points := range sides {
		for _, at := range points {
			if v := of(at); !math.IsNaN(v) {
				low, high = min(low, v), max(high, v)
			}
		}
	}
	return low, high
}

func alongX(p point) float64 { return p.x }
func alongY(p point) float64 { return p.y }

// rateChart draws the rate over the time since each side began.
func rateChart(sides [2][]point) template.HTML {
	_, last := extent(sides, alongX)
	_, most := extent(sides, alongY)
	unit, name := 60.0, "minutes since each began"
	switch {
	case last > 3*86400:
		unit, name = 86400, "days since each began"
	case last > 3*3600:
		unit, name = 3600, "hours since each began"
	}
	p := newPlot(scale{name, false, false, plainLabel, 0, max(last/unit, 1e-3)}, scale{"requests a second", false, false, plainLabel, 0, max(most*1.06, 1e-9)})
	for side, points := range sides {
		var scaled []point
		for _, at := range points {
			scaled = append(scaled, point{at.x / unit, at.y})
		}
		line(p, side, scaled, false)
	}
	return drawn(p, 2*chartWidth+20, chartHeight)
}

// idcChart draws the index of dispersion for counts by the width of the bins, beside a Poisson process's 1.
func idcChart(sides [2][]point) template.HTML {
	low, high := extent(sides, alongY)
	left, right := extent(sides, alongX)
	low, high = min(max(low*0.8, 1e-2), 0.8), max(high*1.25, 2)
	p := newPlot(scale{"width of the bins", true, true, timeLabel, left * 0.8, right * 1.25}, scale{"variance over mean", true, false, plainLabel, low, high})
	level(p, 1)
	for side, points := range sides {
		line(p, side, points, false)
		dots(p, side, points)
	}
	return drawn(p, chartWidth, chartHeight)
}

// correlationChart draws the autocorrelation of counts; counts by second and by minute are two curves each.
func correlationChart(all []Correlations) template.HTML {
	p := newPlot(scale{"so much later", true, true, timeLabel, 0.8, 4500}, scale{"autocorrelation", false, false, plainLabel, -0.25, 1})
	for _, c := range all {
		for _, v := range []float64{float64(c.A), float64(c.B)} {
			if v < p.Y.Min {
				p.Y.Min = math.Floor(v*4) / 4
			}
		}
	}
	level(p, 0)
	for side := range 2 {
		for _, bin := range []int{1, 60} {
			var points []point
			for _, c := range all {
				v := float64(c.A)
				if side == 1 {
					v = float64(c.B)
				}
				if c.BinSeconds == bin && !math.IsNaN(v) {
					points = append(points, point{float64(c.LagSeconds), v})
				}
			}
			line(p, side, points, false)
			dots(p, side, points)
		}
	}
	return drawn(p, chartWidth, chartHeight)
}

// shades is how many shades a grid has, each for twice as many requests as the one before.
const shades = 8

// shade gives the ink of a share, empty for none.
func shade(share, most float64) float64 {
	if share == 0 {
		return math.NaN()
	}
	return max(float64(shades)+math.Ceil(math.Log2(share/most))-1, 0)
}

// gridChart draws a side's joint distribution of request and response tokens.
func gridChart(g grid, most float64) template.HTML {
	p := newPlot(scale{"request tokens", false, false, plainLabel, float64(g.lowX) / cellsAnOctave, float64(g.highX+1) / cellsAnOctave},
		scale{"response tokens", false, false, plainLabel, float64(g.lowY) / cellsAnOctave, float64(g.top+1) / cellsAnOctave})
	p.X.Tick.Marker, p.Y.Tick.Marker = octaveTicks{}, octaveTicks{}
	for y, row := range g.share {
		for x, share := range row {
			if v := shade(share, most); !math.IsNaN(v) {
				p.Add(cell{g.lowX + x, g.lowY + y, shadeInks[int(v)]})
			}
		}
	}
	return drawn(p, chartWidth, chartHeight+30)
}

var shadeInks = [shades]ink{"h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7"}

// cell is one cell of a grid.
type cell struct {
	x, y int
	ink  ink
}

// reach is where a cell's side begins and ends, in octaves. That of 1 reaches up to 2: there is no number between.
func reach(k int) (from, to float64) {
	if k == 0 {
		return 0, 1
	}
	return float64(k) / cellsAnOctave, float64(k+1) / cellsAnOctave
}

func (c cell) Plot(to draw.Canvas, p *plot.Plot) {
	toX, toY := p.Transforms(&to)
	left, right := reach(c.x)
	low, high := reach(c.y)
	high, right = min(high, p.Y.Max), min(right, p.X.Max)
	to.FillPolygon(c.ink, []vg.Point{{X: toX(left), Y: toY(low)}, {X: toX(right), Y: toY(low)}, {X: toX(right), Y: toY(high)}, {X: toX(left), Y: toY(high)}})
}

// octaveTicks marks powers of two, every second or fourth where there are many.
type octaveTicks struct{}

func (octaveTicks) Ticks(low, high float64) (out []plot.Tick) {
	every := max(math.Ceil((high-low)/7), 1)
	for v := math.Ceil(low); v <= high; v++ {
		t := plot.Tick{Value: v}
		if math.Mod(v, every) == 0 {
			t.Label = binaryLabel(math.Exp2(v))
		}
		out = append(out, t)
	}
	return out
}

// bars draws a share for each name and side.
func barChart(title string, names []string, shares [2][]float64) template.HTML {
	most := 0.0
	for _, side := range shares {
		for _, v := range side {
			most = max(most, v)
		}
	}
	p := newPlot(scale{"", false, false, plainLabel, -0.5, float64(len(names)) - 0.5}, scale{title, false, false, shareLabel, 0, max(most*1.1, 1e-4)})
	for side, values := range shares {
		b, err := plotter.NewBarChart(plotter.Values(values), 22)
		if err != nil { // without values
			continue
		}
		b.LineStyle.Width = 0
		b.Color, b.Offset = inkA, -12
		if side == 1 {
			b.Color, b.Offset = inkB, 12
		}
		p.Add(b)
	}
	p.NominalX(names...)
	p.X.Tick.Label.Color, p.X.Tick.Label.Font = inkText, font.From(face, labelSize)
	p.X.Min, p.X.Max = -0.5, float64(len(names))-0.5
	p.X.LineStyle = draw.LineStyle{Color: inkAxis, Width: 0.8}
	return drawn(p, chartWidth, chartHeight)
}
