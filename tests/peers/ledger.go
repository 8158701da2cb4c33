package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"
)

// ledger records what became of every job of a measurement. Its methods are
// safe for concurrent use and cost a few nanoseconds: they run once per job.
type ledger struct {
	started tally
	ended   tally

	first   atomic.Int64 // Unix nanoseconds of the first start since mark
	goal    atomic.Int64
	reached chan struct{}
	starts  atomic.Pointer[chan<- time.Time]
}

func newLedger(jobs int) *ledger {
	return &ledger{started: newTally(jobs), ended: newTally(jobs), reached: make(chan struct{}, 1)}
}

// start notes that a worker began the job.
func (l *ledger) start(n int) {
	l.started.add(n)
	if l.first.Load() == 0 {
		l.first.CompareAndSwap(0, time.Now().UnixNano())
	}
	if c := l.starts.Load(); c != nil {
		select {
		case *c <- time.Now():
		default: // a job that starts twice is found by check
		}
	}
}

// tell makes every later start go to the channel, as far as it has room.
func (l *ledger) tell(starts chan<- time.Time) { l.starts.Store(&starts) }

// end notes that the system says the job is done.
func (l *ledger) end(n int) {
	if l.ended.add(n) == l.goal.Load() {
		select {
		case l.reached <- struct{}{}:
		default:
		}
	}
}

// mark forgets when the first job started.
func (l *ledger) mark() { l.first.Store(0) }

// since is the time from the first start after mark.
func (l *ledger) since() time.Duration { return time.Since(time.Unix(0, l.first.Load())) }

// wait returns when that many jobs have ended.
func (l *ledger) wait(ctx context.Context, jobs int) error {
	l.goal.Store(int64(jobs))
	for l.ended.count.Load() < int64(jobs) {
		select {
		case <-l.reached:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d jobs ended: %w", l.ended.count.Load(), jobs, context.Cause(ctx))
		}
	}
	return nil
}

// check returns an error unless jobs 0 to jobs-1 each started and ended once.
func (l *ledger) check(jobs int) error {
	if err := l.started.check(jobs); err != nil {
		return fmt.Errorf("starts: %w", err)
	}
	if err := l.ended.check(jobs); err != nil {
		return fmt.Errorf("ends: %w", err)
	}
	return nil
}

// tally counts job numbers and notices those that come twice.
type tally struct {
	bits   []atomic.Uint32
	count  *atomic.Int64
	wrong  *atomic.Int64 // times a number came again or was out of range
	wrongN *atomic.Int64 // one of those numbers
}

func newTally(jobs int) tally {
	return tally{make([]atomic.Uint32, jobs/32+1), new(atomic.Int64), new(atomic.Int64), new(atomic.Int64)}
}

// add counts n and returns how many numbers there are by now; 0 if n is wrong.
func (t *tally) add(n int) int64 {
	if n >= 0 && n/32 < len(t.bits) {
		bit := uint32(1) << (n % 32)
		if t.bits[n/32].Or(bit)&bit == 0 {
			return t.count.Add(1)
		}
	}
	t.wrong.Add(1)
	t.wrongN.Store(int64(n))
	return 0
}

// check returns an error unless the numbers are exactly 0 to jobs-1.
func (t *tally) check(jobs int) error {
	if w := t.wrong.Load(); w > 0 {
		return fmt.Errorf("%d jobs came twice or were never submitted, among them job %d", w, t.wrongN.Load())
	}
	for n := range jobs {
		if t.bits[n/32].Load()&(1<<(n%32)) == 0 {
			return fmt.Errorf("%d of %d jobs are missing, the first is job %d", int64(jobs)-t.count.Load(), jobs, n)
		}
	}
	if c := t.count.Load(); c != int64(jobs) {
		return fmt.Errorf("%d jobs came, and only %d were submitted", c, jobs)
	}
	return nil
}
