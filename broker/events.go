package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/twmb/franz-go/pkg/kfake"
)

// eventInterval spaces repetitions of one message: a full disk fails every batch, thousands a second.
const eventInterval = 10 * time.Second

// eventLog hands kfake's messages to slog. kfake's information is about single requests, so it counts as debugging.
type eventLog struct {
	logger *slog.Logger

	mu     sync.Mutex
	failed error
	said   map[string]*repetition
}

type repetition struct {
	at      time.Time
	skipped int
}

// Logf implements kfake.Logger.
func (l *eventLog) Logf(level kfake.LogLevel, format string, args ...any) {
	if level >= kfake.LogLevelInfo {
		if l.logger.Enabled(context.Background(), slog.LevelDebug) {
			l.logger.Debug("embedded broker: " + fmt.Sprintf(format, args...))
		}
		return
	}
	message := fmt.Sprintf(format, args...)
	severity := slog.LevelWarn
	if level == kfake.LogLevelError {
		severity = slog.LevelError
	}

	l.mu.Lock()
	if level == kfake.LogLevelError {
		l.failed = errors.New(message)
	}
	if l.said == nil {
		l.said = make(map[string]*repetition)
	}
	r := l.said[format]
	if r == nil {
		r = new(repetition)
		l.said[format] = r
	}
	if !r.at.IsZero() && time.Since(r.at) < eventInterval {
		r.skipped++
		l.mu.Unlock()
		return
	}
	skipped := r.skipped
	r.at, r.skipped = time.Now(), 0
	l.mu.Unlock()

	if skipped > 0 {
		l.logger.Log(context.Background(), severity, "embedded broker: "+message, "repeated", skipped)
		return
	}
	l.logger.Log(context.Background(), severity, "embedded broker: "+message)
}

func (l *eventLog) lastError() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.failed
}
