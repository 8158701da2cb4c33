package bolt

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"syscall"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// Check compares all that the store knows twice: bbolt's pages with its free
// list, each row with those that refer to it, the memory with the rows. The
// conformance suite calls it before each Close.
func (s *Store) Check(ctx context.Context) error {
	if err := s.flush(ctx); err != nil && !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return s.scan(ctx, func(v *view) error {
		var errs []error
		for err := range v.tx.Check() {
			errs = append(errs, err)
		}
		if len(errs) > 0 {
			return errors.Join(errs...)
		}
		c := &check{view: v, fresh: newMemory(s.before), rows: map[bucket]int{}}
		if err := v.bucket(jobsBucket).ForEach(c.job); err != nil {
			return err
		}
		for _, b := range []bucket{jobsBucket, idsBucket, keysBucket, endedBucket} {
			n := 0
			if err := v.bucket(b).ForEach(func(_, _ []byte) error { n++; return nil }); err != nil {
				return err
			}
			if n != c.rows[b] {
				return fmt.Errorf("%s has %d rows, the jobs need %d", b, n, c.rows[b])
			}
		}
		for _, b := range []bucket{inputsBucket, outputsBucket, logsBucket} {
			if err := c.owned(b); err != nil {
				return err
			}
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		return c.memory(s.memory)
	})
}

// flush waits until what only memory knows is stored.
func (s *Store) flush(ctx context.Context) error {
	s.mu.Lock()
	for _, e := range s.memory.running {
		s.memory.save(e)
	}
	s.mu.Unlock()
	return s.write(ctx, &op{run: func(*group) error { return nil }})
}

type check struct {
	*view
	fresh *memory
	rows  map[bucket]int
}

func (c *check) job(k, value []byte) error {
	seq, err := seqOf(k)
	if err != nil {
		return err
	}
	r, err := decodeRow(value)
	if err != nil {
		return c.badRow(jobsBucket, fmt.Sprint(seq), err)
	}
	if err := c.fresh.load(seq, value); err != nil {
		return err
	}
	c.rows[jobsBucket]++
	if err := c.refers(idsBucket, []byte(r.ID), seq); err != nil {
		return err
	}
	if r.Key != "" {
		if err := c.refers(keysBucket, []byte(r.Key), seq); err != nil {
			return err
		}
	}
	if last, err := c.lastLine(seq); r.lines != linesUnknown && int(last) != r.lines {
		return fmt.Errorf("job %d has %d log lines, not %d (%v)", seq, last, r.lines, err)
	}
	if r.State.Terminal() {
		return c.refers(endedBucket, endedKey(r.Task, r.FinishedAt, r.ID), seq)
	}
	return nil
}

func (c *check) refers(b bucket, key []byte, seq uint64) error {
	c.rows[b]++
	if got, err := seqOf(c.get(b, key)); err != nil || got != seq {
		return fmt.Errorf("row %q of %s refers to job %d (%v), not to %d", key, b, got, err, seq)
	}
	return nil
}

// owned checks that each row belongs to a job that exists.
func (c *check) owned(b bucket) error {
	return c.bucket(b).ForEach(func(k, _ []byte) error {
		if c.get(jobsBucket, k[:8]) == nil {
			return fmt.Errorf("row %x of %s belongs to no job", k, b)
		}
		return nil
	})
}

func (c *check) memory(m *memory) error {
	if !reflect.DeepEqual(m.ended, c.fresh.ended) || !reflect.DeepEqual(m.tasks, c.fresh.tasks) {
		return fmt.Errorf("ended jobs are counted as %v and %v, but are %v and %v", m.ended, m.tasks, c.fresh.ended, c.fresh.tasks)
	}
	for id, want := range c.fresh.running {
		got := m.running[id]
		if got == nil {
			return fmt.Errorf("job %s runs, the memory does not know", id)
		}
		now := *got.row
		now.LeaseUntil = time.Time{}
		if string(encodeRow(&now)) != string(encodeRow(want.row)) {
			return fmt.Errorf("job %s is in memory\n%+v, but is\n%+v", id, got.row, want.row)
		}
	}
	if len(m.running) != len(c.fresh.running) || len(m.queues) != len(c.fresh.queues) {
		return fmt.Errorf("memory has %d running jobs in %d queues; there are %d in %d", len(m.running), len(m.queues), len(c.fresh.running), len(c.fresh.queues))
	}
	for name, want := range c.fresh.queues {
		got := m.queues[name]
		if got == nil || got.waiting != want.waiting || got.running != want.running || !slices.Equal(got.list(), want.list()) {
			return fmt.Errorf("queue %s is in memory %+v, but is %+v", name, got, want)
		}
	}
	return nil
}

// list returns all jobs in line, in any order.
func (q *lineup) list() []spot {
	var all []spot
	take := func(s spot) {
		if _, gone := q.gone[s]; !gone {
			all = append(all, s)
		}
	}
	for _, l := range q.lanes {
		for _, r := range l.runs {
			r.all(take)
		}
		for _, s := range l.heap {
			take(s)
		}
	}
	slices.SortFunc(all, func(a, b spot) int { return int(a.seq) - int(b.seq) })
	return all
}

// fill gives a store some of everything; it is what the fixture was made with.
func fill(ctx context.Context, s *Store) error {
	at := time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)
	var jobs []engine.Job
	for i := range 40 {
		jobs = append(jobs, engine.Job{
			ID: fmt.Sprintf("job-%02d", i), Task: "report", Queue: fmt.Sprint("q", i%2), Priority: i % 10, Key: fmt.Sprint("key-", i),
			Input: fmt.Append(nil, "input ", i), State: engine.Ready, RunAt: at, CreatedAt: at, Schedule: "nightly", Tick: at,
		})
	}
	if err := s.Submit(ctx, jobs...); err != nil {
		return err
	}
	leased, err := s.Lease(ctx, engine.LeaseRequest{Queues: engine.QueueSet{Except: true}, Max: 20, Worker: "w", Now: at, Until: at.Add(time.Minute)})
	if err != nil {
		return err
	}
	var batch []engine.Settlement
	for i, j := range leased[:18] { // two go on running
		o := []engine.Outcome{
			{Verdict: engine.VerdictSucceeded, Output: []byte("output")},
			{Verdict: engine.VerdictFailed, Cause: engine.CauseTrap, Error: "unreachable"},
			{Verdict: engine.VerdictRetried, Cause: engine.CauseError, Error: "again", RunAt: at.Add(time.Hour)},
		}[i%3]
		batch = append(batch, engine.Settlement{
			ID: j.ID, Attempt: j.Attempt, Now: at.Add(time.Duration(i) * time.Second), Outcome: o,
			Logs:    []engine.LogLine{{At: at, Attempt: 1, Level: engine.Info, Message: "done", Fields: map[string]string{"n": "1"}}},
			Effects: engine.Effects{Writes: []engine.Write{{Space: "s", Key: fmt.Sprint("k", i), Value: []byte("value")}}},
		})
	}
	answers, err := s.Settle(ctx, batch...)
	for _, a := range answers {
		err = errors.Join(err, a.Err)
	}
	return err
}

// all calls f for each job in order.
func (r *run) all(f func(spot)) {
	for _, c := range r.chunks {
		rest := *c
		for s := c.first; ; {
			f(s)
			if rest.n--; rest.n == 0 {
				break
			}
			s, rest.rest = rest.next(s)
		}
	}
}
