package doctor

import "slices"

// Schema names the shape of a Diagnosis as JSON.
const Schema = "tidegauge.doctor/1"

// Diagnosis is what is to be said of a log.
type Diagnosis struct {
	Schema  string   `json:"schema"`
	Sources []Source `json:"sources"`
	// Requests counts what was read, Refused the rows that could not be, Other the records that are no requests, Repeated
	// the spans that show a request which was counted already.
	Requests int64 `json:"requests"`
	Refused  int64 `json:"refused"`
	Other    int64 `json:"other"`
	Repeated int64 `json:"repeated"`
	// FirstArrivalUS and LastArrivalUS bound the arrivals, in microseconds since 1970.
	FirstArrivalUS int64 `json:"first_arrival_us"`
	LastArrivalUS  int64 `json:"last_arrival_us"`
	// Sections are the parts of the characterisation, with how much of each the log allows.
	Sections []Section `json:"sections"`
	Fields   []Field   `json:"fields"`
	// Findings are what cannot be right first, then what is worth knowing.
	Findings []Finding `json:"findings"`
	Refusals []Refusal `json:"refusals"`
	Advice   []Advice  `json:"advice"`
}

// Source is one file, or stream.
type Source struct {
	Name     string `json:"name"`
	Format   string `json:"format"`
	Requests int64  `json:"requests"`
}

// Section is one part of docs/metrics.md.
type Section struct {
	Name string `json:"name"`
	// Have is "all", "part" or "nothing".
	Have string `json:"have"`
	Why  string `json:"why,omitempty"`
}

// Field is one field of a request.
type Field struct {
	Name string `json:"name"`
	// Known counts the requests that have it, Of those that could: only a failure has an error's type.
	Known int64 `json:"known"`
	Of    int64 `json:"of"`
	// Min, Median (to 1 %) and Max are of numbers; durations are microseconds.
	Min    *float64 `json:"min,omitempty"`
	Median *float64 `json:"median,omitempty"`
	Max    *float64 `json:"max,omitempty"`
	// Distinct counts a text's values; it stops at 1,001. Examples are the commonest.
	Distinct int      `json:"distinct,omitempty"`
	Examples []string `json:"examples,omitempty"`
	// Costs says which numbers are missing for want of it.
	Costs string `json:"costs,omitempty"`

	unit            string
	optional, mixed bool
}

// Enough says that hardly a request lacks the field of those that could have it; of conversations and clients, that some have
// it.
func (f *Field) Enough() bool {
	if f.mixed {
		return f.Known > 0 || f.Of == 0
	}
	return f.Known*100 >= f.Of*99
}

// Levels of findings.
const (
	Wrong = "wrong" // numbers made of it mislead
	Note  = "note"
)

// Finding is something to look at.
type Finding struct {
	Level string `json:"level"`
	Code  string `json:"code"`
	Count int64  `json:"count,omitempty"`
	Text  string `json:"text"`
	// Example is where the first of them is, as file:line.
	Example string `json:"example,omitempty"`
}

// Refusal is one reason for which rows cannot be read.
type Refusal struct {
	Field  string `json:"field"`
	Reason string `json:"reason"`
	Count  int64  `json:"count"`
	// Rows are the first of them, as file:line.
	Rows []string `json:"rows"`
}

// Advice is what to change where the log is made.
type Advice struct {
	Format string `json:"format"`
	Field  string `json:"field"`
	Text   string `json:"text"`
}

// Healthy says that every row could be read and nothing in them is wrong. What is missing only costs numbers.
func (d *Diagnosis) Healthy() bool {
	for _, f := range d.Findings {
		if f.Level == Wrong {
			return false
		}
	}
	return d.Refused == 0
}

// Field gives a field by its name, nil if there is none.
func (d *Diagnosis) Field(name string) *Field {
	for i := range d.Fields {
		if d.Fields[i].Name == name {
			return &d.Fields[i]
		}
	}
	return nil
}

func (d *Diagnosis) share(name string) float64 {
	f := d.Field(name)
	if f.Of == 0 || f.mixed && f.Known > 0 {
		return 1 // nothing else could have it
	}
	return float64(f.Known) / float64(f.Of)
}

func (d *Diagnosis) has(code string) bool {
	return slices.ContainsFunc(d.Findings, func(f Finding) bool { return f.Code == code })
}
