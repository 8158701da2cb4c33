package engine_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
)

// rig is an engine that runs inside a synctest bubble until the test ends.
type rig struct {
	*engine.Engine
	t        *testing.T
	store    engine.Store
	registry *engine.Registry
	events   *diary
	quit     context.CancelFunc
	ended    chan struct{}
	err      error // of Run, once ended is closed
}

// run starts an engine on a new store in memory.
func run(t *testing.T, cfg engine.Config, tasks ...engine.TaskDef) *rig {
	t.Helper()
	return runOn(t, mem.New(), cfg, tasks...)
}

// runOn starts an engine on a store.
func runOn(t *testing.T, store engine.Store, cfg engine.Config, tasks ...engine.TaskDef) *rig {
	t.Helper()
	r := build(t, store, cfg, tasks...)
	r.start(t, r.Run)
	return r
}

// start starts Run or Work, and ends it with the test.
func (r *rig) start(t *testing.T, run func(context.Context) error) {
	ctx, quit := context.WithCancel(t.Context())
	r.quit = quit
	go func() {
		defer close(r.ended)
		r.err = run(ctx)
	}()
	t.Cleanup(func() {
		r.quit()
		<-r.ended
	})
}

// build makes an engine that does not run.
func build(t *testing.T, store engine.Store, cfg engine.Config, tasks ...engine.TaskDef) *rig {
	t.Helper()
	registry, err := engine.NewRegistry(tasks...)
	if err != nil {
		t.Fatal(err)
	}
	events := &diary{}
	cfg.Observers = append([]engine.Observer{events}, cfg.Observers...)
	e, err := engine.New(store, registry, nil, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return &rig{Engine: e, t: t, store: store, registry: registry, events: events, ended: make(chan struct{})}
}

// submit adds one job and returns its id.
func (r *rig) submit(s engine.Submission) string {
	r.t.Helper()
	jobs, err := r.Submit(r.t.Context(), s)
	if err != nil {
		r.t.Fatal(err)
	}
	return jobs[0].ID
}

// wait returns a job once it is terminal and all have been told.
func (r *rig) wait(id string) engine.Job {
	r.t.Helper()
	job, err := r.Wait(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	synctest.Wait()
	return job
}

// do submits a job of the task and waits for its end.
func (r *rig) do(task string) engine.Job {
	r.t.Helper()
	return r.wait(r.submit(engine.Submission{Task: task}))
}

// job reads a job.
func (r *rig) job(id string) engine.Job {
	r.t.Helper()
	job, err := r.Job(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return job
}

// logs reads the whole log of a job.
func (r *rig) logs(id string) []engine.LogLine {
	r.t.Helper()
	lines, err := r.Logs(r.t.Context(), id, 0, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	return lines
}

// stop waits for Run to return and gives its error.
func (r *rig) stop() error {
	r.quit()
	<-r.ended
	return r.err
}

// diary is an observer that remembers.
type diary struct {
	mu     sync.Mutex
	events []engine.Event
}

func (d *diary) Observe(ev engine.Event) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.events = append(d.events, ev)
}

// of returns the types of a job's events.
func (d *diary) of(id string) []engine.EventType {
	d.mu.Lock()
	defer d.mu.Unlock()
	var types []engine.EventType
	for _, ev := range d.events {
		if ev.Job.ID == id {
			types = append(types, ev.Type)
		}
	}
	return types
}

// all returns the events of a type.
func (d *diary) all(typ engine.EventType) []engine.Event {
	d.mu.Lock()
	defer d.mu.Unlock()
	var events []engine.Event
	for _, ev := range d.events {
		if ev.Type == typ {
			events = append(events, ev)
		}
	}
	return events
}

// trial is a task body that only succeeds or fails.
func trial(f func(ctx context.Context, job engine.Job) error) engine.ExecutorFunc {
	return func(ctx context.Context, _ engine.TaskDef, job engine.Job, _ engine.Reporter) (engine.Result, error) {
		return engine.Result{}, f(ctx, job)
	}
}

// nothing is a task body that succeeds at once.
var nothing = trial(func(context.Context, engine.Job) error { return nil })

// lasting is a task body that takes d, or ends with its context.
func lasting(d time.Duration) engine.ExecutorFunc {
	return trial(func(ctx context.Context, _ engine.Job) error { return nap(ctx, d) })
}

func nap(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

// steady is a retry policy without chance.
func steady(attempts int) engine.RetryPolicy {
	return engine.RetryPolicy{Attempts: attempts, Backoff: engine.Exponential, Min: time.Second, Max: time.Minute, Losses: 3}
}

var errBroken = errors.New("broken")

// broken is a task body that fails.
var broken = trial(func(context.Context, engine.Job) error { return errBroken })

// count reads how many jobs are in a state.
func (r *rig) count(state engine.State) int {
	r.t.Helper()
	counts, err := r.Counts(r.t.Context())
	if err != nil {
		r.t.Fatal(err)
	}
	n := 0
	for _, queue := range counts {
		n += queue[state]
	}
	return n
}

// bubble runs f in virtual time.
func bubble(t *testing.T, f func(t *testing.T)) {
	t.Helper()
	synctest.Test(t, f)
}
