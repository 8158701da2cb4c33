package main

import (
	"context"
	"fmt"

	"github.com/tlo-run/tlo/engine"
)

// system is one of those that are compared.
type system struct {
	name    string
	about   string // how it is set up, for the report
	batches bool   // can take many jobs in one call
	// most is how many jobs a measurement may submit: what drains slowly is
	// filled less, so that a run ends. 0 means as many as the scenario has.
	most int
	// ready checks that the system can be measured, and that it promises
	// durability, and returns its versions and settings.
	ready func(ctx context.Context, dir string) ([]string, error)
	// open returns an empty queue whose files, if it has any of its own, are
	// in env.dir.
	open func(ctx context.Context, env env) (queue, error)
	// store opens a store of tlo; nil for the others.
	store  func(dir string) (engine.Store, error)
	memory bool // keeps nothing on the disk
}

// maxJobs is more than any measurement has.
const maxJobs = 16_000_000

// allSystems are the systems in the order of the report.
var allSystems = []system{
	boltStore,
	memStore,
	river,
	asynq1,
	asynq16,
	goqiteSystem,
	rawlog,
}

// env is what a measurement tells a system before it opens.
type env struct {
	dir       string // new and empty
	producers int
	crew      crew
	jobs      int // at most so many will be submitted
}

// crew is the workers of a measurement.
type crew struct {
	workers int
	group   int  // how many jobs a worker may take and end in one call
	hold    bool // a worker is busy until its settlement is durable
}

// queue is an open system.
type queue interface {
	// Submit returns when the jobs are durable. More than one is one call.
	Submit(ctx context.Context, jobs []job) error
	// Work runs jobs until ctx ends, then lets those that run end, and returns
	// when nothing of it is left. It tells the ledger when a job starts and
	// when it ends. It may be called again.
	Work(ctx context.Context, led *ledger) error
	// Drained returns when every job that the ledger knows as ended is durably
	// so. Only systems that cannot say it for each job have something to do.
	Drained(ctx context.Context) error
	// Census counts what the system itself holds.
	Census(ctx context.Context) (census, error)
	// Close ends the queue and leaves no work behind for the disk.
	Close() error
}

// census is what a system says of its jobs.
type census struct {
	unfinished int
	history    int // done and kept; -1 if the system keeps none
}

// check returns an error unless all jobs are done.
func (c census) check(jobs int) error {
	if c.unfinished != 0 {
		return fmt.Errorf("the system still holds %d unfinished jobs", c.unfinished)
	}
	if c.history >= 0 && c.history != jobs {
		return fmt.Errorf("the history has %d jobs, %d were submitted", c.history, jobs)
	}
	return nil
}
