// Package mem is a store in memory: the model that other stores are compared
// with, and the store of tests and of work that may be lost with its process.
// It owns no goroutine and no file.
package mem

import (
	"context"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tlo-run/tlo/engine"
)

var _ engine.Store = (*Store)(nil)

// Store implements [engine.Store] in memory.
type Store struct {
	mu     sync.Mutex
	closed bool
	seq    uint64             // of the newest submission
	jobs   map[string]*record // by id
	keys   map[string]string  // unique key → id
	queues map[string]*lineup
	order  []*record // by seq
	spaces map[string]map[string][]byte
	ticks  map[string]time.Time
}

// record is a job with what only the store knows of it.
type record struct {
	engine.Job
	seq   uint64
	place int // in its heap
	logs  []engine.LogLine
}

// New returns an empty store.
func New() *Store {
	return &Store{
		jobs:   map[string]*record{},
		keys:   map[string]string{},
		queues: map[string]*lineup{},
		spaces: map[string]map[string][]byte{},
		ticks:  map[string]time.Time{},
	}
}

// Close makes every later call return [engine.ErrClosed] and drops everything.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.jobs, s.keys, s.queues, s.order, s.spaces, s.ticks = nil, nil, nil, nil, nil, nil
	return nil
}

// enter locks the store for a call.
func (s *Store) enter(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return engine.ErrClosed
	}
	return nil
}

// Submit implements [engine.Queue].
func (s *Store) Submit(ctx context.Context, jobs ...engine.Job) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	return s.submit(jobs)
}

func (s *Store) submit(jobs []engine.Job) error {
	ids := make(map[string]bool, len(jobs))
	keys := make(map[string]string, len(jobs))
	for _, j := range jobs {
		if s.jobs[j.ID] != nil || ids[j.ID] {
			return &engine.DuplicateError{ID: j.ID}
		}
		ids[j.ID] = true
		if j.Key == "" {
			continue
		}
		if id, ok := s.keys[j.Key]; ok {
			return &engine.DuplicateError{Key: j.Key, ID: id}
		}
		if id, ok := keys[j.Key]; ok {
			return &engine.DuplicateError{Key: j.Key, ID: id}
		}
		keys[j.Key] = j.ID
	}
	for _, j := range jobs {
		s.seq++
		r := &record{Job: owned(j), seq: s.seq}
		s.jobs[j.ID] = r
		s.order = append(s.order, r)
		if j.Key != "" {
			s.keys[j.Key] = j.ID
		}
		if j.Schedule != "" {
			s.tick(j.Schedule, j.Tick)
		}
		s.lineup(j.Queue).add(r)
	}
	return nil
}

// Lease implements [engine.Queue].
func (s *Store) Lease(ctx context.Context, req engine.LeaseRequest) ([]engine.Job, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var leased []engine.Job
	for len(leased) < req.Max {
		var first *record
		for name, q := range s.queues {
			if !req.Queues.Has(name) {
				continue
			}
			if r := q.due(req.Now); r != nil && (first == nil || r.Before(&first.Job)) {
				first = r
			}
		}
		if first == nil {
			break
		}
		q := s.queues[first.Queue]
		q.take()
		first.Begin(req.Worker, req.Now, req.Until)
		q.running[first.ID] = first
		leased = append(leased, owned(first.Job))
	}
	return leased, nil
}

// Extend implements [engine.Queue].
func (s *Store) Extend(ctx context.Context, exts ...engine.Extension) ([]engine.Extended, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	answers := make([]engine.Extended, len(exts))
	for i, e := range exts {
		r := s.jobs[e.ID]
		if r == nil || !r.Holds(e.Attempt) {
			answers[i].Err = engine.ErrLeaseLost
			continue
		}
		r.LeaseUntil, r.Progress = e.Until, e.Progress
		answers[i].Cancelling = r.Cancelling
	}
	return answers, nil
}

