// Package handoff gives the commands that run a trace, or traffic like it, in
// other people's load generators, and says what each of them leaves out.
//
// It owns the flags of those tools, as of the versions that docs/traces.md
// names. It runs nothing. Start with OfFile and OfNumbers.
package handoff

import (
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"tidegauge/schemas"
)

// Facts is what there is to say of a file's requests.
type Facts struct {
	Requests int64
	// Failed are requests that failed, Hashed those with prefix hashes, Turns those of a conversation.
	Failed, Hashed, Turns int64
	// FirstUS and LastUS are the arrivals that bound the file, as they are in it.
	FirstUS, LastUS int64
}

// seconds is how long the file takes to send, rounded up.
func (f *Facts) seconds() int64 { return (f.LastUS-f.FirstUS)/schemas.SecondUS + 1 }

// Add counts a request.
func (f *Facts) Add(r *schemas.Request) {
	if f.Requests == 0 {
		f.FirstUS, f.LastUS = r.ArrivalUS, r.ArrivalUS
	}
	f.Requests++
	f.FirstUS, f.LastUS = min(f.FirstUS, r.ArrivalUS), max(f.LastUS, r.ArrivalUS)
	if r.Outcome.Failed() {
		f.Failed++
	}
	if len(r.PrefixHashes) > 0 {
		f.Hashed++
	}
	if r.Conversation != "" {
		f.Turns++
	}
}

// tool is a load generator: a command, and what it does not reproduce.
type tool struct{ name, command, lacks string }

const (
	url   = "http://localhost:8000"
	model = "MODEL"
)

// OfFile gives the commands for a file that was written in one of the formats: of every tool the one that runs it, after the
// one that converts it where the tool reads another. filled says that all requests have prefix hashes, made up where the log had
// none.
func OfFile(format, path string, filled bool, f Facts) string {
	if path == "-" {
		path = "TRACE"
	}
	file, stem := quote(path), strings.TrimSuffix(path, filepath.Ext(path))
	var b strings.Builder
	fmt.Fprintf(&b, "run it, with your %s and address:\n", model)
	switch format {
	case "servegen":
		write(&b, []tool{{"ServeGen", "ClientPool(Category.LANGUAGE, NAME) with the folder as data/language/NAME", "single requests and conversations: it draws new ones"}})
		b.WriteString("  vLLM, SGLang, AIPerf, GuideLLM, inference-perf:\n    need requests, and this folder has none: write the same as mooncake, guidellm or azure\n")
		return b.String()
	case "vidur":
		write(&b, []tool{{"Vidur", "python -m vidur.main --request_generator_config_type trace_replay --trace_request_generator_config_trace_file " + file,
			"conversations, shared prefixes, failures"}})
	case "blis":
		write(&b, []tool{{"BLIS", "blis replay --model " + model + " --trace-header " + quote(stem+".yaml") + " --trace-data " + file, "prompts' shared prefixes"}})
	case "splitwise":
		write(&b, []tool{{"splitwise-sim", "python run.py trace.filename=" + quote(filepath.Base(stem)) + "  # with the file in its traces/", "conversations, shared prefixes, failures"}})
	}
	// as gives a tool's command for a file of the format that it reads, which may have to be made first.
	as := func(wanted, extension string, tools func(path string, made bool) []tool) {
		if format == wanted {
			write(&b, tools(path, false))
			return
		}
		made := stem + "." + wanted + extension
		command := "tidegauge convert"
		if format == "guidellm" {
			command += " --from guidellm" // which is not recognised
		}
		command += " --to " + wanted
		if wanted == "mooncake" {
			command += " --fill-hashes"
		}
		fmt.Fprintf(&b, "  %s -o %s %s\n", command, quote(made), file)
		write(&b, tools(made, true))
	}
	switch format {
	case "burstgpt":
		write(&b, []tool{{"vLLM (lengths alone)", fmt.Sprintf("vllm bench serve --base-url %s --model %s --dataset-name burstgpt --dataset-path %s --num-prompts %d --request-rate RATE", url, model, file, f.Requests),
			"times: it draws rows at random and sends them at RATE; takes rows of model GPT-4 with an answer only (--model-label '*=GPT-4')"}})
		fallthrough
	case "burstgpt-v2":
		write(&b, []tool{aiperf(file, "burst_gpt_trace", "conversations, shared prefixes")})
	case "bailian":
		write(&b, []tool{aiperf(file, "bailian_trace", "failures")})
	}
	as("mooncake", ".jsonl", func(path string, made bool) []tool { return mooncake(quote(path), filled || made, f) })
	as("guidellm", ".jsonl", func(path string, _ bool) []tool { return []tool{guideLLM(path)} })
	as("azure", ".csv", func(path string, _ bool) []tool { return []tool{inferencePerf(quote(path), f)} })
	if f.Failed > 0 {
		fmt.Fprintf(&b, "  of the requests %d failed, which no tool reproduces: --drop-failures leaves them out\n", f.Failed)
	}
	return b.String()
}

func mooncake(file string, filled bool, f Facts) []tool {
	vllm := "conversations (turns are sent at their times, whatever the answers do)"
	sglang := "lengths of prompts (it puts 129 words for a hash_id, whatever the row says), conversations"
	if !filled && f.Hashed < f.Requests {
		empty := fmt.Sprintf("; prompts come from hash_ids alone, and %d rows have none: write it with --fill-hashes", f.Requests-f.Hashed)
		vllm, sglang = vllm+empty, sglang+empty
	}
	return []tool{
		{"vLLM", fmt.Sprintf("vllm bench serve --backend openai --endpoint /v1/completions --base-url %s --model %s --dataset-name timed_trace --dataset-path %s --timed-trace-sec-multiplier 0.001 --timed-trace-chunk-hash-size 512 --num-prompts %d",
			url, model, file, f.Requests), vllm},
		{"SGLang", fmt.Sprintf("python3 -m sglang.bench_serving --backend sglang --base-url %s --model %s --dataset-name mooncake --dataset-path %s --use-trace-timestamps --num-prompts %d",
			url, model, file, f.Requests), sglang},
		aiperf(file, "mooncake_trace", "times below a millisecond; a turn waits for the answer before it, so a slow server thins the load"),
	}
}

