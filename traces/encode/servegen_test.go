package encode

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"

	"tidegauge/schemas"
)

// memoryFolder is a folder in memory.
type memoryFolder map[string]*bytes.Buffer

type noClose struct{ io.Writer }

func (noClose) Close() error { return nil }

func (m memoryFolder) Append(name string) (io.WriteCloser, error) {
	if m[name] == nil {
		m[name] = new(bytes.Buffer)
	}
	return noClose{m[name]}, nil
}

// window is a row of a client's trace.
type window struct {
	from                    int
	rate, cv, first, second float64
	law                     string
}

// readServeGen reads a folder as ServeGen does, and checks what it checks.
func readServeGen(t *testing.T, folder memoryFolder, clients int) (traces [][]window, data []map[int][2]map[int]float64) {
	t.Helper()
	for i := range clients {
		var rows []window
		for line := range strings.Lines(folder[fmt.Sprintf("chunk-%d-trace.csv", i)].String()) {
			f := strings.Split(strings.TrimSpace(line), ",")
			if len(f) != 6 {
				t.Fatalf("row %q", line)
			}
			w := window{law: f[3]}
			var errs [5]error
			w.from, errs[0] = strconv.Atoi(f[0])
			w.rate, errs[1] = strconv.ParseFloat(f[1], 64)
			w.cv, errs[2] = strconv.ParseFloat(f[2], 64)
			w.first, errs[3] = strconv.ParseFloat(f[4], 64)
			w.second, errs[4] = strconv.ParseFloat(f[5], 64)
			for _, err := range errs {
				if err != nil {
					t.Fatal(err)
				}
			}
			if w.law != "" && w.law != "Gamma" && w.law != "Weibull" || w.from != len(rows)*600 {
				t.Fatalf("row %q", line)
			}
			rows = append(rows, w)
		}
		traces = append(traces, rows)
		if len(rows) != len(traces[0]) {
			t.Errorf("client %d has %d windows, the first %d", i, len(rows), len(traces[0]))
		}
		var raw map[string]map[string]string
		if err := json.Unmarshal(folder[fmt.Sprintf("chunk-%d-dataset.json", i)].Bytes(), &raw); err != nil {
			t.Fatal(err)
		}
		sets := make(map[int][2]map[int]float64)
		for from, fields := range raw {
			at, err := strconv.Atoi(from)
			if err != nil || at%21_600 != 0 || at/600 >= len(rows) {
				t.Errorf("dataset at %s: %v", from, err)
			}
			var both [2]map[int]float64
			for k, name := range []string{"input_tokens", "output_tokens"} {
				both[k] = pythonDict(t, fields[name])
			}
			sets[at] = both
		}
		data = append(data, sets)
	}
	return traces, data
}

func pythonDict(t *testing.T, text string) map[int]float64 {
	t.Helper()
	out, sum := make(map[int]float64), 0.0
	for _, entry := range strings.Split(strings.Trim(text, "{}"), ", ") {
		length, share, _ := strings.Cut(entry, ": ")
		n, err := strconv.Atoi(length)
		if err != nil {
			t.Fatal(err)
		}
		if out[n], err = strconv.ParseFloat(share, 64); err != nil {
			t.Fatal(err)
		}
		sum += out[n]
	}
	if math.Abs(sum-1) > 1e-6 {
		t.Errorf("the shares add up to %v", sum)
	}
	return out
}

// TestServeGen: what the folder says of each client is what its requests were.
func TestServeGen(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	folder := memoryFolder{}
	e, err := serveGen.NewFolder(folder, Options{})
	if err != nil {
		t.Fatal(err)
	}
	counts := [2]map[int]int{{}, {}} // by window
	inputs := [2]float64{}
	var n [2]int
	at := int64(0)
	for range 20_000 {
		at += int64(random.ExpFloat64() * 2_000_000)
		client := random.IntN(2)
		if at > 5*schemas.SecondUS*3600 && client == 0 {
			continue // the first falls silent after five hours
		}
		r := request(at, func(r *schemas.Request) {
			r.Client = []string{"", "b"}[client]
			r.RequestTokens, r.ResponseTokens = 100+random.Int64N(50)*int64(client+1), 20+random.Int64N(5)
		})
		if n[0]+n[1] == 0 {
			at, r.ArrivalUS = 0, startUS
		}
		counts[client][int(at/serveGenWindowUS)]++
		inputs[client] += float64(r.RequestTokens)
		n[client]++
		if err := e.Encode(&r); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Close(); err != nil {
		t.Fatal(err)
	}
	traces, data := readServeGen(t, folder, 2)
	// Clients are numbered as they come.
	order := []int{0, 1}
	if traces[0][len(traces[0])-1].law != "" {
		order = []int{1, 0}
	}
	for i, client := range order {
		total := 0
		cvs, windows := 0.0, 0.0
		for _, w := range traces[i] {
			if want := counts[client][w.from/600]; math.Abs(w.rate*600-float64(want)) > 1e-6 || (w.law == "") != (want == 0) {
				t.Errorf("client %d at %d: rate %v, law %q, want %d requests", client, w.from, w.rate, w.law, want)
			}
			total += int(math.Round(w.rate * 600))
			if w.law != "" {
				cvs, windows = cvs+w.cv, windows+1
			}
		}
		if total != n[client] {
			t.Errorf("client %d has %d requests, want %d", client, total, n[client])
		}
		if mean := cvs / windows; mean < 0.9 || mean > 1.1 {
			t.Errorf("client %d: the CV of exponential gaps is %v", client, mean)
		}
		// The mean length from the 6 hours' distributions, weighed by their requests.
		mean := 0.0
		for from, both := range data[i] {
			share := 0.0
			for w := from / 600; w < from/600+36; w++ {
				share += float64(counts[client][w])
			}
			for length, p := range both[0] {
				mean += p * float64(length) * share
			}
		}
		if math.Abs(mean-inputs[client]) > 1e-6*inputs[client] {
			t.Errorf("client %d: input tokens add up to %v, want %v", client, mean, inputs[client])
		}
	}
	if _, err := serveGen.New(io.Discard, Options{}); err == nil {
		t.Error("a folder was written as a file")
	}
}

// TestGapShape: a law is found again, with the CV of the gaps.
func TestGapShape(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	var gaps []float64
	for range 20_000 {
		gaps = append(gaps, 2*math.Pow(random.ExpFloat64(), 1/0.5)) // Weibull of shape 0.5
	}
	got := shapeOf(gaps, 1)
	if got.law != "Weibull" || math.Abs(got.first-0.5) > 0.03 || math.Abs(got.cv-math.Sqrt(5)) > 0.2 {
		t.Errorf("%+v", got)
	}
	if got := shapeOf([]float64{1, 1, 1, 1}, 1); got.law != "Gamma" || got.first != 1 {
		t.Errorf("equal gaps: %+v", got)
	}
}
