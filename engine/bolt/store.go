package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/debug"
	"sync"
	"time"

	bbolt "go.etcd.io/bbolt"
	berrors "go.etcd.io/bbolt/errors"

	"github.com/tlo-run/tlo/engine"
)

var _ engine.Store = (*Store)(nil)

// Options are for [Open]; the zero value is good.
type Options struct {
	// LockTimeout is how long to wait for another process to let go of the
	// file. Zero means 200ms.
	LockTimeout time.Duration
}

const defaultLockTimeout = 200 * time.Millisecond

// Store implements [engine.Store] in a bbolt file. Its methods are safe for
// concurrent use. Names that become part of a key (ids, keys, tasks, queues,
// schedules, spaces) have at most 4096 bytes; longer ones are refused with
// an error that matches [engine.ErrInvalid].
type Store struct {
	path      string
	db        *bbolt.DB
	file      *os.File // the one that db has open
	index     *index
	recovered int

	mu      sync.Mutex
	work    *sync.Cond // pending or closed changed
	pending []*op
	closed  bool
	failure error // what made the store unusable
	stuck   bool  // bbolt panicked: its locks may be held for ever

	stopped chan struct{} // closed when the writer ended
}

// Recovered returns how many jobs were running when the store was opened. They
// belong to a process that is gone: their leases ended, and Expired returns
// them.
func (s *Store) Recovered() int { return s.recovered }

// Close waits for the calls under way, and lets go of the file. Calling it
// again does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		<-s.stopped
		return nil
	}
	s.closed = true
	s.mu.Unlock()
	s.work.Signal()
	<-s.stopped
	return s.release()
}

// release closes the file.
func (s *Store) release() error {
	s.mu.Lock()
	stuck := s.stuck
	s.mu.Unlock()
	if stuck {
		// db.Close could wait for ever. The mapping stays until the process
		// ends.
		return errors.Join(unlock(s.file), s.file.Close())
	}
	if err := s.db.Close(); err != nil {
		return fmt.Errorf("close store %s: %w", s.path, err)
	}
	return nil
}

// usable reports why the store is not. s.mu is held.
func (s *Store) usable() error {
	if s.closed {
		return engine.ErrClosed
	}
	return s.failure
}

// poison makes err the answer to every later call.
func (s *Store) poison(err error, stuck bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.failure == nil {
		s.failure = err
	}
	s.stuck = s.stuck || stuck
}

// enter begins a call that only reads.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.usable()
}

// view runs f in a transaction that reads what is on the disk.
func (s *Store) view(ctx context.Context, f func(t *txn) error) (err error) {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.guard(&err)
	defer debug.SetPanicOnFault(debug.SetPanicOnFault(true))
	err = s.db.View(func(tx *bbolt.Tx) error { return f(s.txn(tx)) })
	if errors.Is(err, berrors.ErrDatabaseNotOpen) { // closed meanwhile
		return engine.ErrClosed
	}
	return err
}

// update runs f in a transaction and commits it, unless f fails or wrote
// nothing.
func (s *Store) update(f func(t *txn) error) (err error) {
	s.mu.Lock()
	err = s.failure
	s.mu.Unlock()
	if err != nil {
		return err
	}
	defer s.guard(&err)
	tx, err := s.db.Begin(true)
	if err != nil {
		return fmt.Errorf("store %s: %w", s.path, err)
	}
	t := s.txn(tx)
	if err := f(t); err != nil || !t.dirty {
		return errors.Join(err, tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return s.commitFailed(err)
	}
	return nil
}

// guard turns a panic into an error. bbolt panics on pages that make no sense,
// and the process faults on those beyond the end of a file cut short.
func (s *Store) guard(err *error) {
	if p := recover(); p != nil {
		*err = corrupt(s.path, "%v", p)
		s.poison(*err, true)
	}
}
