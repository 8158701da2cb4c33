package mem

import (
	"container/heap"
	"time"
)

// lineup is one queue: its waiting jobs in two heaps, and its running ones.
type lineup struct {
	ready   jobHeap // due when last looked at
	delayed jobHeap
	running map[string]*record
}

func (s *Store) lineup(queue string) *lineup {
	q := s.queues[queue]
	if q == nil {
		q = &lineup{
			ready:   jobHeap{before: func(a, b *record) bool { return a.Before(&b.Job) }},
			delayed: jobHeap{before: func(a, b *record) bool { return a.RunAt.Before(b.RunAt) }},
			running: map[string]*record{},
		}
		s.queues[queue] = q
	}
	return q
}

// add puts a waiting job in line. Which heap is right shows when time is known:
// all start as delayed.
func (q *lineup) add(r *record) { heap.Push(&q.delayed, r) }

// due returns the first job that may run now, or nil.
func (q *lineup) due(now time.Time) *record {
	for q.delayed.Len() > 0 && !q.delayed.jobs[0].RunAt.After(now) {
		heap.Push(&q.ready, heap.Pop(&q.delayed))
	}
	if q.ready.Len() == 0 {
		return nil
	}
	// The clock may have been set back since the job was moved.
	if r := q.ready.jobs[0]; !r.RunAt.After(now) {
		return r
	}
	for q.ready.Len() > 0 {
		heap.Push(&q.delayed, heap.Pop(&q.ready))
	}
	return q.due(now)
}

// take removes the job that due returned.
func (q *lineup) take() { heap.Pop(&q.ready) }

// drop removes a waiting job wherever it is.
func (q *lineup) drop(r *record) {
	if !q.ready.remove(r) {
		q.delayed.remove(r)
	}
}

// next returns the earliest run-at; of jobs that came due, any.
func (q *lineup) next() (at time.Time, ok bool) {
	switch {
	case q.ready.Len() > 0:
		return q.ready.jobs[0].RunAt, true
	case q.delayed.Len() > 0:
		return q.delayed.jobs[0].RunAt, true
	}
	return at, false
}

type jobHeap struct {
	jobs   []*record
	before func(a, b *record) bool
}

var _ heap.Interface = (*jobHeap)(nil)

func (h *jobHeap) Len() int           { return len(h.jobs) }
func (h *jobHeap) Less(i, j int) bool { return h.before(h.jobs[i], h.jobs[j]) }
func (h *jobHeap) Swap(i, j int) {
	h.jobs[i], h.jobs[j] = h.jobs[j], h.jobs[i]
	h.jobs[i].place, h.jobs[j].place = i, j
}
func (h *jobHeap) Push(x any) {
	r := x.(*record)
	r.place = len(h.jobs)
	h.jobs = append(h.jobs, r)
}
func (h *jobHeap) Pop() any {
	n := len(h.jobs) - 1
	r := h.jobs[n]
	h.jobs[n] = nil
	h.jobs = h.jobs[:n]
	return r
}

func (h *jobHeap) remove(r *record) bool {
	if r.place >= len(h.jobs) || h.jobs[r.place] != r {
		return false
	}
	heap.Remove(h, r.place)
	return true
}
