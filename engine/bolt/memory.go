package bolt

import (
	"slices"
	"strings"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// memory is what is known of the jobs without reading: the order of those that
// wait, those that run, the number of those that ended. But for leases it
// shows only what is on the disk. [Store.mu] guards it.
type memory struct {
	queues  map[string]*lineup
	running map[string]*running             // by id
	ended   map[string]map[engine.State]int // by queue
	tasks   map[string]int                  // ended jobs, by task
	unsaved []*running                      // changed since they were written
	cache   cache
	zones   zones
	before  func(a, b uint64) bool
}

// running is a job under a lease.
type running struct {
	seq     uint64
	row     *row
	unsaved bool
}

func newMemory(before func(a, b uint64) bool) *memory {
	return &memory{
		queues:  map[string]*lineup{},
		running: map[string]*running{},
		ended:   map[string]map[engine.State]int{},
		tasks:   map[string]int{},
		before:  before,
	}
}

// save has the writer store a running job with its next group.
func (m *memory) save(e *running) {
	if !e.unsaved {
		e.unsaved = true
		m.unsaved = append(m.unsaved, e)
	}
}

func (m *memory) queue(name string) *lineup {
	q := m.queues[name]
	if q == nil {
		q = newLineup(name, m.before)
		m.queues[name] = q
	}
	return q
}

// settleQueue forgets a queue that is empty.
func (m *memory) settleQueue(q *lineup) {
	if q.waiting == 0 && q.running == 0 {
		delete(m.queues, q.name)
	}
}

// wait puts a job in line.
func (m *memory) wait(seq uint64, queue string, priority int, runAt time.Time, id string) {
	m.queue(queue).add(spot{nanos(runAt), seq}, priority, id)
}

// unwait takes a job out of the line before its turn.
func (m *memory) unwait(seq uint64, r *row) {
	q := m.queue(r.Queue)
	q.drop(spot{nanos(r.RunAt), seq})
	m.cache.drop(seq)
	m.settleQueue(q)
}

func (m *memory) run(e *running) {
	m.running[e.row.ID] = e
	m.queue(e.row.Queue).running++
}

func (m *memory) unrun(e *running) {
	delete(m.running, e.row.ID)
	q := m.queue(e.row.Queue)
	q.running--
	m.settleQueue(q)
}

func (m *memory) end(queue, task string, s engine.State, n int) {
	c := m.ended[queue]
	if c == nil {
		c = map[engine.State]int{}
		m.ended[queue] = c
	}
	if c[s] += n; c[s] == 0 {
		delete(c, s)
	}
	if len(c) == 0 {
		delete(m.ended, queue)
	}
	if m.tasks[task] += n; m.tasks[task] == 0 {
		delete(m.tasks, task)
	}
}

// publish takes in what a group did to a job.
func (m *memory) publish(t *touched) {
	r := t.row
	switch {
	case t.was.Terminal():
		m.end(r.Queue, r.Task, t.was, -1)
	case t.was.Waiting():
		// It was taken out of the line when the group changed its state.
		m.cache.drop(t.seq)
	case t.was == engine.Running && r.State == engine.Running:
		// Heartbeats go on meanwhile.
		t.entry.row.Cancelling, t.entry.row.lines = r.Cancelling, r.lines
		return
	case t.was == engine.Running:
		m.unrun(t.entry)
	}
	if t.removed {
		return
	}
	m.zones.add(t.seq, stateByte(r.State), r.Task, r.Queue, r.CreatedAt)
	switch {
	case r.State.Terminal():
		m.end(r.Queue, r.Task, r.State, 1)
	case t.was.Waiting() && !t.left:
		if e := m.running[r.ID]; e != nil { // leased meanwhile
			e.row.lines = r.lines
			m.save(e)
		}
	default:
		m.wait(t.seq, r.Queue, r.Priority, r.RunAt, r.ID)
		if t.was == "" {
			m.cache.add(t.seq, r)
		}
	}
}

// nextDue returns the job of the queues that is due first.
func (m *memory) nextDue(queues engine.QueueSet) (first spot, found bool) {
	for name, q := range m.queues {
		if !queues.Has(name) {
			continue
		}
		if s, ok := q.next(); ok && (!found || s.at < first.at) {
			first, found = s, true
		}
	}
	return first, found
}

// expired returns up to n leases that ended, longest ended first. Leases are
// as many as workers: a walk over them needs no order kept.
func (m *memory) expired(now time.Time, n int) []*running {
	var found []*running
	for _, e := range m.running {
		if !e.row.LeaseUntil.After(now) {
			found = append(found, e)
		}
	}
	slices.SortFunc(found, func(a, b *running) int {
		if c := a.row.LeaseUntil.Compare(b.row.LeaseUntil); c != 0 {
			return c
		}
		return strings.Compare(a.row.ID, b.row.ID)
	})
	return found[:min(max(n, 0), len(found))]
}

func (m *memory) nextExpiry() (next time.Time, found bool) {
	for _, e := range m.running {
		if !found || e.row.LeaseUntil.Before(next) {
			next, found = e.row.LeaseUntil, true
		}
	}
	return next, found
}

// counts returns how many jobs are in each state per queue.
func (m *memory) counts(now time.Time) map[string]map[engine.State]int {
	counts := map[string]map[engine.State]int{}
	add := func(queue string, s engine.State, n int) {
		if n == 0 {
			return
		}
		if counts[queue] == nil {
			counts[queue] = map[engine.State]int{}
		}
		counts[queue][s] += n
	}
	for queue, states := range m.ended {
		for s, n := range states {
			add(queue, s, n)
		}
	}
	for name, q := range m.queues {
		later := q.later(nanos(now))
		add(name, engine.Scheduled, later)
		add(name, engine.Ready, q.waiting-later)
		add(name, engine.Running, q.running)
	}
	return counts
}
