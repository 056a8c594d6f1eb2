package fidelity

import (
	"encoding/json"
	"math"
)

// Result is a trace's.
type Result struct {
	Trace       string     `json:"trace"`
	Description string     `json:"description"`
	Requests    [2]int     `json:"requests"` // in each half
	Seconds     [2]float64 `json:"seconds"`
	Seeds       int        `json:"seeds"`
	Models      []Model    `json:"models"`
	Cells       []Cell     `json:"cells"`
	Tally       Tally      `json:"tally"`
}

// Model is one that was judged.
type Model struct {
	Key      string  `json:"key"`
	Name     string  `json:"name"`
	Requests float64 `json:"requests"` // on average
}

// Cell is a number of a stream, and how well each model does.
type Cell struct {
	Section, Name string
	Stream        string // a log type, "" for the whole trace
	Scale         scale
	First, Second float64 // the real halves' values
	// Halves is the error of the first half as a model of the second; Dealt that of a half against the other where blocks of
	// time are dealt out to both by chance.
	Halves, Dealt float64
	Values        [][]float64 // by model and seed
	Errors        []float64   // by model, averages of the seeds' errors; infinite where a model has no such number

	Differ bool // the best and the worst of the models differ by more than the sampling error
	Best   int  // the model with the lowest error; the first of equal ones
	place  [2]int
}

// Sampling is the sampling error: the larger of the two, as either may be small by chance. Only the second is free of what
// changed between the halves, which no model of the first can know and by which any may come close or not.
func (c *Cell) Sampling() float64 {
	s := math.NaN()
	for _, v := range []float64{c.Halves, c.Dealt} {
		if !math.IsNaN(v) && !math.IsInf(v, 0) && !(v <= s) {
			s = v
		}
	}
	return s
}

// tied says that a model's error is not above the lowest by more than the sampling error.
func (c *Cell) tied(m int) bool { return c.Errors[m] <= c.Errors[c.Best]+c.Sampling() }

// Tally counts cells.
type Tally struct {
	// Cells are those in which the models differ by more than the sampling error, Same the others.
	Cells int `json:"cells"`
	Same  int `json:"same"`
	// By model: where it has the lowest error, and where it is not above the lowest by more than the sampling error.
	Lowest []int `json:"lowest"`
	Close  []int `json:"close"`
	// Won and Lost are the cells where the first model, which is Tidegauge's, and the best of the others differ by more than
	// the sampling error.
	Won  int `json:"won"`
	Lost int `json:"lost"`
}

// Add adds another's, of the same models.
func (t *Tally) Add(o Tally) {
	if t.Lowest == nil {
		t.Lowest, t.Close = make([]int, len(o.Lowest)), make([]int, len(o.Close))
	}
	t.Cells, t.Same, t.Won, t.Lost = t.Cells+o.Cells, t.Same+o.Same, t.Won+o.Won, t.Lost+o.Lost
	for m := range o.Lowest {
		t.Lowest[m] += o.Lowest[m]
		t.Close[m] += o.Close[m]
	}
}

// tally counts a cell.
func (c *Cell) tally() Tally {
	t := Tally{Lowest: make([]int, len(c.Errors)), Close: make([]int, len(c.Errors))}
	if !c.Differ {
		t.Same = 1
		return t
	}
	t.Cells = 1
	rival := math.Inf(1)
	for m, e := range c.Errors {
		if e == c.Errors[c.Best] {
			t.Lowest[m] = 1
		}
		if c.tied(m) {
			t.Close[m] = 1
		}
		if m > 0 {
			rival = min(rival, e)
		}
	}
	switch own := c.Errors[0]; {
	case rival-own > c.Sampling():
		t.Won = 1
	case own-rival > c.Sampling():
		t.Lost = 1
	}
	return t
}

// onlyOurs says that no rival has such a number.
func (c *Cell) onlyOurs() bool {
	for _, e := range c.Errors[1:] {
		if !math.IsInf(e, 1) {
			return false
		}
	}
	return true
}

// compare decides the cells.
func (r *Result) compare() {
	kept := r.Cells[:0]
	for _, c := range r.Cells {
		if !math.IsNaN(c.Sampling()) {
			kept = append(kept, c)
		}
	}
	r.Cells = kept
	for i := range r.Cells {
		c := &r.Cells[i]
		c.Best = 0
		worst := c.Errors[0]
		for m, e := range c.Errors {
			if e < c.Errors[c.Best] {
				c.Best = m
			}
			worst = max(worst, e)
		}
		c.Differ = worst-c.Errors[c.Best] > c.Sampling()
		r.Tally.Add(c.tally())
	}
}

// MarshalJSON gives null for what is no number, as JSON has none.
func (c Cell) MarshalJSON() ([]byte, error) {
	number := func(v float64) *float64 {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return nil
		}
		return &v
	}
	numbers := func(vs []float64) []*float64 {
		all := make([]*float64, len(vs))
		for i, v := range vs {
			all[i] = number(v)
		}
		return all
	}
	values := make([][]*float64, len(c.Values))
	for i, v := range c.Values {
		values[i] = numbers(v)
	}
	compared := "factor" // errors are natural logarithms of factors
	if c.Scale == byDifference {
		compared = "difference"
	}
	return json.Marshal(struct {
		Section  string       `json:"section"`
		Name     string       `json:"name"`
		Stream   string       `json:"stream,omitempty"`
		Compared string       `json:"compared_by"`
		First    *float64     `json:"first_half"`
		Second   *float64     `json:"second_half"`
		Halves   *float64     `json:"halves_error"`
		Dealt    *float64     `json:"dealt_error"`
		Sampling *float64     `json:"sampling_error"`
		Errors   []*float64   `json:"errors"`
		Values   [][]*float64 `json:"values"`
		Differ   bool         `json:"differ"`
		Best     int          `json:"best"`
	}{c.Section, c.Name, c.Stream, compared, number(c.First), number(c.Second), number(c.Halves), number(c.Dealt), number(c.Sampling()),
		numbers(c.Errors), values, c.Differ, c.Best})
}
