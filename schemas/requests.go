package schemas

import (
	"math"
	"slices"
	"time"
)

// Requests are requests column by column, as they are kept between the log and table requests. An optional column is
// empty until a request has a value for it.
type Requests struct {
	Service         Texts               `column:"service"`
	ArrivalUS       []int64             `column:"arrival_us"`
	RequestID       Texts               `column:"request_id"`
	Content         []uint64            `column:"content"`
	Seq             []int64             `column:"seq"`
	Model           Texts               `column:"model"`
	LogType         Texts               `column:"log_type"`
	Operation       Texts               `column:"operation,optional"`
	Conversation    Texts               `column:"conversation,optional"`
	Client          Texts               `column:"client,optional"`
	PromptID        Texts               `column:"prompt_id,optional"`
	Outcome         []int8              `column:"outcome"`
	StatusCode      []int32             `column:"status_code,optional"`
	ErrorType       Texts               `column:"error_type,optional"`
	FinishReason    Texts               `column:"finish_reason,optional"`
	RequestTokens   []int32             `column:"request_tokens,optional"`
	ResponseTokens  []int32             `column:"response_tokens,optional"`
	ReasoningTokens []int32             `column:"reasoning_tokens,optional"`
	CachedTokens    []int32             `column:"cached_tokens,optional"`
	MaxTokens       []int32             `column:"max_tokens,optional"`
	TargetTokens    []int32             `column:"target_tokens,optional"`
	Steps           []int32             `column:"steps,optional"`
	ElapsedUS       []int64             `column:"elapsed_us,optional"`
	TTFTUS          []int64             `column:"ttft_us,optional"`
	QueueUS         []int64             `column:"queue_us,optional"`
	Config          Texts               `column:"config,optional"`
	Host            Texts               `column:"host,optional"`
	Temperature     []float64           `column:"temperature,optional"`
	TopP            []float64           `column:"top_p,optional"`
	HasSeed         []uint8             `column:"has_seed,optional"`
	Seed            []int64             `column:"seed,optional"`
	PrefixHashes    [][]uint64          `column:"prefix_hashes,optional"`
	PrefixBlock     []int32             `column:"prefix_block_tokens,optional"`
	Labels          []map[string]string `column:"labels,optional"`
}

// Len is the number of requests held.
func (c *Requests) Len() int { return len(c.ArrivalUS) }

// Append adds a copy of r, whose Content is given because callers need it too.
func (c *Requests) Append(r *Request, content uint64) {
	n, room := len(c.ArrivalUS), cap(c.ArrivalUS)
	c.Service.Append(r.Service)
	c.ArrivalUS = append(c.ArrivalUS, r.ArrivalUS)
	c.RequestID.Append(r.RequestID)
	c.Content = append(c.Content, content)
	c.Seq = append(c.Seq, r.Seq)
	c.Model.Append(r.Model)
	c.LogType.Append(r.LogType)
	c.Outcome = append(c.Outcome, int8(r.Outcome))
	givenText(&c.Operation, n, r.Operation)
	givenText(&c.Conversation, n, r.Conversation)
	givenText(&c.Client, n, r.Client)
	givenText(&c.PromptID, n, r.PromptID)
	given(&c.StatusCode, n, room, r.StatusCode, Unknown)
	givenText(&c.ErrorType, n, r.ErrorType)
	givenText(&c.FinishReason, n, r.FinishReason)
	given(&c.RequestTokens, n, room, int32(r.RequestTokens), Unknown)
	given(&c.ResponseTokens, n, room, int32(r.ResponseTokens), Unknown)
	given(&c.ReasoningTokens, n, room, int32(r.ReasoningTokens), Unknown)
	given(&c.CachedTokens, n, room, int32(r.CachedTokens), Unknown)
	given(&c.MaxTokens, n, room, int32(r.MaxTokens), Unknown)
	given(&c.TargetTokens, n, room, int32(r.TargetTokens), Unknown)
	given(&c.Steps, n, room, int32(r.Steps), Unknown)
	given(&c.ElapsedUS, n, room, r.ElapsedUS, Unknown)
	given(&c.TTFTUS, n, room, r.TTFTUS, Unknown)
	given(&c.QueueUS, n, room, r.QueueUS, Unknown)
	givenText(&c.Config, n, r.Config)
	givenText(&c.Host, n, r.Host)
	givenFloat(&c.Temperature, n, r.Temperature)
	givenFloat(&c.TopP, n, r.TopP)
	seeded, seed := uint8(0), int64(Unknown)
	if r.HasSeed {
		seeded, seed = 1, r.Seed
	}
	given(&c.HasSeed, n, room, seeded, 0)
	given(&c.Seed, n, room, seed, Unknown)
	block := int32(Unknown)
	var hashes []uint64
	if len(r.PrefixHashes) > 0 {
		hashes, block = slices.Clone(r.PrefixHashes), r.PrefixBlockTokens
	}
	if hashes != nil || len(c.PrefixHashes) > 0 {
		c.PrefixHashes = append(padded(c.PrefixHashes, n, nil), hashes)
	}
	given(&c.PrefixBlock, n, room, block, Unknown)
	var labels map[string]string
	if len(r.Labels) > 0 {
		labels = make(map[string]string, len(r.Labels))
		for _, l := range r.Labels {
			labels[l.Key] = l.Value
		}
	}
	if labels != nil || len(c.Labels) > 0 {
		c.Labels = append(padded(c.Labels, n, nil), labels)
	}
}

