package ingest

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"tidegauge/schemas"
)

const (
	burst1 = "Timestamp,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
	burst2 = "Timestamp,Session ID,Elapsed time,Model,Request tokens,Response tokens,Total tokens,Log Type\n"
	azureH = "TIMESTAMP,ContextTokens,GeneratedTokens\n"
)

// id stands for the sixteen digits of an id that is made for a row.
const id = "~"

// formatTest is a log and what becomes of it.
type formatTest struct {
	name   string
	format string // "" is by content
	opts   Options
	text   string
	want   string // JSON lines with ids' digits replaced, or
	err    string // the refusal
}

func TestFormats(t *testing.T) {
	testFormats(t, []formatTest{
		{name: "burstgpt 1", text: burst1 + "5,ChatGPT,472,18,490,Conversation log\r\n45,GPT-4,1087,0,1087,API log",
			want: `{"service":"burstgpt","model":"ChatGPT","log_type":"conversation","arrival_us":5000000,"request_id":"~:2","seq":2,"outcome":"ok","request_tokens":472,"response_tokens":18}
{"service":"burstgpt","model":"GPT-4","log_type":"api","arrival_us":45000000,"request_id":"~:3","seq":3,"outcome":"empty","request_tokens":1087,"response_tokens":0}`},
		{name: "burstgpt 2", text: burst2 + "19440110.0,1722ac82,3.5,ChatGPT,472.0,18.0,490.0,Conversation log\n19440110.25,,,GPT-4,,,,API log\n",
			want: `{"service":"burstgpt","model":"ChatGPT","log_type":"conversation","arrival_us":19440110000000,"request_id":"~:2","seq":2,"conversation":"1722ac82","outcome":"ok","request_tokens":472,"response_tokens":18,"elapsed_us":3500000}
{"service":"burstgpt","model":"GPT-4","log_type":"api","arrival_us":19440110250000,"request_id":"~:3","seq":3,"outcome":"ok"}`},
		{name: "burstgpt, columns in another order, one more, quotes", text: "Log Type,Model,note,Response tokens,Request tokens,Timestamp\nAPI log,\"a \"\"b\"\", c\",\"x\ny\",2,1,0.0000015\nAPI log,m,z,2,1,1\n",
			want: `{"service":"burstgpt","model":"a \"b\", c","log_type":"api","arrival_us":2,"request_id":"~:2","seq":2,"outcome":"ok","request_tokens":1,"response_tokens":2}
{"service":"burstgpt","model":"m","log_type":"api","arrival_us":1000000,"request_id":"~:4","seq":4,"outcome":"ok","request_tokens":1,"response_tokens":2}`},
		{name: "burstgpt, files joined, with a byte order mark, blank lines, release 1 and 2", text: "\ufeff\n" + burst1 + "1,m,1,2,3,API log\n\n" + burst1 + "2,m,1,2,3,API log\n" + burst2 + "3,s,9,m,1,2,3,API log\n",
			want: `{"service":"burstgpt","model":"m","log_type":"api","arrival_us":1000000,"request_id":"~:3","seq":3,"outcome":"ok","request_tokens":1,"response_tokens":2}
{"service":"burstgpt","model":"m","log_type":"api","arrival_us":2000000,"request_id":"~:6","seq":6,"outcome":"ok","request_tokens":1,"response_tokens":2}
{"service":"burstgpt","model":"m","log_type":"api","arrival_us":3000000,"request_id":"~:8","seq":8,"conversation":"s","outcome":"ok","request_tokens":1,"response_tokens":2,"elapsed_us":9000000}`},
		{name: "burstgpt overruled", opts: Options{Service: "s", Model: "M", LogType: "batch", EpochUS: 1_000_000_000_000_000}, text: "Timestamp,Request tokens,Response tokens\n5,1,2\n",
			want: `{"service":"s","model":"M","log_type":"batch","arrival_us":1000000005000000,"request_id":"~:2","seq":2,"outcome":"ok","request_tokens":1,"response_tokens":2}`},
		{name: "burstgpt, log type overruled", opts: Options{LogType: "x"}, text: burst1 + "5,m,1,2,3,Batch log\n",
			want: `{"service":"burstgpt","model":"m","log_type":"x","arrival_us":5000000,"request_id":"~:2","seq":2,"outcome":"ok","request_tokens":1,"response_tokens":2}`},
		{name: "elapsed above a day", text: burst2 + "5,,172800,m,1,2,3,API log\n",
			want: `{"service":"burstgpt","model":"m","log_type":"api","arrival_us":5000000,"request_id":"~:2","seq":2,"outcome":"ok","request_tokens":1,"response_tokens":2,"elapsed_us":86400000000}`},
		{name: "bytes that are no UTF-8", text: burst2 + "5,\xff\xfe,1,m\xe9,1,2,3,API log\n",
			want: "{\"service\":\"burstgpt\",\"model\":\"m\ufffd\",\"log_type\":\"api\",\"arrival_us\":5000000,\"request_id\":\"~:2\",\"seq\":2,\"conversation\":\"\ufffd\ufffd\",\"outcome\":\"ok\",\"request_tokens\":1,\"response_tokens\":2,\"elapsed_us\":1000000}"},

		{name: "tokens NaN", text: burst1 + "5,m,NaN,2,3,API log\n", err: `log: line 2: Request tokens: "NaN" is not a number`},
		{name: "tokens negative", text: burst1 + "5,m,1,-2,3,API log\n", err: `log: line 2: Response tokens: "-2" is negative`},
		{name: "tokens with a fraction", text: burst1 + "5,m,1.5,2,3,API log\n", err: `log: line 2: Request tokens: "1.5" is not a whole number`},
		{name: "tokens absurd", text: burst1 + "5,m,1700000000,2,3,API log\n", err: `log: line 2: Request tokens: "1700000000" is more than the 100000000 tokens that any request can have`},
		{name: "no time", text: burst1 + ",m,1,2,3,API log\n", err: `log: line 2: Timestamp: is missing`},
		{name: "no number", text: burst1 + "5s,m,1,2,3,API log\n", err: `log: line 2: Timestamp: "5s" is not a number`},
		{name: "before the epoch", text: burst1 + "-5,m,1,2,3,API log\n", err: `log: line 2: arrival_us: -5000000 is not within 1970 to 2100`},
		{name: "far in the future", text: burst1 + "253370764800,m,1,2,3,API log\n", err: `log: line 2: arrival_us: 253370764800000000 is not within 1970 to 2100`},
		{name: "elapsed negative", text: burst2 + "5,,-1,m,1,2,3,API log\n", err: `log: line 2: Elapsed time: "-1" is negative`},
		{name: "no model", text: burst1 + "5,,1,2,3,API log\n", err: `log: line 2: model: is missing`},
		{name: "unknown log type", text: burst1 + "5,m,1,2,3,Batch log\n", err: `log: line 2: Log Type: "Batch log" is neither`},
		{name: "row cut short", text: burst1 + "5,m,1,2,3,API log\n6,m,1", err: `log: line 3: row: has 3 fields where the header has 6`},
		{name: "row too long", text: burst1 + "5,m,1,2,3,API log,9\n", err: `log: line 2: row: has 7 fields where the header has 6`},
		{name: "quote inside", text: burst1 + "5,m\"x,1,2,3,API log\n", err: `log: line 2: row: has a quote inside the unquoted field`},
		{name: "quote without end", text: burst1 + "5,\"m,1,2,3,API log\n6,m,1,2,3,API log\n", err: `log: line 2: row: has a quoted field without an end`},
		{name: "long id", text: burst2 + "5," + strings.Repeat("x", 600) + ",1,m,1,2,3,API log\n", err: `log: line 2: conversation: has 600 bytes, more than the 512 allowed`},
		{name: "several things wrong", text: burst2 + "-5," + strings.Repeat("x", 600) + ",1,,1,2,3,API log\n", err: `log: line 2: model: is missing; conversation: has 600 bytes, more than the 512 allowed; arrival_us: -5000000 is not within`},
		{name: "wrong header", format: "burstgpt", text: "time,model\n1,2\n", err: `log: line 1: header: no column "Timestamp", "Model", "Request tokens", "Response tokens", "Log Type" among "time,model": a burstgpt log needs one in its first line`},
		{name: "no header", format: "burstgpt", text: "5,ChatGPT,472,18,490,API log\n", err: `log: line 1: header: no column`},

		{name: "azure", text: azureH + "2023-11-16 18:15:46.6805900,374,44\n2024-05-10 00:00:00.009930+00:00,1,0\n2023-11-16 18:15:46,,\n",
			opts: Options{EpochUS: 77}, // a wall clock does not move
			want: `{"service":"azure","model":"azure","log_type":"api","arrival_us":1700158546680590,"request_id":"~:2","seq":2,"outcome":"ok","request_tokens":374,"response_tokens":44}
{"service":"azure","model":"azure","log_type":"api","arrival_us":1715299200009930,"request_id":"~:3","seq":3,"outcome":"empty","request_tokens":1,"response_tokens":0}
{"service":"azure","model":"azure","log_type":"api","arrival_us":1700158546000000,"request_id":"~:4","seq":4,"outcome":"ok"}`},
		{name: "azure, year 9999", text: azureH + "9999-11-16 18:15:46,1,2\n", err: `log: line 2: arrival_us: 253398392146000000 is not within 1970 to 2100`},
		{name: "azure, no time", text: azureH + "1700158546,1,2\n", err: `log: line 2: TIMESTAMP: "1700158546" is not a time like 2023-11-16 18:15:46.6805900`},
		{name: "azure, empty time", text: azureH + ",1,2\n", err: `log: line 2: TIMESTAMP: is missing`},

		{name: "mooncake", opts: Options{EpochUS: 1_000_000}, text: `{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, 47]}` + "\n" + `{"hash_ids":[],"timestamp":0.0005,"output_length":0}` + "\n",
			want: `{"service":"mooncake","model":"mooncake","log_type":"api","arrival_us":28482000,"request_id":"~:1","seq":1,"outcome":"ok","request_tokens":6955,"response_tokens":52,"prefix_hashes":[46,47],"prefix_block_tokens":512}
{"service":"mooncake","model":"mooncake","log_type":"api","arrival_us":1000000,"request_id":"~:2","seq":2,"outcome":"empty","response_tokens":0}`},
		{name: "mooncake, delay", text: `{"timestamp":1,"input_length":5,"output_length":1,"session_id":"a"}` + "\n" + `{"delay":100,"input_length":5,"output_length":1,"session_id":"a"}`,
			err: `log: line 2: timestamp: is missing (a turn that is given by its delay has no arrival)`},
		{name: "mooncake, text for number", text: `{"timestamp":1,"input_length":"5","hash_ids":[]}`, err: `log: line 1: input_length: "\"5\"" is not a number`},
		{name: "mooncake, hash not whole", text: `{"timestamp":1,"input_length":5,"hash_ids":[1.5]}`, err: `log: line 1: hash_ids: "1.5" is not a whole number of 64 bits`},
		{name: "mooncake, cut short", text: `{"timestamp":1,"input_length":5,"hash_ids":[1]}` + "\n" + `{"timestamp":2,"input_le`, err: `log: line 2: json: the line ends inside a text at byte 25`},

		{name: "bailian", text: `{"chat_id": 159, "parent_chat_id": -1, "timestamp": 61.114, "input_length": 521, "output_length": 132, "type": "text", "turn": 1, "hash_ids": [1, 2]}
{"chat_id": 160, "parent_chat_id": 159, "timestamp": 62, "input_length": 521, "output_length": 132, "type": "search", "turn": 2, "hash_ids": []}
{"chat_id": 161, "parent_chat_id": 160, "timestamp": 63, "input_length": 521, "output_length": 0, "type": "text", "turn": 3}
{"chat_id": "x", "parent_chat_id": 7, "timestamp": 64, "input_length": 1, "output_length": 1, "type": "text", "turn": 2}
{"chat_id": "y", "parent_chat_id": "x", "timestamp": 65, "input_length": 1, "output_length": 1, "type": "text", "turn": 3}`,
			want: `{"service":"bailian","model":"qwen","log_type":"text","arrival_us":61114000,"request_id":"~:1","seq":1,"conversation":"159","outcome":"ok","request_tokens":521,"response_tokens":132,"prefix_hashes":[1,2],"prefix_block_tokens":16}
{"service":"bailian","model":"qwen","log_type":"search","arrival_us":62000000,"request_id":"~:2","seq":2,"conversation":"159","outcome":"ok","request_tokens":521,"response_tokens":132}
{"service":"bailian","model":"qwen","log_type":"text","arrival_us":63000000,"request_id":"~:3","seq":3,"conversation":"159","outcome":"empty","request_tokens":521,"response_tokens":0}
{"service":"bailian","model":"qwen","log_type":"text","arrival_us":64000000,"request_id":"~:4","seq":4,"conversation":"7","outcome":"ok","request_tokens":1,"response_tokens":1}
{"service":"bailian","model":"qwen","log_type":"text","arrival_us":65000000,"request_id":"~:5","seq":5,"conversation":"7","outcome":"ok","request_tokens":1,"response_tokens":1}`},

		{name: "vidur", opts: Options{EpochUS: 1_000_000}, text: "arrived_at,num_prefill_tokens,num_decode_tokens\n0.0000005,10,0\n1.5,7,3\n",
			want: `{"service":"vidur","model":"vidur","log_type":"api","arrival_us":1000000,"request_id":"~:2","seq":2,"outcome":"empty","request_tokens":10,"response_tokens":0}
{"service":"vidur","model":"vidur","log_type":"api","arrival_us":2500000,"request_id":"~:3","seq":3,"outcome":"ok","request_tokens":7,"response_tokens":3}`},
		{name: "splitwise", text: "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size\n0,2,0,0.25,1,10,5\n",
			want: `{"service":"splitwise","model":"splitwise","log_type":"api","arrival_us":250000,"request_id":"~:2","seq":2,"outcome":"ok","request_tokens":10,"response_tokens":5}`},
		{name: "splitwise, no time", text: "arrival_timestamp,prompt_size,token_size\n,10,5\n", err: `log: line 2: arrival_timestamp: is missing`},
		{name: "guidellm", format: "guidellm", text: `{"timestamp":1.5,"input_length":10,"output_length":5}`,
			want: `{"service":"guidellm","model":"guidellm","log_type":"api","arrival_us":1500000,"request_id":"~:1","seq":1,"outcome":"ok","request_tokens":10,"response_tokens":5}`},
		{name: "guidellm, no time", format: "guidellm", text: `{"input_length":10}`, err: `log: line 1: timestamp: is missing`},
		{name: "blis", opts: Options{EpochUS: 1_000_000}, text: "request_id,client_id,session_id,input_tokens,output_tokens,reason_ratio,model,arrival_time_us,first_chunk_time_us,last_chunk_time_us,status,error_message,finish_reason\n" +
			"0,c,s,10,4,0.25,m,5,25,105,ok,,stop\n1,,,10,0,0,,6,0,0,error,rate_limited,\n2,,,10,0,0,,6,0,7,error,oom,\n3,,,10,0,0,,6,0,0,timeout,,\n",
			want: `{"service":"blis","model":"m","log_type":"api","arrival_us":1000005,"request_id":"~:2","seq":2,"conversation":"s","client":"c","outcome":"ok","finish_reason":"stop","request_tokens":10,"response_tokens":4,"reasoning_tokens":1,"elapsed_us":100,"ttft_us":20}
{"service":"blis","model":"blis","log_type":"api","arrival_us":1000006,"request_id":"~:3","seq":3,"outcome":"rate_limited","request_tokens":10,"response_tokens":0}
{"service":"blis","model":"blis","log_type":"api","arrival_us":1000006,"request_id":"~:4","seq":4,"outcome":"error","error_type":"oom","request_tokens":10,"response_tokens":0,"elapsed_us":1}
{"service":"blis","model":"blis","log_type":"api","arrival_us":1000006,"request_id":"~:5","seq":5,"outcome":"timeout","request_tokens":10,"response_tokens":0}`},
		{name: "blis, answer before the arrival", text: "input_tokens,output_tokens,arrival_time_us,last_chunk_time_us,status\n1,1,9,8,ok\n", err: `log: line 2: last_chunk_time_us: "8" is before the arrival`},
		{name: "blis, unknown status", text: "input_tokens,output_tokens,arrival_time_us,status\n1,1,9,lost\n", err: `log: line 2: status: "lost" is none of ok, error, timeout, incomplete`},
		{name: "blis, ratio", text: "input_tokens,output_tokens,arrival_time_us,reason_ratio,status\n1,1,9,NaN,ok\n", err: `log: line 2: reason_ratio: "NaN" is not between 0 and 1`},

		{name: "dynamo", opts: Options{EpochUS: 5}, text: `{"timestamp":1,"event":{"schema":"dynamo.request.trace.v1","event_type":"tool_end","agent_context":{"session_id":"a"},"tool":{"x":[{}]}}}
{"timestamp":2,"event":{"schema":"dynamo.request.trace.v1","event_type":"request_end","agent_context":{"session_id":"a"},"request":{"request_id":"r1","model":"m","input_tokens":15,"output_tokens":3,"cached_tokens":0,"request_received_ms":1779163048815,"prefill_wait_time_ms":2.0459345,"ttft_ms":1328.418365,"total_time_ms":1381.891193,"queue_depth":0,"worker":{"decode_worker_id":7587894923333011484},"finish_reason_metadata":{"finish_reason":"tool_calls","tool_calls":[]},"replay":{"trace_block_size":16,"input_length":15,"input_sequence_hashes":[18446744073709551615]}}}}
{"schema":"dynamo.request.trace.v1","event_type":"request_end","event_time_unix_ms":1,"request":{"request_id":"r2","output_tokens":0,"request_received_ms":1000,"replay":{"trace_block_size":64,"input_length":128,"input_sequence_hashes":[]}},"agent_context":null}`,
			want: `{"service":"dynamo","model":"m","log_type":"api","arrival_us":1779163048815000,"request_id":"r1","conversation":"a","outcome":"ok","finish_reason":"tool_calls","request_tokens":15,"response_tokens":3,"cached_tokens":0,"elapsed_us":1381891,"ttft_us":1328418,"queue_us":2046,"host":"7587894923333011484","prefix_hashes":[18446744073709551615],"prefix_block_tokens":16}
{"service":"dynamo","model":"dynamo","log_type":"api","arrival_us":1000000,"request_id":"r2","outcome":"empty","request_tokens":128,"response_tokens":0}`},
		{name: "dynamo, no arrival", text: `{"schema":"dynamo.request.trace.v1","event_type":"request_end","request":{}}`, err: `log: line 1: request_received_ms: is missing`},
		{name: "dynamo, no event", format: "dynamo", text: `{"a":1}`, err: `log: line 1: event_type: is missing`},

		{name: "canonical", opts: Options{EpochUS: 5}, text: `{"service":"s","model":"m","arrival_us":7,"outcome":"ok"}
{"outcome":"error","error_type":"x","status_code":503,"arrival_us":8,"model":"m","service":"s","request_id":"own"}
{"service":"s","model":"m","arrival_us":9,"outcome":"ok","seq":77}
{"service":"s","model":"m","arrival_us":9,"outcome":"ok","seq":78,"request_id":"own2"}`,
			want: `{"service":"s","model":"m","arrival_us":7,"request_id":"~:1","seq":1,"outcome":"ok"}
{"service":"s","model":"m","arrival_us":8,"request_id":"own","outcome":"error","status_code":503,"error_type":"x"}
{"service":"s","model":"m","arrival_us":9,"request_id":"~:3","seq":77,"outcome":"ok"}
{"service":"s","model":"m","arrival_us":9,"request_id":"own2","seq":78,"outcome":"ok"}`},
		{name: "canonical overruled", opts: Options{Service: "S", Model: "M", LogType: "L"}, text: `{"arrival_us":7,"outcome":"ok"}`,
			want: `{"service":"S","model":"M","log_type":"L","arrival_us":7,"request_id":"~:1","seq":1,"outcome":"ok"}`},
		{name: "canonical, no arrival", format: "canonical", text: `{"service":"s","model":"m","outcome":"ok"}`, err: `log: line 1: arrival_us: is missing`},
		{name: "canonical, no outcome", text: `{"service":"s","model":"m","arrival_us":1}`, err: `log: line 1: outcome: is missing or not one of`},
	})
}

