package bolt

// lane is the order of a queue's waiting jobs of one priority: by run-at, then
// by id. Jobs that come in that order, which is most, are appended to a run.
// Where they do not, because some are delayed and others are not, there are a
// few runs, and what fits none of them goes to a heap.
//
// Two jobs with the same run-at need their ids to be told apart, which are not
// in memory: the lane asks for them.
type lane struct {
	priority int
	runs     []*run
	heap     []spot
	before   func(a, b uint64) bool // jobs of the same run-at, by seq
}

// maxRuns is how many runs a lane has: each head must be looked at for each
// job that is leased.
const maxRuns = 8

func (l *lane) less(a, b spot) bool {
	if a.at != b.at {
		return a.at < b.at
	}
	return a.seq != b.seq && l.before(a.seq, b.seq)
}

func (l *lane) add(s spot, id string) {
	var best *run
	for _, r := range l.runs {
		if r.fits(s, id) && (best == nil || r.tail.at > best.tail.at) {
			best = r
		}
	}
	switch {
	case best != nil:
	case len(l.runs) < maxRuns:
		best = &run{}
		l.runs = append(l.runs, best)
	default:
		l.push(s)
		return
	}
	best.push(s, id)
}

// first returns the job that is due first, and which run has it; -1 for the
// heap. The lane is not empty.
func (l *lane) first() (s spot, from int) {
	from = -1
	if len(l.heap) > 0 {
		s = l.heap[0]
	}
	for i, r := range l.runs {
		if from < 0 && len(l.heap) == 0 || l.less(r.head, s) {
			s, from = r.head, i
		}
	}
	return s, from
}

// remove removes what first returned.
func (l *lane) remove(from int) {
	if from < 0 {
		l.pop()
		return
	}
	r := l.runs[from]
	if r.pop(); r.n == 0 {
		l.runs = append(l.runs[:from], l.runs[from+1:]...)
	}
}

func (l *lane) empty() bool { return len(l.runs) == 0 && len(l.heap) == 0 }

// later counts the jobs that are due after now.
func (l *lane) later(now int64) int {
	n := 0
	for _, r := range l.runs {
		n += r.later(now)
	}
	for _, s := range l.heap {
		if s.at > now {
			n++
		}
	}
	return n
}

// arity of the heap: four children lie in one line of the processor's cache.
const arity = 4

func (l *lane) push(s spot) {
	l.heap = append(l.heap, s)
	h, i := l.heap, len(l.heap)-1
	for i > 0 {
		parent := (i - 1) / arity
		if !l.less(s, h[parent]) {
			break
		}
		h[i] = h[parent]
		i = parent
	}
	h[i] = s
}

func (l *lane) pop() {
	n := len(l.heap) - 1
	s := l.heap[n]
	h := l.heap[:n]
	l.heap = h
	if n == 0 {
		return
	}
	i := 0
	for {
		least := i*arity + 1
		if least >= n {
			break
		}
		for c := least + 1; c < min(i*arity+1+arity, n); c++ {
			if l.less(h[c], h[least]) {
				least = c
			}
		}
		if !l.less(h[least], s) {
			break
		}
		h[i] = h[least]
		i = least
	}
	h[i] = s
}
