package disk_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
)

// A history is what one worker's part of a store must hold after each step, by
// the model in memory.
type history struct {
	replies  []string
	versions map[string][]version // by name, as in a state; the first is of step -1
}

// version is one value of a name, empty where there is none.
type version struct {
	step int
	unit string // what changed in the same step and unit changes together
	text string
	// lazy is a first lease: it may be forgotten, for nothing was done by it
	// that anybody was told. That of a later attempt may not, or a job that
	// kills its process would never be counted.
	lazy bool
}

// split is the model, with those changes apart that a store may make apart.
type split struct {
	*mem.Store
	unit  func(name string) // the changes so far are one unit
	each  bool              // each job is a unit
	first map[string]bool   // ids of first leases
}

func (s *split) Settle(ctx context.Context, batch ...engine.Settlement) ([]engine.Settled, error) {
	var all []engine.Settled
	for i, st := range batch {
		answers, err := s.Store.Settle(ctx, st)
		if err != nil {
			return nil, err
		}
		all = append(all, answers...)
		s.unit(fmt.Sprint(i))
	}
	return all, nil
}

func (s *split) Lease(ctx context.Context, req engine.LeaseRequest) ([]engine.Job, error) {
	s.each = true
	jobs, err := s.Store.Lease(ctx, req)
	for _, j := range jobs {
		if j.Attempt == 1 {
			s.first[j.ID] = true
		}
	}
	return jobs, err
}

func (s *split) Purge(ctx context.Context, req engine.PurgeRequest) (int, error) {
	s.each = true
	return s.Store.Purge(ctx, req)
}

// play has a worker take its steps on the model. Those in without fail and
// change nothing.
func play(ctx context.Context, n int, r run, without map[int]bool) (*history, error) {
	h := &history{versions: map[string][]version{}}
	m := &split{Store: mem.New(), first: map[string]bool{}}
	w := newWorker(n, r.Seed, m)
	failing, cancel := context.WithCancel(ctx)
	cancel()
	before, step := state{}, 0
	var failed error
	m.unit = func(unit string) {
		st, _, err := read(ctx, m, r.Workers)
		failed = errors.Join(failed, err)
		for _, name := range slices.Sorted(maps.Keys(merge(before, st))) {
			if before[name] == st[name] {
				continue
			}
			id := name[strings.LastIndex(name, "/")+1:]
			if h.versions[name] == nil {
				h.versions[name] = []version{{step: -1}}
			}
			v := version{step: step, unit: unit, text: st[name], lazy: m.first[id] && strings.HasPrefix(name, "job/")}
			if m.each {
				v.unit = id
			}
			h.versions[name] = append(h.versions[name], v)
		}
		before = st
	}
	for ; step < r.Steps; step++ {
		m.each = false
		clear(m.first)
		ctx := ctx
		if without[step] {
			ctx = failing
		}
		reply, err := w.step(ctx, step)
		if err != nil && !without[step] {
			return nil, err
		}
		h.replies = append(h.replies, reply)
		m.unit("")
	}
	return h, failed
}

func merge(a, b state) state {
	all := maps.Clone(a)
	maps.Copy(all, b)
	return all
}

// judge checks a worker's part of a state after so many steps were confirmed:
// all they did is there; of the step after them, and of no other, any unit may
// be, as a whole.
func (h *history) judge(st state, steps int) error {
	type halves struct{ done, undone string }
	units := map[string]*halves{}
	for name, versions := range h.versions {
		next := slices.IndexFunc(versions, func(v version) bool { return v.step >= steps })
		if next < 0 {
			next = len(versions)
		}
		now, got := versions[next-1], st[name]
		undone := got == now.text || now.lazy && got == versions[next-2].text
		done := false
		pending := versions[next:]
		if end := slices.IndexFunc(pending, func(v version) bool { return v.step > steps }); end >= 0 {
			pending = pending[:end]
		}
		for _, v := range pending {
			done = done || got == v.text
		}
		if !done && !undone {
			return fmt.Errorf("%s is %q, and must be %q of step %d or one of %d changes by step %d", name, got, now.text, now.step, len(pending), steps)
		}
		if len(pending) == 1 && done != undone {
			u := units[pending[0].unit]
			if u == nil {
				u = &halves{}
				units[pending[0].unit] = u
			}
			if done {
				u.done = name
			} else {
				u.undone = name
			}
		}
	}
	for _, u := range units {
		if u.done != "" && u.undone != "" {
			return fmt.Errorf("step %d is there by half: with %s, without %s", steps, u.done, u.undone)
		}
	}
	return nil
}
