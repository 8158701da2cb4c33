package engine

import (
	"context"
	"errors"
	"time"
)

// schedule makes jobs at the ticks of all schedules. It sleeps until the next
// tick or a change of the registry.
func (e *Engine) schedule(ctx context.Context) {
	started := now()
	var trouble patience
	for {
		changed := e.registry.watch()
		_, next, err := e.fire(ctx, now(), started)
		switch {
		case ctx.Err() != nil || e.fail(err):
			return
		case err != nil:
			nap := trouble.next()
			e.log.Error("cannot fire schedules, will try again", "error", err, "retry_in", nap)
			pause(ctx, nap)
		default:
			trouble.reset()
			sleepUntil(ctx, next, changed)
		}
	}
}

// punctual is how late a tick may be for [Engine.Fire] without being missed:
// whoever calls it each minute is on time.
const punctual = time.Minute

// Fire submits jobs for all ticks that are due now and returns them. A running
// engine does so by itself; this is for processes that only pass by.
func (e *Engine) Fire(ctx context.Context) ([]Job, error) {
	at := now()
	jobs, _, err := e.fire(ctx, at, at.Add(-punctual))
	return jobs, err
}

// fire handles the due ticks of all schedules and returns the jobs made and
// the next tick of any. Ticks before started were missed.
func (e *Engine) fire(ctx context.Context, at, started time.Time) (made []Job, next time.Time, err error) {
	e.ticked.Lock()
	defer e.ticked.Unlock()
	var errs []error
	for _, task := range e.registry.List() {
		for _, s := range task.Schedules {
			job, upcoming, err := e.fireOne(ctx, task, s, at, started)
			if err != nil {
				errs = append(errs, err)
				continue
			}
			if job != nil {
				made = append(made, *job)
			}
			if !upcoming.IsZero() && (next.IsZero() || upcoming.Before(next)) {
				next = upcoming
			}
		}
	}
	return made, next, errors.Join(errs...)
}

func (e *Engine) fireOne(ctx context.Context, task TaskDef, s Schedule, at, started time.Time) (*Job, time.Time, error) {
	last, known, err := e.store.LastTick(ctx, s.Name)
	if err != nil {
		return nil, time.Time{}, err
	}
	if !known { // a new schedule begins now and owes nothing
		last = at
		if err := e.store.SetLastTick(ctx, s.Name, at); err != nil {
			return nil, time.Time{}, err
		}
	}
	// The clock was ahead once. Waiting for it would silence the schedule; a
	// tick that was handled since the start is a duplicate.
	if last.After(at) {
		last = started
	}
	tick, missed, due := s.due(last, at)
	if !due {
		return nil, s.Times.Next(last), nil
	}
	next := s.Times.Next(tick)
	log := e.log.With("schedule", s.Name, "tick", tick)
	if missed > 0 {
		log.Warn("ticks were missed; the latest stands for them", "missed", missed)
	}
	if s.Missed == MissedSkip && tick.Before(started) {
		log.Info("a tick was missed and is skipped")
		return nil, next, e.store.SetLastTick(ctx, s.Name, tick)
	}
	jobs, err := e.Submit(ctx, Submission{
		Task: task.Name, Input: s.Input, Key: s.key(tick), RunAt: tick, Schedule: s.Name, Tick: tick,
	})
	switch {
	case errors.Is(err, ErrDuplicate): // another process made it
		return nil, next, e.store.SetLastTick(ctx, s.Name, tick)
	case errors.Is(err, ErrInvalid): // an input the task does not take
		log.Error("the job of a tick was refused", "error", err)
		return nil, next, e.store.SetLastTick(ctx, s.Name, tick)
	case err != nil:
		return nil, next, err
	}
	return &jobs[0], next, nil
}

// ScheduleStatus is a schedule with its last and next tick.
type ScheduleStatus struct {
	Name string    `json:"name"`
	Task string    `json:"task"`
	Spec string    `json:"spec"`
	Zone string    `json:"zone,omitempty"`
	Last time.Time `json:"last,omitzero"`
	Next time.Time `json:"next,omitzero"`
}

// Schedules lists all schedules, by task.
func (e *Engine) Schedules(ctx context.Context) ([]ScheduleStatus, error) {
	var all []ScheduleStatus
	for _, task := range e.registry.List() {
		for _, s := range task.Schedules {
			last, known, err := e.store.LastTick(ctx, s.Name)
			if err != nil {
				return nil, err
			}
			st := ScheduleStatus{Name: s.Name, Task: task.Name, Spec: s.Spec, Zone: s.Zone, Last: last}
			if !known {
				last = now()
			}
			st.Next = s.Times.Next(last)
			all = append(all, st)
		}
	}
	return all, nil
}
