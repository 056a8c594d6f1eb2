package columnar

import (
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"tidegauge/schemas"
)

// column is one field of a request as a column.
type column struct {
	name     string
	kind     arrow.DataType
	required bool
	// put appends the request's value; get sets it from what another's column has (read.go).
	put func(b array.Builder, r *schemas.Request)
	set func(r *schemas.Request, c *cell) error
}

func text(name string, required bool, of func(*schemas.Request) *string) column {
	return column{name, arrow.BinaryTypes.String, required,
		func(b array.Builder, r *schemas.Request) {
			if s := *of(r); s != "" || required {
				b.(*array.StringBuilder).Append(s)
			} else {
				b.AppendNull()
			}
		},
		func(r *schemas.Request, c *cell) (err error) { *of(r), err = c.text(); return err }}
}

func long(name string, required bool, of func(*schemas.Request) *int64) column {
	return column{name, arrow.PrimitiveTypes.Int64, required,
		func(b array.Builder, r *schemas.Request) {
			if v := *of(r); v != schemas.Unknown {
				b.(*array.Int64Builder).Append(v)
			} else {
				b.AppendNull()
			}
		},
		func(r *schemas.Request, c *cell) (err error) { *of(r), err = c.whole(); return err }}
}

func tokens(name string, of func(*schemas.Request) *int64) column {
	return column{name, arrow.PrimitiveTypes.Int32, false,
		func(b array.Builder, r *schemas.Request) {
			if v := *of(r); v != schemas.Unknown {
				b.(*array.Int32Builder).Append(int32(v))
			} else {
				b.AppendNull()
			}
		},
		func(r *schemas.Request, c *cell) (err error) { *of(r), err = c.whole(); return err }}
}

func float(name string, of func(*schemas.Request) *float64) column {
	return column{name, arrow.PrimitiveTypes.Float64, false,
		func(b array.Builder, r *schemas.Request) {
			if v := *of(r); !math.IsNaN(v) {
				b.(*array.Float64Builder).Append(v)
			} else {
				b.AppendNull()
			}
		},
		func(r *schemas.Request, c *cell) (err error) { *of(r), err = c.float(); return err }}
}

