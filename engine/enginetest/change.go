package enginetest

import (
	"errors"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// inState submits a job and brings it to a state.
func (k *kit) inState(s engine.State) engine.Job {
	k.Helper()
	id := "in " + string(s)
	switch s {
	case engine.Scheduled:
		k.submit(job(id, runAt(after(500))))
	case engine.Ready:
		k.submit(job(id))
	case engine.Running:
		k.submit(job(id))
		k.start(epoch)
	case engine.Succeeded:
		k.finish(job(id), epoch)
	case engine.Failed:
		k.submit(job(id))
		k.end(k.start(epoch), engine.Outcome{Verdict: engine.VerdictFailed, Cause: engine.CauseTrap, Error: "trap"}, epoch)
	case engine.Cancelled:
		k.submit(job(id))
		_, err := k.Cancel(k.ctx, id, epoch)
		k.ok(err)
	}
	return k.get(id)
}

var changeTests = []test{
	{"cancel in every state", func(k *kit) {
		for _, s := range engine.States {
			want := k.inState(s)
			wantErr := want.Cancel(after(3))
			got, err := k.Cancel(k.ctx, want.ID, after(3))
			if wantErr == nil {
				k.ok(err)
				k.same(got, want)
			} else {
				k.wrongState(err, want)
			}
			k.same(k.get(want.ID), want)
			k.same(k.lease(9, after(900)), nil)
		}
		k.nextDue(all, time.Time{}, false)
		_, err := k.Cancel(k.ctx, "nobody", after(3))
		k.is(err, engine.ErrNotFound)
	}},
	{"cancel twice while running", func(k *kit) {
		j := k.inState(engine.Running)
		for range 2 {
			got, err := k.Cancel(k.ctx, j.ID, after(1))
			k.ok(err)
			k.same([]any{got.State, got.Cancelling}, []any{engine.Running, true})
		}
	}},
	{"retry in every state", func(k *kit) {
		for _, s := range []engine.State{engine.Scheduled, engine.Ready, engine.Running, engine.Succeeded} {
			j := k.inState(s)
			_, err := k.Retry(k.ctx, j.ID, after(3))
			k.wrongState(err, j)
			k.same(k.get(j.ID), j)
			if j.State.Waiting() { // out of the way of the next one
				_, err := k.Cancel(k.ctx, j.ID, after(3))
				k.ok(err)
			}
		}
		for _, s := range []engine.State{engine.Failed, engine.Cancelled} {
			want := k.inState(s)
			k.ok(want.Revive(after(3)))
			got, err := k.Retry(k.ctx, want.ID, after(3))
			k.ok(err)
			k.same(got, want)
			k.same(k.lease(1, after(2)), nil)
			k.same(k.start(after(3)).ID, want.ID)
		}
		_, err := k.Retry(k.ctx, "nobody", after(3))
		k.is(err, engine.ErrNotFound)
	}},
	{"a cancelled job is not leased", func(k *kit) {
		k.submit(job("a"), job("b", prio(9)), job("c", runAt(after(5))), job("d"))
		k.same(ids(k.lease(1, after(1))), []string{"b"})
		for _, id := range []string{"a", "c"} {
			_, err := k.Cancel(k.ctx, id, after(1))
			k.ok(err)
		}
		k.same(ids(k.lease(9, after(9))), []string{"d"})
	}},
	{"a job retried by hand keeps its key", func(k *kit) {
		k.submit(job("a", key("k")))
		k.end(k.start(epoch), engine.Outcome{Verdict: engine.VerdictFailed}, epoch)
		_, err := k.Retry(k.ctx, "a", after(1))
		k.ok(err)
		k.duplicate(k.Submit(k.ctx, job("b", key("k"))), engine.DuplicateError{Key: "k", ID: "a"})
	}},
}

func (k *kit) wrongState(err error, j engine.Job) {
	k.Helper()
	k.is(err, engine.ErrState)
	if e, ok := errors.AsType[*engine.StateError](err); !ok || e.ID != j.ID || e.State != j.State {
		k.Fatalf("error is %#v, want one that names %s and %s", err, j.ID, j.State)
	}
}
