package enginetest

import (
	"context"
	"errors"

	"github.com/tlo-run/tlo/engine"
)

// scribble overwrites everything that a job points to.
func scribble(jobs ...engine.Job) {
	for _, j := range jobs {
		clear(j.Input[:cap(j.Input)])
		clear(j.Output[:cap(j.Output)])
		for i := range j.History {
			j.History[i] = engine.Attempt{}
		}
	}
}

var valueTests = []test{
	{"what was given may be changed", func(k *kit) {
		in := job("a", input("input"))
		k.submit(in)
		scribble(in)
		j := k.start(epoch)
		k.same(string(j.Input), "input")

		fields := map[string]string{"k": "v"}
		k.ok(k.AppendLogs(k.ctx, "a", engine.LogLine{Fields: fields}))
		fields["k"] = "changed"

		out, value := []byte("output"), []byte("value")
		st := settlement(j, engine.Outcome{Verdict: engine.VerdictSucceeded, Output: out}, epoch)
		st.Effects = engine.Effects{
			Jobs:   []engine.Job{job("child", input("child"))},
			Writes: []engine.Write{{Space: "s", Key: "k", Value: value}},
		}
		st.Logs = []engine.LogLine{{Fields: map[string]string{"k": "v"}}}
		k.ok(k.settle(st).Err)
		clear(out)
		clear(value)
		scribble(st.Effects.Jobs...)
		st.Logs[0].Fields["k"] = "changed"

		k.same(string(k.get("a").Output), "output")
		k.same(string(k.get("child").Input), "child")
		k.value("s", "k", "value")
		for _, l := range k.logs("a", 0, 0) {
			k.same(l.Fields, map[string]string{"k": "v"})
		}
	}},
	{"what was returned may be changed", func(k *kit) {
		k.submit(job("a", input("input")), job("b", input("input")))
		leased := k.lease(2, epoch)
		scribble(leased...)
		expired, err := k.Expired(k.ctx, after(99), 9)
		k.ok(err)
		scribble(expired...)
		st := settlement(leased[0], engine.Outcome{Verdict: engine.VerdictSucceeded, Output: []byte("output")}, epoch)
		st.Effects.Writes = []engine.Write{{Space: "s", Key: "k", Value: []byte("value")}}
		st.Logs = []engine.LogLine{{Fields: map[string]string{"k": "v"}}}
		answer := k.settle(st)
		k.ok(answer.Err)
		want := text(answer.Job)
		k.same(string(answer.Job.Input), "input")
		scribble(answer.Job)
		scribble(k.get("a"))
		k.same(text(k.get("a")), want)

		b, err := k.Cancel(k.ctx, "b", epoch)
		k.ok(err)
		scribble(b)
		b = k.end(leased[1], engine.Outcome{Verdict: engine.VerdictFailed, Cause: engine.CauseError}, epoch)
		scribble(b)
		b, err = k.Retry(k.ctx, "b", epoch)
		k.ok(err)
		scribble(b)
		k.same(string(k.get("b").Input), "input")
		k.same(k.get("b").History[0].Number, 1)

		v, err := k.Get(k.ctx, "s", "k")
		k.ok(err)
		clear(v)
		k.value("s", "k", "value")
		k.logs("a", 0, 0)[0].Fields["k"] = "changed"
		k.same(k.logs("a", 0, 0)[0].Fields, map[string]string{"k": "v"})
		counts, err := k.Counts(k.ctx, epoch)
		k.ok(err)
		clear(counts["default"])
		k.same(k.counts(epoch), `{"default":{"ready":1,"succeeded":1}}`)
	}},
	{"a done context changes nothing", func(k *kit) {
		k.submit(job("a"), job("b"))
		k.start(epoch)
		before := k.snapshot(epoch)
		ctx, cancel := context.WithCancel(k.ctx)
		cancel()
		for name, err := range k.callAll(ctx) {
			if !errors.Is(err, context.Canceled) {
				k.Errorf("%s returns %v with a cancelled context", name, err)
			}
		}
		k.same(k.snapshot(epoch), before)
	}},
}

// callAll calls every method once and returns the errors.
func (k *kit) callAll(ctx context.Context) map[string]error {
	errs := map[string]error{"Submit": k.Submit(ctx, job("new"))}
	_, errs["Lease"] = k.Lease(ctx, engine.LeaseRequest{Queues: all, Max: 1, Now: epoch, Until: after(1)})
	_, errs["Extend"] = k.Extend(ctx, engine.Extension{ID: "a", Attempt: 1, Until: after(99)})
	_, errs["Settle"] = k.Settle(ctx, engine.Settlement{ID: "a", Attempt: 1, Outcome: engine.Outcome{Verdict: engine.VerdictFailed}})
	_, errs["Expired"] = k.Expired(ctx, after(999), 1)
	_, errs["Cancel"] = k.Cancel(ctx, "a", epoch)
	_, errs["Retry"] = k.Retry(ctx, "a", epoch)
	_, _, errs["NextDue"] = k.NextDue(ctx, all)
	_, _, errs["NextExpiry"] = k.NextExpiry(ctx)
	_, errs["Job"] = k.Job(ctx, "a")
	_, errs["Jobs"] = k.Jobs(ctx, engine.Filter{})
	_, errs["Counts"] = k.Counts(ctx, epoch)
	errs["AppendLogs"] = k.AppendLogs(ctx, "a", engine.LogLine{})
	_, errs["Logs"] = k.Logs(ctx, "a", 0, 0)
	_, errs["Purge"] = k.Purge(ctx, engine.PurgeRequest{Task: "report", Before: after(99), Max: 1})
	_, errs["Get"] = k.Get(ctx, "s", "k")
	_, errs["List"] = k.List(ctx, "s", "", 1)
	_, _, errs["LastTick"] = k.LastTick(ctx, "hourly")
	errs["SetLastTick"] = k.SetLastTick(ctx, "hourly", epoch)
	return errs
}
