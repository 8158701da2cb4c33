package engine_test

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
)

// A lease is longer than its attempt only through heartbeats.
func TestHeartbeatKeepsTheLease(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := mem.New()
		r := runOn(t, store, engine.Config{Lease: 5 * time.Second}, long)
		runOn(t, store, engine.Config{Lease: 5 * time.Second}, long) // would reap it
		id := r.submit(engine.Submission{Task: "long"})
		if job := r.wait(id); job.State != engine.Succeeded || job.Attempt != 1 || job.Losses != 0 {
			t.Errorf("the job is %s, attempt %d, %d losses", job.State, job.Attempt, job.Losses)
		}
	})
}

// The first engine dies with its attempts; the next on its store finds them.
func TestLeasesOfADeadEngineAreFoundAndForgiven(t *testing.T) {
	const lease = time.Minute
	bubble(t, func(t *testing.T) {
		store := mem.New()
		task := long
		task.Retry = engine.RetryPolicy{Attempts: 1, Backoff: engine.Exponential, Min: time.Second, Max: time.Minute, Losses: 2}
		var id string
		for life := range 3 {
			r := runOn(t, store, engine.Config{Lease: lease, Stop: engine.StopIgnore, Worker: "mortal"}, task)
			if life == 0 {
				id = r.submit(engine.Submission{Task: "long"})
			} else {
				time.Sleep(lease + 3*time.Second) // the lease, and the backoff
			}
			synctest.Wait()
			if job := r.job(id); job.State != engine.Running || job.Attempt != life+1 || job.Losses != life || job.Failures != 0 {
				t.Fatalf("in life %d the job is %s, attempt %d, %d losses, %d failures", life, job.State, job.Attempt, job.Losses, job.Failures)
			}
			r.stop()
		}
		died := time.Now()
		last := runOn(t, store, engine.Config{Lease: lease}, task)
		job := last.wait(id)
		if job.State != engine.Failed || job.Cause != engine.CauseLost || job.Losses != 3 || job.Failures != 0 {
			t.Errorf("the job is %s: %s, %d losses, %d failures", job.State, job.Cause, job.Losses, job.Failures)
		}
		if since := time.Since(died); since > lease {
			t.Errorf("it was found after %v", since)
		}
		if s := last.Stats()["long"]; s.Executed != 1 || s.Failed != 1 {
			t.Errorf("the stats are %+v", s)
		}
	})
}

// A failure after losses waits as the first failure does.
func TestLossesAndFailuresBackOffApart(t *testing.T) {
	bubble(t, func(t *testing.T) {
		store := mem.New()
		task := engine.TaskDef{Name: "work", Retry: steady(2), Run: trial(func(ctx context.Context, job engine.Job) error {
			if job.Attempt <= 3 {
				<-ctx.Done() // until its engine dies
			}
			return errBroken
		}), Limits: engine.Limits{Timeout: time.Hour}}
		id := build(t, store, engine.Config{}, task).submit(engine.Submission{Task: "work"})
		for range 3 {
			r := runOn(t, store, engine.Config{Stop: engine.StopIgnore}, task)
			time.Sleep(time.Minute)
			r.stop()
		}
		r := runOn(t, store, engine.Config{}, task)
		job := r.wait(id)
		h := job.History
		if len(h) != 5 || job.Losses != 3 || job.Failures != 2 {
			t.Fatalf("%d attempts, %d losses, %d failures", len(h), job.Losses, job.Failures)
		}
		if wait := h[4].StartedAt.Sub(h[3].EndedAt); wait != time.Second {
			t.Errorf("after the first failure it waited %v", wait)
		}
		if wait := h[3].StartedAt.Sub(h[2].EndedAt); wait != 4*time.Second {
			t.Errorf("after the third loss it waited %v", wait)
		}
	})
}

