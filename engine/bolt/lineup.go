package bolt

import (
	"container/heap"
	"time"
)

// lineup is the order of a queue's waiting jobs.
type lineup struct {
	name    string
	size    int // waiting and running jobs of the queue
	ready   entryHeap
	delayed entryHeap
}

func newLineup(name string) *lineup {
	return &lineup{
		name:    name,
		ready:   entryHeap{before: (*entry).before},
		delayed: entryHeap{before: func(a, b *entry) bool { return a.at.Before(b.at) }},
	}
}

// add puts a job in line. All start as delayed: only due knows the time.
func (q *lineup) add(e *entry) { heap.Push(&q.delayed, e) }

// due returns the first job that may run now, or nil.
func (q *lineup) due(now time.Time) *entry {
	if q.ready.Len() > 0 && q.ready.entries[0].at.After(now) {
		// The clock was set back since this was sorted.
		for _, e := range q.ready.entries {
			heap.Push(&q.delayed, e)
		}
		q.ready.entries = nil
	}
	for q.delayed.Len() > 0 && !q.delayed.entries[0].at.After(now) {
		heap.Push(&q.ready, heap.Pop(&q.delayed))
	}
	if q.ready.Len() == 0 {
		return nil
	}
	return q.ready.entries[0]
}

// take removes the job that due returned.
func (q *lineup) take() { heap.Pop(&q.ready) }

// drop removes a waiting job wherever it is.
func (q *lineup) drop(e *entry) {
	if !q.ready.remove(e) {
		q.delayed.remove(e)
	}
}

// next returns the earliest time at which a job is due; of those that came
// due, any.
func (q *lineup) next() (at time.Time, ok bool) {
	switch {
	case q.ready.Len() > 0:
		return q.ready.entries[0].at, true
	case q.delayed.Len() > 0:
		return q.delayed.entries[0].at, true
	}
	return at, false
}

type entryHeap struct {
	entries []*entry
	before  func(a, b *entry) bool
}

func (h *entryHeap) Len() int           { return len(h.entries) }
func (h *entryHeap) Less(i, j int) bool { return h.before(h.entries[i], h.entries[j]) }
func (h *entryHeap) Swap(i, j int) {
	h.entries[i], h.entries[j] = h.entries[j], h.entries[i]
	h.entries[i].place, h.entries[j].place = i, j
}
func (h *entryHeap) Push(x any) {
	e := x.(*entry)
	e.place = len(h.entries)
	h.entries = append(h.entries, e)
}
func (h *entryHeap) Pop() any {
	last := len(h.entries) - 1
	e := h.entries[last]
	h.entries[last] = nil
	h.entries = h.entries[:last]
	return e
}

func (h *entryHeap) remove(e *entry) bool {
	if e.place >= len(h.entries) || h.entries[e.place] != e {
		return false
	}
	heap.Remove(h, e.place)
	return true
}
