package engine_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
)

func TestJobSucceedsWithItsOutput(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{Worker: "w1"}, engine.TaskDef{
			Name: "upper", Run: func(_ context.Context, task engine.TaskDef, job engine.Job, _ engine.Reporter) (engine.Result, error) {
				time.Sleep(3 * time.Second)
				return engine.Result{Output: []byte(strings.ToUpper(string(job.Input)))}, nil
			},
		})
		base := time.Now()
		id := r.submit(engine.Submission{Task: "upper", Input: []byte("abc")})
		job := r.wait(id)
		if job.State != engine.Succeeded || string(job.Output) != "ABC" || job.Error != "" || job.Cause != "" {
			t.Errorf("the job is %+v", job)
		}
		if job.Attempt != 1 || job.Progress.Fraction != 1 || !job.LeaseUntil.IsZero() || !job.FinishedAt.Equal(base.Add(3*time.Second)) {
			t.Errorf("the job is %+v", job)
		}
		if h := job.History; len(h) != 1 || h[0].Worker != "w1" || h[0].Verdict != engine.VerdictSucceeded || h[0].Duration() != 3*time.Second {
			t.Errorf("the history is %+v", h)
		}
		got := r.events.of(id)
		if want := []engine.EventType{"submitted", "started", "succeeded"}; !slices.Equal(got, want) {
			t.Errorf("the events are %v, want %v", got, want)
		}
		if ev := r.events.all("succeeded")[0]; ev.Job.Input != nil || ev.Job.Output != nil || ev.Job.State != engine.Succeeded || !ev.At.Equal(job.FinishedAt) {
			t.Errorf("the last event is %+v", ev)
		}
	})
}

func TestCausesPassThrough(t *testing.T) {
	for _, cause := range []engine.Cause{
		engine.CauseError, engine.CauseTrap, engine.CauseMemory, engine.CauseFuel, engine.CauseDenied, engine.CauseInternal,
	} {
		t.Run(string(cause), func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := run(t, engine.Config{}, engine.TaskDef{Name: "work", Retry: steady(2), Run: trial(func(context.Context, engine.Job) error {
					return fmt.Errorf("wrapped: %w", &engine.Failure{Cause: cause, Message: "as it is"})
				})})
				job := r.do("work")
				if job.State != engine.Failed || job.Cause != cause || job.Error != "wrapped: as it is" || job.Failures != 2 {
					t.Errorf("the job is %s: %s: %s, %d failures", job.State, job.Cause, job.Error, job.Failures)
				}
				for _, a := range job.History {
					if a.Cause != cause {
						t.Errorf("an attempt has the cause %s", a.Cause)
					}
				}
				if ev := r.events.all("retried"); len(ev) != 1 || ev[0].Job.State != engine.Scheduled || ev[0].Job.Cause != cause {
					t.Errorf("the retries were told as %+v", ev)
				}
			})
		})
	}
}

func TestTimeout(t *testing.T) {
	bodies := map[string]engine.ExecutorFunc{
		"heeds its context":       lasting(time.Hour),
		"succeeds all the same":   trial(func(ctx context.Context, _ engine.Job) error { <-ctx.Done(); return nil }),
		"fails for good":          trial(func(ctx context.Context, _ engine.Job) error { <-ctx.Done(); return engine.Permanent(errBroken) }),
		"would rather be snoozed": trial(func(ctx context.Context, _ engine.Job) error { <-ctx.Done(); return engine.Snooze(0) }),
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				base := time.Now()
				r := run(t, engine.Config{}, engine.TaskDef{Name: "slow", Run: body, Limits: engine.Limits{Timeout: time.Minute}, Retry: steady(2)})
				job := r.do("slow")
				if job.State != engine.Failed || job.Cause != engine.CauseTimeout || !strings.Contains(job.Error, "1m0s") {
					t.Errorf("the job is %s: %s: %s", job.State, job.Cause, job.Error)
				}
				if want := []time.Duration{0, 61 * time.Second}; !slices.Equal(starts(job, base), want) {
					t.Errorf("the attempts started after %v, want %v", starts(job, base), want)
				}
			})
		})
	}
}

func TestPanicIsATrap(t *testing.T) {
	for name, value := range map[string]any{"text": "at the disco", "error": errBroken, "nil": nil} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := run(t, engine.Config{}, engine.TaskDef{Name: "work", Retry: steady(1), Run: trial(func(context.Context, engine.Job) error {
					panic(value)
				})})
				job := r.do("work")
				if job.State != engine.Failed || job.Cause != engine.CauseTrap || !strings.HasPrefix(job.Error, "panic: ") {
					t.Errorf("the job is %s: %s: %s", job.State, job.Cause, job.Error)
				}
				lines := r.logs(job.ID)
				if len(lines) != 1 || lines[0].Level != engine.Error || !strings.Contains(lines[0].Message, "TestPanicIsATrap") {
					t.Errorf("the log is %v, want the stack", lines)
				}
				if next := r.do("work"); next.Cause != engine.CauseTrap {
					t.Errorf("the worker did not survive: %s", next.Cause)
				}
			})
		})
	}
}

