package main

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tlo-run/tlo/engine"
)

// shallow is the short queue that a deep one is compared with.
const shallow = 1_000

// depthMode is one way to work beside a backlog, which stays as long as it is:
// every client submits as much as it takes.
type depthMode struct {
	label          string
	ahead          bool // new jobs are urgent, so they are taken; else the oldest of the backlog
	clients, group int
}

var depthModes = []depthMode{
	{"ahead", true, 16, 1},
	{"in line", false, 16, 1},
	{"ahead, groups of 100", true, 4, 100},
	{"in line, groups of 100", false, 4, 100},
}

var depth = scenario{
	name: "depth",
	about: "a store with a backlog; 16 clients each submit a job, lease one and settle it, over and over (or 4 clients in groups of 100). " +
		"ahead: the new jobs are urgent and pass the backlog; in line: the oldest of the backlog is taken. Jobs/s beside a backlog of 1,000 and of -depth jobs; " +
		"cost is how much slower the deep one is.",
	labels: append(labelsOf(depthModes), "heap"),
	metrics: []metric{
		{name: "shallow/s", show: thousands},
		{name: "deep/s", show: thousands},
		{name: "cost", show: times},
		{name: "bytes/job", show: decimal},
	},
	fits: func(s system) bool { return s.store != nil },
	run:  runDepth,
}

func labelsOf(modes []depthMode) []string {
	var labels []string
	for _, m := range modes {
		labels = append(labels, m.label)
	}
	return labels
}

func runDepth(ctx context.Context, b *bench, sys system, dir string) ([]reading, error) {
	few, _, err := depthRates(ctx, b, sys, dir, shallow)
	if err != nil {
		return nil, fmt.Errorf("%d queued: %w", shallow, err)
	}
	many, heap, err := depthRates(ctx, b, sys, dir, b.depth)
	if err != nil {
		return nil, fmt.Errorf("%d queued: %w", b.depth, err)
	}
	var readings []reading
	for i, m := range depthModes {
		readings = append(readings,
			reading{m.label, "shallow/s", few[i]},
			reading{m.label, "deep/s", many[i]},
			reading{m.label, "cost", few[i] / many[i]})
	}
	return append(readings, reading{"heap", "bytes/job", heap}), nil
}

// depthRates returns jobs/s for each mode, and the bytes of heap that a job of
// the backlog takes.
func depthRates(ctx context.Context, b *bench, sys system, dir string, backlog int) (rates []float64, heap float64, err error) {
	dir, err = freshDir(dir)
	if err != nil {
		return nil, 0, err
	}
	store, err := sys.store(dir)
	if err != nil {
		return nil, 0, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	d := &stock{store: store, ended: newTally(maxJobs)}
	before := heapBytes()
	if err := d.fill(ctx, backlog); err != nil {
		return nil, 0, err
	}
	heap = float64(heapBytes()-before) / float64(backlog)
	for _, m := range depthModes {
		r, err := d.cycle(ctx, m, b.fill)
		if err != nil {
			return nil, 0, fmt.Errorf("%s: %w", m.label, err)
		}
		rates = append(rates, r)
	}
	return rates, heap, d.finish(ctx)
}

func heapBytes() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// stock is a store with a backlog, and what became of its jobs.
type stock struct {
	store engine.Store
	next  atomic.Int64
	ended tally
}

// make returns n jobs. They are all urgent or all not.
func (d *stock) make(n int, ahead bool) []engine.Job {
	end := int(d.next.Add(int64(n)))
	jobs := make([]job, n)
	for i := range jobs {
		jobs[i] = job{payload: newJob(end - n + i).payload, urgent: ahead}
	}
	return storeJobs(jobs)
}

// fill submits the backlog.
func (d *stock) fill(ctx context.Context, n int) error {
	const call = 1000
	producers, ctx := errgroup.WithContext(ctx)
	var left atomic.Int64
	left.Store(int64(n))
	for range 4 {
		producers.Go(func() error {
			for {
				size := min(call, call+left.Add(-call))
				if size <= 0 {
					return nil
				}
				if err := d.store.Submit(ctx, d.make(int(size), false)...); err != nil {
					return fmt.Errorf("submit: %w", err)
				}
			}
		})
	}
	return producers.Wait()
}

// cycle runs clients that leave the backlog as long as it was.
func (d *stock) cycle(ctx context.Context, m depthMode, t time.Duration) (float64, error) {
	clients, ctx := errgroup.WithContext(ctx)
	var ended atomic.Int64
	start := time.Now()
	for range m.clients {
		clients.Go(func() error {
			for time.Since(start) < t {
				if err := d.store.Submit(ctx, d.make(m.group, m.ahead)...); err != nil {
					return fmt.Errorf("submit: %w", err)
				}
				jobs, err := d.take(ctx, m.group)
				if err != nil {
					return err
				}
				if err := m.check(jobs); err != nil {
					return err
				}
				ended.Add(int64(len(jobs)))
			}
			return nil
		})
	}
	err := clients.Wait()
	return rate(int(ended.Load()), time.Since(start)), err
}

// check returns an error if these are not the jobs that the mode must get.
func (m depthMode) check(jobs []engine.Job) error {
	if len(jobs) != m.group {
		return fmt.Errorf("lease gave %d jobs, there were at least %d", len(jobs), m.group)
	}
	for _, j := range jobs {
		if (j.Priority == urgent) != m.ahead {
			return fmt.Errorf("lease gave job %s with priority %d out of order", j.ID, j.Priority)
		}
	}
	return nil
}

// take leases and settles.
func (d *stock) take(ctx context.Context, n int) ([]engine.Job, error) {
	// A little ahead of time: a job may be submitted between a client's look
	// at the clock and its lease, and must count as due.
	jobs, err := leaseJobs(ctx, d.store, n, now().Add(time.Second))
	if err != nil {
		return nil, fmt.Errorf("lease: %w", err)
	}
	return jobs, d.end(ctx, jobs)
}

// end settles leased jobs and notes it.
func (d *stock) end(ctx context.Context, jobs []engine.Job) error {
	if len(jobs) == 0 {
		return nil
	}
	if err := settleJobs(ctx, d.store, jobs); err != nil {
		return err
	}
	for _, j := range jobs {
		n, err := jobNumber(j.Input)
		if err != nil {
			return err
		}
		d.ended.add(n)
	}
	return nil
}

// finish empties the store and returns an error unless every job ended once.
func (d *stock) finish(ctx context.Context) error {
	for {
		jobs, err := d.take(ctx, 1000)
		if err != nil {
			return err
		}
		if len(jobs) == 0 {
			break
		}
	}
	n := int(d.next.Load())
	if err := d.ended.check(n); err != nil {
		return err
	}
	c, err := storeCensus(ctx, d.store)
	if err != nil {
		return fmt.Errorf("census: %w", err)
	}
	return c.check(n)
}
