package contrast

import (
	_ "embed"

	"tidegauge/report"
)

// SchemaName is the value of Comparison.Schema: the document's name and version.
const SchemaName = "tidegauge.comparison/1"

// Schema is the JSON Schema (2020-12) of the document.
//
//go:embed comparison.schema.json
var Schema []byte

// Comparison is the whole document. Numbers are those of docs/metrics.md; what is undefined is null.
type Comparison struct {
	Schema      string `json:"schema"`
	GeneratedBy string `json:"generated_by"`
	A           Side   `json:"a"`
	B           Side   `json:"b"`
	// Tolerance is what all tolerances are multiplied by.
	Tolerance report.Number `json:"tolerance"`
	// Verdict is that of the first stream: everything against everything.
	Verdict Verdict `json:"verdict"`
	Summary string  `json:"summary"`
	// Streams are the pairs that were compared: all of A and all of B, then each log type and model that both name.
	Streams []Stream `json:"streams"`
}

// Side is one of the two.
type Side struct {
	Name           string           `json:"name"`
	Requests       int64            `json:"requests"`
	FirstArrivalUS int64            `json:"first_arrival_us"`
	LastArrivalUS  int64            `json:"last_arrival_us"`
	Services       map[string]int64 `json:"services"` // requests by service
	// BlockSeconds is how long the blocks are that the yardstick is made of.
	BlockSeconds int64            `json:"block_seconds"`
	Blocks       int64            `json:"blocks"` // that hold requests
	Warnings     []report.Warning `json:"warnings"`
}

// Stream is one pair of streams.
type Stream struct {
	// Model and LogType are null where the stream takes all of them.
	Model    *string        `json:"model"`
	LogType  *string        `json:"log_type"`
	Requests Pair           `json:"requests"`
	Verdict  Verdict        `json:"verdict"`
	Sections []Section      `json:"sections"`
	Distance []Distance     `json:"distances"`
	Windows  WindowPair     `json:"windows"`
	Counts   []Correlations `json:"autocorrelation"`
	// Numbers are all of docs/metrics.md, side by side.
	Numbers []NumberPair `json:"numbers"`
}

// Pair is a number of each side.
type Pair struct {
	A report.Number `json:"a"`
	B report.Number `json:"b"`
}

// NumberPair is a number of each side and its name, the path to it in tidegauge.summary/1.
type NumberPair struct {
	Name string `json:"name"`
	Pair
}

// Section is the verdict on one part, with the measure that decided.
type Section struct {
	Section string  `json:"section"`
	Verdict Verdict `json:"verdict"`
	// Decided names the measure, empty where the section is absent; Reason says why, Meaning what follows for a load test.
	Decided  string    `json:"decided_by"`
	Reason   string    `json:"reason"`
	Meaning  string    `json:"meaning"`
	Measures []Measure `json:"measures"`
}

// Measure is one number that can decide.
type Measure struct {
	Name  string `json:"name"`
	Title string `json:"title"`
	Kind  Kind   `json:"kind"`
	Unit  string `json:"unit"`
	Key   bool   `json:"key"`
	// A and B are the number on each side; of a distribution its median.
	Pair
	N Pair `json:"n"` // of how many values
	// Distance is how far they are apart, by Kind; null where one is undefined, or nothing against something. It counts
	// above Tolerance and above Own, which is how far parts of one side are from one another.
	Distance  report.Number `json:"distance"`
	Tolerance report.Number `json:"tolerance"`
	Own       report.Number `json:"own"`
	Verdict   Verdict       `json:"verdict"`
	Reason    string        `json:"reason"`
}

// Distance is how far two distributions are apart.
type Distance struct {
	Name        string        `json:"name"`
	Unit        string        `json:"unit"` // of Wasserstein
	N           Pair          `json:"n"`
	KS          report.Number `json:"ks"`
	Wasserstein report.Number `json:"wasserstein"`
	Medians     Pair          `json:"medians"`
}

// WindowPair is how gap_cv is distributed over each side's windows.
type WindowPair struct {
	S300  WindowSides `json:"300"`
	S1200 WindowSides `json:"1200"`
}

// WindowSides are the windows of one width.
type WindowSides struct {
	A report.Window `json:"a"`
	B report.Window `json:"b"`
}

// Correlations is the autocorrelation of the counts in bins of so many seconds at a lag.
type Correlations struct {
	LagSeconds int `json:"lag_seconds"`
	BinSeconds int `json:"bin_seconds"`
	Pair
}
