// The plugin with which the Go SDK takes the conformance suite, in
// tests/conformance: one task for each behaviour.
package main

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	tlo "github.com/tlo-run/tlo/sdk/go"
)

type none struct{}

type operands struct{ A, B int }

type sum struct {
	Sum int `json:"sum"`
}

type person struct{ Name string }

type greeting struct {
	Greeting string `json:"greeting"`
}

var (
	errBroken = errors.New("broken")
	runs      int // of this memory
)

func init() {
	tlo.Register("echo", func(_ *tlo.Context, in []byte) ([]byte, error) { return in, nil })
	tlo.Register("sum", func(_ *tlo.Context, in operands) (sum, error) { return sum{in.A + in.B}, nil })
	tlo.Register("hello", func(_ *tlo.Context, in person) (greeting, error) {
		return greeting{"Hello, " + in.Name}, nil
	})
	tlo.Register("log", logs)
	tlo.Register("progress", func(ctx *tlo.Context, _ none) (string, error) {
		ctx.Progress(0.25)
		ctx.Progress(0.5, "half")
		ctx.Progress(1, "done")
		return "", nil
	})
	tlo.Register("until-cancelled", untilCancelled)
	tlo.Register("deadline", deadline)
	tlo.Register("permanent", func(*tlo.Context, none) (none, error) { return none{}, tlo.Permanent(errBroken) })
	tlo.Register("retry", func(*tlo.Context, none) (none, error) { return none{}, errBroken })
	tlo.Register("snooze", func(*tlo.Context, none) (none, error) {
		return none{}, fmt.Errorf("too early: %w", tlo.Snooze(90*time.Second))
	})
	tlo.Register("panic", func(*tlo.Context, none) (none, error) { panic("out of cheese") })
	tlo.Register("random", func(ctx *tlo.Context, _ none) (string, error) {
		b := make([]byte, 32)
		for i := range b {
			b[i] = byte(ctx.Rand().Uint32())
		}
		return hex.EncodeToString(b), nil
	})
	tlo.Register("config", func(ctx *tlo.Context, key string) (string, error) {
		v, ok := ctx.Config(key)
		if !ok {
			return "not set", nil
		}
		return "=" + v, nil
	})
	tlo.Register("meta", meta)
	tlo.Register("count", func(*tlo.Context, none) (int, error) {
		runs++
		return runs, nil
	})
}

func main() {}

func logs(ctx *tlo.Context, _ none) (string, error) {
	ctx.Log.Log(ctx, tlo.LevelTrace, "entering")
	ctx.Log.Debug("no fields")
	ctx.Log.Info("copied \"file\"\n", "name", "a\"b\\c\n\x01é", "size", int64(-9007199254740993), "ratio", 0.5, "ok", true)
	ctx.Log.Warn("slow", "empty", "")
	ctx.Log.Error("погано")
	return "", nil
}

func untilCancelled(ctx *tlo.Context, _ none) (string, error) {
	if ctx.Cancelled() {
		return "cancelled too early", nil
	}
	ctx.Progress(0.5)
	for {
		if ctx.Cancelled() {
			return "stopped", nil
		}
	}
}

func deadline(ctx *tlo.Context, _ none) (string, error) {
	t, ok := ctx.Deadline()
	if !ok {
		return "none", nil
	}
	return fmt.Sprint(time.Until(t).Milliseconds()), nil
}

func meta(ctx *tlo.Context, _ none) (string, error) {
	stamp := func(t time.Time) string {
		if t.IsZero() {
			return ""
		}
		return t.Format(time.RFC3339Nano)
	}
	return strings.Join([]string{
		ctx.Task(), ctx.JobID(), fmt.Sprint(ctx.Attempt()), ctx.Queue(),
		stamp(ctx.ScheduledAt()), stamp(ctx.Tick()), ctx.IdempotencyKey(),
	}, "\n"), nil
}