func TestOutputOverTheLimitFailsForGood(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{}, engine.TaskDef{
			Name: "work", Limits: engine.Limits{Output: 10},
			Run: func(_ context.Context, _ engine.TaskDef, job engine.Job, _ engine.Reporter) (engine.Result, error) {
				return engine.Result{Output: job.Input}, nil
			},
		})
		full := r.wait(r.submit(engine.Submission{Task: "work", Input: make([]byte, 10)}))
		if full.State != engine.Succeeded || len(full.Output) != 10 {
			t.Errorf("10 bytes of 10: the job is %s", full.State)
		}
		over := r.wait(r.submit(engine.Submission{Task: "work", Input: make([]byte, 11)}))
		if over.State != engine.Failed || over.Attempt != 1 || over.Output != nil || !strings.Contains(over.Error, "limit of 10") {
			t.Errorf("11 bytes of 10: the job is %s after %d attempts: %s", over.State, over.Attempt, over.Error)
		}
	})
}

func TestNoExecutor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{}, engine.TaskDef{Name: "work", Plugin: "work.wasm", Retry: steady(1)})
		if job := r.do("work"); job.State != engine.Failed || job.Cause != engine.CauseInternal {
			t.Errorf("the job is %s: %s", job.State, job.Cause)
		}
	})
}

func TestExecutorRunsWhatIsNoGoFunction(t *testing.T) {
	bubble(t, func(t *testing.T) {
		registry, err := engine.NewRegistry(engine.TaskDef{Name: "work", Plugin: "work.wasm"})
		if err != nil {
			t.Fatal(err)
		}
		e, err := engine.New(mem.New(), registry, engine.ExecutorFunc(func(_ context.Context, task engine.TaskDef, _ engine.Job, _ engine.Reporter) (engine.Result, error) {
			return engine.Result{Output: []byte(task.Plugin + " " + task.Export)}, nil
		}), engine.Config{})
		if err != nil {
			t.Fatal(err)
		}
		go e.Run(t.Context())
		jobs, err := e.Submit(t.Context(), engine.Submission{Task: "work"})
		if err != nil {
			t.Fatal(err)
		}
		if job, err := e.Wait(t.Context(), jobs[0].ID); err != nil || string(job.Output) != "work.wasm work" {
			t.Errorf("the output is %q, %v", job.Output, err)
		}
	})
}

func TestTaskThatIsNotLoadedIsWaitedFor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := mem.New()
		task := engine.TaskDef{Name: "late", Run: nothing, Retry: steady(1)}
		id := build(t, store, engine.Config{}, task).submit(engine.Submission{Task: "late"})
		r := runOn(t, store, engine.Config{})
		time.Sleep(time.Hour + time.Second)
		if job := r.job(id); job.State != engine.Scheduled || !strings.Contains(job.Error, `"late"`) || job.Failures != 0 {
			t.Errorf("the job is %s: %s, %d failures", job.State, job.Error, job.Failures)
		}
		if err := r.registry.Register(task); err != nil {
			t.Fatal(err)
		}
		start := time.Now()
		job := r.wait(id)
		if job.State != engine.Succeeded || time.Since(start) > time.Minute {
			t.Errorf("the job is %s after %v", job.State, time.Since(start))
		}
		if len(job.History) > engine.MaxHistory {
			t.Errorf("the history has %d attempts", len(job.History))
		}
	})
}

func TestSnoozeForAgesStaysWithinTime(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{}, engine.TaskDef{Name: "work", Run: trial(func(context.Context, engine.Job) error {
			return engine.Snooze(1<<63 - 1)
		})})
		id := r.submit(engine.Submission{Task: "work"})
		time.Sleep(time.Second)
		if job := r.job(id); job.State != engine.Scheduled || job.RunAt.Year() != 2261 {
			t.Errorf("the job is %s, to run at %v", job.State, job.RunAt)
		}
		if _, err := r.Cancel(t.Context(), id); err != nil {
			t.Error(err)
		}
		if job := r.wait(id); job.State != engine.Cancelled {
			t.Errorf("the job is %s", job.State)
		}
	})
}

// A job waits for a day for its task to be loaded and keeps the record of what
// ran before.
func TestWaitingForATaskKeepsTheHistory(t *testing.T) {
	bubble(t, func(t *testing.T) {
		task := engine.TaskDef{Name: "work", Retry: steady(2), Run: trial(func(_ context.Context, job engine.Job) error {
			if job.Attempt == 1 {
				return errBroken
			}
			return nil
		})}
		r := run(t, engine.Config{}, task)
		id := r.submit(engine.Submission{Task: "work"})
		synctest.Wait()
		if err := r.registry.Replace(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(24 * time.Hour)
		if err := r.registry.Replace(task); err != nil {
			t.Fatal(err)
		}
		job := r.wait(id)
		var verdicts []engine.Verdict
		for _, a := range job.History {
			verdicts = append(verdicts, a.Verdict)
		}
		want := []engine.Verdict{engine.VerdictRetried, engine.VerdictReleased, engine.VerdictSucceeded}
		if !slices.Equal(verdicts, want) || job.Attempt < 1000 {
			t.Errorf("the history of %d attempts is %v, want %v", job.Attempt, verdicts, want)
		}
	})
}
