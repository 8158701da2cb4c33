// Package testtasks registers one small task for each thing the SDK does. The
// SDK's tests run them natively and in WebAssembly, and expect the same.
package testtasks

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"time"

	tlo "github.com/tlo-run/tlo/sdk/go"
)

// Sum is the input of task "sum".
type Sum struct {
	Label   string `json:"label"`
	Numbers struct {
		A int `json:"a"`
		B int `json:"b"`
	} `json:"numbers"`
}

// Facts is what task "facts" knows about its job.
type Facts struct {
	Task, JobID, Queue, Key string
	Attempt                 int
	ScheduledAt, Tick       time.Time
}

// Config is what task "config" finds.
type Config struct {
	Long            string
	Empty, Missing  string
	HasEmpty, Found bool
}

// Deadline is what task "deadline" sees.
type Deadline struct {
	Set  bool
	Left time.Duration
}

// Stopped is how task "until-cancelled" ended.
type Stopped struct {
	Rounds           int
	Err, Child, Done bool
}

// ErrBroken is the reason of the tasks that fail.
var ErrBroken = errors.New("broken")

func init() {
	tlo.Register("echo", func(_ *tlo.Context, in []byte) ([]byte, error) { return in, nil })
	tlo.Register("greet", func(_ *tlo.Context, in string) (string, error) { return "hello, " + in, nil })
	tlo.Register("sum", func(_ *tlo.Context, in Sum) (map[string]int, error) {
		return map[string]int{in.Label: in.Numbers.A + in.Numbers.B}, nil
	})
	tlo.Register("nan", func(*tlo.Context, struct{}) (float64, error) { return math.NaN(), nil })
	tlo.Register("log", logs)
	tlo.Register("progress", progress)
	tlo.Register("fail", func(*tlo.Context, struct{}) (struct{}, error) { return struct{}{}, ErrBroken })
	tlo.Register("permanent", func(*tlo.Context, struct{}) (struct{}, error) {
		return struct{}{}, fmt.Errorf("step 2: %w", tlo.Permanent(ErrBroken))
	})
	tlo.Register("snooze", func(_ *tlo.Context, d time.Duration) (struct{}, error) {
		return struct{}{}, fmt.Errorf("too early: %w", tlo.Snooze(d))
	})
	tlo.Register("panic-index", func(_ *tlo.Context, in []int) (int, error) { return in[len(in)], nil })
	tlo.Register("panic-nil", func(_ *tlo.Context, in *Sum) (int, error) { return in.Numbers.A, nil })
	tlo.Register("panic-text", func(*tlo.Context, struct{}) (int, error) { panic("out of cheese") })
	tlo.Register("random", func(ctx *tlo.Context, _ struct{}) ([2]uint64, error) {
		return [2]uint64{ctx.Rand().Uint64(), ctx.Rand().Uint64()}, nil
	})
	tlo.Register("facts", facts)
	tlo.Register("config", config)
	tlo.Register("deadline", deadline)
	tlo.Register("until-cancelled", untilCancelled)
}

func logs(ctx *tlo.Context, _ struct{}) (struct{}, error) {
	ctx.Log.Log(ctx, tlo.LevelTrace, "entering")
	ctx.Log.Debug("no fields")
	log := ctx.Log.With("msg", "of the task", "level", 3)
	log.Info("copied \"file\"\n", "size", 42, "took", time.Second, slog.Group("at", "row", 7))
	log.WithGroup("http").With("status", 502).Warn("slow", "err", ErrBroken)
	ctx.Log.WithGroup("empty").Error("плохо", "bad", func() {})
	return struct{}{}, nil
}

func progress(ctx *tlo.Context, _ struct{}) (struct{}, error) {
	ctx.Progress(0.25)
	ctx.Progress(0.5, "half")
	ctx.Progress(1, "done")
	return struct{}{}, nil
}

func facts(ctx *tlo.Context, _ struct{}) (Facts, error) {
	return Facts{
		Task: ctx.Task(), JobID: ctx.JobID(), Queue: ctx.Queue(), Key: ctx.IdempotencyKey(),
		Attempt: ctx.Attempt(), ScheduledAt: ctx.ScheduledAt(), Tick: ctx.Tick(),
	}, nil
}

func config(ctx *tlo.Context, _ struct{}) (Config, error) {
	var c Config
	c.Long, _ = ctx.Config("long")
	c.Empty, c.HasEmpty = ctx.Config("empty")
	c.Missing, c.Found = ctx.Config("missing")
	return c, nil
}

func deadline(ctx *tlo.Context, _ struct{}) (Deadline, error) {
	t, ok := ctx.Deadline()
	if !ok {
		return Deadline{}, nil
	}
	if again, _ := ctx.Deadline(); !again.Equal(t) {
		return Deadline{}, errors.New("the deadline moved")
	}
	return Deadline{Set: true, Left: time.Until(t)}, nil
}

// untilCancelled also proves that a derived context follows and that Done
// alone is enough to learn of a cancellation.
func untilCancelled(ctx *tlo.Context, _ struct{}) (Stopped, error) {
	child, stop := context.WithTimeout(ctx, time.Hour)
	defer stop()
	for rounds := 0; ; rounds++ {
		select {
		case <-ctx.Done():
			return Stopped{
				Rounds: rounds,
				Err:    errors.Is(ctx.Err(), context.Canceled) && ctx.Cancelled(),
				Child:  errors.Is(child.Err(), context.Canceled),
				Done:   isClosed(child.Done()),
			}, nil
		default:
		}
	}
}

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}