// columns are all fields, in the order of the JSON form.
var columns = []column{
	text("service", true, func(r *schemas.Request) *string { return &r.Service }),
	text("model", true, func(r *schemas.Request) *string { return &r.Model }),
	text("log_type", false, func(r *schemas.Request) *string { return &r.LogType }),
	text("operation", false, func(r *schemas.Request) *string { return &r.Operation }),
	{"arrival_us", arrow.PrimitiveTypes.Int64, true,
		func(b array.Builder, r *schemas.Request) { b.(*array.Int64Builder).Append(r.ArrivalUS) },
		func(r *schemas.Request, c *cell) (err error) { r.ArrivalUS, err = c.moment(); return err }},
	text("request_id", false, func(r *schemas.Request) *string { return &r.RequestID }),
	{"seq", arrow.PrimitiveTypes.Int64, false,
		func(b array.Builder, r *schemas.Request) {
			if r.Seq != 0 {
				b.(*array.Int64Builder).Append(r.Seq)
			} else {
				b.AppendNull()
			}
		},
		func(r *schemas.Request, c *cell) error {
			v, err := c.whole()
			r.Seq = max(v, 0)
			return err
		}},
	text("conversation", false, func(r *schemas.Request) *string { return &r.Conversation }),
	text("client", false, func(r *schemas.Request) *string { return &r.Client }),
	text("prompt_id", false, func(r *schemas.Request) *string { return &r.PromptID }),
	{"outcome", arrow.BinaryTypes.String, true,
		func(b array.Builder, r *schemas.Request) { b.(*array.StringBuilder).Append(r.Outcome.String()) },
		func(r *schemas.Request, c *cell) error {
			s, err := c.text()
			if r.Outcome = schemas.ParseOutcome(s); err == nil && r.Outcome == schemas.OutcomeUnknown {
				err = c.fault("%q is no outcome", s)
			}
			return err
		}},
	{"status_code", arrow.PrimitiveTypes.Int32, false,
		func(b array.Builder, r *schemas.Request) {
			if r.StatusCode != schemas.Unknown {
				b.(*array.Int32Builder).Append(r.StatusCode)
			} else {
				b.AppendNull()
			}
		},
		func(r *schemas.Request, c *cell) error {
			v, err := c.whole()
			if err == nil && v != int64(int32(v)) {
				err = c.fault("%d is no HTTP status", v)
			}
			r.StatusCode = int32(v)
			return err
		}},
	text("error_type", false, func(r *schemas.Request) *string { return &r.ErrorType }),
	text("finish_reason", false, func(r *schemas.Request) *string { return &r.FinishReason }),
	tokens("request_tokens", func(r *schemas.Request) *int64 { return &r.RequestTokens }),
	tokens("response_tokens", func(r *schemas.Request) *int64 { return &r.ResponseTokens }),
	tokens("reasoning_tokens", func(r *schemas.Request) *int64 { return &r.ReasoningTokens }),
	tokens("cached_tokens", func(r *schemas.Request) *int64 { return &r.CachedTokens }),
	tokens("max_tokens", func(r *schemas.Request) *int64 { return &r.MaxTokens }),
	tokens("target_tokens", func(r *schemas.Request) *int64 { return &r.TargetTokens }),
	tokens("steps", func(r *schemas.Request) *int64 { return &r.Steps }),
	long("elapsed_us", false, func(r *schemas.Request) *int64 { return &r.ElapsedUS }),
	long("ttft_us", false, func(r *schemas.Request) *int64 { return &r.TTFTUS }),
	long("queue_us", false, func(r *schemas.Request) *int64 { return &r.QueueUS }),
	text("config", false, func(r *schemas.Request) *string { return &r.Config }),
	text("host", false, func(r *schemas.Request) *string { return &r.Host }),
	float("temperature", func(r *schemas.Request) *float64 { return &r.Temperature }),
	float("top_p", func(r *schemas.Request) *float64 { return &r.TopP }),
	{"seed", arrow.PrimitiveTypes.Int64, false,
		func(b array.Builder, r *schemas.Request) {
			if r.HasSeed {
				b.(*array.Int64Builder).Append(r.Seed)
			} else {
				b.AppendNull()
			}
		},
		func(r *schemas.Request, c *cell) (err error) {
			r.HasSeed = true
			r.Seed, err = c.whole()
			return err
		}},
	{"prefix_hashes", arrow.ListOf(arrow.PrimitiveTypes.Uint64), false,
		func(b array.Builder, r *schemas.Request) {
			list := b.(*array.ListBuilder)
			if len(r.PrefixHashes) == 0 {
				list.AppendNull()
				return
			}
			list.Append(true)
			list.ValueBuilder().(*array.Uint64Builder).AppendValues(r.PrefixHashes, nil)
		},
		func(r *schemas.Request, c *cell) (err error) {
			r.PrefixHashes, err = c.hashes(r.PrefixHashes[:0])
			return err
		}},
	{"prefix_block_tokens", arrow.PrimitiveTypes.Int32, false,
		func(b array.Builder, r *schemas.Request) {
			if r.PrefixBlockTokens > 0 {
				b.(*array.Int32Builder).Append(r.PrefixBlockTokens)
			} else {
				b.AppendNull()
			}
		},
		func(r *schemas.Request, c *cell) error {
			v, err := c.whole()
			if err == nil && v != int64(int32(v)) {
				err = c.fault("%d is no number of tokens in a block", v)
			}
			r.PrefixBlockTokens = int32(v)
			return err
		}},
	{"labels", arrow.MapOf(arrow.BinaryTypes.String, arrow.BinaryTypes.String), false,
		func(b array.Builder, r *schemas.Request) {
			m := b.(*array.MapBuilder)
			if len(r.Labels) == 0 {
				m.AppendNull()
				return
			}
			m.Append(true)
			for _, l := range r.Labels {
				m.KeyBuilder().(*array.StringBuilder).Append(l.Key)
				m.ItemBuilder().(*array.StringBuilder).Append(l.Value)
			}
		},
		func(r *schemas.Request, c *cell) (err error) {
			r.Labels, err = c.labels(r.Labels[:0])
			return err
		}},
}

// schema is what files have.
func schema() *arrow.Schema {
	fields := make([]arrow.Field, len(columns))
	for i, c := range columns {
		fields[i] = arrow.Field{Name: c.name, Type: c.kind, Nullable: !c.required}
	}
	about := arrow.NewMetadata([]string{"schema"}, []string{"tidegauge.request/1"})
	return arrow.NewSchema(fields, &about)
}
