package bolt

import (
	"bytes"
	"context"

	"github.com/tlo-run/tlo/engine"
)

// Settle implements [engine.Queue].
func (s *Store) Settle(ctx context.Context, settlements ...engine.Settlement) ([]engine.Settled, error) {
	answers := make([]engine.Settled, len(settlements))
	err := s.write(ctx, &op{size: len(settlements), run: func(g *group) error {
		for i := range settlements {
			j, err := g.settle(&settlements[i])
			answers[i] = engine.Settled{Job: j, Err: err}
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return answers, nil
}

func (g *group) settle(st *engine.Settlement) (engine.Job, error) {
	t, err := g.held(st.ID, st.Attempt)
	if err != nil {
		return engine.Job{}, err
	}
	last, err := g.lines(t)
	if err != nil {
		return engine.Job{}, err
	}
	succeeded := st.Outcome.Verdict == engine.VerdictSucceeded
	if succeeded {
		if err := g.effects(&st.Effects); err != nil {
			return engine.Job{}, err
		}
	}
	g.addLines(t, last, st.Logs)
	if succeeded {
		g.setOutput(t, st.Outcome.Output)
	}
	_ = g.change(t, func(j *engine.Job) error { // which cannot fail
		j.Settle(st.Outcome, st.Now)
		return nil
	})
	g.fetch(t.seq, t.row)
	j := t.row.Job
	j.Output = bytes.Clone(j.Output) // it is the caller's
	return j, nil
}

// effects checks, then writes, what a success brings with it.
func (g *group) effects(e *engine.Effects) error {
	if err := checkWrites(e.Writes); err != nil {
		return err
	}
	if len(e.Jobs) > 0 {
		made, err := prepare(e.Jobs)
		if err == nil {
			err = g.checkSubmit(made)
		}
		if err != nil {
			return err
		}
		g.submit(made)
	}
	g.write(e.Writes)
	return nil
}

// setOutput stores a large output in a row of its own.
func (g *group) setOutput(t *touched, output []byte) {
	key := seqKey(t.seq)
	if t.row.farOut {
		g.delete(outputsBucket, key)
	}
	if t.row.farOut = len(output) > maxInline; t.row.farOut {
		g.put(outputsBucket, key, bytes.Clone(output))
	}
}
