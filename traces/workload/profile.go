package workload

// SchemaName is the version of the profile's document. A document of another version is refused.
const SchemaName = "tidegauge.workload/1"

// MinBucket is how many requests (or conversations, for numbers about conversations) every published number covers at
// least: what happened less often is merged with its neighbours.
const MinBucket = 10

// One is the whole in weights and shares: they are whole numbers of ten-thousandths.
const One = 10_000

// Profile is a workload: how requests come, what they ask, how they end. It holds distributions, never rows.
type Profile struct {
	Schema      string    `json:"schema"`
	Name        string    `json:"name"`
	Description string    `json:"description,omitempty"`
	Sources     []string  `json:"sources,omitempty"` // where published figures come from
	GeneratedBy string    `json:"generated_by,omitempty"`
	Fitted      *Fitted   `json:"fitted,omitempty"`
	MinBucket   int       `json:"min_bucket"`
	Services    []Service `json:"services"`
}

// Fitted says what a profile was fitted to.
type Fitted struct {
	Requests int64 `json:"requests"`
	FromUS   int64 `json:"from_us"`
	ToUS     int64 `json:"to_us"`
	LeftOut  int64 `json:"left_out"` // requests of flows too small to describe
}

// Service is the flows of one service.
type Service struct {
	Service  string    `json:"service"`
	Requests int64     `json:"requests"`
	Recorded *Recorded `json:"recorded,omitempty"`
	Silences *Silences `json:"silences,omitempty"`
	Flows    []Flow    `json:"flows"`
}

// Recorded is the time of the log that the flows' paths go through.
type Recorded struct {
	FromUS int64 `json:"from_us"`
	ToUS   int64 `json:"to_us"`
	// Silences are from when to when, in seconds after the beginning.
	Silences [][2]int64 `json:"silences,omitempty"`
}

// Silences are times without any request that chance does not explain: maintenance, outages, holes in the log.
type Silences struct {
	N          int64  `json:"n"`
	BetweenUS  int64  `json:"between_us"` // from the end of one to the beginning of the next, on average
	DurationUS Values `json:"duration_us"`
}

// The kinds of flows.
const (
	KindRequests      = "requests"
	KindConversations = "conversations"
)

// Flow is what comes through one arrival process.
type Flow struct {
	Kind          string         `json:"kind"`
	LogType       string         `json:"log_type"`
	Client        string         `json:"client,omitempty"` // a number given by size, never the log's name
	Requests      int64          `json:"requests"`
	Arrivals      Arrivals       `json:"arrivals"`
	Conversations *Conversations `json:"conversations,omitempty"`
	Models        []Model        `json:"models"`
	Failures      *Failures      `json:"failures,omitempty"`
}

// Arrivals is an arrival process: a rate by time, a slow modulation of it cell by cell, and how a cell's
// requests lie within it.
type Arrivals struct {
	Count  int64   `json:"count"`
	Rate   float64 `json:"rate"`    // arrivals a second, on average
	TickUS int64   `json:"tick_us"` // what all arrivals are multiples of
	Shape  Shape   `json:"shape"`
	CellUS int64   `json:"cell_us"` // the modulation's step
	// Level is the cells' rate relative to the shape's, on which chance comes.
	Level Values `json:"level"`
	// Memory is how the level hangs together over time: components that forget with time constants of their own. Weights
	// add up to at most One; the rest forgets at once.
	Memory []Memory `json:"memory"`
	// Splits say how a cell's requests divide between its halves, and theirs, down to a thousandth of a second.
	Splits []Split `json:"splits"`
	// Moods tell calm times from jerky ones, where they last; each has splits of its own.
	Moods *Moods `json:"moods,omitempty"`
	// Path is the levels as they followed each other in the log.
	Path *Path `json:"path,omitempty"`
}

// Path is the rate by time, window by window from the log's beginning: what arrived, relative to what the shape has there.
type Path struct {
	Cells  int   `json:"cells"` // a window's, a power of two
	Levels []int `json:"levels"`
	// Together are windows that only together have MinBucket arrivals, and one level: the first, and how many.
	Together [][2]int `json:"together,omitempty"`
	// Moods are the moods' windows, a digit each.
	Moods string `json:"moods,omitempty"`
}

// Moods are how splits change with time: a chain of windows.
type Moods struct {
	Cells int     `json:"cells"` // a window's
	Next  [][]int `json:"next"`  // moods of the next window, by that of this one
}

