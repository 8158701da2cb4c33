package enginetest

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// epoch is when each test begins; no test reads a clock.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

// after is the instant that many seconds into the test.
func after(seconds int) time.Time { return epoch.Add(time.Duration(seconds) * time.Second) }

// all is the set of all queues.
var all = engine.QueueSet{Except: true}

// kit is what one test works with.
type kit struct {
	testing.TB
	engine.Store
	ctx   context.Context
	place Place
}

func open(tb testing.TB, place NewPlace) *kit {
	tb.Helper()
	k := &kit{TB: tb, ctx: tb.Context(), place: place(tb)}
	k.Store = k.must(k.place.Open())
	tb.Cleanup(func() {
		// tb.Context is done by now.
		k.close(context.WithoutCancel(k.ctx))
	})
	return k
}

func (k *kit) must(s engine.Store, err error) engine.Store {
	k.Helper()
	k.ok(err)
	return s
}

// close checks and closes the store; a test may have closed it before.
func (k *kit) close(ctx context.Context) {
	k.Helper()
	if c, ok := k.Store.(Checker); ok {
		if err := c.Check(ctx); err != nil && !errors.Is(err, engine.ErrClosed) {
			k.Errorf("the store's parts do not agree: %v", err)
		}
	}
	if err := k.Store.Close(); err != nil {
		k.Errorf("close: %v", err)
	}
}

func (k *kit) reopen() {
	k.Helper()
	k.close(k.ctx)
	k.Store = k.must(k.place.Open())
}

func (k *kit) ok(err error) {
	k.Helper()
	if err != nil {
		k.Fatalf("unexpected error: %v", err)
	}
}

func (k *kit) is(err, want error) {
	k.Helper()
	if !errors.Is(err, want) {
		k.Fatalf("error is %v, want one that matches %q", err, want)
	}
}

// same compares the JSON of values, so that nil and empty are the same.
func (k *kit) same(got, want any) {
	k.Helper()
	if g, w := text(got), text(want); g != w {
		k.Fatalf("\n got %s\nwant %s", g, w)
	}
}

func text(v any) string {
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	if s := string(b); s != "null" {
		return s
	}
	return "[]"
}

// job is a ready job as the engine would submit it; edit changes it.
func job(id string, edit ...func(*engine.Job)) engine.Job {
	j := engine.Job{
		ID: id, Task: "report", Queue: "default", Priority: engine.DefaultPriority,
		State: engine.Ready, RunAt: epoch, CreatedAt: epoch,
	}
	for _, e := range edit {
		e(&j)
	}
	return j
}

func key(s string) func(*engine.Job)   { return func(j *engine.Job) { j.Key = s } }
func queue(s string) func(*engine.Job) { return func(j *engine.Job) { j.Queue = s } }
func task(s string) func(*engine.Job)  { return func(j *engine.Job) { j.Task = s } }
func prio(n int) func(*engine.Job)     { return func(j *engine.Job) { j.Priority = n } }
func input(s string) func(*engine.Job) { return func(j *engine.Job) { j.Input = []byte(s) } }
func runAt(t time.Time) func(*engine.Job) {
	return func(j *engine.Job) { j.RunAt, j.State = t, engine.Scheduled }
}

// submit adds jobs that must be accepted.
func (k *kit) submit(jobs ...engine.Job) {
	k.Helper()
	k.ok(k.Submit(k.ctx, jobs...))
}

// lease leases up to n jobs of all queues, until a minute after now.
func (k *kit) lease(n int, now time.Time) []engine.Job {
	k.Helper()
	return k.leaseOf(all, n, now)
}

func (k *kit) leaseOf(queues engine.QueueSet, n int, now time.Time) []engine.Job {
	k.Helper()
	jobs, err := k.Lease(k.ctx, engine.LeaseRequest{
		Queues: queues, Max: n, Worker: "w1", Now: now, Until: now.Add(time.Minute),
	})
	k.ok(err)
	return jobs
}

// start leases the one job that is due.
func (k *kit) start(now time.Time) engine.Job {
	k.Helper()
	jobs := k.lease(1, now)
	if len(jobs) != 1 {
		k.Fatalf("leased %d jobs, want 1", len(jobs))
	}
	return jobs[0]
}

func settlement(j engine.Job, o engine.Outcome, now time.Time) engine.Settlement {
	return engine.Settlement{ID: j.ID, Attempt: j.Attempt, Now: now, Outcome: o}
}

// settle settles one lease and returns its answer.
func (k *kit) settle(st engine.Settlement) engine.Settled {
	k.Helper()
	answers, err := k.Settle(k.ctx, st)
	k.ok(err)
	if len(answers) != 1 {
		k.Fatalf("%d answers to one settlement", len(answers))
	}
	return answers[0]
}

// end settles a lease that is held and returns the job after it.
func (k *kit) end(j engine.Job, o engine.Outcome, now time.Time) engine.Job {
	k.Helper()
	a := k.settle(settlement(j, o, now))
	k.ok(a.Err)
	return a.Job
}

// finish submits a job and lets it succeed.
func (k *kit) finish(j engine.Job, now time.Time) engine.Job {
	k.Helper()
	k.submit(j)
	leased := k.leaseOf(engine.QueueSet{Names: []string{j.Queue}}, 1, now)
	if len(leased) != 1 || leased[0].ID != j.ID {
		k.Fatalf("leased %v, want %s alone", ids(leased), j.ID)
	}
	return k.end(leased[0], engine.Outcome{Verdict: engine.VerdictSucceeded}, now)
}

func (k *kit) get(id string) engine.Job {
	k.Helper()
	j, err := k.Job(k.ctx, id)
	k.ok(err)
	return j
}

func ids(jobs []engine.Job) []string {
	var s []string
	for _, j := range jobs {
		s = append(s, j.ID)
	}
	return s
}

// list returns the ids of all jobs that the filter selects, page by page.
func (k *kit) list(f engine.Filter) []string {
	k.Helper()
	var found []string
	for {
		page, err := k.Jobs(k.ctx, f)
		k.ok(err)
		found = append(found, ids(page.Jobs)...)
		if page.Next == "" {
			return found
		}
		f.Cursor = page.Next
	}
}
