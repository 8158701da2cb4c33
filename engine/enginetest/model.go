package enginetest

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/mem"
)

// RunModel drives a store and the model with the same n random calls and
// compares every answer, and at the end all that they hold. Names are few, so
// that calls collide; the clock jumps, also back; durable stores are reopened
// now and then. TLO_SEED overrides the seed.
func RunModel(t *testing.T, place NewPlace, n int) {
	for s := range uint64(4) {
		first := seed(t, s+1)
		if s > 0 && first != s+1 {
			break // one run for the given seed
		}
		t.Run(fmt.Sprint("seed ", first), func(t *testing.T) {
			r := &run{kit: open(t, place), model: mem.New(), rng: rand.New(rand.NewPCG(first, 0)), now: epoch}
			for i := range n / 4 {
				r.step(i)
				if t.Failed() {
					t.Fatalf("call %d of the run differs; repeat it with TLO_SEED=%d", i, first)
				}
			}
			r.both("snapshot", func(s engine.Store) (any, error) { return snapshot(r.ctx, s, r.now) })
		})
	}
}

// run is one random run.
type run struct {
	*kit
	model  engine.Store
	rng    *rand.Rand
	now    time.Time
	leases []engine.Job // given at some time, held or not
	pages  [2]string    // cursors of a listing under way: the store's, the model's
	ids    int          // made so far
}

// both asks the store and the model and returns the model's answer.
func (r *run) both(what string, ask func(s engine.Store) (any, error)) any {
	r.Helper()
	got, gotErr := ask(r.Store)
	want, wantErr := ask(r.model)
	g, w := text(got)+" "+reason(gotErr), text(want)+" "+reason(wantErr)
	if g != w {
		r.Errorf("%s:\n got %s\nwant %s", what, g, w)
	}
	return want
}

// reason names an error by what callers may branch on.
func reason(err error) string {
	if err == nil {
		return "ok"
	}
	if d, ok := errors.AsType[*engine.DuplicateError](err); ok {
		return fmt.Sprintf("duplicate %+v", *d)
	}
	if s, ok := errors.AsType[*engine.StateError](err); ok {
		return fmt.Sprintf("state %+v", *s)
	}
	for _, known := range []error{engine.ErrNotFound, engine.ErrLeaseLost, engine.ErrInvalid, engine.ErrClosed} {
		if errors.Is(err, known) {
			return known.Error()
		}
	}
	return "unexpected: " + err.Error()
}

func (r *run) step(i int) {
	switch d := r.rng.IntN(40); {
	case d == 0: // the clock is set back
		r.now = r.now.Add(-time.Duration(r.rng.IntN(20)) * time.Second)
	default:
		r.now = r.now.Add(time.Duration(r.rng.IntN(3000)) * time.Millisecond)
	}
	if r.place.Durable && r.place.Exclusive && i%250 == 249 {
		r.reopen()
		r.ok(endLeases(r.ctx, r.model))
	}
	call := calls[r.rng.IntN(len(calls))]
	call(r)
}

// calls are weighted by repetition.
var calls = []func(*run){
	(*run).submit, (*run).submit, (*run).submit, (*run).submit,
	(*run).leaseJobs, (*run).leaseJobs, (*run).leaseJobs,
	(*run).extendSome, (*run).settleSome, (*run).settleSome, (*run).settleSome, (*run).settleSome,
	(*run).expiredJobs, (*run).settleExpired, (*run).cancel, (*run).retry, (*run).retry,
	(*run).ask, (*run).page, (*run).page, (*run).addLogs, (*run).readLogs, (*run).purgeSome, (*run).ticks, (*run).keys,
	(*run).whole,
}

func (r *run) whole() {
	if r.rng.IntN(10) == 0 {
		r.both("snapshot", func(s engine.Store) (any, error) { return snapshot(r.ctx, s, r.now) })
	}
}

// pick returns one of the values.
func pick[T any](r *run, values ...T) T { return values[r.rng.IntN(len(values))] }

// id is mostly of a job that exists or did.
func (r *run) id() string { return fmt.Sprint("j", r.ids+1-r.rng.IntN(min(r.ids, 40)+2)) }

func (r *run) soon() time.Time {
	return r.now.Add(time.Duration(r.rng.IntN(16)-5) * time.Second)
}

// newJob is a job whose id or key may be taken.
func (r *run) newJob() engine.Job {
	id := fmt.Sprint("j", r.ids)
	r.ids++
	if r.rng.IntN(15) == 0 {
		id = r.id()
	}
	j := job(id, task(pick(r, "report", "mail")), queue(pick(r, "default", "q1", "q2")), prio(r.rng.IntN(3)))
	j.CreatedAt, j.RunAt = r.now, r.soon()
	j.State = j.StateAt(r.now)
	if r.rng.IntN(3) == 0 {
		j.Key = fmt.Sprint("key", r.rng.IntN(30))
	}
	if r.rng.IntN(3) == 0 {
		j.Input = fmt.Append(nil, "input of ", id)
	}
	if r.rng.IntN(4) == 0 {
		j.Schedule, j.Tick = pick(r, schedules...), r.soon()
	}
	return j
}

func (r *run) newJobs(most int) []engine.Job {
	jobs := make([]engine.Job, r.rng.IntN(most+1))
	for i := range jobs {
		jobs[i] = r.newJob()
	}
	return jobs
}

func (r *run) queues() engine.QueueSet {
	return pick(r, all, all, engine.QueueSet{Names: []string{"q1"}}, engine.QueueSet{Names: []string{"default", "q2"}},
		engine.QueueSet{Names: []string{"q1"}, Except: true})
}
