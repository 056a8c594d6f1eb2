// Command llmserver is an OpenAI-compatible server without a model, for tests of what drives one: it answers with as many words
// as it is asked for, at a pace that it is told, and goes wrong in the ways that servers do.
//
//	go run ./testenv/llmserver -ttft 50ms -interval 10ms
//
// A word counts as a token. How a request is treated is the mode, which is -mode, or what follows "mode:" in the name of the
// request's model. GET /counts says what has come in. It listens on the loopback interface alone, and prints its address.
package main

import (
	"encoding/json"
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"
)

func main() {
	var s server
	var listen, models string
	flag.StringVar(&listen, "listen", "127.0.0.1:0", "`address` to listen on, of the loopback interface")
	flag.StringVar(&models, "models", "made-up", "`names` of the models that it serves, with commas")
	flag.StringVar(&s.mode, "mode", "ok", "how requests are treated that do not say: "+strings.Join(modeNames(), ", "))
	flag.DurationVar(&s.ttft, "ttft", 0, "time to the first token")
	flag.DurationVar(&s.interval, "interval", 0, "time between tokens")
	flag.IntVar(&s.piece, "piece", 1, "tokens in each event")
	flag.IntVar(&s.overhead, "overhead", 0, "tokens that its template adds to a prompt")
	flag.IntVar(&s.keep, "keep", 0, "how many requests' bodies GET /counts gives, the first")
	flag.Parse()
	s.models = strings.Split(models, ",")
	if err := s.run(listen); err != nil {
		fmt.Fprintln(os.Stderr, "llmserver:", err)
		os.Exit(1)
	}
}

func (s *server) run(listen string) error {
	if modes[s.mode] == nil {
		return fmt.Errorf("there is no mode %q: want one of %s", s.mode, strings.Join(modeNames(), ", "))
	}
	l, err := net.Listen("tcp", listen)
	if err != nil {
		return err
	}
	if a := l.Addr().(*net.TCPAddr); !a.IP.IsLoopback() {
		return fmt.Errorf("%s is not of the loopback interface", a)
	}
	fmt.Println(l.Addr())
	handler := http.NewServeMux()
	handler.HandleFunc("GET /v1/models", s.list)
	handler.HandleFunc("POST /v1/chat/completions", s.answer)
	handler.HandleFunc("POST /v1/completions", s.answer)
	handler.HandleFunc("GET /counts", s.report)
	return (&http.Server{Handler: handler, ReadHeaderTimeout: time.Minute, ConnState: s.connection}).Serve(l)
}

func (s *server) list(w http.ResponseWriter, _ *http.Request) {
	type model struct {
		ID     string `json:"id"`
		Object string `json:"object"`
	}
	data := []model{}
	for _, m := range s.models {
		data = append(data, model{m, "model"})
	}
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(map[string]any{"object": "list", "data": data})
}
