package engine_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
)

func TestCancelWaiting(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{Workers: 1}, long)
		r.submit(engine.Submission{Task: "long"})
		synctest.Wait()
		ready := r.submit(engine.Submission{Task: "long"})
		scheduled := r.submit(engine.Submission{Task: "long", RunAt: time.Now().Add(time.Minute)})
		for _, id := range []string{ready, scheduled} {
			job, err := r.Cancel(t.Context(), id)
			if err != nil || job.State != engine.Cancelled {
				t.Errorf("cancelled as %s, %v", job.State, err)
			}
			if job := r.wait(id); job.Attempt != 0 || len(job.History) > 0 {
				t.Errorf("a cancelled job has attempts: %+v", job)
			}
			if got, want := r.events.of(id), []engine.EventType{"submitted", "cancelled"}; !slices.Equal(got, want) {
				t.Errorf("the events are %v, want %v", got, want)
			}
		}
		time.Sleep(2 * time.Hour)
		if n := r.count(engine.Cancelled); n != 2 {
			t.Errorf("%d jobs are cancelled, want 2", n)
		}
	})
}

func TestCancelOfARetriedJobForgetsWhyItFailed(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{}, engine.TaskDef{Name: "bad", Run: broken, Retry: steady(9)})
		id := r.submit(engine.Submission{Task: "bad"})
		synctest.Wait()
		if job := r.job(id); job.State != engine.Scheduled || job.Cause != engine.CauseError {
			t.Fatalf("the job is %s with the cause %q", job.State, job.Cause)
		}
		job, err := r.Cancel(t.Context(), id)
		if err != nil || job.State != engine.Cancelled || job.Cause != "" || job.Error != engine.ErrCancelled.Error() {
			t.Errorf("cancelled as %s: %q %q, %v", job.State, job.Cause, job.Error, err)
		}
		if h := job.History; len(h) != 1 || h[0].Cause != engine.CauseError {
			t.Errorf("the history is %+v", h)
		}
	})
}

func TestCancelRunning(t *testing.T) {
	bodies := map[string]engine.ExecutorFunc{
		"heeds its context":      lasting(time.Hour),
		"ends well all the same": trial(func(ctx context.Context, _ engine.Job) error { <-ctx.Done(); return nil }),
		"is snoozed":             trial(func(ctx context.Context, _ engine.Job) error { <-ctx.Done(); return engine.Snooze(0) }),
	}
	for name, body := range bodies {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T) {
				r := run(t, engine.Config{}, engine.TaskDef{Name: "work", Run: body, Limits: engine.Limits{Timeout: 2 * time.Hour}})
				id := r.submit(engine.Submission{Task: "work"})
				synctest.Wait()
				start := time.Now()
				job, err := r.Cancel(t.Context(), id)
				if err != nil || job.State != engine.Running || !job.Cancelling {
					t.Errorf("cancelled as %s, cancelling %v, %v", job.State, job.Cancelling, err)
				}
				job = r.wait(id)
				if job.State != engine.Cancelled || job.Failures != 0 || job.Cancelling || time.Since(start) > 0 {
					t.Errorf("the job is %s after %v: %+v", job.State, time.Since(start), job)
				}
				want := []engine.EventType{"submitted", "started", "cancelling", "cancelled"}
				if got := r.events.of(id); !slices.Equal(got, want) {
					t.Errorf("the events are %v, want %v", got, want)
				}
			})
		})
	}
}

