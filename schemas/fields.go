package schemas

// field numbers the keys of a request's JSON.
type field uint8

const (
	unknownField field = iota // any other key
	fieldService
	fieldModel
	fieldLogType
	fieldOperation
	fieldArrivalUS
	fieldRequestID
	fieldSeq
	fieldConversation
	fieldClient
	fieldPromptID
	fieldOutcome
	fieldStatusCode
	fieldErrorType
	fieldFinishReason
	fieldRequestTokens
	fieldResponseTokens
	fieldReasoningTokens
	fieldCachedTokens
	fieldMaxTokens
	fieldTargetTokens
	fieldSteps
	fieldElapsedUS
	fieldTTFTUS
	fieldQueueUS
	fieldConfig
	fieldHost
	fieldTemperature
	fieldTopP
	fieldSeed
	fieldPrefixHashes
	fieldPrefixBlockTokens
	fieldLabels
	fieldCount
)

// start stands for what comes before the first key.
const start = unknownField

var fieldNames = [fieldCount]string{
	fieldService:           "service",
	fieldModel:             "model",
	fieldLogType:           "log_type",
	fieldOperation:         "operation",
	fieldArrivalUS:         "arrival_us",
	fieldRequestID:         "request_id",
	fieldSeq:               "seq",
	fieldConversation:      "conversation",
	fieldClient:            "client",
	fieldPromptID:          "prompt_id",
	fieldOutcome:           "outcome",
	fieldStatusCode:        "status_code",
	fieldErrorType:         "error_type",
	fieldFinishReason:      "finish_reason",
	fieldRequestTokens:     "request_tokens",
	fieldResponseTokens:    "response_tokens",
	fieldReasoningTokens:   "reasoning_tokens",
	fieldCachedTokens:      "cached_tokens",
	fieldMaxTokens:         "max_tokens",
	fieldTargetTokens:      "target_tokens",
	fieldSteps:             "steps",
	fieldElapsedUS:         "elapsed_us",
	fieldTTFTUS:            "ttft_us",
	fieldQueueUS:           "queue_us",
	fieldConfig:            "config",
	fieldHost:              "host",
	fieldTemperature:       "temperature",
	fieldTopP:              "top_p",
	fieldSeed:              "seed",
	fieldPrefixHashes:      "prefix_hashes",
	fieldPrefixBlockTokens: "prefix_block_tokens",
	fieldLabels:            "labels",
}

// fields finds a field by its key, and fieldTexts has each as it is written, with its colon.
var (
	fields     = make(map[string]field, fieldCount)
	fieldTexts [fieldCount]string
)

func init() {
	for f := start + 1; f < fieldCount; f++ {
		fields[fieldNames[f]] = f
		fieldTexts[f] = `"` + fieldNames[f] + `":`
	}
}
