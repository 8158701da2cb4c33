package engine

import (
	"slices"
	"sync"
)

// turns lets one goroutine at a time change a job and tell of it. Without it
// observers would hear that a job has started before they hear that it was
// submitted: it is in the store, for others to lease, before Submit returns.
type turns struct {
	mu   sync.Mutex
	jobs map[string]*turn // those that somebody holds or waits for
}

type turn struct {
	sync.Mutex
	users int // holder and waiters
}

// take waits for the turn on all these jobs and returns what gives it back.
func (t *turns) take(ids ...string) (done func()) {
	slices.Sort(ids) // the same order everywhere, or two could wait for each other
	ids = slices.Compact(ids)
	held := make([]*turn, len(ids))
	t.mu.Lock()
	if t.jobs == nil {
		t.jobs = map[string]*turn{}
	}
	for i, id := range ids {
		if t.jobs[id] == nil {
			t.jobs[id] = &turn{}
		}
		held[i] = t.jobs[id]
		held[i].users++
	}
	t.mu.Unlock()
	for _, h := range held {
		h.Lock()
	}
	return func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		for i, h := range held {
			h.Unlock()
			if h.users--; h.users == 0 {
				delete(t.jobs, ids[i])
			}
		}
	}
}

// idsOf lists the ids of a job and of others.
func idsOf(id string, jobs []Job) []string {
	ids := make([]string, 0, len(jobs)+1)
	if id != "" {
		ids = append(ids, id)
	}
	for _, j := range jobs {
		ids = append(ids, j.ID)
	}
	return ids
}
