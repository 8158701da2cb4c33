package bolt

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	bbolt "go.etcd.io/bbolt"

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
// schedules, spaces) have at most 4096 bytes, values at most 1 GiB; larger
// ones are refused with an error that matches [engine.ErrInvalid].
type Store struct {
	path    string
	db      *bbolt.DB
	file    *os.File // the one that db has open
	report  Report
	suspect uint64 // jobs up to this one may have been attempted without a record

	mu      sync.RWMutex
	memory  *memory
	reader  *view // of who holds mu, see exclusive
	pending []*op
	queued  atomic.Int64 // len(pending), for a glance
	closed  bool
	full    bool  // the last group found no room on the disk
	failure error // what made the store unusable
	stuck   bool  // bbolt panicked: its locks may be held for ever

	work    chan struct{} // something is pending, or the store closes
	last    uint64        // the last sequence number given; the writer's
	expect  int           // callers that may be back soon; the writer's
	freed   time.Time     // when they were let go; the writer's
	stopped chan struct{} // closed when the writer ended
}

// Report says what Open found.
type Report struct {
	// Unclean says that the process before did not close the store.
	Unclean bool
	Jobs    int // in the store, history included
	Waiting int
	// Lost jobs were running: they belong to a process that is gone. Their
	// leases ended, and Expired returns them.
	Lost int
	Took time.Duration
}

func (r Report) String() string {
	how := "closed properly"
	if r.Unclean {
		how = "not closed properly"
	}
	return fmt.Sprintf("the store was %s: %d jobs, of which %d wait and %d were running and count as lost; opened in %v",
		how, r.Jobs, r.Waiting, r.Lost, r.Took.Round(time.Millisecond))
}

// Report returns what Open found.
func (s *Store) Report() Report { return s.report }

// Recovered returns how many jobs were running when the store was opened.
func (s *Store) Recovered() int { return s.report.Lost }

// Close waits for the calls under way, and lets go of the file. Calling it
// again does nothing.
func (s *Store) Close() error {
	s.mu.Lock()
	again := s.closed
	s.closed = true
	s.mu.Unlock()
	if again {
		<-s.stopped
		return nil
	}
	s.signal()
	<-s.stopped
	s.mu.Lock()
	failure := s.failure // maybe of the last write, which no call waited for
	s.mu.Unlock()
	return errors.Join(failure, s.release())
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

// guard turns a panic into an error. bbolt panics on pages that make no sense,
// and the process faults on those beyond the end of a file cut short.
func (s *Store) guard(err *error) {
	if p := recover(); p != nil {
		*err = corrupt(s.path, "%v", p)
		s.poison(*err, true)
	}
}

// before orders two waiting jobs with the same run-at by reading them, within
// [Store.exclusive].
func (s *Store) before(a, b uint64) bool {
	if s.reader == nil {
		return a < b // the store has failed
	}
	x, err := s.peek(s.reader, a)
	if err != nil { // whoever leases it is told
		return a < b
	}
	y, err := s.peek(s.reader, b)
	if err != nil {
		return a < b
	}
	return x.Before(&y.Job)
}

// peek returns a job in line, which stays there.
func (s *Store) peek(v *view, seq uint64) (*row, error) {
	if r := s.memory.cache.rows[seq]; r != nil {
		return r, nil
	}
	return v.row(seq)
}

// tables are rows that are on the disk but not yet in the file. s.mu is held.
func (s *Store) tables() []*table { return nil }

// scan is view for those who walk over rows in order.
func (s *Store) scan(ctx context.Context, f func(v *view) error) error { return s.view(ctx, f) }
