package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"
)

// heartbeat extends the leases of running attempts at a third of their length,
// while there are any.
func (e *Engine) heartbeat(ctx context.Context) {
	for {
		if e.running.len() == 0 {
			select {
			case <-ctx.Done():
				return
			case <-e.beat:
			}
		}
		if !pause(ctx, e.cfg.Lease/3) {
			return
		}
		if err := e.extend(ctx, e.running.all()); err != nil && ctx.Err() == nil {
			e.log.Error("cannot extend leases, will try again", "error", err)
		}
	}
}

// extend renews leases, and passes on what the store says about them.
func (e *Engine) extend(ctx context.Context, runs []*attempt) error {
	if len(runs) == 0 {
		return nil
	}
	until := now().Add(e.cfg.Lease)
	exts := make([]Extension, len(runs))
	for i, a := range runs {
		exts[i] = Extension{ID: a.job.ID, Attempt: a.job.Attempt, Until: until, Progress: a.now()}
	}
	answers, err := e.store.Extend(ctx, exts...)
	if err != nil {
		return err
	}
	for i, answer := range answers {
		switch {
		case errors.Is(answer.Err, ErrLeaseLost):
			runs[i].cancel(ErrLeaseLost)
		case answer.Cancelling:
			runs[i].cancel(ErrCancelled)
		}
	}
	return nil
}

// reap settles as lost what nobody extends any more: jobs of processes that
// died, of this one's past life too.
func (e *Engine) reap(ctx context.Context) {
	const batch = 100
	var trouble patience
	for {
		nap, err := e.reapOnce(ctx, batch)
		if err != nil {
			if ctx.Err() != nil || e.fail(err) {
				return
			}
			nap = trouble.next()
			e.log.Error("cannot settle expired leases, will try again", "error", err, "retry_in", nap)
		} else {
			trouble.reset()
		}
		if !pause(ctx, nap) {
			return
		}
	}
}

// reapOnce returns how long no lease can expire.
func (e *Engine) reapOnce(ctx context.Context, batch int) (time.Duration, error) {
	at := now()
	jobs, err := e.store.Expired(ctx, at, batch)
	if err != nil {
		return 0, err
	}
	var own []*attempt // late, not lost: this process slept
	for _, job := range jobs {
		if a := e.running.get(job.ID); a != nil && a.job.Attempt == job.Attempt {
			own = append(own, a)
			continue
		}
		if err := e.lose(job, at); err != nil {
			return 0, err
		}
	}
	if err := e.extend(ctx, own); err != nil {
		return 0, err
	}
	if len(jobs) == batch {
		return 0, nil
	}
	next, ok, err := e.store.NextExpiry(ctx)
	if err != nil {
		return 0, err
	}
	if !ok {
		// Whatever is leased from now on cannot expire sooner.
		return min(e.cfg.Lease, maxNap), nil
	}
	return napUntil(next), nil
}

func (e *Engine) lose(job Job, at time.Time) error {
	policy := DefaultRetry
	if task, err := e.registry.Lookup(job.Task); err == nil {
		policy = task.Retry
	}
	message := fmt.Sprintf("worker %s stopped without settling: its process died or was cut off", job.Worker)
	st := Settlement{ID: job.ID, Attempt: job.Attempt, Now: at,
		Outcome: judgeFailure(policy, job, CauseLost, message, false, at, rand.Float64())}
	settled, err := e.settleOne(st)
	if errors.Is(err, ErrLeaseLost) {
		return nil // somebody else was faster
	}
	if err != nil {
		return err
	}
	e.log.Warn("an attempt was lost", "job", job.ID, "task", job.Task, "attempt", job.Attempt,
		"losses", settled.Losses, "verdict", st.Outcome.Verdict)
	return nil
}

// flushDelay is how long log lines and progress are gathered.
const flushDelay = 100 * time.Millisecond

// writeLogs carries what attempts say to the store and the observers.
func (e *Engine) writeLogs(ctx context.Context) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-e.flush:
		}
		if !pause(ctx, flushDelay) {
			return
		}
		for _, a := range e.running.all() {
			e.flushAttempt(ctx, a)
		}
	}
}

func (e *Engine) flushAttempt(ctx context.Context, a *attempt) {
	a.flushing.Lock()
	defer a.flushing.Unlock()
	a.mu.Lock()
	if a.ended { // the rest goes with the settlement, after which nothing is told
		a.mu.Unlock()
		return
	}
	lines, moved := a.lines, a.moved
	job := a.job
	job.Progress = a.progress
	a.lines, a.moved = nil, false
	a.mu.Unlock()
	if moved {
		e.emit(EventProgress, job)
	}
	if len(lines) == 0 {
		return
	}
	if err := e.store.AppendLogs(ctx, job.ID, lines...); err != nil {
		a.mu.Lock()
		a.lines = append(lines, a.lines...) // they go with the settlement
		a.mu.Unlock()
		if ctx.Err() == nil {
			e.log.Error("cannot write log lines yet", "job", job.ID, "error", err)
		}
		return
	}
	e.emit(EventLogged, job, lines...)
}

// How often and in what portions history is cleaned; small portions do not
// stall writers.
const (
	cleanEvery = 10 * time.Minute
	cleanBatch = 500
)

// clean removes history that retention no longer keeps.
func (e *Engine) clean(ctx context.Context) {
	for {
		for _, task := range e.registry.List() {
			if err := e.cleanTask(ctx, task); err != nil && ctx.Err() == nil {
				e.log.Error("cannot remove old history, will try again", "task", task.Name, "error", err)
			}
		}
		if !pause(ctx, cleanEvery) {
			return
		}
	}
}

func (e *Engine) cleanTask(ctx context.Context, task TaskDef) error {
	req := PurgeRequest{Task: task.Name, Before: now().Add(-task.Retention.Age), Keep: task.Retention.Count, Max: cleanBatch}
	for {
		n, err := e.store.Purge(ctx, req)
		if err != nil || n < cleanBatch {
			return err
		}
	}
}
