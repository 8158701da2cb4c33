package enginetest

import (
	"github.com/tlo-run/tlo/engine"
)

// parent leases a job and prepares its settlement with effects.
func (k *kit) parent(v engine.Verdict) engine.Settlement {
	k.Helper()
	k.submit(job("parent"))
	st := settlement(k.start(epoch), engine.Outcome{Verdict: v, RunAt: after(100)}, after(1))
	child := job("child", key("ck"), input("in"), queue("q"))
	child.Schedule, child.Tick = "hourly", after(7)
	st.Effects = engine.Effects{
		Jobs: []engine.Job{child, job("late", runAt(after(50)))},
		Writes: []engine.Write{
			{Space: "s", Key: "a", Value: []byte("1")}, {Space: "s", Key: "b", Value: []byte("2")},
			{Space: "s", Key: "a", Value: []byte("3")}, {Space: "s", Key: "b", Delete: true},
			{Space: "t", Key: "a"}, {Space: "t", Key: "never", Delete: true},
		},
	}
	return st
}

var effectTests = []test{
	{"effects commit with success, in order", func(k *kit) {
		st := k.parent(engine.VerdictSucceeded)
		k.ok(k.settle(st).Err)
		k.same(k.get("child"), st.Effects.Jobs[0])
		k.same(ids(k.lease(9, after(1))), []string{"child"})
		k.nextDue(all, after(50), true)
		k.value("s", "a", "3")
		k.absent("s", "b")
		k.value("t", "a", "")
		k.absent("t", "never")
		k.same(k.tick("hourly"), after(7))
	}},
	{"effects of anything but success are dropped", func(k *kit) {
		for _, v := range []engine.Verdict{
			engine.VerdictFailed, engine.VerdictRetried, engine.VerdictSnoozed, engine.VerdictReleased, engine.VerdictCancelled,
		} {
			k.ok(k.settle(k.parent(v)).Err)
			_, err := k.Job(k.ctx, "child")
			k.is(err, engine.ErrNotFound)
			k.absent("s", "a")
			_, ok, err := k.LastTick(k.ctx, "hourly")
			k.ok(err)
			k.same(ok, false)
			k.remove("parent")
		}
	}},
	{"effects that collide change nothing", func(k *kit) {
		k.submit(job("holder", key("ck"), runAt(after(500))))
		st := k.parent(engine.VerdictSucceeded)
		st.Logs = []engine.LogLine{{Message: "line"}}
		before := k.snapshot(after(1))
		k.duplicate(k.settle(st).Err, engine.DuplicateError{Key: "ck", ID: "holder"})
		k.same(k.snapshot(after(1)), before)

		st.Effects.Jobs[0].Key = ""
		st.Effects.Jobs = append(st.Effects.Jobs, job("parent"))
		k.duplicate(k.settle(st).Err, engine.DuplicateError{ID: "parent"})
		k.same(k.snapshot(after(1)), before)

		st.Effects.Jobs = st.Effects.Jobs[:2]
		k.ok(k.settle(st).Err)
		k.value("s", "a", "3")
	}},
	{"of two settlements in a batch that collide the first wins", func(k *kit) {
		k.submit(job("a"), job("b"))
		var batch []engine.Settlement
		for _, j := range k.lease(2, epoch) {
			st := settlement(j, engine.Outcome{Verdict: engine.VerdictSucceeded}, after(1))
			st.Effects.Jobs = []engine.Job{job("child of "+j.ID, key("only one"))}
			st.Effects.Writes = []engine.Write{{Space: "s", Key: "who", Value: []byte(j.ID)}}
			batch = append(batch, st)
		}
		answers, err := k.Settle(k.ctx, batch...)
		k.ok(err)
		k.ok(answers[0].Err)
		k.duplicate(answers[1].Err, engine.DuplicateError{Key: "only one", ID: "child of a"})
		k.value("s", "who", "a")
		k.same(k.get("b").State, engine.Running)
	}},
	{"a later write replaces an earlier one", func(k *kit) {
		for i, v := range []string{"one", "two", ""} {
			k.submit(job(v + "job"))
			st := settlement(k.start(after(i)), engine.Outcome{Verdict: engine.VerdictSucceeded}, after(i))
			st.Effects.Writes = []engine.Write{{Space: "s", Key: "k", Value: []byte(v)}}
			k.ok(k.settle(st).Err)
			k.value("s", "k", v)
		}
	}},
}

// remove cancels a job if it still waits, and purges it.
func (k *kit) remove(id string) {
	k.Helper()
	j := k.get(id)
	if j.State.Waiting() {
		_, err := k.Cancel(k.ctx, id, after(1))
		k.ok(err)
	}
	n, err := k.Purge(k.ctx, engine.PurgeRequest{Task: j.Task, Before: after(1000), Max: 1})
	k.ok(err)
	k.same(n, 1)
}

func (k *kit) value(space, key, want string) {
	k.Helper()
	v, err := k.Get(k.ctx, space, key)
	k.ok(err)
	k.same(string(v), want)
}

func (k *kit) absent(space, key string) {
	k.Helper()
	_, err := k.Get(k.ctx, space, key)
	k.is(err, engine.ErrNotFound)
}
