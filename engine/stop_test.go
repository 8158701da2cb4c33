package engine_test

import (
	"context"
	"errors"
	"math"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
)

// long is a task of an hour that heeds its context.
var long = engine.TaskDef{Name: "long", Run: lasting(time.Hour), Limits: engine.Limits{Timeout: 10 * time.Hour}, Retry: steady(1)}

// deaf is a task of an hour that does not.
var deaf = engine.TaskDef{Name: "deaf", Limits: engine.Limits{Timeout: 10 * time.Hour}, Run: trial(func(context.Context, engine.Job) error {
	time.Sleep(time.Hour)
	return nil
})}

func TestStop(t *testing.T) {
	type stops map[time.Duration]engine.StopMode // after the first stop
	tests := map[string]struct {
		cfg     engine.Config
		task    engine.TaskDef
		more    stops
		took    time.Duration
		state   engine.State
		history []engine.Verdict
	}{
		"drain": {
			cfg: engine.Config{Stop: engine.StopDrain, StopTimeout: 2 * time.Hour}, task: long,
			took: time.Hour, state: engine.Succeeded, history: []engine.Verdict{engine.VerdictSucceeded},
		},
		"drain becomes cancel": {
			cfg: engine.Config{Stop: engine.StopDrain, StopTimeout: time.Minute}, task: long,
			took: time.Minute, state: engine.Ready, history: []engine.Verdict{engine.VerdictReleased},
		},
		"cancel": {
			cfg: engine.Config{Stop: engine.StopCancel}, task: long,
			state: engine.Ready, history: []engine.Verdict{engine.VerdictReleased},
		},
		"cancel of one that goes on": {
			cfg: engine.Config{Stop: engine.StopCancel, StopTimeout: 2 * time.Hour}, task: deaf,
			took: time.Hour, state: engine.Succeeded, history: []engine.Verdict{engine.VerdictSucceeded},
		},
		"cancel becomes ignore": {
			cfg: engine.Config{Stop: engine.StopCancel, StopTimeout: time.Minute}, task: deaf,
			took: time.Hour, state: engine.Running, history: nil,
		},
		"ignore": {
			cfg: engine.Config{Stop: engine.StopIgnore}, task: long,
			state: engine.Running, history: nil,
		},
		"drain, then cancel": {
			cfg: engine.Config{Stop: engine.StopDrain, StopTimeout: 2 * time.Hour}, task: long,
			more: stops{time.Second: engine.StopCancel},
			took: time.Second, state: engine.Ready, history: []engine.Verdict{engine.VerdictReleased},
		},
		"drain, then ignore": {
			cfg: engine.Config{Stop: engine.StopDrain, StopTimeout: 2 * time.Hour}, task: long,
			more: stops{time.Second: engine.StopIgnore},
			took: time.Second, state: engine.Running, history: nil,
		},
		"a stop never becomes more patient": {
			cfg: engine.Config{Stop: engine.StopCancel, StopTimeout: time.Minute}, task: deaf,
			more: stops{time.Second: engine.StopDrain},
			took: time.Hour, state: engine.Running, history: nil,
		},
		"asking again wins no time": {
			cfg: engine.Config{Stop: engine.StopDrain, StopTimeout: time.Minute}, task: long,
			more: stops{30 * time.Second: engine.StopDrain, 59 * time.Second: -3},
			took: time.Minute, state: engine.Ready, history: []engine.Verdict{engine.VerdictReleased},
		},
		"beyond the last mode": {
			cfg: engine.Config{Stop: engine.StopDrain}, task: long,
			more: stops{time.Second: 99},
			took: time.Second, state: engine.Running, history: nil,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				tt.cfg.Workers = 1
				r := run(t, tt.cfg, tt.task)
				id := r.submit(engine.Submission{Task: tt.task.Name})
				waiting := r.submit(engine.Submission{Task: tt.task.Name})
				synctest.Wait()
				start := time.Now()
				r.quit()
				for after, mode := range tt.more {
					time.AfterFunc(after, func() { r.Stop(mode) })
				}
				<-r.ended
				if r.err != nil {
					t.Errorf("Run returned %v", r.err)
				}
				if took := time.Since(start); took != tt.took {
					t.Errorf("the stop took %v, want %v", took, tt.took)
				}
				job := r.job(id)
				if job.State != tt.state || job.Failures != 0 || job.Losses != 0 {
					t.Errorf("the job is %s with %d failures and %d losses, want %s", job.State, job.Failures, job.Losses, tt.state)
				}
				var verdicts []engine.Verdict
				for _, a := range job.History {
					verdicts = append(verdicts, a.Verdict)
				}
				if !slices.Equal(verdicts, tt.history) {
					t.Errorf("the verdicts are %v, want %v", verdicts, tt.history)
				}
				if j := r.job(waiting); j.State != engine.Ready || j.Attempt != 0 {
					t.Errorf("the job that waited is %s, attempt %d", j.State, j.Attempt)
				}
			})
		})
	}
}

func TestReleasedJobsRunAgainElsewhere(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := mem.New()
		first := runOn(t, store, engine.Config{Stop: engine.StopCancel}, long)
		id := first.submit(engine.Submission{Task: "long"})
		synctest.Wait()
		first.stop()
		second := runOn(t, store, engine.Config{}, long)
		job := second.wait(id)
		if job.State != engine.Succeeded || job.Attempt != 2 || job.Failures != 0 {
			t.Errorf("the job is %s, attempt %d, %d failures", job.State, job.Attempt, job.Failures)
		}
	})
}

func TestStopBeforeRun(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := build(t, mem.New(), engine.Config{}, long)
		r.Stop(engine.StopDrain)
		if err := r.Run(t.Context()); err != nil {
			t.Errorf("Run returned %v", err)
		}
	})
}

// A stopping engine tells the context of its attempts why.
func TestStopGivesItsReason(t *testing.T) {
	for mode, want := range map[engine.StopMode]error{engine.StopCancel: engine.ErrStopping, engine.StopIgnore: engine.ErrAbandoned} {
		bubble(t, func(t *testing.T) {
			var why error
			r := run(t, engine.Config{Stop: mode}, engine.TaskDef{Name: "work", Run: trial(func(ctx context.Context, _ engine.Job) error {
				<-ctx.Done()
				why = context.Cause(ctx)
				return ctx.Err()
			})})
			r.submit(engine.Submission{Task: "work"})
			synctest.Wait()
			r.stop()
			if !errors.Is(why, want) {
				t.Errorf("the cause is %v, want %v", why, want)
			}
		})
	}
}

func TestBadConfigsAreRefused(t *testing.T) {
	registry, err := engine.NewRegistry()
	if err != nil {
		t.Fatal(err)
	}
	for name, cfg := range map[string]engine.Config{
		"workers":      {Workers: -1},
		"lease":        {Lease: time.Nanosecond},
		"no lease":     {Lease: math.MinInt64},
		"stop timeout": {StopTimeout: -1},
		"stop mode":    {Stop: 3},
		"queue name":   {Queues: map[string]int{"A B": 1}},
		"queue size":   {Queues: map[string]int{"a": 0}},
	} {
		if _, err := engine.New(mem.New(), registry, nil, cfg); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%s: %v, want ErrInvalid", name, err)
		}
	}
}
