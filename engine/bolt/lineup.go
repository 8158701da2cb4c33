package bolt

import (
	"cmp"
	"slices"
)

// lineup is the order of a queue's waiting jobs.
type lineup struct {
	name    string
	lanes   []*lane // highest priority first, none empty
	waiting int
	running int
	// gone are jobs in line that wait no more: they are dropped when their turn
	// comes. To find them before would take more memory for every job.
	gone   map[spot]struct{}
	before func(a, b uint64) bool
}

func newLineup(name string, before func(a, b uint64) bool) *lineup {
	return &lineup{name: name, gone: map[spot]struct{}{}, before: before}
}

func (q *lineup) find(priority int) (int, bool) {
	return slices.BinarySearchFunc(q.lanes, priority, func(l *lane, p int) int { return cmp.Compare(p, l.priority) })
}

// add puts a job in line.
func (q *lineup) add(s spot, priority int, id string) {
	q.waiting++
	if _, ok := q.gone[s]; ok { // it is in line still, in the same place
		delete(q.gone, s)
		return
	}
	i, ok := q.find(priority)
	if !ok {
		q.lanes = slices.Insert(q.lanes, i, &lane{priority: priority, before: q.before})
	}
	q.lanes[i].add(s, id)
}

// drop takes a job out of the line.
func (q *lineup) drop(s spot) {
	q.waiting--
	q.gone[s] = struct{}{}
	if q.waiting == 0 { // nobody's turn will come
		q.lanes = nil
		clear(q.gone)
	}
}

// turn is a job at the head of a lane.
type turn struct {
	spot
	lane *lane
	from int
}

// due returns the first job that may run now.
func (q *lineup) due(now int64) (turn, bool) {
	for i := 0; i < len(q.lanes); {
		t, ok := q.head(q.lanes[i])
		if ok && t.at <= now {
			return t, true
		}
		if ok { // else the lane has ended, and the next one is in its place
			i++
		}
	}
	return turn{}, false
}

// head returns the first job of a lane, if any is left.
func (q *lineup) head(l *lane) (turn, bool) {
	for !l.empty() {
		s, from := l.first()
		t := turn{s, l, from}
		if _, gone := q.gone[s]; !gone {
			return t, true
		}
		delete(q.gone, s)
		q.remove(t)
	}
	return turn{}, false
}

// take removes the job whose turn it is.
func (q *lineup) take(t turn) {
	q.waiting--
	q.remove(t)
}

func (q *lineup) remove(t turn) {
	if t.lane.remove(t.from); t.lane.empty() {
		if i, ok := q.find(t.lane.priority); ok {
			q.lanes = slices.Delete(q.lanes, i, i+1)
		}
	}
}

// next returns the job that is due first, of whatever priority.
func (q *lineup) next() (first spot, ok bool) {
	for i := 0; i < len(q.lanes); {
		t, found := q.head(q.lanes[i])
		if found && (!ok || t.at < first.at) {
			first, ok = t.spot, true
		}
		if found {
			i++
		}
	}
	return first, ok
}

// later counts the jobs that are due after now.
func (q *lineup) later(now int64) int {
	n := 0
	for _, l := range q.lanes {
		n += l.later(now)
	}
	for s := range q.gone {
		if s.at > now {
			n--
		}
	}
	return n
}
