package bolt

import (
	"context"
	"fmt"
	"math"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/tlo-run/tlo/engine"
)

// scanned is how many rows one transaction looks at: a longer one would keep
// the writer from growing the file.
const scanned = 10_000

// runningCopy returns a running job as it is now, else nil.
func (s *Store) runningCopy(id string) *row {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if e := s.memory.running[id]; e != nil {
		return e.row.clone()
	}
	return nil
}

// Job implements [engine.StateStore].
func (s *Store) Job(ctx context.Context, id string) (engine.Job, error) {
	var found engine.Job
	err := s.view(ctx, func(v *view) error {
		seq, r, err := v.find(id)
		if err != nil {
			return err
		}
		if now := s.runningCopy(id); now != nil {
			r = now
		}
		v.fetch(seq, r)
		found = r.Job
		return nil
	})
	return found, err
}

// Jobs implements [engine.StateStore].
func (s *Store) Jobs(ctx context.Context, f engine.Filter) (engine.Page, error) {
	below := uint64(math.MaxUint64)
	if f.Cursor != "" {
		var err error
		if below, err = decodeCursor(f.Cursor); err != nil {
			return engine.Page{}, err
		}
	}
	l := listing{Filter: f, store: s, want: want(&f), below: below, last: below}
	look := s.view
	if f.Key == "" {
		look = s.scan
	}
	for !l.done {
		if err := look(ctx, l.scan); err != nil {
			return engine.Page{}, err
		}
		look = s.view // what is newer than the first look need not be seen
	}
	return l.page, nil
}

// listing walks from the newest row down.
type listing struct {
	engine.Filter
	store *Store
	want  wanted
	page  engine.Page
	below uint64 // where to go on
	last  uint64 // the last row on the page
	done  bool
}

// scan looks at the next rows.
func (l *listing) scan(v *view) error {
	if l.Key != "" {
		return l.one(v)
	}
	c := v.bucket(jobsBucket).Cursor()
	k, value := seekBelow(c, l.below)
	for range scanned {
		if k == nil {
			l.done = true
			return nil
		}
		seq, err := seqOf(k)
		if err != nil {
			return v.badRow(jobsBucket, fmt.Sprintf("%x", k), err)
		}
		if seq%zoneSize == zoneSize-1 || seq+1 == l.below || l.below == math.MaxUint64 {
			if down := l.store.skip(seq+1, &l.want); down != seq+1 {
				l.below = down
				k, value = seekBelow(c, down)
				continue
			}
		}
		h, err := decodeHead(value)
		if err != nil {
			return v.badRow(jobsBucket, fmt.Sprint(seq), err)
		}
		if l.may(&h) {
			if err := l.look(v, seq); err != nil {
				return err
			}
		}
		if l.done {
			return nil
		}
		l.below = seq
		k, value = c.Prev()
	}
	return nil
}

// skip passes by jobs that the listing cannot want.
func (s *Store) skip(below uint64, w *wanted) uint64 {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.memory.zones.skip(below, w)
}

// may says whether a row is worth reading as a whole. Of a job that is not
// ended the memory knows more.
func (l *listing) may(h *head) bool {
	return (l.Task == "" || l.Task == string(h.task)) && (l.Queue == "" || l.Queue == string(h.queue)) &&
		(l.Since.IsZero() || !h.created.Before(l.Since)) && (l.Until.IsZero() || h.created.Before(l.Until)) &&
		(l.want.states == 0 || !h.State().Terminal() || l.want.states&(1<<h.state) != 0)
}

// look reads a row and takes it if it is wanted.
func (l *listing) look(v *view, seq uint64) error {
	if v.get(jobsBucket, seqKey(seq)) == nil { // purged: a table is newer than the cursor
		return nil
	}
	r, err := v.row(seq)
	if err != nil {
		return err
	}
	if r.State.Waiting() || r.State == engine.Running {
		if now := l.store.runningCopy(r.ID); now != nil {
			r = now
		}
	}
	l.take(seq, &r.Job)
	return nil
}

// one finds the job of a key, of which there is one at most.
func (l *listing) one(v *view) error {
	l.done = true
	value := v.get(keysBucket, []byte(l.Key))
	if value == nil {
		return nil
	}
	seq, err := seqOf(value)
	if err != nil {
		return v.badRow(keysBucket, fmt.Sprintf("%q", l.Key), err)
	}
	if seq >= l.below {
		return nil
	}
	return l.look(v, seq)
}

func (l *listing) take(seq uint64, j *engine.Job) {
	if !l.Match(j) {
		return
	}
	if len(l.page.Jobs) == l.PageSize() {
		l.page.Next, l.done = encodeCursor(l.last), true
		return
	}
	l.page.Jobs = append(l.page.Jobs, j.Summary())
	l.last = seq
}

func seekBelow(c *bbolt.Cursor, seq uint64) (k, v []byte) {
	if k, _ := c.Seek(seqKey(seq)); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// Counts implements [engine.StateStore].
func (s *Store) Counts(ctx context.Context, now time.Time) (map[string]map[engine.State]int, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.memory.counts(now), nil
}
