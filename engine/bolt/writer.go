package bolt

import (
	"context"
	"runtime/debug"
	"slices"

	"github.com/tlo-run/tlo/engine"
)

// op is one call that waits for the writer.
type op struct {
	// run checks, then writes. An error means that it wrote nothing. It may
	// run twice, in different transactions.
	run func(t *txn) error
	// lease is what to pick before run, if the call leases.
	lease  *engine.LeaseRequest
	picked []uint64

	err  error
	done chan struct{}
}

// write has the writer run a call and returns when the result is on the disk.
func (s *Store) write(ctx context.Context, o *op) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	o.done = make(chan struct{})
	s.mu.Lock()
	if err := s.usable(); err != nil {
		s.mu.Unlock()
		return err
	}
	s.pending = append(s.pending, o)
	s.mu.Unlock()
	s.work.Signal()
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

// withdraw takes back a call that the writer has not begun.
func (s *Store) withdraw(o *op) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.Index(s.pending, o)
	if i < 0 {
		return false
	}
	s.pending = slices.Delete(s.pending, i, i+1)
	return true
}

// writer runs until the store is closed and nothing waits.
func (s *Store) writer() {
	defer close(s.stopped)
	debug.SetPanicOnFault(true) // a page beyond the file's end is an error, not a crash
	for {
		s.mu.Lock()
		for len(s.pending) == 0 && !s.closed {
			s.work.Wait()
		}
		group := s.pending
		s.pending = nil
		s.mu.Unlock()
		if len(group) == 0 {
			return
		}
		s.commit(group)
		for _, o := range group {
			close(o.done)
		}
	}
}

// commit runs a group of calls in one transaction.
func (s *Store) commit(group []*op) {
	// Leases first, from what was published: calls of one group are
	// concurrent, so their order is free.
	var leases []*op
	var requests []*engine.LeaseRequest
	for _, o := range group {
		if o.lease != nil {
			leases, requests = append(leases, o), append(requests, o.lease)
		}
	}
	for i, picked := range s.index.pick(requests) {
		leases[i].picked = picked
	}
	slices.SortStableFunc(group, func(a, b *op) int {
		switch {
		case (a.lease == nil) == (b.lease == nil):
			return 0
		case a.lease != nil:
			return -1
		}
		return 1
	})
	spoiled, err := s.transact(group)
	if spoiled && len(group) > 1 {
		for _, o := range group { // one of them cannot be written: the others can
			if _, err := s.transact([]*op{o}); err != nil {
				o.err = err
			}
		}
		return
	}
	if err != nil {
		for _, o := range group { // also those refused: it may have been for what is undone now
			o.err = err
		}
	}
}

// transact runs the group in a transaction and publishes what it changed.
// spoiled means that a call could not be written and all were undone.
func (s *Store) transact(group []*op) (spoiled bool, err error) {
	var changes map[uint64]change
	err = s.update(func(t *txn) error {
		for _, o := range group {
			o.err = o.run(t)
			if t.err != nil {
				spoiled = true
				return t.err
			}
		}
		changes = t.changes
		return nil
	})
	if err == nil {
		s.index.apply(changes)
	}
	return spoiled, err
}
