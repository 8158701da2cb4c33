package bolt

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// Lease implements [engine.Queue]. It does not wait for the disk: if the
// process dies before the lease is stored, a few milliseconds at most, the
// attempt was not counted. Two cases wait, so that a job that kills its process
// does not run for ever: one that was attempted before, and one that may have
// been, because it was there before the process last died.
func (s *Store) Lease(ctx context.Context, req engine.LeaseRequest) ([]engine.Job, error) {
	var picked []*running
	var leased []engine.Job
	careful := false
	err := s.use(ctx, func(v *view) (err error) {
		if picked, err = s.pick(v, &req); err != nil {
			return err
		}
		careful = s.full || slices.ContainsFunc(picked, func(e *running) bool {
			return e.row.Attempt > 1 || e.seq <= s.suspect
		})
		for _, e := range picked {
			leased = append(leased, e.row.clone().Job)
			e.letGo()
			if !careful {
				s.memory.save(e)
			}
		}
		return nil
	})
	if err != nil || len(picked) == 0 {
		return nil, err
	}
	if !careful {
		s.signal()
		return leased, nil
	}
	err = s.write(ctx, &op{
		size: len(picked),
		run: func(g *group) error {
			for _, e := range picked {
				g.save(e)
			}
			return nil
		},
		undo: func() { s.takeBack(picked) },
	})
	if err != nil {
		return nil, err
	}
	return leased, nil
}

// maxHeld is the size up to which a running job's input stays in memory, for
// the answer to its settlement.
const maxHeld = 64 << 10

func (e *running) letGo() {
	if e.row.farInput && len(e.row.Input) > maxHeld {
		e.row.Input = nil
	}
}

// save stores a running job, unless it has been settled.
func (g *group) save(e *running) {
	if t := g.known(e.row.ID); t != nil && t.entry == e && t.row.State == engine.Running {
		t.changed, t.encoded = true, nil
	}
}

// pick begins the next attempt of due jobs.
func (s *Store) pick(v *view, req *engine.LeaseRequest) (picked []*running, err error) {
	m := s.memory
	var queues []*lineup
	for name, q := range m.queues {
		if q.waiting > 0 && req.Queues.Has(name) {
			queues = append(queues, q)
		}
	}
	now := nanos(req.Now)
	for len(picked) < req.Max {
		t, q := firstDue(queues, now, m.before)
		if q == nil {
			break
		}
		r, err := s.waiting(v, t.seq)
		if err != nil {
			s.takeBack(picked)
			return nil, err
		}
		q.take(t)
		r.Begin(req.Worker, req.Now, req.Until)
		e := &running{seq: t.seq, row: r}
		m.run(e)
		picked = append(picked, e)
	}
	return picked, nil
}

// firstDue returns the job whose turn it is among several queues.
func firstDue(queues []*lineup, now int64, before func(a, b uint64) bool) (first turn, from *lineup) {
	for _, q := range queues {
		t, ok := q.due(now)
		if !ok {
			continue
		}
		better := from == nil || t.lane.priority > first.lane.priority
		if from != nil && t.lane.priority == first.lane.priority {
			better = t.at < first.at || t.at == first.at && before(t.seq, first.seq)
		}
		if better {
			first, from = t, q
		}
	}
	return first, from
}

// waiting returns a job in line, whole.
func (s *Store) waiting(v *view, seq uint64) (*row, error) {
	if r := s.memory.cache.drop(seq); r != nil {
		return r, nil
	}
	r, err := v.row(seq)
	if err != nil {
		return nil, err
	}
	if !r.State.Waiting() {
		return nil, v.badRow(jobsBucket, fmt.Sprint(seq), fmt.Errorf("a job in line is %s", r.State))
	}
	v.fetch(seq, r)
	return r, nil
}

// takeBack undoes leases.
func (s *Store) takeBack(picked []*running) {
	for _, e := range picked {
		r := e.row
		s.memory.wait(e.seq, r.Queue, r.Priority, r.RunAt, r.ID)
		s.memory.unrun(e)
	}
}

// Extend implements [engine.Queue]. It does not wait for the disk: a lease
// ends with the process that has the file open.
func (s *Store) Extend(ctx context.Context, exts ...engine.Extension) ([]engine.Extended, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(); err != nil {
		return nil, err
	}
	answers := make([]engine.Extended, len(exts))
	for i := range exts {
		x := &exts[i]
		e := s.memory.running[x.ID]
		if e == nil || !e.row.Holds(x.Attempt) {
			answers[i].Err = engine.ErrLeaseLost
			continue
		}
		e.row.LeaseUntil, e.row.Progress = x.Until, x.Progress
		answers[i].Cancelling = e.row.Cancelling
	}
	return answers, nil
}

// Expired implements [engine.Queue].
func (s *Store) Expired(ctx context.Context, now time.Time, n int) ([]engine.Job, error) {
	var jobs []engine.Job
	err := s.use(ctx, func(v *view) error {
		for _, e := range s.memory.expired(now, n) {
			r := e.row.clone()
			v.fetch(e.seq, r)
			jobs = append(jobs, r.Job)
		}
		return nil
	})
	return jobs, err
}

// NextDue implements [engine.Queue].
func (s *Store) NextDue(ctx context.Context, queues engine.QueueSet) (at time.Time, ok bool, err error) {
	err = s.use(ctx, func(v *view) error {
		first, found := s.memory.nextDue(queues)
		if ok = found; !ok {
			return nil
		}
		if at = first.time(); first.exact() {
			return nil
		}
		r, err := v.row(first.seq)
		if err == nil {
			at = r.RunAt
		}
		return err
	})
	return at, ok && err == nil, err
}

// NextExpiry implements [engine.Queue].
func (s *Store) NextExpiry(ctx context.Context) (time.Time, bool, error) {
	if err := s.enter(ctx); err != nil {
		return time.Time{}, false, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	at, ok := s.memory.nextExpiry()
	return at, ok, nil
}
