package main

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"time"
)

// modes are how a request may be treated.
var modes = map[string]func(*server, http.ResponseWriter, *http.Request, *ask){
	"ok":         ending{finish: "length", usage: true, done: true}.answer,
	"no-usage":   ending{finish: "length", done: true}.answer,
	"no-done":    ending{finish: "stop", usage: true}.answer,
	"filter":     ending{finish: "content_filter", usage: true, done: true}.answer,
	"half-clean": ending{}.answer, // no reason to finish, no [DONE]
	"slow-headers": func(s *server, w http.ResponseWriter, r *http.Request, a *ask) {
		pause(r, time.Second)
		ending{finish: "length", usage: true, done: true}.answer(s, w, r, a)
	},
	"500": func(_ *server, w http.ResponseWriter, _ *http.Request, _ *ask) {
		refuse(w, http.StatusInternalServerError, "InternalServerError", "CUDA out of memory")
	},
	"503-page": func(_ *server, w http.ResponseWriter, _ *http.Request, _ *ask) {
		http.Error(w, "<html><b>no healthy upstream</b></html>", http.StatusServiceUnavailable)
	},
	"307": func(_ *server, w http.ResponseWriter, r *http.Request, _ *ask) {
		http.Redirect(w, r, "/v2/chat/completions", http.StatusTemporaryRedirect)
	},
	"429": func(_ *server, w http.ResponseWriter, _ *http.Request, _ *ask) {
		w.Header().Set("Retry-After", "1")
		refuse(w, http.StatusTooManyRequests, "RateLimitError", "Too many requests")
	},
	"hang": func(_ *server, _ http.ResponseWriter, r *http.Request, _ *ask) { <-r.Context().Done() },
	"hang-stream": func(_ *server, w http.ResponseWriter, r *http.Request, a *ask) {
		st := newStream(w, a)
		_, _ = st.tokens(1, ""), st.tokens(1, "")
		<-r.Context().Done()
	},
	"hang-headers": func(_ *server, w http.ResponseWriter, r *http.Request, a *ask) {
		newStream(w, a).flush.Flush()
		<-r.Context().Done()
	},
	"reset": func(_ *server, w http.ResponseWriter, _ *http.Request, _ *ask) { drop(w, true) },
	"close": func(_ *server, w http.ResponseWriter, _ *http.Request, _ *ask) { drop(w, false) },
	"reset-stream": func(_ *server, w http.ResponseWriter, _ *http.Request, a *ask) {
		_ = newStream(w, a).tokens(2, "")
		drop(w, true)
	},
	"half": func(_ *server, w http.ResponseWriter, _ *http.Request, a *ask) {
		_ = newStream(w, a).tokens(max(a.MaxTokens/2, 1), "")
		drop(w, false)
	},
	"half-line": func(_ *server, w http.ResponseWriter, _ *http.Request, _ *ask) { // not chunked: the connection's end is the answer's
		if c := hijack(w); c != nil {
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nConnection: close\r\n\r\n" +
				"data: {\"choices\":[{\"delta\":{\"content\":\" word\"}}]}\n\ndata: {\"choices\":[{\"del"))
			_ = c.Close()
		}
	},
	"garbage": func(_ *server, w http.ResponseWriter, _ *http.Request, a *ask) {
		st := newStream(w, a)
		_ = st.tokens(1, "")
		_ = st.raw("data: {\"choices\":[{\"delta\":{\"content\":\"\xff\x00")
	},
	"page": func(_ *server, w http.ResponseWriter, _ *http.Request, _ *ask) {
		w.Header().Set("Content-Type", "text/html")
		_, _ = w.Write([]byte("<html>\n<body>Welcome to nginx!</body>\n</html>\n"))
	},
	"wrong-json": func(_ *server, w http.ResponseWriter, _ *http.Request, _ *ask) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"status":"fine"}`))
	},
	"not-http": func(_ *server, w http.ResponseWriter, _ *http.Request, _ *ask) {
		if c := hijack(w); c != nil {
			_, _ = c.Write([]byte("SSH-2.0-OpenSSH_9.6\r\n"))
			_ = c.Close()
		}
	},
	"error-event": func(_ *server, w http.ResponseWriter, _ *http.Request, a *ask) {
		st := newStream(w, a)
		_ = st.tokens(1, "")
		_ = st.raw(`data: {"error":{"message":"KV cache exhausted","type":"InternalServerError","code":500}}`)
		_ = st.raw("data: [DONE]")
	},
	"empty": func(_ *server, w http.ResponseWriter, _ *http.Request, a *ask) {
		st := newStream(w, a)
		_ = st.tokens(0, "stop")
		_ = st.usage(a.promptTokens, 0)
		_ = st.raw("data: [DONE]")
	},
	"unstreamed": func(s *server, w http.ResponseWriter, r *http.Request, a *ask) {
		a.Stream = false
		ending{finish: "length", usage: true, done: true}.answer(s, w, r, a)
	},
}

func modeNames() []string { return slices.Sorted(maps.Keys(modes)) }

// ending is how an answer ends.
type ending struct {
	finish      string
	usage, done bool
}

// answer gives as many tokens as were asked for.
func (end ending) answer(s *server, w http.ResponseWriter, r *http.Request, a *ask) {
	n := a.MaxTokens
	if !a.Stream {
		pause(r, s.ttft+time.Duration(n)*s.interval)
		w.Header().Set("Content-Type", "application/json")
		fmt.Fprintf(w, `{"id":"made-up-1","object":"chat.completion","choices":[{"index":0,"message":{"role":"assistant","content":"word"},"text":"word","finish_reason":%q}],`+
			`"usage":{"prompt_tokens":%d,"completion_tokens":%d}}`, end.finish, a.promptTokens, n)
		return
	}
	st := newStream(w, a)
	pause(r, s.ttft)
	for given := 0; given < n; {
		if given > 0 {
			pause(r, s.interval*time.Duration(s.piece))
		}
		now := min(s.piece, n-given)
		given += now
		finish := ""
		if given == n {
			finish = end.finish
			st.held = end.usage || end.done
		}
		if st.tokens(now, finish) != nil {
			return
		}
	}
	if end.usage {
		_ = st.usage(a.promptTokens, n)
	}
	if end.done {
		_ = st.raw("data: [DONE]")
	}
}

func pause(r *http.Request, d time.Duration) {
	if d <= 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
	case <-r.Context().Done():
	}
}

func hijack(w http.ResponseWriter) net.Conn {
	h, ok := w.(http.Hijacker)
	if !ok {
		return nil
	}
	c, _, err := h.Hijack()
	if err != nil {
		return nil
	}
	return c
}

// drop closes the connection where it is, with a reset or without.
func drop(w http.ResponseWriter, reset bool) {
	c := hijack(w)
	if c == nil {
		return
	}
	if t, ok := c.(*net.TCPConn); ok && reset {
		_ = t.SetLinger(0)
	}
	_ = c.Close()
}
