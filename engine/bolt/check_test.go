package bolt

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// Check compares all that the store knows twice: bbolt's pages with its free
// list, each row with those that refer to it, the memory with the rows. The
// conformance suite calls it before each Close.
func (s *Store) Check(ctx context.Context) error {
	return s.view(ctx, func(t *txn) error {
		var errs []error
		for err := range t.tx.Check() {
			errs = append(errs, err)
		}
		if len(errs) > 0 {
			return errors.Join(errs...)
		}
		c := &check{txn: t, fresh: newIndex(), rows: map[string]int{}}
		if err := t.tx.Bucket(jobsBucket).ForEach(c.job); err != nil {
			return err
		}
		for _, name := range [][]byte{jobsBucket, idsBucket, keysBucket, endedBucket} {
			n := 0
			if err := t.tx.Bucket(name).ForEach(func(_, _ []byte) error { n++; return nil }); err != nil {
				return err
			}
			if n != c.rows[string(name)] {
				return fmt.Errorf("%s has %d rows, the jobs need %d", name, n, c.rows[string(name)])
			}
		}
		for _, name := range [][]byte{inputsBucket, outputsBucket, logsBucket} {
			if err := c.owned(name); err != nil {
				return err
			}
		}
		return c.memory(s.index)
	})
}

type check struct {
	*txn
	fresh *index
	rows  map[string]int
}

func (c *check) job(k, v []byte) error {
	seq, err := seqOf(k)
	if err != nil {
		return err
	}
	j, err := decodeJob(v)
	if err != nil {
		return c.badRow(jobsBucket, fmt.Sprint(seq), err)
	}
	c.fresh.add(seq, &j)
	c.rows["jobs"]++
	if err := c.refers(idsBucket, []byte(j.ID), seq); err != nil {
		return err
	}
	if j.Key != "" {
		if err := c.refers(keysBucket, []byte(j.Key), seq); err != nil {
			return err
		}
	}
	if j.State.Terminal() {
		return c.refers(endedBucket, endedKey(j.Task, j.FinishedAt, j.ID), seq)
	}
	return nil
}

func (c *check) refers(bucket, key []byte, seq uint64) error {
	c.rows[string(bucket)]++
	if got, err := seqOf(c.get(bucket, key)); err != nil || got != seq {
		return fmt.Errorf("row %q of %s refers to job %d (%v), not to %d", key, bucket, got, err, seq)
	}
	return nil
}

// owned checks that each row belongs to a job that exists.
func (c *check) owned(bucket []byte) error {
	return c.tx.Bucket(bucket).ForEach(func(k, _ []byte) error {
		if c.get(jobsBucket, k[:8]) == nil {
			return fmt.Errorf("row %x of %s belongs to no job", k, bucket)
		}
		return nil
	})
}

func (c *check) memory(x *index) error {
	x.mu.RLock()
	defer x.mu.RUnlock()
	if !reflect.DeepEqual(x.ended, c.fresh.ended) {
		return fmt.Errorf("ended jobs are counted as %v, but are %v", x.ended, c.fresh.ended)
	}
	plain := func(e *entry) entry {
		return entry{id: e.id, running: e.running, priority: e.priority, attempt: e.attempt, at: e.at.UTC().Round(0)}
	}
	waiting := 0
	for seq, want := range c.fresh.active {
		got := x.active[seq]
		if got == nil || plain(got) != plain(want) || got.queue.name != want.queue.name || x.queues[want.queue.name] != got.queue {
			return fmt.Errorf("job %d is %+v in memory, but is %+v", seq, got, want)
		}
		if !want.running {
			waiting++
		}
	}
	lined := 0
	for _, q := range x.queues {
		lined += q.ready.Len() + q.delayed.Len()
	}
	if len(x.active) != len(c.fresh.active) || lined != waiting || len(x.queues) != len(c.fresh.queues) {
		return fmt.Errorf("memory has %d jobs, %d of them in line, in %d queues; there are %d, %d, %d",
			len(x.active), lined, len(x.queues), len(c.fresh.active), waiting, len(c.fresh.queues))
	}
	return nil
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
