package processors

import (
	"encoding/json"
	"fmt"
	"go/ast"
	goparser "go/parser"
	"go/token"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// ruleVariable says to the binary of buildMutated which rule to do without: 1 is the first, none is none.
const ruleVariable = "TIDEGAUGE_TEST_WITHOUT_RULE"

func withoutARule() bool {
	rule := os.Getenv(ruleVariable)
	return rule != "" && rule != "0"
}

// buildMutated makes one test binary with all mutations in it, each behind a switch, as building takes longer than testing. A
// function that a mutation changes is there twice, as it is and as it would be under a name of its own, and begins by asking
// which of the two is meant:
//
//	func (m *member) compare(o *member) int {
//		if withoutRule == 19 {
//			return m.compareWithoutRule19(o)
//		}
//
// What a mutation changes outside of functions, such as a field that it needs, is changed for all.
func buildMutated(t *testing.T, mutations []mutation) (binary string) {
	t.Helper()
	folder := t.TempDir()
	overlay := struct{ Replace map[string]string }{make(map[string]string)}
	replace := func(file string, source string) {
		from, err := filepath.Abs(file)
		if err != nil {
			t.Fatal(err)
		}
		overlay.Replace[from] = filepath.Join(folder, file)
		if err := os.WriteFile(overlay.Replace[from], []byte(source), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	replace("mutation_switch.go", fmt.Sprintf("package processors\n\nimport (\n\"os\"\n\"strconv\"\n)\n\nvar withoutRule, _ = strconv.Atoi(os.Getenv(%q))\n", ruleVariable))
	files := make(map[string]*switched)
	for i, m := range mutations {
		for file, source := range m.sources(t) {
			if files[file] == nil {
				original, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				files[file] = &switched{text: string(original), functions: functionsOf(t, file, string(original)), switches: make(map[string]string)}
			}
			files[file].add(t, i+1, functionsOf(t, file, string(source)), string(source))
		}
	}
	for file, s := range files {
		replace(file, s.source())
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(folder, "overlay.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	binary = filepath.Join(folder, "mutated.test")
	// Not vetted, as a rule taken out may leave a value without use; without symbols, which are a third of the linker's time.
	out, err := exec.CommandContext(t.Context(), "go", "test", "-c", "-o", binary, "-overlay", file, "-vet=off", "-ldflags=-s -w", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("cannot build with rules taken out: %v\n%s", err, out)
	}
	return binary
}

// switched is a source file with mutations behind switches.
type switched struct {
	text      string
	functions map[string]function
	switches  map[string]string // by function what it begins with
	others    strings.Builder   // the functions as they would be
}

// function is where a function lies in a file.
type function struct {
	from, name, body, to int    // offsets: of the function, behind its name, behind the brace of its body, of its end
	call, arguments      string // what calls it, parted where its name ends
	results              bool
}

// add adds what the mutation makes of the file.
func (s *switched) add(t *testing.T, rule int, mutated map[string]function, text string) {
	t.Helper()
	changed := false
	outside := text // with the functions that the mutation changes as they are
	for _, key := range lastFirst(mutated) {
		m, f := mutated[key], s.functions[key]
		now := s.text[f.from:f.to]
		if text[m.from:m.to] == now {
			continue
		}
		changed = true
		outside = outside[:m.from] + now + outside[m.to:]
		suffix := fmt.Sprint("WithoutRule", rule)
		call := f.call + suffix + f.arguments
		if f.results {
			call = "return " + call
		} else {
			call += "\nreturn"
		}
		s.switches[key] += fmt.Sprintf("\nif withoutRule == %d {\n%s\n}\n", rule, call)
		fmt.Fprintf(&s.others, "\n%s%s%s\n", text[m.from:m.name], suffix, text[m.name:m.to])
	}
	if outside != s.text {
		s.text, s.functions, changed = outside, functionsOf(t, "", outside), true
	}
	if !changed {
		t.Fatalf("rule %d is not taken out", rule)
	}
}

func (s *switched) source() string {
	text := s.text
	for _, key := range lastFirst(s.functions) {
		at := s.functions[key].body
		text = text[:at] + s.switches[key] + text[at:]
	}
	return text + s.others.String()
}

// lastFirst lists the functions of a file from its end on, so that what is put into one moves none that follows in the list.
func lastFirst(functions map[string]function) []string {
	keys := slices.Collect(maps.Keys(functions))
	slices.SortFunc(keys, func(a, b string) int { return functions[b].from - functions[a].from })
	return keys
}

// functionsOf gives the functions and methods of a file by "receiver.name".
func functionsOf(t *testing.T, file, text string) map[string]function {
	t.Helper()
	set := token.NewFileSet()
	parsed, err := goparser.ParseFile(set, file, text, goparser.SkipObjectResolution)
	if err != nil {
		t.Fatal(err)
	}
	offset := func(p token.Pos) int { return set.Position(p).Offset }
	functions := make(map[string]function)
	for _, d := range parsed.Decls {
		d, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		f := function{from: offset(d.Pos()), name: offset(d.Name.End()), body: offset(d.Body.Lbrace) + 1, to: offset(d.End()),
			call: d.Name.Name, results: d.Type.Results != nil}
		key := d.Name.Name
		if d.Recv != nil {
			of := d.Recv.List[0]
			key = text[offset(of.Type.Pos()):offset(of.Type.End())] + "." + key
			if len(of.Names) > 0 {
				f.call = of.Names[0].Name + "." + f.call
			}
		}
		var arguments []string
		for _, p := range d.Type.Params.List {
			for _, name := range p.Names {
				argument := name.Name
				if _, variadic := p.Type.(*ast.Ellipsis); variadic {
					argument += "..."
				}
				arguments = append(arguments, argument)
			}
		}
		f.arguments = "(" + strings.Join(arguments, ", ") + ")"
		functions[key] = f
	}
	return functions
}