func TestCancelAndRetryNeedTheirStates(t *testing.T) {
	bubble(t, func(t *testing.T) {
		r := run(t, engine.Config{Workers: 1}, engine.TaskDef{Name: "fine", Run: nothing}, engine.TaskDef{Name: "bad", Run: broken, Retry: steady(1)}, long)
		succeeded, failed := r.do("fine").ID, r.do("bad").ID
		running := r.submit(engine.Submission{Task: "long"})
		synctest.Wait()
		ready := r.submit(engine.Submission{Task: "long"})
		state := func(what string, err error, want engine.State) {
			t.Helper()
			se, ok := errors.AsType[*engine.StateError](err)
			if !ok || !errors.Is(err, engine.ErrState) || se.State != want {
				t.Errorf("%s a %s job: %v", what, want, err)
			}
		}
		_, err := r.Cancel(t.Context(), succeeded)
		state("cancel", err, engine.Succeeded)
		_, err = r.Cancel(t.Context(), failed)
		state("cancel", err, engine.Failed)
		_, err = r.Retry(t.Context(), succeeded)
		state("retry", err, engine.Succeeded)
		_, err = r.Retry(t.Context(), running)
		state("retry", err, engine.Running)
		_, err = r.Retry(t.Context(), ready)
		state("retry", err, engine.Ready)
		if _, err := r.Cancel(t.Context(), "nobody"); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("cancel of nothing: %v", err)
		}
		if _, err := r.Retry(t.Context(), "nobody"); !errors.Is(err, engine.ErrNotFound) {
			t.Errorf("retry of nothing: %v", err)
		}
		if _, err := r.Cancel(t.Context(), running); err != nil {
			t.Error(err)
		}
		r.wait(running)
		_, err = r.Cancel(t.Context(), running)
		state("cancel", err, engine.Cancelled)
		if job, err := r.Retry(t.Context(), failed); err != nil || job.State != engine.Ready {
			t.Errorf("retry of a failed job: %s, %v", job.State, err)
		}
	})
}

// The store knows of the cancel, but not the process that runs the job: the
// heartbeat brings it.
func TestCancelFromElsewhereComesWithTheHeartbeat(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := mem.New()
		r := runOn(t, store, engine.Config{Lease: 30 * time.Second}, long)
		elsewhere := build(t, store, engine.Config{}, long)
		id := r.submit(engine.Submission{Task: "long"})
		time.Sleep(time.Second)
		start := time.Now()
		if _, err := elsewhere.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		if job := r.wait(id); job.State != engine.Cancelled || time.Since(start) > 10*time.Second {
			t.Errorf("the job is %s after %v", job.State, time.Since(start))
		}
	})
}

// Asked to stop, it fails to settle because its lease was lost: the reaper must
// not let it run again.
func TestCancelledJobThatIsLostStaysCancelled(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := mem.New()
		first := runOn(t, store, engine.Config{Stop: engine.StopIgnore}, long)
		id := first.submit(engine.Submission{Task: "long"})
		synctest.Wait()
		first.stop()
		if _, err := first.Cancel(t.Context(), id); err != nil {
			t.Fatal(err)
		}
		second := runOn(t, store, engine.Config{}, long)
		if job := second.wait(id); job.State != engine.Cancelled || job.Attempt != 1 {
			t.Errorf("the job is %s, attempt %d", job.State, job.Attempt)
		}
	})
}

// Cancel against lease, on the real clock for true parallelism: an accepted
// cancel ends the job, and at once although its task would run for an hour.
func TestCancelRacesWithLease(t *testing.T) {
	registry, err := engine.NewRegistry(long)
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine.New(mem.New(), registry, nil, engine.Config{Workers: 16})
	if err != nil {
		t.Fatal(err)
	}
	var running, clients sync.WaitGroup
	running.Go(func() {
		if err := e.Run(t.Context()); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	for c := range 8 {
		clients.Go(func() {
			for n := range 300 {
				id := fmt.Sprintf("%d-%d", c, n)
				if _, err := e.Submit(t.Context(), engine.Submission{Task: "long", ID: id}); err != nil {
					t.Errorf("submit: %v", err)
				}
				if _, err := e.Cancel(t.Context(), id); err != nil {
					t.Errorf("cancel: %v", err)
				}
				if job, err := e.Wait(t.Context(), id); err != nil || job.State != engine.Cancelled {
					t.Errorf("the job is %s, %v", job.State, err)
				}
			}
		})
	}
	clients.Wait()
	e.Stop(engine.StopDrain)
	running.Wait()
}