// Shape is the rate by time relative to the mean, of One each: by hour of the week from Monday (168), of the day (24), or
// constant (1). UTC.
type Shape struct {
	Period string `json:"period"` // week, day, none
	Hours  []int  `json:"hours"`
}

// Memory is a component of the level's memory.
type Memory struct {
	Cells  int `json:"cells"` // the time constant, in cells
	Weight int `json:"weight"`
}

// Split is how the requests of an interval divide between its halves, given how many they are and how many
// arrived in the half's time before it.
type Split struct {
	Mood    int   `json:"mood,omitempty"`
	Halving int   `json:"halving"` // 0: a cell into halves, 1: a half into quarters …; -1: two cells into one and one
	From    int   `json:"from"`    // requests in the interval, from … to
	To      int   `json:"to"`
	Before  int   `json:"before"` // what came before (see beforeClass), -1: whatever it was
	N       int64 `json:"n"`
	Left    []int `json:"left,omitempty"` // few requests: weights of 0, 1, … of them in the first half
	// Many: how often none or all of them are in the first half, of One; else the first half's share, at equal steps of probability.
	None  int   `json:"none,omitempty"`
	All   int   `json:"all,omitempty"`
	Share []int `json:"share,omitempty"`
}

// Values is a distribution: its quantiles at equal steps of probability, values between them equally likely. A
// value that many share stands several times. The last step may be told more finely: the tail's first value cuts it in half, the next cuts the upper
// half in half, and so on.
type Values struct {
	N     int64   `json:"n"`
	Knots []int64 `json:"knots"`
	Tail  []int64 `json:"tail,omitempty"`
}

// Conversations is how conversations go on.
type Conversations struct {
	Count int64 `json:"count"`
	Turns int64 `json:"turns"`
	// Pause says what the pauses count from: "answer" (the previous turn's end) or "arrival" (its submission).
	Pause  string `json:"pause"`
	TickUS int64  `json:"tick_us"`
	// DurationUS is how long nearly all conversations last; a generator begins that much earlier.
	DurationUS int64 `json:"duration_us"`
	// Next is what follows a turn.
	Next []Next `json:"next"`
}

// Next is what follows a turn: an end, or a pause and another turn.
type Next struct {
	FromTurn int    `json:"from_turn"` // the turn that it follows, from … to (0: no upper end)
	ToTurn   int    `json:"to_turn"`
	After    string `json:"after"` // the pause before it: "any", "short", "long"
	N        int64  `json:"n"`
	Ends     int    `json:"ends"` // of One
	PauseUS  Values `json:"pause_us"`
}

// Model is what is asked of one model in a flow.
type Model struct {
	Model     string  `json:"model"`
	Operation string  `json:"operation,omitempty"`
	Requests  int64   `json:"requests"`
	Weight    int     `json:"weight"`         // of the flow's runs
	Runs      *Values `json:"runs,omitempty"` // how many requests in a row
	Lengths   Lengths `json:"lengths"`
	Latency   Latency `json:"latency"`
	// FailureFactor is the failure rate relative to the flow's, of One.
	FailureFactor int `json:"failure_factor"`
	// Cancelled is the share of requests without failure whose callers gave up, of One.
	Cancelled     int      `json:"cancelled,omitempty"`
	FinishReasons []Reason `json:"finish_reasons,omitempty"`
}

// Reason is a finish reason, by the response's class.
type Reason struct {
	Reason  string `json:"reason"`
	Weights []int  `json:"weights"`
}

// Lengths is the joint distribution of request and response tokens. Classes are ranges of lengths that are about equally
// frequent; weights are of One.
type Lengths struct {
	N        int64   `json:"n"`
	Request  []Steps `json:"request"`  // tokens by class
	Response []Steps `json:"response"` // tokens by class
	// RequestUnknown and ResponseUnknown are shares without a count.
	RequestUnknown  int `json:"request_unknown,omitempty"`
	ResponseUnknown int `json:"response_unknown,omitempty"`
	// Topics are what is asked for a while: a prompt's template, a job, a kind of conversation.
	Topics []Topic `json:"topics"`
	// InTurn says that topics follow each other in their order, each for just its run, as they did in the log: a log that changes slowly.
	InTurn bool `json:"in_turn,omitempty"`
	// Within a class a length may stand where another one stands in its class. The shares of One: requests where the previous
	// request stood, if it was of the same class; responses where the request stands, or else where the previous response stood.
	SameRequest  []int `json:"same_request,omitempty"`
	LikeRequest  []int `json:"like_request,omitempty"`
	SameResponse []int `json:"same_response,omitempty"`
	// Context is how conversations carry their history; where there is none, each turn is drawn as the first is.
	Context *Context `json:"context,omitempty"`
	// What else is known of tokens.
	MaxTokens *Portion `json:"max_tokens,omitempty"`
	Reasoning *Portion `json:"reasoning,omitempty"` // of the response, ten-thousandths
	Cached    *Portion `json:"cached,omitempty"`    // of the request, ten-thousandths
}

