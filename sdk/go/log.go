package tlo

import (
	"bytes"
	"context"
	"log/slog"
	"sync"

	"github.com/tlo-run/tlo/sdk/go/internal/guest"
)

// LevelTrace is the level below debug, which package slog has no name for.
const LevelTrace = slog.LevelDebug - 4

// logHandler sends records to the host as a message and a JSON object of
// fields. It leaves time to the host and filters nothing: the host knows which
// levels are wanted.
type logHandler struct {
	host guest.Host
	sink *logSink
	json slog.Handler // encodes into sink
}

// logSink is shared by a handler and all that With made of it.
type logSink struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

// fieldsGroup holds the task's own fields apart from the record's time, level
// and message, so that dropping those never drops a field of the same name.
const fieldsGroup = "f"

func newLogger(h guest.Host) *slog.Logger {
	sink := &logSink{}
	encoder := slog.NewJSONHandler(&sink.buf, &slog.HandlerOptions{
		Level: LevelTrace - 1<<16,
		ReplaceAttr: func(groups []string, a slog.Attr) slog.Attr {
			if len(groups) == 0 {
				return slog.Attr{}
			}
			return a
		},
	})
	return slog.New(&logHandler{host: h, sink: sink, json: encoder.WithGroup(fieldsGroup)})
}

func (l *logHandler) Enabled(context.Context, slog.Level) bool { return true }

func (l *logHandler) Handle(ctx context.Context, r slog.Record) error {
	l.sink.mu.Lock()
	defer l.sink.mu.Unlock()
	l.sink.buf.Reset()
	if err := l.json.Handle(ctx, r); err != nil {
		return err
	}
	// The line is {} or {"f":{…}}; the inner object is what the host wants.
	line := bytes.TrimSpace(l.sink.buf.Bytes())
	fields, ok := bytes.CutPrefix(line, []byte(`{"`+fieldsGroup+`":`))
	if ok {
		fields = bytes.TrimSuffix(fields, []byte("}"))
	} else {
		fields = nil
	}
	l.host.Log(hostLevel(r.Level), r.Message, fields)
	return nil
}

func (l *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{host: l.host, sink: l.sink, json: l.json.WithAttrs(attrs)}
}

func (l *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{host: l.host, sink: l.sink, json: l.json.WithGroup(name)}
}

// hostLevel rounds down, as package slog does when it prints a level.
func hostLevel(level slog.Level) guest.Level {
	switch {
	case level < slog.LevelDebug:
		return guest.LevelTrace
	case level < slog.LevelInfo:
		return guest.LevelDebug
	case level < slog.LevelWarn:
		return guest.LevelInfo
	case level < slog.LevelError:
		return guest.LevelWarn
	default:
		return guest.LevelError
	}
}

var _ slog.Handler = (*logHandler)(nil)
