package bolt

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"runtime/debug"
	"slices"
	"time"

	bbolt "go.etcd.io/bbolt"
)

// op is one call that waits for the writer.
type op struct {
	// run checks, then changes the group. An error means that it changed
	// nothing.
	run func(g *group) error
	// undo takes back what the call did to the memory, if it is not stored,
	// within [Store.exclusive]. May be nil.
	undo func()
	size int // jobs, roughly

	err  error
	done chan struct{}
}

// maxGroup is how many jobs a group has before further calls go to the next.
const maxGroup = 16 << 10

// write has the writer run a call and returns when the result is on the disk.
func (s *Store) write(ctx context.Context, o *op) error {
	o.done = make(chan struct{})
	s.mu.Lock()
	err := ctx.Err()
	if err == nil {
		err = s.usable()
	}
	if err == nil {
		s.enqueue(o)
	}
	s.mu.Unlock()
	if err != nil {
		s.fail(err, o)
		return err
	}
	s.signal()
	select {
	case <-o.done:
		return o.err
	case <-ctx.Done():
	}
	if s.withdraw(o) {
		return ctx.Err()
	}
	<-o.done // it is being written: the caller must learn how that ends
	return o.err
}

func (s *Store) enqueue(o *op) {
	s.pending = append(s.pending, o)
	s.queued.Add(1)
}

// fail gives calls an error and takes back what they did to the memory.
func (s *Store) fail(err error, ops ...*op) {
	undo := func(*view) error {
		for _, o := range ops {
			if o.err = err; o.undo != nil {
				o.undo()
				o.undo = nil
			}
		}
		return nil
	}
	s.mu.RLock()
	failed := s.failure != nil || s.stuck
	s.mu.RUnlock()
	if failed || s.exclusive(undo) != nil { // without reading, then
		s.mu.Lock()
		defer s.mu.Unlock()
		_ = undo(nil) // which cannot fail
	}
}

// withdraw takes back a call that the writer has not begun.
func (s *Store) withdraw(o *op) bool {
	s.mu.Lock()
	i := slices.Index(s.pending, o)
	if i >= 0 {
		s.pending = slices.Delete(s.pending, i, i+1)
		s.queued.Add(-1)
	}
	s.mu.Unlock()
	if i < 0 {
		return false
	}
	s.fail(context.Canceled, o)
	return true
}

// signal wakes the writer.
func (s *Store) signal() {
	select {
	case s.work <- struct{}{}:
	default:
	}
}

// writer runs until the store is closed and nothing waits.
func (s *Store) writer() {
	defer close(s.stopped)
	debug.SetPanicOnFault(true) // a page beyond the file's end is an error, not a crash
	for {
		ops, leases, more := s.next()
		if len(ops)+len(leases) > 0 {
			s.commit(ops, leases)
		}
		if !more {
			break
		}
	}
	s.finish()
}

// leaseDelay is how long a lease alone waits for company: a short attempt is
// settled by then, and the two are one write.
const leaseDelay = 2 * time.Millisecond

// next waits for a group. more is false for the last one.
func (s *Store) next() (ops []*op, leases []*running, more bool) {
	for {
		s.mu.Lock()
		pending, unsaved, closed, full := len(s.pending), len(s.memory.unsaved), s.closed, s.full
		s.mu.Unlock()
		switch {
		case pending > 0:
			if !closed {
				s.gather()
			}
			ops, leases = s.take()
			return ops, leases, true
		case closed:
			return nil, nil, false
		case unsaved > 0:
			delay := leaseDelay
			if full {
				delay *= 100
			}
			if s.idle(delay) {
				ops, leases = s.take()
				return ops, leases, true
			}
		default:
			<-s.work
		}
	}
}

// idle waits for work; true if none comes in time.
func (s *Store) idle(d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	for {
		select {
		case <-s.work:
			if s.queued.Load() > 0 || s.isClosed() {
				return false
			}
		case <-timer.C:
			return true
		}
	}
}

func (s *Store) isClosed() bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.closed
}

// How long to wait for callers who were just let go, if they were just let go.
const (
	gatherTime   = 60 * time.Microsecond
	gatherWithin = 500 * time.Microsecond
)

