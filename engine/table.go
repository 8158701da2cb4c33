package engine

import (
	"context"
	"sync"
)

// table holds the attempts that run in this process.
type table struct {
	// leasing is held to read while jobs are leased and registered, so that
	// whoever holds it to write finds the attempt of every running job.
	leasing sync.RWMutex

	mu        sync.Mutex
	runs      map[string]*attempt // by job id
	abandoned chan struct{}       // closed: attempts may not settle any more
}

func newTable() *table {
	return &table{runs: map[string]*attempt{}, abandoned: make(chan struct{})}
}

// lease registers the jobs that f leases.
func (t *table) lease(work context.Context, f func() ([]Job, error)) ([]*attempt, error) {
	t.leasing.RLock()
	defer t.leasing.RUnlock()
	jobs, err := f()
	if err != nil {
		return nil, err
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	started := make([]*attempt, len(jobs))
	for i, j := range jobs {
		if stale := t.runs[j.ID]; stale != nil {
			// Another process took the job away and gave it back: a lease is
			// given once the one before has ended.
			stale.cancel(ErrLeaseLost)
		}
		started[i] = newAttempt(work, j)
		t.runs[j.ID] = started[i]
	}
	return started, nil
}

// holder returns the attempt of a job that the store says is running, if this
// process runs it.
func (t *table) holder(job Job) *attempt {
	t.leasing.Lock()
	defer t.leasing.Unlock()
	if a := t.get(job.ID); a != nil && job.Holds(a.job.Attempt) {
		return a
	}
	return nil
}

func (t *table) remove(a *attempt) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.runs[a.job.ID] == a {
		delete(t.runs, a.job.ID)
	}
}

func (t *table) get(id string) *attempt {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.runs[id]
}

func (t *table) all() []*attempt {
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]*attempt, 0, len(t.runs))
	for _, a := range t.runs {
		all = append(all, a)
	}
	return all
}

func (t *table) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.runs)
}

// abandon keeps attempts from settling; they end as lost.
func (t *table) abandon() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.isAbandoned() {
		close(t.abandoned)
	}
}

func (t *table) isAbandoned() bool {
	select {
	case <-t.abandoned:
		return true
	default:
		return false
	}
}
