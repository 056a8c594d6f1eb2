package schemas

import "math/big"

// Grouping says which requests of a service a minute's row is about: one of the four kinds of stream.
type Grouping = int8

// The groupings, as the values of the column's Enum8.
const (
	GroupAll     Grouping = iota // every request
	GroupModel                   // those of one model
	GroupLogType                 // those of one log type
	GroupBoth                    // those of one model and log type
)

// Constants of the minute rows that the views must know too (ddl.go hands them to the templates).
const (
	// TokenLogShift is subtracted from the logarithm of a token count before its powers are summed: ln 256, the middle of
	// what is usual, so that moments about the mean lose few digits.
	TokenLogShift = 5.545177444479562
	// JointOctave is the number of buckets an octave in the joint grid of lengths; JointZero the bucket of a request of 0
	// tokens. A cell is request bucket * 256 + response bucket, a bucket floor(8 log2 tokens).
	JointOctave = 8
	JointZero   = 255
	// SketchBase is added to a sketch's bucket (METRICS: Sketch), so that it is positive: it is -stats.MinBucket.
	SketchBase = 2240
)

// A sketch is a list of entries, each a bucket + SketchBase in the upper 16 bits and how many values lie in it in the lower
// 16, ascending by bucket. A bucket with more than MaxEntry values has several entries. The grid of lengths is kept the same
// way, by cell. In a minute of a thousand requests most buckets hold one or two values, so this is less than half of what
// two arrays of buckets and counts take, in the table and on the way to it.
const (
	EntryShift = 16
	MaxEntry   = 1<<EntryShift - 1
)

