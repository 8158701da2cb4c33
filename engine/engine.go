package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"
	"github.com/hashicorp/go-hclog"
)

// Config of an [Engine]. The zero value works.
type Config struct {
	// Worker names this process in leases. Default: host name and process id.
	Worker string
	// Workers is how many attempts run at once, over all queues that have no
	// number of their own. Default: the number of CPUs.
	Workers int
	// Queues gives queues workers of their own.
	Queues map[string]int
	// Lease is how long a lease lasts without a heartbeat; heartbeats come at
	// a third of it. At least 10 ms. Default: 30 s.
	Lease time.Duration
	// Stop is what becomes of running attempts when Run's context ends.
	// Default: StopDrain.
	Stop StopMode
	// StopTimeout bounds a drain, which then becomes a cancel, and that in turn,
	// once every task had its grace, which then becomes an ignore. Default: 30 s.
	StopTimeout time.Duration
	// NewID makes the ids of jobs whose submitter names none. Default: UUIDv7.
	NewID     func() string
	Logger    hclog.Logger // default: none
	Observers []Observer
}

// StopMode is what becomes of running attempts when the engine stops.
type StopMode int

// The stop modes, from patient to abrupt. Jobs that wait are untouched by all.
const (
	// StopDrain lets running attempts finish.
	StopDrain StopMode = iota
	// StopCancel asks running attempts to stop and releases those that do;
	// their jobs run again later and nothing is counted against them.
	StopCancel
	// StopIgnore ends running attempts by force and settles nothing: the next
	// start finds their leases and counts them as lost. A Go function that
	// does not heed its context is still waited for.
	StopIgnore
)

// ErrAbandoned is the cause of contexts that end by [StopIgnore].
var ErrAbandoned = fmt.Errorf("%w at once", ErrStopping)

// Abandonment returns the context that ends when nobody waits for an attempt
// any more, by [StopIgnore]: executors that can use force then give no grace.
// ctx is that of [Executor]; any other gives one that never ends.
func Abandonment(ctx context.Context) context.Context {
	if gone, ok := ctx.Value(abandonmentKey{}).(context.Context); ok {
		return gone
	}
	return context.WithoutCancel(ctx)
}

type abandonmentKey struct{}

// Engine runs the jobs of a store. Its methods are safe for concurrent use,
// before, during and after Run; those that need no worker work without Run.
type Engine struct {
	cfg      Config
	store    Store
	registry *Registry
	executor Executor
	log      hclog.Logger

	observers []Observer
	turns     turns
	feed      feed
	stats     stats
	settling  settling

	pools   []*pool
	running *table
	flush   chan struct{} // attempts have said something
	beat    chan struct{} // an attempt has started
	ticked  sync.Mutex    // one pass over the schedules at a time

	ran   atomic.Bool
	stop  chan StopMode
	fatal chan error // the first reason why Run cannot go on
}

// minLease is the shortest lease whose heartbeats are no busy loop.
const minLease = 10 * time.Millisecond

// New makes an engine. executor may be nil if every task is a Go function.
func New(store Store, registry *Registry, executor Executor, cfg Config) (*Engine, error) {
	or(&cfg.Workers, runtime.NumCPU())
	or(&cfg.Lease, 30*time.Second)
	or(&cfg.StopTimeout, 30*time.Second)
	if cfg.Worker == "" {
		host, _ := os.Hostname()
		cfg.Worker = fmt.Sprintf("%s-%d", cmp.Or(host, "worker"), os.Getpid())
	}
	if cfg.NewID == nil {
		cfg.NewID = func() string { return uuid.Must(uuid.NewV7()).String() }
	}
	if cfg.Logger == nil {
		cfg.Logger = hclog.NewNullLogger()
	}
	switch {
	case cfg.Workers < 0:
		return nil, invalid("workers is %d: use 1 or more", cfg.Workers)
	case cfg.Lease < minLease:
		return nil, invalid("lease is %v: use %v or more", cfg.Lease, minLease)
	case cfg.Stop < StopDrain || cfg.Stop > StopIgnore:
		return nil, invalid("stop mode %d is none of drain, cancel and ignore", cfg.Stop)
	case cfg.StopTimeout < 0:
		return nil, invalid("stop timeout is %v: use a positive duration", cfg.StopTimeout)
	}
	e := &Engine{
		cfg: cfg, store: store, registry: registry, executor: executor, log: cfg.Logger,
		running: newTable(),
		flush:   make(chan struct{}, 1),
		beat:    make(chan struct{}, 1),
		stop:    make(chan StopMode, 8),
		fatal:   make(chan error, 1),
	}
	e.observers = append([]Observer{&e.stats, &e.feed}, cfg.Observers...)
	shared := QueueSet{Except: true}
	for name, n := range cfg.Queues {
		if n < 1 || !ValidName(name) {
			return nil, invalid("queue %q with %d workers: use a valid name and 1 or more workers", name, n)
		}
		shared.Names = append(shared.Names, name)
		e.pools = append(e.pools, newPool(QueueSet{Names: []string{name}}, n))
	}
	e.pools = append(e.pools, newPool(shared, cfg.Workers))
	return e, nil
}