func aiperf(file, kind, lacks string) tool {
	return tool{"AIPerf", fmt.Sprintf("aiperf profile --model %s --url %s --endpoint-type chat --streaming --input-file %s --custom-dataset-type %s --fixed-schedule --fixed-schedule-auto-offset",
		model, url, file, kind), lacks}
}

func guideLLM(path string) tool {
	source, _ := json.Marshal(path) // a text always can be
	return tool{"GuideLLM", fmt.Sprintf(`guidellm run --backend kind=openai_http,target=%s --profile kind=replay --data %s`,
		url, quote(`{"kind":"trace_synthetic","source":{"kind":"json_file","path":`+string(source)+`}}`)), "conversations, shared prefixes"}
}

func inferencePerf(file string, f Facts) tool {
	return tool{"inference-perf", fmt.Sprintf("inference-perf --server.type vllm --server.base_url %s --server.model_name %s --load.type trace_replay --load.trace.file %s --load.trace.format AzurePublicDataset --load.stages '[{\"rate\": %s, \"duration\": %d}]' --data.type random --data.trace.file %s --data.trace.format AzurePublicDataset",
		url, model, file, decimal(float64(f.Requests)/float64(f.seconds())), f.seconds(), file), "conversations, shared prefixes, times below 10 ms"}
}

// Numbers is what statistical load generators can be told of a stream.
type Numbers struct {
	Service            string
	Requests           int64
	Rate               float64 // a second, over the whole log
	GammaShape         float64 // of the gaps, 1 / CV^2; NaN where unknown
	InputMean, OutMean float64 // tokens; NaN where unknown
	InputSD, OutSD     float64
	// Files are what was read, for the command that makes a trace of them.
	Files []string
}

// OfNumbers gives the commands that send traffic of these statistics, and the one that writes the log as a trace.
func OfNumbers(n Numbers) string {
	if !(n.Rate > 0) || !(n.InputMean > 0) || !(n.OutMean > 0) {
		return ""
	}
	input, output := int64(n.InputMean+0.5), int64(n.OutMean+0.5)
	rate, shape := decimal(n.Rate), ""
	if n.GammaShape > 0 {
		shape = decimal(n.GammaShape)
	}
	with := func(flag string) string {
		if shape == "" {
			return ""
		}
		return flag + shape
	}
	prompts := min(n.Requests, 1000)
	seconds := max(int64(float64(prompts)/n.Rate), 1)
	lacks := "the spread of lengths, times of day, conversations"
	var b strings.Builder
	fmt.Fprintf(&b, "traffic like service %s, by its means, with your %s and address:\n", n.Service, model)
	pattern := ""
	if shape != "" {
		pattern = " --arrival-pattern gamma --arrival-smoothness " + shape
	}
	write(&b, []tool{
		{"vLLM", fmt.Sprintf("vllm bench serve --base-url %s --model %s --dataset-name random --random-input-len %d --random-output-len %d --request-rate %s%s --num-prompts %d",
			url, model, input, output, rate, with(" --burstiness "), prompts), lacks},
		{"SGLang", fmt.Sprintf("python3 -m sglang.bench_serving --base-url %s --model %s --dataset-name random --random-input-len %d --random-output-len %d --random-range-ratio 1 --request-rate %s --num-prompts %d",
			url, model, input, output, rate, prompts), "bursts (its arrivals are a Poisson process), " + lacks},
		{"AIPerf", fmt.Sprintf("aiperf profile --model %s --url %s --endpoint-type chat --streaming --isl %d --isl-stddev %d --osl %d --osl-stddev %d --request-rate %s%s --request-count %d",
			model, url, input, whole(n.InputSD), output, whole(n.OutSD), rate, pattern, prompts), "the shape of lengths (normal), times of day, conversations"},
		{"GuideLLM", fmt.Sprintf("guidellm run --backend kind=openai_http,target=%s --profile kind=poisson,rate=%s --data kind=synthetic_text,prompt_tokens=%d,output_tokens=%d --constraint kind=max_requests,count=%d",
			url, rate, input, output, prompts), "bursts (Poisson), " + lacks},
		{"inference-perf", fmt.Sprintf(`inference-perf --server.type vllm --server.base_url %s --server.model_name %s --data.type random --data.input_distribution.type fixed --data.input_distribution.mean %d --data.input_distribution.total_count %d --data.output_distribution.type fixed --data.output_distribution.mean %d --data.output_distribution.total_count %d --load.type poisson --load.stages '[{"rate": %s, "duration": %d}]'`,
			url, model, input, prompts, output, prompts, rate, seconds), "bursts (Poisson), " + lacks},
	})
	files := "LOG"
	if len(n.Files) > 0 {
		quoted := make([]string, len(n.Files))
		for i, f := range n.Files {
			quoted[i] = quote(f)
		}
		files = strings.Join(quoted, " ")
	}
	fmt.Fprintf(&b, "the log itself instead of its means: tidegauge convert --to mooncake --fill-hashes -o trace.jsonl %s\n", files)
	return b.String()
}

func write(b *strings.Builder, tools []tool) {
	for _, t := range tools {
		fmt.Fprintf(b, "  %s:\n    %s\n    leaves out %s\n", t.name, t.command, t.lacks)
	}
}