// Minutes are rows of table minutes: what the requests of one stream that arrived in one UTC minute come to, in a form
// that merges. docs/metrics.md says what is made of them. Times are microseconds; -1 is "there is none".
type Minutes struct {
	Service  []string   `column:"service"`
	Grouping []Grouping `column:"grouping"`
	Model    []string   `column:"model"`
	LogType  []string   `column:"log_type"`
	Minute   []uint32   `column:"minute"`  // minutes since the Unix epoch
	Version  []uint64   `column:"version"` // members of the whole minute's set (all streams), below a revision

	// Arrivals. Inner gaps are those between two requests of this row.
	Requests      []uint64   `column:"requests"`
	FirstUS       []int64    `column:"first_us"`
	LastUS        []int64    `column:"last_us"`
	FirstGapUS    []int64    `column:"first_gap_us"`   // the first inner gap
	LastGapUS     []int64    `column:"last_gap_us"`    // the last inner gap
	GapSquares    []uint64   `column:"gap_squares"`    // sum of squares of the inner gaps, at most 3.6e15
	GapProducts   []uint64   `column:"gap_products"`   // sum of products of neighbouring inner gaps
	GapZero       []uint64   `column:"gap_zero"`       // inner gaps of 0
	GapLog        []float64  `column:"gap_log"`        // sum of ln(seconds) of the inner gaps > 0
	GapLog2       []float64  `column:"gap_log2"`       // sum of its squares
	GapSketch     [][]uint32 `column:"gap_sketch"`     // of the inner gaps > 0, microseconds
	SecondSquares []uint64   `column:"second_squares"` // sum of squares of the counts of the 60 seconds
	SecondPeak    []uint64   `column:"second_peak"`
	TenSquares    []uint64   `column:"ten_squares"` // the same of the 6 times 10 seconds
	TenPeak       []uint64   `column:"ten_peak"`

	// In flight. Each request with a known elapsed is inside this minute until its end or the minute's; those that end
	// later are listed by the minute in which they end.
	ElapsedKnown  []uint64   `column:"elapsed_known"`
	FlightUS      []uint64   `column:"flight_us"`      // time in flight within this minute
	FlightOffsets [][]uint16 `column:"flight_offsets"` // minutes after this one in which carried requests end
	FlightEnds    [][]uint64 `column:"flight_ends"`    // how many end there
	FlightEndUS   [][]uint64 `column:"flight_end_us"`  // their time in flight within that minute

	// Lengths: requests with outcome ok, known request tokens x and response tokens y > 0. L is ln - TokenLogShift.
	LengthN         []uint64   `column:"length_n"`
	RequestSum      []uint64   `column:"request_sum"`
	RequestSquares  []*big.Int `column:"request_squares"`
	ResponseSum     []uint64   `column:"response_sum"`
	ResponseSquares []*big.Int `column:"response_squares"`
	ProductSum      []*big.Int `column:"product_sum"`
	RequestZero     []uint64   `column:"request_zero"` // x = 0, in no logarithm
	RequestMin      []int32    `column:"request_min"`  // smallest x > 0
	RequestMax      []int32    `column:"request_max"`
	ResponseMin     []int32    `column:"response_min"`
	ResponseMax     []int32    `column:"response_max"`
	RequestLog      []float64  `column:"request_log"`  // sum of L(x)
	RequestLog2     []float64  `column:"request_log2"` // sum of L(x)^2
	ResponseLog     []float64  `column:"response_log"`
	ResponseLog2    []float64  `column:"response_log2"`
	ResponseLog3    []float64  `column:"response_log3"`
	ResponseLog4    []float64  `column:"response_log4"`
	ResponseFirst   []int32    `column:"response_first"` // y of the first and of the last of them
	ResponseLast    []int32    `column:"response_last"`
	ResponseLag     []float64  `column:"response_lag"`   // sum of products of neighbours' L(y)
	RequestSketch   [][]uint32 `column:"request_sketch"` // of the x > 0
	ResponseSketch  [][]uint32 `column:"response_sketch"`
	JointGrid       [][]uint32 `column:"joint_grid"` // log-log grid of x and y

	// All requests' known tokens.
	RequestTokens  []uint64 `column:"request_tokens"`
	ResponseTokens []uint64 `column:"response_tokens"`

	// Outcomes.
	OK           []uint64   `column:"ok"`
	Empty        []uint64   `column:"empty"`
	Error        []uint64   `column:"error"`
	Timeout      []uint64   `column:"timeout"`
	RateLimited  []uint64   `column:"rate_limited"`
	Cancelled    []uint64   `column:"cancelled"`
	Filtered     []uint64   `column:"filtered"`
	ClientErrors []uint64   `column:"client_errors"` // errors with status 400-499, counted in error too
	FailurePairs []uint64   `column:"failure_pairs"` // failures whose previous request, of this row, failed
	LeadRun      []uint64   `column:"lead_run"`      // failures before the first request that did not fail
	TrailRun     []uint64   `column:"trail_run"`     // failures after the last one; lead = trail = requests where all failed
	RunLengths   [][]uint64 `column:"run_lengths"`   // runs between, by length
	RunCounts    [][]uint64 `column:"run_counts"`

	// Latency, requests with outcome ok. Time per output token is in microseconds.
	ElapsedN      []uint64   `column:"elapsed_n"`
	ElapsedSum    []uint64   `column:"elapsed_sum"`
	ElapsedMax    []int64    `column:"elapsed_max"`
	ElapsedZero   []uint64   `column:"elapsed_zero"`
	ElapsedSketch [][]uint32 `column:"elapsed_sketch"`
	TTFTN         []uint64   `column:"ttft_n"`
	TTFTSum       []uint64   `column:"ttft_sum"`
	TTFTMax       []int64    `column:"ttft_max"`
	TTFTZero      []uint64   `column:"ttft_zero"`
	TTFTSketch    [][]uint32 `column:"ttft_sketch"`
	TPOTN         []uint64   `column:"tpot_n"`
	TPOTSum       []float64  `column:"tpot_sum"`
	TPOTMax       []float64  `column:"tpot_max"`
	TPOTZero      []uint64   `column:"tpot_zero"`
	TPOTSketch    [][]uint32 `column:"tpot_sketch"`
	TTFTAfterEnd  []uint64   `column:"ttft_after_end"` // first token after the end: bad lines, out of tpot
}

// Len is the number of rows held.
func (c *Minutes) Len() int { return len(c.Minute) }

// Reset empties c and keeps its memory.
func (c *Minutes) Reset() { resetColumns(c) }

// Block gives the rows as a block for table minutes.
func (c *Minutes) Block() Block {
	b := blockOf("minutes", c, c.Len())
	b.Partition = minuteMonths(c.Minute)
	return b
}

// minuteMonths numbers the table partitions of minutes.
func minuteMonths(minutes []uint32) []uint32 {
	numbers := make([]uint32, len(minutes))
	for i, m := range minutes {
		numbers[i] = month(int64(m) * MinuteUS)
	}
	return numbers
}
