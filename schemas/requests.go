package schemas

import "time"

// Requests are requests column by column, as they are kept between the log and table requests.
type Requests struct {
	Service         []string            `column:"service"`
	ArrivalUS       []int64             `column:"arrival_us"`
	RequestID       []string            `column:"request_id"`
	Content         []uint64            `column:"content"`
	Seq             []int64             `column:"seq"`
	Model           []string            `column:"model"`
	LogType         []string            `column:"log_type"`
	Operation       []string            `column:"operation,optional"`
	Conversation    []string            `column:"conversation,optional"`
	Client          []string            `column:"client,optional"`
	PromptID        []string            `column:"prompt_id,optional"`
	Outcome         []int8              `column:"outcome"`
	StatusCode      []int32             `column:"status_code,optional"`
	ErrorType       []string            `column:"error_type,optional"`
	FinishReason    []string            `column:"finish_reason,optional"`
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
	Config          []string            `column:"config,optional"`
	Host            []string            `column:"host,optional"`
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

// Append adds a copy of r, whose Content is given because callers need it too. Strings are kept as they are.
func (c *Requests) Append(r *Request, content uint64) {
	c.Service = append(c.Service, r.Service)
	c.ArrivalUS = append(c.ArrivalUS, r.ArrivalUS)
	c.RequestID = append(c.RequestID, r.RequestID)
	c.Content = append(c.Content, content)
	c.Seq = append(c.Seq, r.Seq)
	c.Model = append(c.Model, r.Model)
	c.LogType = append(c.LogType, r.LogType)
	c.Operation = append(c.Operation, r.Operation)
	c.Conversation = append(c.Conversation, r.Conversation)
	c.Client = append(c.Client, r.Client)
	c.PromptID = append(c.PromptID, r.PromptID)
	c.Outcome = append(c.Outcome, int8(r.Outcome))
	c.StatusCode = append(c.StatusCode, r.StatusCode)
	c.ErrorType = append(c.ErrorType, r.ErrorType)
	c.FinishReason = append(c.FinishReason, r.FinishReason)
	c.RequestTokens = append(c.RequestTokens, int32(r.RequestTokens))
	c.ResponseTokens = append(c.ResponseTokens, int32(r.ResponseTokens))
	c.ReasoningTokens = append(c.ReasoningTokens, int32(r.ReasoningTokens))
	c.CachedTokens = append(c.CachedTokens, int32(r.CachedTokens))
	c.MaxTokens = append(c.MaxTokens, int32(r.MaxTokens))
	c.TargetTokens = append(c.TargetTokens, int32(r.TargetTokens))
	c.Steps = append(c.Steps, int32(r.Steps))
	c.ElapsedUS = append(c.ElapsedUS, r.ElapsedUS)
	c.TTFTUS = append(c.TTFTUS, r.TTFTUS)
	c.QueueUS = append(c.QueueUS, r.QueueUS)
	c.Config = append(c.Config, r.Config)
	c.Host = append(c.Host, r.Host)
	c.Temperature = append(c.Temperature, r.Temperature)
	c.TopP = append(c.TopP, r.TopP)
	seeded, seed := uint8(0), int64(Unknown)
	if r.HasSeed {
		seeded, seed = 1, r.Seed
	}
	c.HasSeed = append(c.HasSeed, seeded)
	c.Seed = append(c.Seed, seed)
	var hashes []uint64
	block := int32(Unknown)
	if len(r.PrefixHashes) > 0 {
		hashes = append(hashes, r.PrefixHashes...)
		block = r.PrefixBlockTokens
	}
	c.PrefixHashes = append(c.PrefixHashes, hashes)
	c.PrefixBlock = append(c.PrefixBlock, block)
	var labels map[string]string
	if len(r.Labels) > 0 {
		labels = make(map[string]string, len(r.Labels))
		for _, l := range r.Labels {
			labels[l.Key] = l.Value
		}
	}
	c.Labels = append(c.Labels, labels)
}

// Gather appends the given rows of from.
func (c *Requests) Gather(from *Requests, rows []int32) { gatherColumns(c, from, rows) }

// Reset empties c and keeps its memory.
func (c *Requests) Reset() { resetColumns(c) }

// Block gives the requests as a block for table requests.
func (c *Requests) Block() Block {
	b := blockOf("requests", c, c.Len())
	b.Partition = make([]uint32, c.Len())
	for i, t := range c.ArrivalUS {
		b.Partition[i] = month(t)
	}
	return b
}

// month numbers the table partition (a UTC month) of an arrival.
func month(arrivalUS int64) uint32 {
	// A month is looked up once for the run of rows that fall into the same day.
	t := time.UnixMicro(arrivalUS).UTC()
	return uint32(t.Year()*12 + int(t.Month()) - 1)
}