func testFormats(t *testing.T, tests []formatTest) {
	t.Helper()
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			out := readText(t, ReaderConfig{Format: test.format, Options: test.opts}, test.text)
			if test.err != "" {
				if !strings.HasPrefix(errText(out.err), test.err) {
					t.Errorf("error %v\nwant  %s", out.err, test.err)
				}
				return
			}
			if out.err != nil {
				t.Fatal(out.err)
			}
			if diff := cmp.Diff(test.want+"\n", withoutPrint(jsonOf(out.requests))); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// withoutPrint puts ~ in place of the fingerprints in ids.
func withoutPrint(s string) string {
	const key = `"request_id":"`
	var out strings.Builder
	for {
		i := strings.Index(s, key)
		if i < 0 {
			return out.String() + s
		}
		i += len(key)
		out.WriteString(s[:i])
		if len(s) > i+16 && s[i+16] == ':' {
			out.WriteString(id)
			i += 16
		}
		s = s[i:]
	}
}

// TestRecognisers: every format's own samples are recognised by its recogniser and by no other.
func TestRecognisers(t *testing.T) {
	samples := map[string][]string{
		"burstgpt":   {burst1, burst2, strings.ReplaceAll(burst2, "\n", "\r\n"), "Log Type,x,Response tokens,Request tokens,\"Model\",Timestamp\n"},
		"azure":      {azureH, "\"TIMESTAMP\",GeneratedTokens,ContextTokens\n"},
		"mooncake":   {`{"timestamp": 0, "input_length": 6755, "output_length": 500, "hash_ids": [0, 1`, `{"session_id":"a","timestamp":1,"input_length":1,"output_length":1}`, `{"input_length":1,"timestamp":2,"delay":3}`},
		"bailian":    {`{"chat_id": 159, "parent_chat_id": -1, "timestamp": 61.114, "input_length": 521, "output_length": 132, "type": "text", "turn": 1, "hash_ids": [1089`},
		"vidur":      {"arrived_at,num_prefill_tokens,num_decode_tokens\n"},
		"splitwise":  {"request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size\n"},
		"blis":       {"request_id,client_id,input_tokens,output_tokens,model,arrival_time_us,status\n"},
		"dynamo":     {`{"timestamp":49492,"event":{"schema":"dynamo.request.trace.v1","event_type":"request_end","x":{`, `{"schema":"dynamo.request.trace.v1","event_type":"tool_end"}`, `{"event_type":"tool_end","schema":"dynamo.request.trace.v1"}`},
		"litellm":    {`{"id":"a","trace_id":"t","call_type":"acompletion","stream":true,"response_cost":0,"startTime":1`, `[ {"request_id":"a","call_type":"aembedding","startTime":"2026`},
		"otlp":       {`{"resourceSpans":[{"resource":{"attributes":[`, `{"trace_id":"t","span_count":3,"spans":[`, `{"resourceLogs":[{"scopeLogs":`},
		"otlp-proto": {"\x00\x00\x01\x00\n\xfd\x01\n\xfa", "\x00\x10\x01\x00\x28\xb5\x2f\xfd", "\x00\x00\x01\x00{\"re"},
		"envoy":      {`{":authority":"a","genai_model_name":"m","response_code":200,"start_time":"2026`},
		"openai":     {`{"id":"a","object":"chat.completion","created":1,"model":"m","choices":[],"usage":{"prompt_tokens":1`, `[{"request":{"model":"m"},"response":{`, `{"id":"b","custom_id":"c","response":{"status_code":200`},
		"sglang":     {`{"request_parameters":"{\"rid\":\"a`, `{"request_parameters":"{}","id":"a","prompt_tokens":1}`},
		"canonical":  {`{"service":"s","model":"m","arrival_us":1,"outcome":"ok"}`, `{"arrival_us":1}`, `{"service":"s","arrival_us":1,"prefix_hashes":[1,2,3`},
	}
	for _, f := range formats {
		if len(samples[f.Name]) == 0 && f.Name != "guidellm" { // which looks like Mooncake's, in another unit
			t.Errorf("no samples of %s", f.Name)
		}
		for name, texts := range samples {
			for _, text := range texts {
				if got := f.recognise([]byte(text)); got != (name == f.Name) {
					t.Errorf("%s recognises %s: %t", f.Name, text, got)
				}
			}
		}
		for _, text := range []string{"", "{", "{}", "[]", "[{\"arrival_us\":1}]", "hello", "a,b\n", "\"", "{\"a\":1", `{"timestamp":1,"input_length":1,"output_length":1}`, `{"request":{"method":"GET"},"response":{"status":200}}`, `{"created":1,"status":200}`, "{\"arrival_us\"", "\x00"} {
			if f.recognise([]byte(text)) {
				t.Errorf("%s recognises %q", f.Name, text)
			}
		}
	}
}

func TestUnknownFormat(t *testing.T) {
	names := "burstgpt, azure, mooncake, bailian, guidellm, vidur, splitwise, blis, dynamo, litellm, otlp, otlp-proto, envoy, openai, sglang, canonical"
	for text, want := range map[string]string{
		"GET / HTTP/1.1\nx":                                  `log: not a known format: it starts with "GET / HTTP/1.1". Say which of these it is with --format: ` + names,
		strings.Repeat("x", 100):                             `it starts with "` + strings.Repeat("x", 80) + `"….`,
		`{"timestamp":1,"input_length":1,"output_length":1}`: "These keys are Mooncake's (times in milliseconds) and GuideLLM's (seconds) alike; --format mooncake",
		`[{"arrival_us":1}]`:                                 "write one object a line",
		"Timestamp,x\n":                                      "The header lacks columns",
	} {
		if out := readText(t, ReaderConfig{}, text); !strings.Contains(errText(out.err), want) {
			t.Errorf("%s: %v\nwant %s", text, out.err, want)
		}
	}
	if out := readText(t, ReaderConfig{Format: "xml"}, "x"); errText(out.err) != `unknown format "xml": use one of `+names {
		t.Error(out.err)
	}
}

// TestChains: what is remembered of parents is bounded, and what was forgotten names the conversation.
func TestChains(t *testing.T) {
	var c chains
	if got := c.follow([]byte("b"), []byte("a")); got != "a" {
		t.Errorf("child of an unseen parent: %s", got)
	}
	for i := range maxChain {
		c.follow(fmt.Appendf(nil, "n%d", i), []byte("-"))
	}
	if got := c.follow([]byte("c"), []byte("b")); got != "a" {
		t.Errorf("one generation on: %s", got)
	}
	for i := range 2 * maxChain {
		c.follow(fmt.Appendf(nil, "m%d", i), []byte("-"))
	}
	if got := c.follow([]byte("d"), []byte("c")); got != "c" {
		t.Errorf("after two generations: %s", got)
	}
	if len(c.young) > maxChain || len(c.old) > maxChain {
		t.Errorf("%d and %d are kept", len(c.young), len(c.old))
	}
}

// TestDecodeAllocates nothing a row, for the formats that carry millions.
func TestDecodeAllocates(t *testing.T) {
	canonicalText := jsonOf(readText(t, ReaderConfig{}, string(burstText(500))).requests)
	for name, text := range map[string]string{"burstgpt": string(burstText(500)), "canonical": canonicalText, "azure": azureH + strings.Repeat("2023-11-16 18:15:46.6805900,374,44\n", 500)} {
		f, err := FindFormat(name)
		if err != nil {
			t.Fatal(err)
		}
		b := wholeBlock(t, f, []byte(text))
		w := &worker{decoders: map[*Format]decoder{}}
		w.decode(b)
		if n := testing.AllocsPerRun(20, func() { w.decode(b) }); n > 5 {
			t.Errorf("%s: %.0f allocations for 500 rows", name, n)
		}
		if len(b.batch.Requests) != 500 {
			t.Errorf("%s: %d rows, %v", name, len(b.batch.Requests), b.batch.stopped)
		}
	}
}

// fuzzFormat decodes any text as the format, and holds what is accepted against what must be true of it.
func fuzzFormat(f *testing.F, name string, isJSON bool, seeds ...string) {
	for _, s := range seeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		out := readText(t, ReaderConfig{Format: name, OnError: Skip, Workers: 1}, text)
		lines := strings.Split(text, "\n")
		for i := range out.requests {
			q := &out.requests[i]
			if cut, err := q.Validate(); err != nil || cut != 0 {
				t.Fatalf("line %d was accepted: %v", out.lines[i], err)
			}
			var again schemas.Request
			var d schemas.Decoder
			if err := d.Decode(schemas.AppendJSON(nil, q), &again); err != nil || again.Content() != q.Content() {
				t.Fatalf("line %d does not survive its JSON: %v\n%s", out.lines[i], err, schemas.AppendJSON(nil, q))
			}
			if !isJSON {
				continue
			}
			if line := strings.TrimPrefix(lines[out.lines[i]-1], "\ufeff"); !json.Valid([]byte(line)) {
				t.Fatalf("line %d is no JSON: %q", out.lines[i], line)
			}
		}
	})
}