// Settle implements [engine.Queue].
func (s *Store) Settle(ctx context.Context, settlements ...engine.Settlement) ([]engine.Settled, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	answers := make([]engine.Settled, len(settlements))
	for i, st := range settlements {
		answers[i] = s.settle(st)
	}
	return answers, nil
}

func (s *Store) settle(st engine.Settlement) engine.Settled {
	r := s.jobs[st.ID]
	if r == nil || !r.Holds(st.Attempt) {
		return engine.Settled{Err: engine.ErrLeaseLost}
	}
	if st.Outcome.Verdict == engine.VerdictSucceeded {
		if err := s.submit(st.Effects.Jobs); err != nil {
			return engine.Settled{Err: err}
		}
		s.write(st.Effects.Writes)
	}
	r.appendLogs(st.Logs)
	st.Outcome.Output = slices.Clone(st.Outcome.Output)
	delete(s.queues[r.Queue].running, r.ID)
	r.Job.Settle(st.Outcome, st.Now)
	if r.State.Waiting() {
		s.lineup(r.Queue).add(r)
	}
	return engine.Settled{Job: owned(r.Job)}
}

// Expired implements [engine.Queue].
func (s *Store) Expired(ctx context.Context, now time.Time, n int) ([]engine.Job, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var expired []engine.Job
	for _, q := range s.queues {
		for _, r := range q.running {
			if !r.LeaseUntil.After(now) {
				expired = append(expired, owned(r.Job))
			}
		}
	}
	slices.SortFunc(expired, func(a, b engine.Job) int {
		if c := a.LeaseUntil.Compare(b.LeaseUntil); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	return expired[:min(max(n, 0), len(expired))], nil
}

// Cancel implements [engine.Queue].
func (s *Store) Cancel(ctx context.Context, id string, now time.Time) (engine.Job, error) {
	return s.change(ctx, id, func(r *record) error {
		waiting := r.State.Waiting()
		if err := r.Job.Cancel(now); err != nil {
			return err
		}
		if waiting {
			s.queues[r.Queue].drop(r)
		}
		return nil
	})
}

// Retry implements [engine.Queue].
func (s *Store) Retry(ctx context.Context, id string, now time.Time) (engine.Job, error) {
	return s.change(ctx, id, func(r *record) error {
		if err := r.Revive(now); err != nil {
			return err
		}
		s.lineup(r.Queue).add(r)
		return nil
	})
}

func (s *Store) change(ctx context.Context, id string, f func(*record) error) (engine.Job, error) {
	if err := s.enter(ctx); err != nil {
		return engine.Job{}, err
	}
	defer s.mu.Unlock()
	r := s.jobs[id]
	if r == nil {
		return engine.Job{}, engine.ErrNotFound
	}
	if err := f(r); err != nil {
		return engine.Job{}, err
	}
	return owned(r.Job), nil
}

// NextDue implements [engine.Queue].
func (s *Store) NextDue(ctx context.Context, queues engine.QueueSet) (time.Time, bool, error) {
	if err := s.enter(ctx); err != nil {
		return time.Time{}, false, err
	}
	defer s.mu.Unlock()
	var next time.Time
	found := false
	for name, q := range s.queues {
		if at, ok := q.next(); ok && queues.Has(name) && (!found || at.Before(next)) {
			next, found = at, true
		}
	}
	return next, found, nil
}

// NextExpiry implements [engine.Queue].
func (s *Store) NextExpiry(ctx context.Context) (time.Time, bool, error) {
	if err := s.enter(ctx); err != nil {
		return time.Time{}, false, err
	}
	defer s.mu.Unlock()
	var next time.Time
	found := false
	for _, q := range s.queues {
		for r := range maps.Values(q.running) {
			if !found || r.LeaseUntil.Before(next) {
				next, found = r.LeaseUntil, true
			}
		}
	}
	return next, found, nil
}
