package bolt

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/tlo-run/tlo/engine"
)

// Purge implements [engine.StateStore]. Which jobs to remove is found while
// others write; the writer looks at no more than those.
func (s *Store) Purge(ctx context.Context, req engine.PurgeRequest) (int, error) {
	var found []outdated
	err := s.scan(ctx, func(v *view) error {
		s.mu.RLock()
		excess := s.memory.tasks[req.Task] - req.Keep
		s.mu.RUnlock()
		if req.Keep <= 0 {
			excess = 0
		}
		var err error
		found, err = v.outdated(&req, excess)
		return err
	})
	if err != nil || len(found) == 0 {
		return 0, err
	}
	n := 0
	err = s.write(ctx, &op{size: len(found), run: func(g *group) error {
		rows := make([]*touched, 0, len(found))
		for _, f := range found {
			t, err := g.find(f.id)
			if errors.Is(err, engine.ErrNotFound) {
				continue // purged by another call
			}
			if err != nil {
				return err
			}
			if t.row.State.Terminal() && bytes.Equal(endedKey(req.Task, t.row.FinishedAt, f.id), f.key) { // not retried meanwhile
				rows = append(rows, t)
			}
		}
		for _, t := range rows {
			g.remove(t)
		}
		n = len(rows)
		return nil
	}})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// outdated is a job to be removed.
type outdated struct {
	id  string
	key []byte // of its row among the ended
}

// outdated returns the jobs to remove, oldest first: those that ended before a
// time, and the excess ones.
func (v *view) outdated(req *engine.PurgeRequest, excess int) ([]outdated, error) {
	prefix := scoped(req.Task)
	var before []byte // no row is before nil
	if !req.Before.IsZero() {
		before = appendInstant(scoped(req.Task), req.Before)
	}
	var found []outdated
	c := v.bucket(endedBucket).Cursor()
	for k, _ := c.Seek(prefix); bytes.HasPrefix(k, prefix) && len(found) < req.Max; k, _ = c.Next() {
		if len(found) >= excess && bytes.Compare(k, before) >= 0 {
			break
		}
		if len(k) <= len(prefix)+instantSize {
			return nil, v.badRow(endedBucket, fmt.Sprintf("%x", k), errMalformed)
		}
		found = append(found, outdated{string(k[len(prefix)+instantSize:]), bytes.Clone(k)})
	}
	return found, nil
}

// remove deletes all rows of a job that has ended.
func (g *group) remove(t *touched) {
	r, key := t.row, seqKey(t.seq)
	g.delete(jobsBucket, key)
	g.delete(endedBucket, endedKey(r.Task, r.FinishedAt, r.ID))
	g.delete(idsBucket, []byte(r.ID))
	if r.Key != "" {
		g.delete(keysBucket, []byte(r.Key))
	}
	if r.farInput {
		g.delete(inputsBucket, key)
	}
	if r.farOut {
		g.delete(outputsBucket, key)
	}
	last, err := g.lines(t)
	if err != nil { // rows that nobody finds any more
		last = 0
	}
	for n := range last {
		g.delete(logsBucket, logKey(t.seq, uint64(n+1)))
	}
	t.removed, t.changed, t.encoded = true, true, nil
}
