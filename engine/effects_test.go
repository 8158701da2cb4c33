package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// leaving is a task body that leaves a result, whatever else it returns.
func leaving(res engine.Result, err error) engine.ExecutorFunc {
	return func(context.Context, engine.TaskDef, engine.Job, engine.Reporter) (engine.Result, error) {
		return res, err
	}
}

// effects are two child jobs and two writes.
var effects = engine.Result{
	Jobs:   []engine.Submission{{Task: "child", ID: "c1"}, {Task: "child", ID: "c2", Key: "taken"}},
	Writes: []engine.Write{{Space: "s", Key: "k", Value: []byte("old")}, {Space: "s", Key: "k", Value: []byte("new")}},
}

// wrote reads what the effects write.
func (r *rig) wrote() string {
	value, err := r.store.Get(r.t.Context(), "s", "k")
	if errors.Is(err, engine.ErrNotFound) {
		return ""
	}
	if err != nil {
		r.t.Fatal(err)
	}
	return string(value)
}

func TestEffectsComeWithSuccess(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{}, engine.TaskDef{Name: "child", Run: nothing}, engine.TaskDef{Name: "parent", Run: leaving(effects, nil)})
		if job := r.do("parent"); job.State != engine.Succeeded {
			t.Fatalf("the job is %s: %s", job.State, job.Error)
		}
		for _, id := range []string{"c1", "c2"} {
			if job := r.wait(id); job.State != engine.Succeeded {
				t.Errorf("the child is %s", job.State)
			}
			if got, want := r.events.of(id), []engine.EventType{"submitted", "started", "succeeded"}; !slices.Equal(got, want) {
				t.Errorf("the events of a child are %v, want %v", got, want)
			}
		}
		if got := r.wrote(); got != "new" {
			t.Errorf("the value is %q", got)
		}
	})
}

func TestEffectsComeWithNothingElse(t *testing.T) {
	tests := map[string]engine.ExecutorFunc{
		"error":    leaving(effects, errBroken),
		"for good": leaving(effects, engine.Permanent(errBroken)),
		"snoozed":  leaving(effects, engine.Snooze(time.Hour)),
		"timeout": func(ctx context.Context, _ engine.TaskDef, _ engine.Job, _ engine.Reporter) (engine.Result, error) {
			<-ctx.Done()
			return effects, nil
		},
		"output over the limit": leaving(engine.Result{Output: make([]byte, 2000), Jobs: effects.Jobs, Writes: effects.Writes}, nil),
	}
	for name, body := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := run(t, engine.Config{}, engine.TaskDef{Name: "child", Run: nothing}, engine.TaskDef{
					Name: "parent", Run: body, Retry: steady(1), Limits: engine.Limits{Output: 1000, Timeout: time.Minute},
				})
				r.submit(engine.Submission{Task: "parent"})
				time.Sleep(10 * time.Minute)
				if n := r.count(engine.Succeeded); n > 0 {
					t.Errorf("%d jobs succeeded", n)
				}
				if got := r.wrote(); got != "" {
					t.Errorf("the value is %q", got)
				}
			})
		})
	}
}

// Children that can never be end their parent at once: another attempt would
// only do its work again for the same end.
func TestImpossibleEffectsFailTheAttemptForGood(t *testing.T) {
	tests := map[string]struct {
		child engine.Submission
		say   string
	}{
		"key taken":    {engine.Submission{Task: "child", Key: "taken"}, `"taken"`},
		"id taken":     {engine.Submission{Task: "child", ID: "holder"}, `"holder"`},
		"key twice":    {engine.Submission{Task: "child", Key: "twice"}, `"twice"`},
		"unknown task": {engine.Submission{Task: "nobody"}, `"nobody"`},
		"bad id":       {engine.Submission{Task: "child", ID: "a b"}, `"a b"`},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				res := engine.Result{
					Jobs:   []engine.Submission{{Task: "child", ID: "first", Key: "twice"}, tt.child},
					Writes: effects.Writes, Output: []byte("done"),
				}
				r := run(t, engine.Config{}, engine.TaskDef{Name: "child", Run: nothing},
					engine.TaskDef{Name: "parent", Run: func(_ context.Context, _ engine.TaskDef, _ engine.Job, r engine.Reporter) (engine.Result, error) {
						r.Progress(0.5, "half")
						r.Log(engine.Info, "said before", nil)
						return res, nil
					}})
				r.submit(engine.Submission{Task: "child", ID: "holder", Key: "taken"})
				job := r.do("parent")
				if job.State != engine.Failed || job.Attempt != 1 || job.Cause != engine.CauseError || !strings.Contains(job.Error, tt.say) {
					t.Errorf("the job is %s after %d attempts: %s: %s", job.State, job.Attempt, job.Cause, job.Error)
				}
				if job.Output != nil || r.wrote() != "" {
					t.Errorf("output %q and value %q are left", job.Output, r.wrote())
				}
				if _, err := r.Job(t.Context(), "first"); !errors.Is(err, engine.ErrNotFound) {
					t.Errorf("the sound child is there: %v", err)
				}
				if lines := r.logs(job.ID); len(lines) != 1 || job.Progress.Fraction != 0.5 {
					t.Errorf("log %v and progress %v are left", lines, job.Progress)
				}
			})
		})
	}
}

// picky is a store that cannot keep some effects.
type picky struct{ engine.Store }

type unfit struct{ error }

func (unfit) Is(target error) bool { return target == engine.ErrInvalid }

func (p picky) Settle(ctx context.Context, sts ...engine.Settlement) ([]engine.Settled, error) {
	if len(sts) == 1 && len(sts[0].Effects.Writes) > 0 {
		return []engine.Settled{{Err: unfit{fmt.Errorf("the key %q is too long", sts[0].Effects.Writes[0].Key)}}}, nil
	}
	return p.Store.Settle(ctx, sts...)
}

func TestEffectsThatTheStoreRefuses(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := runOn(t, picky{newProbe()}, engine.Config{}, engine.TaskDef{Name: "parent", Run: leaving(engine.Result{Writes: effects.Writes}, nil)})
		id := r.submit(engine.Submission{Task: "parent"})
		synctest.Wait()
		if job := r.job(id); job.State != engine.Failed || !strings.Contains(job.Error, "too long") {
			t.Errorf("the job is %s: %s", job.State, job.Error)
		}
	})
}
