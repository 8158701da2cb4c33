package bolt

import (
	"errors"
	"fmt"

	"github.com/tlo-run/tlo/engine"
)

// group is what several calls write at once. A call first checks, then
// changes, so that one which is refused leaves nothing behind. Of a job that
// several calls changed only the last form is written.
type group struct {
	view
	store *Store
	table table // the first of the view's tables
	last  uint64
	ids   map[string]*touched // those jobs that are read or new
	order []*touched
	dirty bool
}

// touched is a job that a group has read or made.
type touched struct {
	seq     uint64
	row     *row         // as the group leaves it
	was     engine.State // as published; empty for a new job
	entry   *running     // of one that runs
	encoded []byte       // the record of row, if it has been made
	changed bool
	removed bool
	left    bool // it left the line
}

// runs makes it the job of a lease that was given meanwhile.
func (t *touched) runs(e *running) {
	r := *e.row
	r.lines = t.row.lines
	t.row, t.was, t.entry, t.encoded = &r, engine.Running, e, nil
}

func (g *group) put(b bucket, key, value []byte) {
	g.dirty = true
	g.table.set(b, cell{key: key, value: value})
}

func (g *group) delete(b bucket, key []byte) {
	g.dirty = true
	g.table.set(b, cell{key: key, gone: true})
}

// newGroup makes a group for so many jobs.
func newGroup(s *Store, n int) *group {
	g := &group{store: s, last: s.last, ids: make(map[string]*touched, n), order: make([]*touched, 0, n)}
	g.table.grow(n)
	return g
}

func (g *group) touch(t *touched) *touched {
	g.ids[t.row.ID] = t
	g.order = append(g.order, t)
	return t
}

// find returns a job by id.
func (g *group) find(id string) (*touched, error) {
	if t := g.known(id); t != nil {
		if t.removed {
			return nil, engine.ErrNotFound
		}
		return t, nil
	}
	seq, r, err := g.view.find(id)
	if err != nil {
		return nil, err
	}
	if r.State == engine.Running { // then memory would know it
		return nil, g.badRow(jobsBucket, fmt.Sprint(seq), errors.New("it is running, but was not when the store was opened"))
	}
	return g.touch(&touched{seq: seq, row: r, was: r.State}), nil
}

// known returns a job that the group touched or that is running, else nil.
func (g *group) known(id string) *touched {
	t := g.ids[id]
	if t != nil && !(t.was.Waiting() && t.row.State.Waiting() && !t.left) {
		return t
	}
	g.store.mu.RLock()
	defer g.store.mu.RUnlock()
	e := g.store.memory.running[id]
	switch {
	case e == nil:
		return t
	case t != nil: // leased since the group touched it
		t.runs(e)
		return t
	}
	r := *e.row
	return g.touch(&touched{seq: e.seq, row: &r, was: engine.Running, entry: e})
}

// held returns the job whose lease of that attempt is held, or ErrLeaseLost.
func (g *group) held(id string, attempt int) (*touched, error) {
	t := g.known(id)
	if t == nil || t.removed || !t.row.Holds(attempt) {
		return nil, engine.ErrLeaseLost
	}
	return t, nil
}

// change runs a transition of a job, which either fails or changes it.
func (g *group) change(t *touched, transition func(*engine.Job) error) error {
	before, finished := t.row.State, t.row.FinishedAt
	if err := transition(&t.row.Job); err != nil {
		return err
	}
	t.changed, t.encoded = true, nil
	if before.Terminal() {
		g.delete(endedBucket, endedKey(t.row.Task, finished, t.row.ID))
	}
	if t.row.State.Terminal() {
		g.put(endedBucket, endedKey(t.row.Task, t.row.FinishedAt, t.row.ID), seqKey(t.seq))
	}
	return nil
}
