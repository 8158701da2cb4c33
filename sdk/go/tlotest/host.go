package tlotest

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"github.com/tlo-run/tlo/sdk/go/internal/guest"
)

// host plays the part of tlo for one attempt.
type host struct {
	input    []byte
	meta     map[string]string
	config   map[string]string
	deadline time.Time // zero: none
	cancelAt int

	mu     sync.Mutex // guards the rest: natively, tasks may have threads
	polls  int
	random *rand.ChaCha8
	res    Result
}

func newHost(a Attempt) *host {
	var seed [32]byte
	binary.LittleEndian.PutUint64(seed[:], a.Seed)
	h := &host{
		input:    input(a.Input),
		meta:     meta(a),
		config:   maps.Clone(a.Config),
		cancelAt: a.CancelAtPoll,
		random:   rand.NewChaCha8(seed),
	}
	if a.Timeout > 0 {
		h.deadline = time.Now().Add(a.Timeout)
	}
	return h
}

func input(v any) []byte {
	switch v := v.(type) {
	case nil:
		return nil
	case []byte:
		return bytes.Clone(v)
	case string:
		return []byte(v)
	}
	raw, err := json.Marshal(v)
	if err != nil {
		panic(fmt.Sprintf("tlotest: input: %v", err))
	}
	return raw
}

func meta(a Attempt) map[string]string {
	m := map[string]string{
		"task":    a.Task,
		"job_id":  cmp.Or(a.JobID, "job"),
		"attempt": strconv.Itoa(max(a.Number, 1)),
		"queue":   cmp.Or(a.Queue, "default"),
	}
	m["idempotency_key"] = cmp.Or(a.IdempotencyKey, m["job_id"])
	m["scheduled_at"] = cmp.Or(a.ScheduledAt, time.Now()).Format(time.RFC3339Nano)
	if !a.Tick.IsZero() {
		m["tick"] = a.Tick.Format(time.RFC3339Nano)
	}
	return m
}

func (h *host) result(code int) Result {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.res.Code = code
	return h.res
}

func (h *host) Input() []byte { return h.input }

func (h *host) Output(p []byte) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.res.Output = append(h.res.Output, p...)
	return true
}

func (h *host) Log(level guest.Level, msg string, fields []byte) {
	line := Log{Level: slog.Level(level-guest.LevelInfo) * 4, Message: msg}
	if fields != nil {
		if err := json.Unmarshal(fields, &line.Fields); err != nil {
			panic(fmt.Sprintf("tlotest: log fields %q: %v", fields, err))
		}
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.res.Logs = append(h.res.Logs, line)
}

func (h *host) Progress(fraction float64, msg string) {
	if math.IsNaN(fraction) {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.res.Progress = append(h.res.Progress, Progress{Fraction: min(max(fraction, 0), 1), Message: msg})
}

func (h *host) Cancelled() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.polls++
	return h.cancelAt > 0 && h.polls >= h.cancelAt
}

func (h *host) Remaining() (time.Duration, bool) {
	if h.deadline.IsZero() {
		return 0, false
	}
	return max(time.Until(h.deadline), 0), true
}

func (h *host) Meta(key string) (string, bool) {
	v, ok := h.meta[key]
	return v, ok
}

func (h *host) Config(key string) (string, bool) {
	v, ok := h.config[key]
	return v, ok
}

func (h *host) Random(p []byte) {
	h.mu.Lock()
	defer h.mu.Unlock()
	_, _ = h.random.Read(p) // documented never to fail
}

func (h *host) Fail(kind guest.Kind, msg string) {
	kinds := map[guest.Kind]Kind{
		guest.KindRetry: Retry, guest.KindPermanent: Permanent, guest.KindSnooze: Snooze,
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.res.Failure = &Failure{Kind: kinds[kind], Message: msg}
}

func (h *host) Snooze(delay time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.res.Failure.Delay = delay
}

var _ guest.Host = (*host)(nil)