// Steps is a distribution of whole numbers, told exactly where many share a value: N[i] values are evenly from From[i] to To[i].
type Steps struct {
	From []int64 `json:"from"`
	To   []int64 `json:"to"`
	N    []int64 `json:"n"`
}

// Topic is requests that are alike, many of them in a row.
type Topic struct {
	N int64 `json:"n"`
	// First is how often it is what a conversation begins with, or a log. Weight is how often it is the next one, where a topic ends. Run is
	// after how many requests it ends, on average, in hundredths.
	First  int   `json:"first"`
	Weight int   `json:"weight"`
	Run    int64 `json:"run"`
	// Request are the classes of requests (in conversations of the first), Answer those of responses given the request's.
	Request []int   `json:"request"`
	Answer  [][]int `json:"answer"`
}

// runUnit is what runs are told in: hundredths of a request.
const runUnit = 100

// Context is how the turns of a conversation relate. Shares and ratios are of One.
type Context struct {
	// Cut is the share of turns whose request is shorter than the one before, as the history no longer has room. By what came before, and by
	// the class of the previous request: the first turn (after the beginning), the second …, the last but two of all later ones, while none was cut; then turns after one that was; and later ones.
	Cut [][]int `json:"cut"`
	// Grown is what the others have beyond the previous request and its response: the first turn, later ones while none was cut, and those since; by the class of that response.
	Grown [][]Values `json:"grown"`
	// Kept is what is left of the previous request where it is cut, by its class.
	Kept []Values `json:"kept"`
	// Drawn are quantiles of what these rules come to, Meant are those of the log's own requests: one that is drawn is told as what has its rank.
	Drawn []int64 `json:"drawn,omitempty"`
	Meant []int64 `json:"meant,omitempty"`
}

// Portion is a number that only some requests have.
type Portion struct {
	Known  int    `json:"known"` // of One
	Values Values `json:"values"`
}

// Latency is how long answers take, by load: the level's lowest, middle and highest third.
type Latency struct {
	TickUS int64 `json:"tick_us,omitempty"`
	// Known and TTFTKnown are shares of One that have an elapsed, and a TTFT.
	Known     int `json:"known,omitempty"`
	TTFTKnown int `json:"ttft_known,omitempty"`
	// TTFTUS is by load and by the request's class. RestUS, by load and by the response's class, is elapsed - TTFT, or elapsed
	// where TTFT is not known.
	TTFTUS [][]Values `json:"ttft_us,omitempty"`
	RestUS [][]Values `json:"rest_us,omitempty"`
}

// Failures is how a flow's requests fail. Its requests are taken in blocks, in order; a block's class says
// how likely failures are in it, and the next block's class depends on it and on the load.
type Failures struct {
	Block   int            `json:"block"`
	Classes []FailureClass `json:"classes"`
	Kinds   []FailureKind  `json:"kinds"`
}

// FailureClass is a class of blocks.
type FailureClass struct {
	N         int64 `json:"n"`          // blocks
	AfterOK   int   `json:"after_ok"`   // failures after a request that did not fail, of One
	AfterFail int   `json:"after_fail"` // and after one that did
	// Next are the classes of the block that follows, by the load at its beginning.
	Next [][]int `json:"next"`
}

// FailureKind is a way to fail.
type FailureKind struct {
	Outcome      string `json:"outcome"`
	StatusCode   int32  `json:"status_code"`
	ErrorType    string `json:"error_type,omitempty"`
	FinishReason string `json:"finish_reason,omitempty"`
	N            int64  `json:"n"`
	Weight       int    `json:"weight"`
	// Stays is the share of failures right after one of this kind that are of this kind again.
	Stays int `json:"stays"`
	// RequestZero and RequestUnknown are shares with request tokens 0, or unknown; others ask what successes ask.
	RequestZero    int     `json:"request_zero,omitempty"`
	RequestUnknown int     `json:"request_unknown,omitempty"`
	Response       *Values `json:"response,omitempty"` // tokens; unknown if absent
	ElapsedUS      *Values `json:"elapsed_us,omitempty"`
}
