package bolt

import (
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// index is what is known in memory of the jobs: the order of those that wait,
// the leases of those that run, the number of those that ended. It shows only
// what is on the disk.
type index struct {
	mu     sync.RWMutex
	active map[uint64]*entry // waiting and running jobs, by sequence number
	queues map[string]*lineup
	ended  map[string]map[engine.State]int // by queue
}

// entry is a waiting or running job.
type entry struct {
	seq      uint64
	id       string
	queue    *lineup
	running  bool
	priority int
	attempt  int
	at       time.Time // due, or the lease's deadline
	place    int       // in its heap
}

// before is the order of [engine.Job.Before].
func (e *entry) before(f *entry) bool {
	if e.priority != f.priority {
		return e.priority > f.priority
	}
	if !e.at.Equal(f.at) {
		return e.at.Before(f.at)
	}
	return e.id < f.id
}

// change is what a transaction made of one job; nil where there is none.
type change struct{ old, new *engine.Job }

func newIndex() *index {
	return &index{
		active: map[uint64]*entry{},
		queues: map[string]*lineup{},
		ended:  map[string]map[engine.State]int{},
	}
}

// apply publishes the changes of a transaction that is on the disk.
func (x *index) apply(changes map[uint64]change) {
	x.mu.Lock()
	defer x.mu.Unlock()
	for seq, c := range changes {
		if c.old != nil {
			x.remove(seq, c.old)
		}
		if c.new != nil {
			x.add(seq, c.new)
		}
	}
}

func (x *index) add(seq uint64, j *engine.Job) {
	if j.State.Terminal() {
		x.countEnded(j, 1)
		return
	}
	q := x.queues[j.Queue]
	if q == nil {
		q = newLineup(j.Queue)
		x.queues[j.Queue] = q
	}
	e := &entry{seq: seq, id: j.ID, queue: q, priority: j.Priority, attempt: j.Attempt, at: j.RunAt}
	x.active[seq] = e
	if e.running = j.State == engine.Running; e.running {
		e.at = j.LeaseUntil
	} else {
		q.add(e)
	}
	q.size++
}

func (x *index) remove(seq uint64, j *engine.Job) {
	if j.State.Terminal() {
		x.countEnded(j, -1)
		return
	}
	e := x.active[seq]
	if e == nil { // its row was another when the store was opened
		return
	}
	delete(x.active, seq)
	if !e.running {
		e.queue.drop(e)
	}
	if e.queue.size--; e.queue.size == 0 {
		delete(x.queues, e.queue.name)
	}
}

func (x *index) countEnded(j *engine.Job, n int) {
	c := x.ended[j.Queue]
	if c == nil {
		c = map[engine.State]int{}
		x.ended[j.Queue] = c
	}
	if c[j.State] += n; c[j.State] == 0 {
		delete(c, j.State)
	}
	if len(c) == 0 {
		delete(x.ended, j.Queue)
	}
}

// pick returns the jobs that each request would lease, none of them twice. It
// changes nothing that can be seen: the jobs leave their queues when the leases
// are on the disk.
func (x *index) pick(requests []*engine.LeaseRequest) [][]uint64 {
	x.mu.Lock()
	defer x.mu.Unlock()
	picked := make([][]uint64, len(requests))
	var taken []*entry
	for i, req := range requests {
		var queues []*lineup
		for name, q := range x.queues {
			if req.Queues.Has(name) {
				queues = append(queues, q)
			}
		}
		for len(picked[i]) < req.Max {
			var first *entry
			for _, q := range queues {
				if e := q.due(req.Now); e != nil && (first == nil || e.before(first)) {
					first = e
				}
			}
			if first == nil {
				break
			}
			first.queue.take()
			taken = append(taken, first)
			picked[i] = append(picked[i], first.seq)
		}
	}
	for _, e := range taken {
		e.queue.add(e)
	}
	return picked
}

// nextDue returns the earliest time at which a job of the queues is due.
func (x *index) nextDue(queues engine.QueueSet) (next time.Time, found bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for name, q := range x.queues {
		if at, ok := q.next(); ok && queues.Has(name) && (!found || at.Before(next)) {
			next, found = at, true
		}
	}
	return next, found
}

// expired returns up to n leases that ended, longest ended first. Leases are
// as many as workers: a walk over them needs no order kept.
func (x *index) expired(now time.Time, n int) []entry {
	x.mu.RLock()
	defer x.mu.RUnlock()
	var found []entry
	for _, e := range x.active {
		if e.running && !e.at.After(now) {
			found = append(found, *e)
		}
	}
	slices.SortFunc(found, func(a, b entry) int {
		if c := a.at.Compare(b.at); c != 0 {
			return c
		}
		return strings.Compare(a.id, b.id)
	})
	return found[:min(max(n, 0), len(found))]
}

func (x *index) nextExpiry() (next time.Time, found bool) {
	x.mu.RLock()
	defer x.mu.RUnlock()
	for _, e := range x.active {
		if e.running && (!found || e.at.Before(next)) {
			next, found = e.at, true
		}
	}
	return next, found
}

// counts returns how many jobs are in each state per queue.
func (x *index) counts(now time.Time) map[string]map[engine.State]int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	counts := map[string]map[engine.State]int{}
	add := func(queue string, s engine.State, n int) {
		if counts[queue] == nil {
			counts[queue] = map[engine.State]int{}
		}
		counts[queue][s] += n
	}
	for queue, states := range x.ended {
		for s, n := range states {
			add(queue, s, n)
		}
	}
	for _, e := range x.active {
		switch {
		case e.running:
			add(e.queue.name, engine.Running, 1)
		case e.at.After(now):
			add(e.queue.name, engine.Scheduled, 1)
		default:
			add(e.queue.name, engine.Ready, 1)
		}
	}
	return counts
}