// Stop begins to stop a running engine, or makes a stop that is under way more
// abrupt. It returns at once; Run returns when all has ended.
func (e *Engine) Stop(mode StopMode) {
	select {
	case e.stop <- min(max(mode, StopDrain), StopIgnore):
	default: // as many pending stops as anyone could mean
	}
}

// Run runs jobs until ctx ends or Stop is called, then stops as configured and
// returns nil. It returns an error if the store fails for good. An engine runs
// once.
func (e *Engine) Run(ctx context.Context) error { return e.run(ctx, true) }

// Work is Run without the schedules, for a process that helps out for a while.
func (e *Engine) Work(ctx context.Context) error { return e.run(ctx, false) }

func (e *Engine) run(ctx context.Context, schedules bool) error {
	if !e.ran.CompareAndSwap(false, true) {
		return errors.New("this engine has run already: make a new one")
	}
	base := context.WithoutCancel(ctx)
	intake, closeIntake := context.WithCancelCause(base) // leases, ticks
	defer closeIntake(nil)
	gone, abandon := context.WithCancelCause(base)
	defer abandon(nil)
	work, endWork := context.WithCancelCause(context.WithValue(base, abandonmentKey{}, gone)) // attempts
	defer endWork(nil)
	upkeep, endUpkeep := context.WithCancelCause(base) // heartbeats, logs
	defer endUpkeep(nil)

	var taking, keeping sync.WaitGroup
	for _, p := range e.pools {
		taking.Go(func() { e.dispatch(intake, work, p) })
	}
	if schedules {
		taking.Go(func() { e.schedule(intake) })
	}
	keeping.Go(func() { e.reap(upkeep) })
	keeping.Go(func() { e.heartbeat(upkeep) })
	keeping.Go(func() { e.writeLogs(upkeep) })
	keeping.Go(func() { e.clean(upkeep) })

	end := func(cause error) {
		endWork(cause)
		if errors.Is(cause, ErrAbandoned) {
			abandon(cause)
		}
	}
	err := e.untilStopped(ctx, closeIntake, end, &taking)
	endUpkeep(ErrStopping)
	keeping.Wait()
	return err
}

// untilStopped waits for a reason to stop and then for all attempts to end.
func (e *Engine) untilStopped(ctx context.Context, closeIntake, endWork context.CancelCauseFunc, taking *sync.WaitGroup) (err error) {
	mode := e.cfg.Stop
	select {
	case <-ctx.Done():
	case mode = <-e.stop:
	case err = <-e.fatal:
		mode = StopIgnore // nothing can be settled any more
	}
	closeIntake(ErrStopping)
	ended := make(chan struct{})
	go func() { // ends with the attempts, which this function waits for
		taking.Wait()
		close(ended)
	}()
	for {
		limit := time.NewTimer(e.stopLimit(mode))
		defer limit.Stop() // at most one for each mode
		switch mode {
		case StopDrain:
			e.log.Info("stopping: waiting for running attempts", "running", e.running.len())
		case StopCancel:
			endWork(ErrStopping)
		case StopIgnore:
			e.running.abandon()
			endWork(ErrAbandoned)
			limit.Stop()
		}
		next := mode
		for next <= mode { // to ask again for the same wins no time
			select {
			case <-ended:
				return e.unlessFailed(err)
			case next = <-e.stop:
			case <-limit.C:
				next = mode + 1
			}
		}
		mode = next
	}
}

// stopLimit is how long a stop mode lasts. A cancel outlasts the grace of every
// task: what heeds it must not count as lost.
func (e *Engine) stopLimit(mode StopMode) time.Duration {
	limit := e.cfg.StopTimeout
	if mode == StopCancel {
		for _, t := range e.registry.List() {
			limit = max(limit, t.Limits.Grace+time.Second)
		}
	}
	return limit
}

// unlessFailed returns err, or what a loop said that failed during the stop.
func (e *Engine) unlessFailed(err error) error {
	select {
	case late := <-e.fatal:
		return cmp.Or(err, late)
	default:
		return err
	}
}

// fail ends Run if the store is beyond hope; it reports whether it is. Every
// loop asks it, so that a store that is closed while nothing is due ends Run.
func (e *Engine) fail(err error) bool {
	if !errors.Is(err, ErrClosed) && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrFailed) {
		return false
	}
	select {
	case e.fatal <- err:
	default: // another loop was first
	}
	return true
}

// emit tells the observers.
func (e *Engine) emit(typ EventType, job Job, lines ...LogLine) {
	ev := Event{Type: typ, At: now(), Job: job, Lines: lines}
	ev.Job.Input, ev.Job.Output = nil, nil
	for _, o := range e.observers {
		o.Observe(ev)
	}
}

// wake makes the pools look for due jobs.
func (e *Engine) wake() {
	for _, p := range e.pools {
		signal(p.wake)
	}
}

// signal sets a flag-like channel of capacity one.
func signal(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
