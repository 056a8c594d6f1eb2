package integration

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"testing"
	"text/scanner"
)

// expression evaluates the subset of Grafana's math expressions that the rules use: numbers, $A, comparisons, && and ||, + - * / and
// parentheses, over one number for each instance. As in Grafana, a comparison is 1 or 0, whatever is not 0 is true, an
// instance that one of the letters does not have is none, and what is worked out of no number is none (NaN here).
type expression struct {
	scanner scanner.Scanner
	token   string
	letters map[string]float64
	missing bool
	err     error
}

// evaluate gives an expression's value for one instance; ok is false where a letter has no number of it.
func evaluate(text string, letters map[string]float64) (value float64, ok bool, err error) {
	e := &expression{letters: letters}
	e.scanner.Init(strings.NewReader(text))
	e.scanner.Mode = scanner.ScanIdents | scanner.ScanFloats | scanner.ScanInts
	e.scanner.Error = func(_ *scanner.Scanner, what string) { e.err = fmt.Errorf("%s: %s", text, what) }
	e.next()
	value = e.binary(0)
	if e.token != "" && e.err == nil {
		e.err = fmt.Errorf("%s: %q is not expected", text, e.token)
	}
	return value, !e.missing, e.err
}

func (e *expression) next() {
	e.token = ""
	if e.scanner.Scan() != scanner.EOF {
		e.token = e.scanner.TokenText()
		if two := e.token + string(e.scanner.Peek()); two == "&&" || two == "||" || two == ">=" || two == "<=" || two == "==" || two == "!=" || e.token == "$" {
			e.scanner.Scan()
			e.token += e.scanner.TokenText()
		}
	}
}

// operators by how tightly they bind, the loosest first.
var operators = [][]string{{"||"}, {"&&"}, {">", "<", ">=", "<=", "==", "!="}, {"+", "-"}, {"*", "/"}}

func (e *expression) binary(level int) float64 {
	if level == len(operators) {
		return e.operand()
	}
	left := e.binary(level + 1)
	for {
		operator := ""
		for _, o := range operators[level] {
			if e.token == o {
				operator = o
			}
		}
		if operator == "" {
			return left
		}
		e.next()
		left = apply(operator, left, e.binary(level+1))
	}
}

func apply(operator string, a, b float64) float64 {
	if math.IsNaN(a) || math.IsNaN(b) {
		return math.NaN()
	}
	truth := false
	switch operator {
	case "+":
		return a + b
	case "-":
		return a - b
	case "*":
		return a * b
	case "/":
		return a / b
	case "&&":
		truth = a != 0 && b != 0
	case "||":
		truth = a != 0 || b != 0
	case ">":
		truth = a > b
	case "<":
		truth = a < b
	case ">=":
		truth = a >= b
	case "<=":
		truth = a <= b
	case "==":
		truth = a == b
	case "!=":
		truth = a != b
	}
	return map[bool]float64{true: 1}[truth]
}

func (e *expression) operand() float64 {
	token := e.token
	e.next()
	switch {
	case token == "(":
		v := e.binary(0)
		if e.token != ")" && e.err == nil {
			e.err = fmt.Errorf("a parenthesis is not closed")
		}
		e.next()
		return v
	case strings.HasPrefix(token, "$"):
		v, ok := e.letters[token[1:]]
		e.missing = e.missing || !ok
		return v
	}
	v, err := strconv.ParseFloat(token, 64)
	if err != nil && e.err == nil {
		e.err = fmt.Errorf("%q is no number", token)
	}
	return v
}

func TestExpressions(t *testing.T) {
	letters := map[string]float64{"A": 0.5, "B": 3, "N": math.NaN()}
	for text, want := range map[string]float64{
		"$A > 0.072 && $B >= 3": 1, "$A > 1 || $B == 3": 1, "$A > 1 && $B == 3": 0, "1 + 2 * $B": 7, "(1 + 2) * $B < 9": 0, "$N > 1": math.NaN(),
	} {
		if got, ok, err := evaluate(text, letters); err != nil || !ok || !near(got, want, 0) {
			t.Errorf("%s is %v, %v, %v, want %v", text, got, ok, err, want)
		}
	}
	if _, ok, err := evaluate("$A > 0 && $C > 0", letters); ok || err != nil {
		t.Errorf("an instance without a letter's number is %v, %v", ok, err)
	}
	for _, text := range []string{"$A >", "$A $B", "(1", "a > 1"} {
		if _, _, err := evaluate(text, letters); err == nil {
			t.Errorf("%s is no error", text)
		}
	}
}
