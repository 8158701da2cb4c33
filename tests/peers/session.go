package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// session is one system under one measurement.
type session struct {
	queue
	led    *ledger
	ctx    context.Context
	cancel context.CancelCauseFunc
	next   atomic.Int64 // number of the next job
	crew   sync.WaitGroup
	stop   context.CancelFunc // ends the crew
}

// newSession opens a system. The caller closes the session.
func newSession(ctx context.Context, s system, env env) (*session, error) {
	q, err := s.open(ctx, env)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	return &session{queue: q, led: newLedger(env.jobs), ctx: ctx, cancel: cancel, stop: func() {}}, nil
}

// work starts the crew. An error of it ends the session.
func (s *session) work() {
	ctx, stop := context.WithCancel(s.ctx)
	s.stop = stop
	s.crew.Go(func() {
		defer stop()
		if err := s.Work(ctx, s.led); err != nil {
			s.cancel(fmt.Errorf("work: %w", err))
		}
	})
}

// rest stops the crew and waits for it.
func (s *session) rest() error {
	s.stop()
	s.crew.Wait()
	return context.Cause(s.ctx)
}

// submit makes jobs and submits them in one call.
func (s *session) submit(n int) error {
	end := int(s.next.Add(int64(n)))
	jobs := make([]job, n)
	for i := range jobs {
		jobs[i] = newJob(end - n + i)
	}
	if err := s.Submit(s.ctx, jobs); err != nil {
		return fmt.Errorf("submit: %w", err)
	}
	return nil
}

// submitted is how many jobs there are.
func (s *session) submitted() int { return int(s.next.Load()) }

// fill submits with several producers until the time is over or most jobs are
// submitted, and returns how many were, and in what time.
func (s *session) fill(producers, batch, most int, d time.Duration) (int, time.Duration, error) {
	before := s.submitted()
	var left atomic.Int64
	left.Store(int64(most))
	var group sync.WaitGroup
	start := time.Now()
	for range producers {
		group.Go(func() {
			for s.ctx.Err() == nil && time.Since(start) < d && left.Add(-int64(batch)) >= 0 {
				if err := s.submit(batch); err != nil {
					s.cancel(err)
				}
			}
		})
	}
	group.Wait()
	return s.submitted() - before, time.Since(start), context.Cause(s.ctx)
}

// drain waits until everything that was submitted is done for good.
func (s *session) drain() error {
	if err := s.led.wait(s.ctx, s.submitted()); err != nil {
		return err
	}
	return s.Drained(s.ctx)
}

// warm runs some jobs, so that connections are open and statements prepared.
func (s *session) warm(producers, batch int) error {
	if _, _, err := s.fill(min(producers, warmJobs), min(batch, warmJobs/4), warmJobs, time.Hour); err != nil {
		return err
	}
	return s.drain()
}

const warmJobs = 64

// check returns an error unless every job ran once and the system agrees.
func (s *session) check() error {
	if err := s.rest(); err != nil {
		return err
	}
	if err := s.led.check(s.submitted()); err != nil {
		return err
	}
	c, err := s.Census(s.ctx)
	if err != nil {
		return fmt.Errorf("census: %w", err)
	}
	return c.check(s.submitted())
}

func (s *session) close() error {
	_ = s.rest() // check has reported it, or the measurement failed by it
	s.cancel(nil)
	return s.Close()
}
