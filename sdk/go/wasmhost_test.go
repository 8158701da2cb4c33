package tlo_test

import (
	"cmp"
	"context"
	"encoding/json"
	"log/slog"
	"math/rand/v2"
	"strconv"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"github.com/tlo-run/tlo/sdk/go/tlotest"
)

// testHost is the least that module "tlo" can be: an independent reading of
// the contract, for one attempt at a time.
type testHost struct {
	attempt      tlotest.Attempt
	input        []byte
	meta, config map[string]string
	started      time.Time
	polls        int
	random       *rand.ChaCha8
	res          tlotest.Result
}

func (h *testHost) begin(a tlotest.Attempt) {
	*h = testHost{
		attempt: a,
		meta: map[string]string{
			"task":            a.Task,
			"job_id":          a.JobID,
			"attempt":         strconv.Itoa(max(a.Number, 1)),
			"queue":           a.Queue,
			"idempotency_key": a.IdempotencyKey,
			"scheduled_at":    cmp.Or(a.ScheduledAt, time.Now()).Format(time.RFC3339Nano),
		},
		config:  a.Config,
		started: time.Now(),
		random:  rand.NewChaCha8([32]byte{byte(a.Seed)}),
	}
	if s, ok := a.Input.(string); ok {
		h.input = []byte(s)
	}
	if !a.Tick.IsZero() {
		h.meta["tick"] = a.Tick.Format(time.RFC3339Nano)
	}
}

func (h *testHost) end(code int) tlotest.Result {
	h.res.Code = code
	if h.res.Failure == nil && h.res.Output == nil {
		h.res.Output = []byte{}
	}
	return h.res
}

func (h *testHost) instantiate(ctx context.Context, r wazero.Runtime) error {
	b := r.NewHostModuleBuilder("tlo")
	for name, fn := range map[string]any{
		"input_len":    func() uint32 { return uint32(len(h.input)) },
		"input_read":   h.inputRead,
		"output_write": h.outputWrite,
		"log": func(_ context.Context, m api.Module, level, p, n uint32) {
			h.log(level, read(m, p, n), nil)
		},
		"log_kv": func(_ context.Context, m api.Module, level, p, n, kv, kvLen uint32) {
			h.log(level, read(m, p, n), read(m, kv, kvLen))
		},
		"progress": func(f float64) { h.progress(f, "") },
		"progress_msg": func(_ context.Context, m api.Module, f float64, p, n uint32) {
			h.progress(f, string(read(m, p, n)))
		},
		"cancelled":   h.cancelled,
		"deadline_ms": h.deadlineMS,
		"meta": func(_ context.Context, m api.Module, k, n, buf, size uint32) int32 {
			return lookup(m, h.meta, k, n, buf, size)
		},
		"config": func(_ context.Context, m api.Module, k, n, buf, size uint32) int32 {
			return lookup(m, h.config, k, n, buf, size)
		},
		"random": func(_ context.Context, m api.Module, p, n uint32) { _, _ = h.random.Read(read(m, p, n)) },
		"fail": func(_ context.Context, m api.Module, kind, p, n uint32) {
			kinds := []tlotest.Kind{tlotest.Retry, tlotest.Permanent, tlotest.Snooze}
			h.res.Failure = &tlotest.Failure{Kind: kinds[kind], Message: string(read(m, p, n))}
		},
		"snooze": func(ms int64) { h.res.Failure.Delay = time.Duration(ms) * time.Millisecond },
	} {
		b.NewFunctionBuilder().WithFunc(fn).Export(name)
	}
	_, err := b.Instantiate(ctx)
	return err
}

// inputRead gives at most 64 KiB a call, so that the guest has to loop.
func (h *testHost) inputRead(_ context.Context, m api.Module, p, n, off uint32) uint32 {
	return uint32(copy(read(m, p, min(n, 1<<16)), h.input[min(int(off), len(h.input)):]))
}

func (h *testHost) outputWrite(_ context.Context, m api.Module, p, n uint32) int32 {
	h.res.Output = append(h.res.Output, read(m, p, n)...)
	return 0
}

func (h *testHost) log(level uint32, msg, fields []byte) {
	line := tlotest.Log{Level: slog.Level(level)*4 - 8, Message: string(msg)}
	if fields != nil {
		if err := json.Unmarshal(fields, &line.Fields); err != nil {
			panic(err) // ends the guest, and with it the test
		}
	}
	h.res.Logs = append(h.res.Logs, line)
}

func (h *testHost) progress(f float64, msg string) {
	h.res.Progress = append(h.res.Progress, tlotest.Progress{Fraction: f, Message: msg})
}

func (h *testHost) cancelled() uint32 {
	h.polls++
	if h.attempt.CancelAtPoll > 0 && h.polls >= h.attempt.CancelAtPoll {
		return 1
	}
	return 0
}

func (h *testHost) deadlineMS() int64 {
	if h.attempt.Timeout == 0 {
		return -1
	}
	return max(0, h.attempt.Timeout-time.Since(h.started)).Milliseconds()
}

// read returns guest memory itself, not a copy.
func read(m api.Module, p, n uint32) []byte {
	b, ok := m.Memory().Read(p, n)
	if !ok {
		panic("range outside the guest's memory")
	}
	return b
}

func lookup(m api.Module, values map[string]string, k, n, buf, size uint32) int32 {
	v, ok := values[string(read(m, k, n))]
	if !ok {
		return -1
	}
	copy(read(m, buf, min(size, uint32(len(v)))), v)
	return int32(len(v))
}
