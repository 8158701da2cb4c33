package engine

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime/debug"
	"time"
)

// attempt runs one leased job to its settlement. free lets its worker go on.
func (e *Engine) attempt(a *attempt, free func()) {
	defer e.running.remove(a)
	defer a.cancel(nil)
	task, err := e.registry.Lookup(a.job.Task)
	if err != nil {
		e.settle(a, TaskDef{}.WithDefaults(), Outcome{
			Verdict: VerdictReleased, RunAt: now().Add(unloadedDelay),
			Error: fmt.Sprintf("task %q is not loaded: add its plugin, or cancel the job", a.job.Task),
		}, Effects{})
		return
	}
	a.mu.Lock()
	a.wake, a.budget = e.flush, task.Limits.Log
	a.mu.Unlock()
	ctx, stop := context.WithTimeoutCause(a.ctx, task.Limits.Timeout, ErrTimeout)
	defer stop()
	if a.job.Cancelling {
		a.cancel(ErrCancelled)
	}
	var res Result
	if err = e.start(a); err == nil {
		res, err = e.execute(ctx, task, a)
	}
	o := judge(ctx, task, a.job, res, err, now(), rand.Float64())
	var effects Effects
	if o.Verdict == VerdictSucceeded {
		effects.Writes = res.Writes
		effects.Jobs, err = e.prepare(res.Jobs)
		if err != nil {
			o, effects = effectsRefused(task, a.job, err), Effects{}
		}
	}
	o.Fuel = res.Fuel
	if e.settling.enter() {
		defer e.settling.leave()
		free()
	}
	e.settle(a, task, o, effects)
}

// start tells that the attempt begins, unless it must stop before it has: a
// Go function might not look at its context.
func (e *Engine) start(a *attempt) error {
	defer e.turns.take(a.job.ID)()
	if a.ctx.Err() != nil {
		return context.Cause(a.ctx)
	}
	e.emit(EventStarted, a.job)
	return nil
}

// refused reports whether a store will never take what it was given.
func refused(err error) bool { return errors.Is(err, ErrDuplicate) || errors.Is(err, ErrInvalid) }

// effectsRefused is the outcome of an attempt whose child jobs or writes cannot
// be.
func effectsRefused(task TaskDef, job Job, err error) Outcome {
	return judgeFailure(task.Retry, job, CauseError, "effects of the attempt: "+err.Error(), true, now(), 0)
}

// unloadedDelay is the wait before a job whose task is not loaded is looked at
// again: a plugin may be on its way.
const unloadedDelay = 30 * time.Second

func (e *Engine) execute(ctx context.Context, task TaskDef, a *attempt) (res Result, err error) {
	run := task.Run
	if run == nil {
		if e.executor == nil {
			return res, &Failure{Cause: CauseInternal, Message: fmt.Sprintf("task %q has no Go function and the engine has no executor", task.Name)}
		}
		run = e.executor.Execute
	}
	defer func() {
		if p := recover(); p != nil {
			a.Log(Error, fmt.Sprintf("panic: %v\n%s", p, debug.Stack()), nil)
			err = &Failure{Cause: CauseTrap, Message: fmt.Sprintf("panic: %v", p)}
		}
	}()
	res, err = run(ctx, task, a.job, a)
	if size := int64(len(res.Output)); err == nil && size > task.Limits.Output {
		err = &Failure{Cause: CauseError, Permanent: true,
			Message: fmt.Sprintf("the output has %d bytes, over the limit of %d: raise output in the task's limits", size, task.Limits.Output)}
	}
	return res, err
}

// settle ends the attempt in the store. It tries until the store takes it:
// what was done must not be forgotten because a disk was full for a while.
func (e *Engine) settle(a *attempt, task TaskDef, o Outcome, effects Effects) {
	lines := a.end(task.Limits.Log)
	o.Error, o.Progress = text(o.Error, maxError), a.now()
	if e.running.isAbandoned() {
		return
	}
	log := e.log.With("job", a.job.ID, "task", a.job.Task, "attempt", a.job.Attempt)
	st := Settlement{ID: a.job.ID, Attempt: a.job.Attempt, Now: now(), Outcome: o, Logs: lines, Effects: effects}
	var trouble patience
	for {
		_, err := e.settleOne(st)
		switch {
		case err == nil:
			return
		case errors.Is(err, ErrLeaseLost):
			log.Warn("the lease was lost before the attempt ended: what it did is dropped", "verdict", o.Verdict)
			return
		case refused(err) && len(st.Effects.Jobs)+len(st.Effects.Writes) > 0:
			st.Outcome, st.Effects = effectsRefused(task, a.job, err), Effects{}
			st.Outcome.Progress, st.Outcome.Fuel = o.Progress, o.Fuel
		case e.fail(err) || e.running.isAbandoned():
			log.Error("cannot settle the attempt; it will count as lost", "error", err)
			return
		default:
			wait := trouble.next()
			if trouble.n == 1 {
				e.settling.stall()
				defer e.settling.resume()
			}
			log.Error("cannot settle the attempt, will try again", "error", err, "retry_in", wait)
			// A stopping engine waits here too, until its patience ends.
			timer := time.NewTimer(wait)
			select {
			case <-e.running.abandoned:
			case <-timer.C:
			}
			timer.Stop()
		}
	}
}

// settleOne settles with a context that no stop cancels, and tells of it.
func (e *Engine) settleOne(st Settlement) (Job, error) {
	defer e.turns.take(idsOf(st.ID, st.Effects.Jobs)...)()
	settled, err := e.store.Settle(context.Background(), st)
	if err != nil {
		return Job{}, err
	}
	if err := settled[0].Err; err != nil {
		return Job{}, err
	}
	e.told(settled[0].Job, st)
	return settled[0].Job, nil
}

// told lets observers and pools know of a settlement.
func (e *Engine) told(job Job, st Settlement) {
	if len(st.Logs) > 0 {
		e.emit(EventLogged, job, st.Logs...)
	}
	for _, child := range st.Effects.Jobs {
		e.emit(EventSubmitted, child)
	}
	typ := EventType(st.Outcome.Verdict)
	if job.State == Cancelled {
		typ = EventType(VerdictCancelled)
	}
	e.emit(typ, job)
	if job.State.Waiting() || len(st.Effects.Jobs) > 0 {
		e.wake()
	}
}
