package workload

import (
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"os"
	"strings"
	"testing"
)

// exact are the functions of package math that give the same bits on every machine.
var exact = map[string]bool{"Sqrt": true, "Ceil": true}

// TestNoFusedOperations looks for what would make generated logs differ between machines, in all files but those that fit: sums
// with a product in them, which arm64, ppc64 and s390x compute in one step and round once (a conversion of the product keeps
// them apart, as the language has it), and functions whose last bits are the machine's own.
func TestNoFusedOperations(t *testing.T) {
	files := token.NewFileSet()
	var parsed []*ast.File
	entries, err := os.ReadDir(".")
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		if !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			continue
		}
		f, err := parser.ParseFile(files, name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		parsed = append(parsed, f)
	}
	info := &types.Info{Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{}}
	// What other packages declare does not matter: only what is computed here.
	c := types.Config{Importer: importer.ForCompiler(files, "source", nil), Error: func(error) {}}
	_, _ = c.Check("tidegauge/traces/workload", files, parsed, info)
	float := func(e ast.Expr) bool {
		tv, ok := info.Types[e]
		if !ok || tv.Value != nil || tv.Type == nil { // constants are exact
			return false
		}
		b, ok := tv.Type.Underlying().(*types.Basic)
		return ok && b.Info()&types.IsFloat != 0
	}
	var product func(e ast.Expr) bool
	product = func(e ast.Expr) bool {
		switch e := e.(type) {
		case *ast.ParenExpr:
			return product(e.X)
		case *ast.UnaryExpr:
			return product(e.X)
		case *ast.BinaryExpr:
			return e.Op == token.MUL && float(e)
		}
		return false
	}
	found, sums := 0, 0
	for _, f := range parsed {
		fits := strings.HasPrefix(files.Position(f.Pos()).Filename, "fit")
		wrong := func(at token.Pos, what string) {
			if fits {
				found++
				return
			}
			t.Errorf("%s: %s", files.Position(at), what)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.BinaryExpr:
				if n.Op == token.ADD || n.Op == token.SUB {
					if float(n) {
						sums++
					}
					if product(n.X) || product(n.Y) {
						wrong(n.Pos(), "a product in a sum may be fused: write float64(a*b)")
					}
				}
			case *ast.AssignStmt:
				if (n.Tok == token.ADD_ASSIGN || n.Tok == token.SUB_ASSIGN) && product(n.Rhs[0]) {
					wrong(n.Pos(), "a product that is added may be fused: write float64(a*b)")
				}
			case *ast.SelectorExpr:
				if x, ok := n.X.(*ast.Ident); ok && x.Name == "math" && ast.IsExported(n.Sel.Name) && !exact[n.Sel.Name] {
					wrong(n.Pos(), "math."+n.Sel.Name+" does not give the same bits on every machine")
				}
			}
			return true
		})
	}
	// The files that fit are full of them, so the search works.
	if found < 20 || sums < 20 {
		t.Errorf("found %d in the files that fit, and %d sums: the search is broken", found, sums)
	}
}
