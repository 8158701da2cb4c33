package bolt

import (
	"context"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// Cancel implements [engine.Queue].
func (s *Store) Cancel(ctx context.Context, id string, now time.Time) (engine.Job, error) {
	o := &op{size: 1}
	return s.transition(ctx, id, o, func(g *group, t *touched) error {
		if t.was.Waiting() && t.row.State.Waiting() && !t.left {
			o.undo = s.leaveLine(t)
		}
		return g.change(t, func(j *engine.Job) error { return j.Cancel(now) })
	})
}

// leaveLine keeps a waiting job from being leased. If it was leased a moment
// ago, it is a running one from here on.
func (s *Store) leaveLine(t *touched) (undo func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e := s.memory.running[t.row.ID]; e != nil {
		t.runs(e)
		return nil
	}
	t.left = true
	r := *t.row
	s.memory.unwait(t.seq, &r)
	return func() { s.memory.wait(t.seq, r.Queue, r.Priority, r.RunAt, r.ID) }
}

// Retry implements [engine.Queue].
func (s *Store) Retry(ctx context.Context, id string, now time.Time) (engine.Job, error) {
	return s.transition(ctx, id, &op{size: 1}, func(g *group, t *touched) error {
		return g.change(t, func(j *engine.Job) error { return j.Revive(now) })
	})
}

// transition changes one job and returns it.
func (s *Store) transition(ctx context.Context, id string, o *op, f func(g *group, t *touched) error) (engine.Job, error) {
	var changed *row
	o.run = func(g *group) error {
		t, err := g.find(id)
		if err != nil {
			return err
		}
		if err := f(g, t); err != nil {
			return err
		}
		changed = t.row.clone()
		g.fetch(t.seq, changed)
		return nil
	}
	if err := s.write(ctx, o); err != nil {
		return engine.Job{}, err
	}
	return changed.Job, nil
}
