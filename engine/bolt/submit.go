package bolt

import (
	"bytes"
	"context"
	"fmt"
	"slices"

	"github.com/tlo-run/tlo/engine"
)

// fresh is a job to be submitted, as far as its caller can make it ready.
type fresh struct {
	row     *row
	encoded []byte
	sameID  bool   // an earlier one of the batch has its id
	sameKey string // the id of an earlier one of the batch that has its key
}

// prepare makes jobs ready, or returns why one cannot be stored.
func prepare(jobs []engine.Job) ([]fresh, error) {
	made, rows := make([]fresh, len(jobs)), make([]row, len(jobs))
	for i := range jobs {
		if err := checkNew(&jobs[i]); err != nil {
			return nil, err
		}
		r := &rows[i]
		r.Job = jobs[i]
		r.Input, r.Output = bytes.Clone(r.Input), bytes.Clone(r.Output)
		r.farInput, r.farOut = len(r.Input) > maxInline, len(r.Output) > maxInline
		made[i] = fresh{row: r, encoded: encodeRow(r)}
	}
	if len(jobs) > 1 {
		findRepeats(made)
	}
	return made, nil
}

func findRepeats(jobs []fresh) {
	ids, keys := make(map[string]bool, len(jobs)), map[string]string{}
	for i := range jobs {
		f := &jobs[i]
		f.sameID = ids[f.row.ID]
		ids[f.row.ID] = true
		if key := f.row.Key; key != "" {
			if f.sameKey = keys[key]; f.sameKey == "" {
				keys[key] = f.row.ID
			}
		}
	}
}

// Submit implements [engine.Queue].
func (s *Store) Submit(ctx context.Context, jobs ...engine.Job) error {
	made, err := prepare(jobs)
	if err != nil {
		return err
	}
	return s.write(ctx, &op{size: len(jobs), run: func(g *group) error {
		if err := g.checkSubmit(made); err != nil {
			return err
		}
		g.submit(made)
		return nil
	}})
}

// checkSubmit refuses jobs whose id or key is taken.
func (g *group) checkSubmit(jobs []fresh) error {
	for i := range jobs {
		f := &jobs[i]
		j := f.row
		if f.sameID || g.taken(j.ID) {
			return &engine.DuplicateError{ID: j.ID}
		}
		if j.Schedule != "" {
			if _, _, err := g.lastTick(j.Schedule); err != nil {
				return err
			}
		}
		if j.Key == "" {
			continue
		}
		holder := f.sameKey
		if value := g.get(keysBucket, []byte(j.Key)); value != nil {
			var err error
			if holder, err = g.holder(j.Key, value); err != nil {
				return err
			}
		}
		if holder != "" {
			return &engine.DuplicateError{Key: j.Key, ID: holder}
		}
	}
	return nil
}

func (g *group) taken(id string) bool {
	if t := g.ids[id]; t != nil {
		return !t.removed
	}
	return g.get(idsBucket, []byte(id)) != nil
}

// holder returns the id of the job that a key leads to.
func (g *group) holder(key string, value []byte) (string, error) {
	seq, err := seqOf(value)
	if err != nil {
		return "", g.badRow(keysBucket, fmt.Sprintf("%q", key), err)
	}
	if seq > g.store.last { // it came with this group
		i := slices.IndexFunc(g.order, func(t *touched) bool { return t.seq == seq })
		if i < 0 {
			return "", g.badRow(keysBucket, fmt.Sprintf("%q", key), fmt.Errorf("job %d was never given", seq))
		}
		return g.order[i].row.ID, nil
	}
	r, err := g.row(seq)
	if err != nil {
		return "", err
	}
	return r.ID, nil
}

// submit adds jobs that were checked.
func (g *group) submit(jobs []fresh) {
	made := make([]touched, len(jobs))
	for i := range jobs {
		f := &jobs[i]
		g.last++
		j, key := f.row, seqKey(g.last)
		made[i] = touched{seq: g.last, row: j, encoded: f.encoded, changed: true}
		g.touch(&made[i])
		g.put(idsBucket, []byte(j.ID), key)
		if j.Key != "" {
			g.put(keysBucket, []byte(j.Key), key)
		}
		if j.farInput {
			g.put(inputsBucket, key, j.Input)
		}
		if j.farOut {
			g.put(outputsBucket, key, j.Output)
		}
		if j.Schedule != "" {
			g.setTick(j.Schedule, j.Tick)
		}
	}
}
