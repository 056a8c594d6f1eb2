package contrast

import (
	"fmt"
	"html"
	"image"
	"image/color"
	"math"
	"strings"

	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
)

// ink is a colour that has a name, and is what the page's style sheet says: light or dark, on a screen or on paper.
type ink string

// The inks. The style sheet has f-NAME for what is filled and s-NAME for what is stroked.
const (
	inkA    ink = "a"
	inkB    ink = "b"
	inkAxis ink = "axis"
	inkGrid ink = "grid"
	inkText ink = "text"
)

// RGBA makes ink a color.Color. Nobody asks: canvas looks at the name.
func (ink) RGBA() (r, g, b, a uint32) { return 0, 0, 0, math.MaxUint16 }

// canvas draws what gonum/plot plots as SVG, with inks as classes. Lengths are in points, y upwards, as vg has them.
type canvas struct {
	b      strings.Builder
	height vg.Length
	state  state
	saved  []state
}

// state is what Push saves. move is the transformation: x' = m[0] x + m[2] y + m[4], y' = m[1] x + m[3] y + m[5].
type state struct {
	width vg.Length
	dash  []vg.Length
	ink   ink
	move  [6]float64
}

func newCanvas(height vg.Length) *canvas {
	return &canvas{height: height, state: state{width: 1, ink: inkText, move: [6]float64{1, 0, 0, 1, 0, 0}}}
}

func (c *canvas) SetLineWidth(w vg.Length)                     { c.state.width = w }
func (c *canvas) SetLineDash(pattern []vg.Length, _ vg.Length) { c.state.dash = pattern }

func (c *canvas) SetColor(to color.Color) {
	c.state.ink = inkText
	if named, ok := to.(ink); ok {
		c.state.ink = named
	}
}

func (c *canvas) Rotate(rad float64) {
	sin, cos := math.Sincos(rad)
	c.transform([6]float64{cos, sin, -sin, cos, 0, 0})
}

func (c *canvas) Translate(p vg.Point) {
	c.transform([6]float64{1, 0, 0, 1, float64(p.X), float64(p.Y)})
}

func (c *canvas) Scale(x, y float64) { c.transform([6]float64{x, 0, 0, y, 0, 0}) }

func (c *canvas) transform(t [6]float64) {
	m := c.state.move
	c.state.move = [6]float64{
		m[0]*t[0] + m[2]*t[1], m[1]*t[0] + m[3]*t[1],
		m[0]*t[2] + m[2]*t[3], m[1]*t[2] + m[3]*t[3],
		m[0]*t[4] + m[2]*t[5] + m[4], m[1]*t[4] + m[3]*t[5] + m[5],
	}
}

func (c *canvas) Push() { c.saved = append(c.saved, c.state) }

func (c *canvas) Pop() {
	c.state = c.saved[len(c.saved)-1]
	c.saved = c.saved[:len(c.saved)-1]
}

// at gives a point as SVG has it: y downwards, a tenth of a point being less than anybody sees.
func (c *canvas) at(p vg.Point) (x, y string) {
	m := c.state.move
	return short(m[0]*float64(p.X) + m[2]*float64(p.Y) + m[4]), short(float64(c.height) - (m[1]*float64(p.X) + m[3]*float64(p.Y) + m[5]))
}

func short(v float64) string {
	text := fmt.Sprintf("%.1f", v)
	return strings.TrimSuffix(strings.Replace(text, "-0.0", "0.0", 1), ".0")
}

func (c *canvas) path(p vg.Path) string {
	var b strings.Builder
	for _, part := range p {
		x, y := c.at(part.Pos)
		switch part.Type {
		case vg.MoveComp:
			fmt.Fprintf(&b, "M%s %s", x, y)
		case vg.LineComp:
			fmt.Fprintf(&b, "L%s %s", x, y)
		case vg.ArcComp: // a full circle, of a point: nothing else here is round
			r := short(float64(part.Radius))
			left, _ := c.at(vg.Point{X: part.Pos.X - part.Radius, Y: part.Pos.Y})
			right, _ := c.at(vg.Point{X: part.Pos.X + part.Radius, Y: part.Pos.Y})
			fmt.Fprintf(&b, "M%s %sA%s %s 0 1 0 %s %sA%s %s 0 1 0 %s %s", left, y, r, r, right, y, r, r, left, y)
		case vg.CloseComp:
			b.WriteByte('Z')
		}
	}
	return b.String()
}

func (c *canvas) Stroke(p vg.Path) {
	if c.state.width <= 0 || len(p) == 0 {
		return
	}
	dash := ""
	if len(c.state.dash) > 0 {
		var lengths []string
		for _, d := range c.state.dash {
			lengths = append(lengths, short(float64(d)))
		}
		dash = ` stroke-dasharray="` + strings.Join(lengths, " ") + `"`
	}
	fmt.Fprintf(&c.b, "<path class=\"s-%s\" stroke-width=\"%s\"%s d=\"%s\"/>\n", c.state.ink, short(float64(c.state.width)), dash, c.path(p))
}

func (c *canvas) Fill(p vg.Path) {
	fmt.Fprintf(&c.b, "<path class=\"f-%s\" d=\"%s\"/>\n", c.state.ink, c.path(p))
}

func (c *canvas) FillString(f font.Face, p vg.Point, text string) {
	x, y := c.at(p)
	turn := ""
	if angle := math.Atan2(c.state.move[1], c.state.move[0]); math.Abs(angle) > 1e-6 {
		turn = fmt.Sprintf(` transform="rotate(%s %s %s)"`, short(-angle*180/math.Pi), x, y)
	}
	fmt.Fprintf(&c.b, "<text class=\"f-%s\" font-size=\"%s\" x=\"%s\" y=\"%s\"%s>%s</text>\n", c.state.ink,
		short(float64(f.Font.Size)), x, y, turn, html.EscapeString(text))
}

// DrawImage is for vg.Canvas: nothing here has images.
func (c *canvas) DrawImage(vg.Rectangle, image.Image) {}
