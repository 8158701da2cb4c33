package main

import (
	"context"
	"fmt"
	"path/filepath"
	"time"

	"github.com/google/uuid"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/bolt"
	"github.com/tlo-run/tlo/engine/mem"
)

var boltStore = tlo("tlo", "tlo's store in one bbolt file, engine/bolt.", false,
	func(dir string) (engine.Store, error) { return bolt.Open(filepath.Join(dir, "tlo.db"), bolt.Options{}) })

var memStore = tlo("mem", "tlo's store in memory. It keeps nothing: a ceiling for the others, no rival to them.", true,
	func(string) (engine.Store, error) { return mem.New(), nil })

// tlo makes a system of a store of tlo.
func tlo(name, about string, memory bool, open func(dir string) (engine.Store, error)) system {
	return system{
		name: name, about: about, batches: true, memory: memory, store: open,
		ready: func(ctx context.Context, _ string) ([]string, error) { return []string{sourceVersion(ctx)}, nil },
		open: func(_ context.Context, env env) (queue, error) {
			s, err := open(env.dir)
			if err != nil {
				return nil, err
			}
			return &storeQueue{store: s, crew: env.crew, wake: make(chan struct{}, 1)}, nil
		},
	}
}

// storeQueue does with a store what the engine does: it makes ids, wakes the
// dispatcher after a submission, and has time as an argument.
type storeQueue struct {
	store engine.Store
	crew  crew
	wake  chan struct{}
}

const (
	storeTask = "noop"
	urgent    = engine.DefaultPriority + 1
	lease     = 10 * time.Minute // nothing here outlives one
)

var (
	allQueues = engine.QueueSet{Except: true}
	succeeded = engine.Outcome{Verdict: engine.VerdictSucceeded}
)

func now() time.Time { return time.Now().UTC().Round(0) }

func storeJobs(jobs []job) []engine.Job {
	at := now()
	list := make([]engine.Job, len(jobs))
	for i, j := range jobs {
		list[i] = engine.Job{
			ID: uuid.Must(uuid.NewV7()).String(), Task: storeTask, Queue: engine.DefaultQueue,
			Priority: engine.DefaultPriority, Input: j.payload, RunAt: at, CreatedAt: at, State: engine.Ready,
		}
		if j.urgent {
			list[i].Priority = urgent
		}
	}
	return list
}

func (q *storeQueue) Submit(ctx context.Context, jobs []job) error {
	err := q.store.Submit(ctx, storeJobs(jobs)...)
	signalOne(q.wake)
	return err
}

func (q *storeQueue) Work(ctx context.Context, led *ledger) error {
	return labour[engine.Job]{
		crew: q.crew, wake: q.wake,
		number: func(j engine.Job) (int, error) { return jobNumber(j.Input) },
		lease:  func(ctx context.Context, n int) ([]engine.Job, error) { return leaseJobs(ctx, q.store, n, now()) },
		settle: func(ctx context.Context, jobs []engine.Job) error { return settleJobs(ctx, q.store, jobs) },
	}.work(ctx, led)
}

func leaseJobs(ctx context.Context, s engine.Store, n int, at time.Time) ([]engine.Job, error) {
	return s.Lease(ctx, engine.LeaseRequest{Queues: allQueues, Max: n, Worker: "peers", Now: at, Until: at.Add(lease)})
}

func settleJobs(ctx context.Context, s engine.Store, jobs []engine.Job) error {
	at := now()
	list := make([]engine.Settlement, len(jobs))
	for i, j := range jobs {
		list[i] = engine.Settlement{ID: j.ID, Attempt: j.Attempt, Now: at, Outcome: succeeded}
	}
	settled, err := s.Settle(ctx, list...)
	if err != nil {
		return err
	}
	for i, st := range settled {
		if st.Err != nil {
			return fmt.Errorf("settle job %s: %w", jobs[i].ID, st.Err)
		}
	}
	return nil
}

func (q *storeQueue) Drained(context.Context) error { return nil }

func (q *storeQueue) Census(ctx context.Context) (census, error) { return storeCensus(ctx, q.store) }

func storeCensus(ctx context.Context, s engine.Store) (c census, err error) {
	counts, err := s.Counts(ctx, now())
	for _, states := range counts {
		for state, n := range states {
			if state == engine.Succeeded {
				c.history += n
			} else {
				c.unfinished += n
			}
		}
	}
	return c, err
}

func (q *storeQueue) Close() error { return q.store.Close() }