// One process cannot extend its leases, while another can settle them.
func TestLateSettlementIsDropped(t *testing.T) {
	bubble(t, func(t *testing.T) {
		shared := mem.New()
		cut := &probe{Store: shared, calls: map[string]int{}}
		var mu sync.Mutex
		var causes []error
		hang := engine.TaskDef{Name: "work", Limits: engine.Limits{Timeout: 10 * time.Hour}, Run: func(ctx context.Context, _ engine.TaskDef, job engine.Job, r engine.Reporter) (engine.Result, error) {
			if job.Attempt > 1 {
				return engine.Result{Output: []byte("second")}, nil
			}
			nap(context.WithoutCancel(ctx), time.Hour) // deaf
			mu.Lock()
			causes = append(causes, context.Cause(ctx))
			mu.Unlock()
			return engine.Result{Output: []byte("first"), Writes: effects.Writes}, nil
		}}
		cut.failing(errFull, "Extend")
		first := runOn(t, cut, engine.Config{Workers: 1}, hang)
		id := first.submit(engine.Submission{Task: "work"})
		synctest.Wait()
		second := runOn(t, shared, engine.Config{}, hang)
		job := second.wait(id)
		if job.State != engine.Succeeded || job.Attempt != 2 || job.Losses != 1 {
			t.Fatalf("the job is %s, attempt %d, %d losses", job.State, job.Attempt, job.Losses)
		}
		cut.failing(nil)
		time.Sleep(2 * time.Hour)
		if job := second.job(id); string(job.Output) != "second" || len(job.History) != 2 || second.wrote() != "" {
			t.Errorf("the stale attempt left output %q, value %q, history %v", job.Output, second.wrote(), job.History)
		}
		if len(causes) != 1 || !errors.Is(causes[0], engine.ErrLeaseLost) {
			t.Errorf("the stale attempt was told %v", causes)
		}
		if got := first.events.of(id); !slices.Equal(got, []engine.EventType{"submitted", "started"}) {
			t.Errorf("the first engine told %v", got)
		}
	})
}

// The engine that lost a job may be the one that gets it again.
func TestStaleAttemptIsCancelledByItsSuccessor(t *testing.T) {
	bubble(t, func(t *testing.T) {
		shared := mem.New()
		cut := &probe{Store: shared, calls: map[string]int{}}
		var mu sync.Mutex
		told := map[int]error{}
		task := engine.TaskDef{Name: "work", Limits: engine.Limits{Timeout: 10 * time.Hour}, Run: trial(func(ctx context.Context, job engine.Job) error {
			if job.Attempt > 1 {
				return nap(ctx, time.Minute)
			}
			err := nap(ctx, time.Hour)
			mu.Lock()
			defer mu.Unlock()
			told[job.Attempt] = context.Cause(ctx)
			return err
		})}
		cut.failing(errFull, "Extend", "Expired")
		r := runOn(t, cut, engine.Config{Workers: 9}, task)
		id := r.submit(engine.Submission{Task: "work"})
		synctest.Wait()
		// Only the reaper of this one works; it takes no jobs.
		reaper := runOn(t, shared, engine.Config{Workers: 1}, task)
		reaper.submit(engine.Submission{Task: "work", ID: "keeps-it-busy"})
		synctest.Wait()
		for r.job(id).State == engine.Running && r.job(id).Attempt == 1 {
			time.Sleep(time.Second)
		}
		reaper.Stop(engine.StopCancel)
		<-reaper.ended
		r.submit(engine.Submission{Task: "work"}) // wakes the dispatcher
		time.Sleep(5 * time.Second)
		if job := r.job(id); job.State != engine.Running || job.Attempt != 2 {
			t.Fatalf("the job is %s, attempt %d", job.State, job.Attempt)
		}
		mu.Lock()
		defer mu.Unlock()
		if !errors.Is(told[1], engine.ErrLeaseLost) {
			t.Errorf("the stale attempt was told %v", told[1])
		}
	})
}