func FuzzBurstGPT(f *testing.F) {
	fuzzFormat(f, "burstgpt", false, burst1+"5,ChatGPT,472,18,490,Conversation log\n", burst2+"19440110.0,1722ac82,3.5,\"Chat\"\"GPT\",472.0,18.0,490.0,API log\r\n"+burst1+"NaN,,,,,\n", burst2+"1e3,\"a\nb\",,m,,,,\n")
}

func FuzzAzure(f *testing.F) {
	fuzzFormat(f, "azure", false, azureH+"2023-11-16 18:15:46.6805900,374,44\n2024-05-10T00:00:00.009930+00:00,1,0\n")
}

func FuzzMooncake(f *testing.F) {
	fuzzFormat(f, "mooncake", true, `{"timestamp": 27482, "input_length": 6955, "output_length": 52, "hash_ids": [46, -47]}`, `{"timestamp":1e3,"session_id":"a\u00e9","input_length":null}`)
}

func FuzzBailian(f *testing.F) {
	fuzzFormat(f, "bailian", true, `{"chat_id": 159, "parent_chat_id": -1, "timestamp": 61.114, "input_length": 521, "output_length": 132, "type": "text", "turn": 1, "hash_ids": [1, 2]}`+"\n"+`{"chat_id":"x","parent_chat_id":159,"timestamp":62}`)
}