// given appends v as the value of row n of an optional column, which stays empty for as long as no row has a value, and then
// gets room for as many as the others have.
func given[T comparable](column *[]T, n, room int, v, absent T) {
	if len(*column) == 0 {
		if v == absent {
			return
		}
		if cap(*column) < room {
			*column = make([]T, 0, room)
		}
		*column = padded(*column, n, absent)
	}
	*column = append(*column, v)
}

func givenText(column *Texts, n int, v string) {
	if column.Len() == 0 && v == "" {
		return
	}
	for column.Len() < n {
		column.Append("")
	}
	column.Append(v)
}

func givenFloat(column *[]float64, n int, v float64) {
	if len(*column) > 0 || !math.IsNaN(v) {
		*column = append(padded(*column, n, math.NaN()), v)
	}
}

// padded fills an optional column up to n rows.
func padded[T any](column []T, n int, absent T) []T {
	for len(column) < n {
		column = append(column, absent)
	}
	return column
}

// Room is how many requests can be held without more memory.
func (c *Requests) Room() int { return cap(c.ArrivalUS) }

// Grow makes room for n requests in the columns that every request has.
func (c *Requests) Grow(n int) {
	const name, id = 16, 24 // bytes of a usual one
	c.Service.grow(n, name)
	c.ArrivalUS = append(make([]int64, 0, n), c.ArrivalUS...)
	c.RequestID.grow(n, id)
	c.Content = append(make([]uint64, 0, n), c.Content...)
	c.Seq = append(make([]int64, 0, n), c.Seq...)
	c.Model.grow(n, name)
	c.LogType.grow(n, name)
	c.Outcome = append(make([]int8, 0, n), c.Outcome...)
}

// Gather fills c, which must be empty, with the given rows of from.
func (c *Requests) Gather(from *Requests, rows []int32) { gatherColumns(c, from, rows) }

// Reset empties c and keeps its memory.
func (c *Requests) Reset() { resetColumns(c) }

// Block gives the requests as a block for table requests.
func (c *Requests) Block() Block {
	b := blockOf("requests", c, c.Len())
	b.Partition = months(c.ArrivalUS)
	return b
}

// months numbers the table partitions (UTC months) of arrivals.
func months(arrivals []int64) []uint32 {
	const dayUS = 24 * 60 * MinuteUS
	numbers := make([]uint32, len(arrivals))
	day, number := int64(-1), uint32(0) // arrivals come in long runs of one day
	for i, t := range arrivals {
		if t/dayUS != day {
			day, number = t/dayUS, month(t)
		}
		numbers[i] = number
	}
	return numbers
}

func month(arrivalUS int64) uint32 {
	t := time.UnixMicro(arrivalUS).UTC()
	return uint32(t.Year()*12 + int(t.Month()) - 1)
}
