package main

import (
	"encoding/json"
	"io"
	"net"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

type server struct {
	mode                  string
	models                []string
	ttft, interval        time.Duration
	piece, overhead, keep int

	mutex  sync.Mutex
	counts counts
}

// counts is what has come in; testenv.LLMCounts is the same.
type counts struct {
	Requests     int64            `json:"requests"`
	Modes        map[string]int64 `json:"modes"`
	PromptTokens int64            `json:"prompt_tokens"`
	MaxTokens    int64            `json:"max_tokens"`
	Connections  int64            `json:"connections"`
	InFlight     int64            `json:"in_flight"`
	MostInFlight int64            `json:"most_in_flight"`
	Kept         []kept           `json:"kept"`
}

type kept struct {
	Path   string          `json:"path"`
	Header http.Header     `json:"header"`
	Body   json.RawMessage `json:"body"`
	AtUS   int64           `json:"at_us"`
	EndUS  int64           `json:"end_us"` // 0: it has not ended
}

// ask is what a request asks for.
type ask struct {
	Model    string `json:"model"`
	Prompt   string `json:"prompt"`
	Messages []struct {
		Content string `json:"content"`
	} `json:"messages"`
	MaxTokens int  `json:"max_tokens"`
	Stream    bool `json:"stream"`

	chat bool
	// Words stand for tokens.
	promptTokens int
}

func (s *server) connection(_ net.Conn, state http.ConnState) {
	if state == http.StateNew {
		s.mutex.Lock()
		s.counts.Connections++
		s.mutex.Unlock()
	}
}

func (s *server) report(w http.ResponseWriter, _ *http.Request) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(s.counts)
}

func (s *server) answer(w http.ResponseWriter, r *http.Request) {
	at := time.Now()
	body, err := io.ReadAll(r.Body)
	var a ask
	if err == nil {
		err = json.Unmarshal(body, &a)
	}
	if err != nil {
		refuse(w, http.StatusBadRequest, "BadRequestError", err.Error())
		return
	}
	a.chat = strings.HasSuffix(r.URL.Path, "/chat/completions")
	text := a.Prompt
	for _, m := range a.Messages {
		text += m.Content
	}
	a.promptTokens = strings.Count(text, " ") + 1 + s.overhead
	mode, named, ok := strings.Cut(a.Model, "mode:")
	switch {
	case ok:
		mode = named
	case slices.Contains(s.models, a.Model):
		mode = s.mode
	}
	treat := modes[mode]
	if treat == nil {
		refuse(w, http.StatusNotFound, "NotFoundError", "The model `"+a.Model+"` does not exist.")
		return
	}
	ended := s.count(mode, &a, r, body, at)
	defer ended()
	treat(s, w, r, &a)
}

func (s *server) count(mode string, a *ask, r *http.Request, body []byte, at time.Time) (ended func()) {
	s.mutex.Lock()
	defer s.mutex.Unlock()
	c := &s.counts
	if c.Modes == nil {
		c.Modes = make(map[string]int64)
	}
	c.Requests++
	c.Modes[mode]++
	c.PromptTokens += int64(a.promptTokens)
	c.MaxTokens += int64(a.MaxTokens)
	c.InFlight++
	c.MostInFlight = max(c.MostInFlight, c.InFlight)
	place := -1
	if len(c.Kept) < s.keep {
		place = len(c.Kept)
		c.Kept = append(c.Kept, kept{Path: r.URL.Path, Header: r.Header, Body: body, AtUS: at.UnixMicro()})
	}
	return func() {
		s.mutex.Lock()
		defer s.mutex.Unlock()
		c.InFlight--
		if place >= 0 {
			c.Kept[place].EndUS = time.Now().UnixMicro()
		}
	}
}

func refuse(w http.ResponseWriter, status int, kind, message string) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(map[string]any{"error": map[string]any{"message": message, "type": kind, "code": status}})
}

// stream writes an answer in pieces.
type stream struct {
	w     http.ResponseWriter
	flush http.Flusher
	ask   *ask
	b     []byte
	head  string
	held  bool // what is written waits for what follows, as the end of an answer does
}

func newStream(w http.ResponseWriter, a *ask) *stream {
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	w.Header().Set("Cache-Control", "no-cache")
	object := "text_completion"
	if a.chat {
		object = "chat.completion.chunk"
	}
	return &stream{w: w, flush: w.(http.Flusher), ask: a,
		head: `data: {"id":"made-up-1","object":"` + object + `","created":1767571201,"model":` + strconv.Quote(a.Model) + `,"choices":[`}
}

// tokens writes words, with a reason to finish where it is given.
func (s *stream) tokens(n int, finish string) error {
	text := strings.Repeat(" word", n)
	s.b = append(s.b[:0], s.head...)
	if s.ask.chat {
		s.b = append(append(append(s.b, `{"index":0,"delta":{"content":"`...), text...), `"}`...)
	} else {
		s.b = append(append(append(s.b, `{"index":0,"text":"`...), text...), '"')
	}
	if finish == "" {
		s.b = append(s.b, `,"logprobs":null,"finish_reason":null}]}`...)
	} else {
		s.b = append(append(append(s.b, `,"logprobs":null,"finish_reason":"`...), finish...), `"}]}`...)
	}
	return s.end()
}

func (s *stream) usage(prompt, completion int) error {
	s.b = append(append(s.b[:0], s.head...), `],"usage":{"prompt_tokens":`...)
	s.b = strconv.AppendInt(s.b, int64(prompt), 10)
	s.b = strconv.AppendInt(append(s.b, `,"completion_tokens":`...), int64(completion), 10)
	s.b = strconv.AppendInt(append(s.b, `,"total_tokens":`...), int64(prompt+completion), 10)
	s.b = append(s.b, `,"prompt_tokens_details":{"cached_tokens":0}}}`...)
	return s.end()
}

func (s *stream) raw(text string) error {
	s.b = append(s.b[:0], text...)
	return s.end()
}

func (s *stream) end() error {
	s.b = append(s.b, "\n\n"...)
	_, err := s.w.Write(s.b)
	if !s.held {
		s.flush.Flush()
	}
	return err
}