func FuzzVidur(f *testing.F) {
	fuzzFormat(f, "vidur", false, "arrived_at,num_prefill_tokens,num_decode_tokens\n0.0000005,10,0\n1e3,7,\n")
}

func FuzzSplitwise(f *testing.F) {
	fuzzFormat(f, "splitwise", false, "request_id,request_type,application_id,arrival_timestamp,batch_size,prompt_size,token_size\n0,2,0,0.25,1,10,5\n")
}

func FuzzGuideLLM(f *testing.F) {
	fuzzFormat(f, "guidellm", true, `{"timestamp":1.5,"input_length":10,"output_length":5}`)
}

func FuzzBLIS(f *testing.F) {
	fuzzFormat(f, "blis", false, "client_id,session_id,input_tokens,output_tokens,reason_ratio,model,arrival_time_us,first_chunk_time_us,last_chunk_time_us,status,error_message,finish_reason\nc,s,10,4,0.25,m,5,25,105,ok,,stop\n,,10,0,1,,6,0,0,error,rate_limited,\n")
}

func FuzzDynamo(f *testing.F) {
	fuzzFormat(f, "dynamo", true, `{"timestamp":2,"event":{"schema":"dynamo.request.trace.v1","event_type":"request_end","agent_context":{"session_id":"a"},"request":{"request_id":"r1","model":"m","input_tokens":15,"request_received_ms":1779163048815,"ttft_ms":1328.418365,"worker":{"decode_worker_id":7},"finish_reason_metadata":{"finish_reason":"stop"},"replay":{"trace_block_size":16,"input_length":15,"input_sequence_hashes":[1]}}}}`,
		`{"event_type":"tool_end","agent_context":null}`)
}

func FuzzCanonical(f *testing.F) {
	fuzzFormat(f, "canonical", true, `{"service":"s","model":"m","arrival_us":7,"outcome":"ok","labels":{"a":"b"},"prefix_hashes":[1],"temperature":0.5}`)
}
