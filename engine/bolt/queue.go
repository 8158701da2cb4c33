package bolt

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// Submit implements [engine.Queue].
func (s *Store) Submit(ctx context.Context, jobs ...engine.Job) error {
	return s.write(ctx, &op{run: func(t *txn) error {
		if err := t.checkSubmit(jobs); err != nil {
			return err
		}
		t.submit(jobs)
		return nil
	}})
}

// Lease implements [engine.Queue]. The attempt is counted on the disk before
// it begins: a job that kills its process does not run for ever.
func (s *Store) Lease(ctx context.Context, req engine.LeaseRequest) ([]engine.Job, error) {
	var leased []engine.Job
	o := &op{lease: &req}
	o.run = func(t *txn) error {
		leased = nil
		rows := make([]engine.Job, len(o.picked))
		for i, seq := range o.picked {
			var err error
			if rows[i], err = t.row(seq); err != nil {
				return err
			}
			if !rows[i].State.Waiting() {
				return t.badRow(jobsBucket, fmt.Sprint(seq), fmt.Errorf("a job in line is %s", rows[i].State))
			}
		}
		for i, seq := range o.picked {
			j := rows[i]
			j.Begin(req.Worker, req.Now, req.Until)
			t.set(seq, &rows[i], &j)
			leased = append(leased, t.whole(seq, j))
		}
		return nil
	}
	if err := s.write(ctx, o); err != nil {
		return nil, err
	}
	return leased, nil
}

// Extend implements [engine.Queue].
func (s *Store) Extend(ctx context.Context, exts ...engine.Extension) ([]engine.Extended, error) {
	answers := make([]engine.Extended, len(exts))
	err := s.write(ctx, &op{run: func(t *txn) error {
		for i := range exts {
			answers[i] = t.extend(&exts[i])
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return answers, nil
}

func (t *txn) extend(e *engine.Extension) engine.Extended {
	seq, before, err := t.held(e.ID, e.Attempt)
	if err != nil {
		return engine.Extended{Err: err}
	}
	j := before
	j.LeaseUntil, j.Progress = e.Until, e.Progress
	t.set(seq, &before, &j)
	return engine.Extended{Cancelling: j.Cancelling}
}

// held returns the job whose lease of that attempt is held, or ErrLeaseLost.
func (t *txn) held(id string, attempt int) (uint64, engine.Job, error) {
	seq, j, err := t.find(id)
	if errors.Is(err, engine.ErrNotFound) || err == nil && !j.Holds(attempt) {
		err = engine.ErrLeaseLost
	}
	return seq, j, err
}

// Settle implements [engine.Queue].
func (s *Store) Settle(ctx context.Context, settlements ...engine.Settlement) ([]engine.Settled, error) {
	answers := make([]engine.Settled, len(settlements))
	err := s.write(ctx, &op{run: func(t *txn) error {
		for i := range settlements {
			j, err := t.settle(&settlements[i])
			answers[i] = engine.Settled{Job: j, Err: err}
		}
		return nil
	}})
	if err != nil {
		return nil, err
	}
	return answers, nil
}

func (t *txn) settle(st *engine.Settlement) (engine.Job, error) {
	seq, before, err := t.held(st.ID, st.Attempt)
	if err != nil {
		return engine.Job{}, err
	}
	last, err := t.lastLine(seq)
	if err != nil {
		return engine.Job{}, err
	}
	succeeded := st.Outcome.Verdict == engine.VerdictSucceeded
	if succeeded {
		if err := checkWrites(st.Effects.Writes); err != nil {
			return engine.Job{}, err
		}
		if err := t.checkSubmit(st.Effects.Jobs); err != nil {
			return engine.Job{}, err
		}
	}
	// All checks are made: from here on it writes.
	if succeeded {
		t.submit(st.Effects.Jobs)
		t.write(st.Effects.Writes)
	}
	t.addLines(seq, last, st.Logs)
	j := before
	j.Settle(st.Outcome, st.Now)
	t.set(seq, &before, &j)
	if succeeded {
		t.payload(outputsBucket, seqKey(seq), st.Outcome.Output)
	}
	return t.whole(seq, j), nil
}

// Expired implements [engine.Queue].
func (s *Store) Expired(ctx context.Context, now time.Time, n int) ([]engine.Job, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	var jobs []engine.Job
	err := s.view(ctx, func(t *txn) error {
		for _, e := range s.index.expired(now, n) {
			_, j, err := t.held(e.id, e.attempt)
			if errors.Is(err, engine.ErrLeaseLost) { // settled just now
				continue
			}
			if err != nil {
				return err
			}
			jobs = append(jobs, t.whole(e.seq, j))
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return jobs, nil
}

// Cancel implements [engine.Queue].
func (s *Store) Cancel(ctx context.Context, id string, now time.Time) (engine.Job, error) {
	return s.change(ctx, id, func(j *engine.Job) error { return j.Cancel(now) })
}

// Retry implements [engine.Queue].
func (s *Store) Retry(ctx context.Context, id string, now time.Time) (engine.Job, error) {
	return s.change(ctx, id, func(j *engine.Job) error { return j.Revive(now) })
}

// change runs one transition of one job.
func (s *Store) change(ctx context.Context, id string, transition func(*engine.Job) error) (engine.Job, error) {
	var changed engine.Job
	err := s.write(ctx, &op{run: func(t *txn) error {
		seq, before, err := t.find(id)
		if err != nil {
			return err
		}
		j := before
		if err := transition(&j); err != nil {
			return err
		}
		t.set(seq, &before, &j)
		changed = t.whole(seq, j)
		return nil
	}})
	if err != nil {
		return engine.Job{}, err
	}
	return changed, nil
}

// NextDue implements [engine.Queue].
func (s *Store) NextDue(ctx context.Context, queues engine.QueueSet) (time.Time, bool, error) {
	if err := s.enter(ctx); err != nil {
		return time.Time{}, false, err
	}
	at, ok := s.index.nextDue(queues)
	return at, ok, nil
}

// NextExpiry implements [engine.Queue].
func (s *Store) NextExpiry(ctx context.Context) (time.Time, bool, error) {
	if err := s.enter(ctx); err != nil {
		return time.Time{}, false, err
	}
	at, ok := s.index.nextExpiry()
	return at, ok, nil
}
