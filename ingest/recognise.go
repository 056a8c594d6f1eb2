package ingest

import (
	"bytes"
	"fmt"
)

// recognise finds the format of a log by how it starts.
func recognise(head []byte) (*Format, error) {
	head = bytes.TrimLeft(head, " \t\r\n")
	for _, f := range formats {
		if f.recognise(head) {
			return f, nil
		}
	}
	start, _, _ := bytes.Cut(head, []byte("\n"))
	shown := "%q"
	if start = bytes.TrimRight(start, "\r"); len(start) > shownBytes {
		start = start[:shownBytes]
		shown += "…"
	}
	hint := ""
	switch {
	case hasKeys(head, "timestamp", "input_length"):
		hint = " These keys are Mooncake's (times in milliseconds) and GuideLLM's (seconds) alike; --format mooncake reads them as milliseconds, --format guidellm as seconds."
	case len(head) > 0 && head[0] == '[':
		hint = " A JSON list is not read as a whole: write one object a line, as in jq -c '.[]'."
	case headerNames(head, "Timestamp"), headerNames(head, "TIMESTAMP"):
		hint = " The header lacks columns that the CSV formats need."
	}
	return nil, fmt.Errorf("not a known format: it starts with "+shown+".%s Say which of these it is with --format: %s", start, hint, formatNames(func(*Format) bool { return true }))
}

// shownBytes is how much of an unknown log's first line its error shows.
const shownBytes = 80