// gather waits until the callers of the last group are back: most call again
// at once, and a group of all of them costs the disk as much as one of the
// first. The wait is shorter than any timer is exact, hence the loop.
func (s *Store) gather() {
	start := time.Now()
	if start.Sub(s.freed) > gatherWithin {
		return
	}
	for int(s.queued.Load()) < s.expect && time.Since(start) < gatherTime {
		runtime.Gosched()
	}
}

// take takes the calls of the next group, and the leases to be stored.
func (s *Store) take() (ops []*op, leases []*running) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, size := 0, 0
	for n < len(s.pending) && size < maxGroup {
		size += s.pending[n].size
		n++
	}
	ops, s.pending = s.pending[:n:n], s.pending[n:]
	if len(s.pending) == 0 {
		s.pending = nil
	}
	s.queued.Add(-int64(n))
	leases, s.memory.unsaved = s.memory.unsaved, nil
	for _, e := range leases {
		e.unsaved = false
	}
	return ops, leases
}

// commit runs a group of calls, and lets the callers go when it is stored.
func (s *Store) commit(ops []*op, leases []*running) {
	size := len(leases)
	for _, o := range ops {
		size += o.size
	}
	g := newGroup(s, size)
	err := s.update(g, func() error {
		for _, o := range ops {
			o.err = o.run(g)
		}
		for _, e := range leases {
			g.save(e)
		}
		return nil
	})
	if err == nil {
		err = s.exclusive(func(*view) error {
			s.publish(g)
			return nil
		})
	}
	if err != nil {
		s.fail(err, ops...) // also those refused: it may have been for what is undone now
		s.mu.Lock()
		if s.full = s.failure == nil; s.full {
			for _, e := range leases {
				s.memory.save(e)
			}
		}
		s.mu.Unlock()
	}
	s.expect = len(ops) + int(s.queued.Load())
	for _, o := range ops {
		close(o.done)
	}
	s.freed = time.Now()
}

// publish shows what is on the disk now.
func (s *Store) publish(g *group) {
	s.last, s.full = g.last, false
	for _, t := range g.order {
		if t.changed {
			s.memory.publish(t)
		}
	}
}

// update runs f, and stores what it did to the group.
func (s *Store) update(g *group, f func() error) (err error) {
	s.mu.RLock()
	err = s.failure
	s.mu.RUnlock()
	if err != nil {
		return err
	}
	defer s.guard(&err)
	tx, err := s.db.Begin(true)
	if err != nil {
		return fmt.Errorf("store %s: %w", s.path, err)
	}
	g.view = view{path: s.path, tx: tx, tables: []*table{&g.table}}
	err = f()
	g.write1()
	if err != nil || !g.dirty {
		return errors.Join(err, tx.Rollback())
	}
	if err := g.apply(tx); err != nil {
		return errors.Join(fmt.Errorf("store %s: %w", s.path, err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return s.commitFailed(err)
	}
	return nil
}

// write1 writes the records of the jobs that changed.
func (g *group) write1() {
	for _, t := range g.order {
		if !t.changed || t.removed {
			continue
		}
		if t.encoded == nil {
			t.encoded = encodeRow(t.row)
		}
		g.put(jobsBucket, seqKey(t.seq), t.encoded)
	}
}

// apply writes the group to the file.
func (g *group) apply(tx *bbolt.Tx) error {
	if jobs := jobsBucket.of(tx); jobs.Sequence() != g.last {
		if err := jobs.SetSequence(g.last); err != nil {
			return err
		}
	}
	return g.table.apply(tx)
}

// finish stores what only memory knows, and that the store was closed well.
// Where that fails, the next start is more careful, and no worse.
func (s *Store) finish() {
	s.mu.Lock()
	var held []*running
	for _, e := range s.memory.running {
		held = append(held, e)
	}
	ok := s.failure == nil
	s.mu.Unlock()
	if !ok {
		return
	}
	g := newGroup(s, len(held))
	_ = s.update(g, func() error {
		for _, e := range held {
			g.save(e)
		}
		g.put(metaBucket, cleanKey, []byte{1})
		return nil
	})
}
