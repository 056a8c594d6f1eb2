package ingest

import (
	"path/filepath"
	"strings"
	"testing"

	"tidegauge/schemas"
)

// TestRealLogs reads the real logs: how many rows, and rows that were looked at by eye.
func TestRealLogs(t *testing.T) {
	dir := testData(t)
	tests := []struct {
		file            string
		requests, other int
		first, last     string // the requests' JSON, without what the id is made from
		whole           func(t *testing.T, all []schemas.Request)
	}{
		{file: "azure/AzureLLMInferenceTrace_conv.csv", requests: 19366,
			first: `{"service":"azure","model":"azure","log_type":"api","arrival_us":1700158546680590,"request_id":"~:2","seq":2,"outcome":"ok","request_tokens":374,"response_tokens":44}`,
			last:  `{"service":"azure","model":"azure","log_type":"api","arrival_us":1700162048402527,"request_id":"~:19367","seq":19367,"outcome":"ok","request_tokens":197,"response_tokens":183}`},
		{file: "azure/AzureLLMInferenceTrace_code.csv", requests: 8819},
		{file: "burstgpt/release1_first30.csv", requests: 30,
			first: `{"service":"burstgpt","model":"ChatGPT","log_type":"conversation","arrival_us":5000000,"request_id":"~:2","seq":2,"outcome":"ok","request_tokens":472,"response_tokens":18}`},
		{file: "burstgpt/release2_first1000_conversation.jsonl", requests: 1000,
			first: `{"service":"burstgpt","model":"unknown","log_type":"conversation","arrival_us":19440110000000,"request_id":"~:1","seq":1,"conversation":"1722ac82","outcome":"ok","request_tokens":906,"response_tokens":446}`,
			whole: func(t *testing.T, all []schemas.Request) {
				conversations := map[string]bool{}
				for i := range all {
					conversations[all[i].Conversation] = true
				}
				if span := all[len(all)-1].ArrivalUS - all[0].ArrivalUS; len(conversations) != 299 || span != 60664*schemas.SecondUS {
					t.Errorf("%d conversations in %d us", len(conversations), span)
				}
			}},
		{file: "mooncake/first1000.jsonl", requests: 1000,
			first: `{"service":"mooncake","model":"mooncake","log_type":"api","arrival_us":0,"request_id":"~:1","seq":1,"outcome":"ok","request_tokens":6755,"response_tokens":500,"prefix_hashes":[0,1,2,3,4,5,6,7,8,9,10,11,12,13],"prefix_block_tokens":512}`},
		{file: "dynamo/request_trace.jsonl.gz", requests: 17, other: 44,
			first: `{"service":"dynamo","model":"Qwen/Qwen3-14B-FP8","log_type":"api","arrival_us":1779163048815000,"request_id":"71491777-4c0d-4d7f-a8a5-54f11a28dde2","conversation":"manual-noadm:root","outcome":"ok","request_tokens":15,"response_tokens":3,"cached_tokens":0,"elapsed_us":1381891,"ttft_us":1328418,"queue_us":2046,"host":"7587894923333011484","prefix_hashes":[1549729496416048079],"prefix_block_tokens":16}`},
	}
	for _, test := range tests {
		t.Run(test.file, func(t *testing.T) {
			out := readFiles(t, ReaderConfig{}, filepath.Join(dir, test.file))
			if out.err != nil || len(out.requests) != test.requests || out.stats.Other != int64(test.other) || out.stats.Refused != 0 {
				t.Fatalf("%d requests, %+v, %v", len(out.requests), out.stats, out.err)
			}
			n := len(out.requests)
			for want, got := range map[string][]schemas.Request{test.first: out.requests[:1], test.last: out.requests[n-1:]} {
				if text := strings.TrimSpace(withoutPrint(jsonOf(got))); want != "" && text != want {
					t.Errorf("%s\nwant %s", text, want)
				}
			}
			if test.whole != nil {
				test.whole(t, out.requests)
			}
		})
	}
}
