package enginetest

import (
	"fmt"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// outcomes has one of each verdict, and each way to fail.
var outcomes = []engine.Outcome{
	{Verdict: engine.VerdictSucceeded, Output: []byte("out\x00\xfe")},
	{Verdict: engine.VerdictSucceeded},
	{Verdict: engine.VerdictFailed, Cause: engine.CauseTrap, Error: "unreachable"},
	{Verdict: engine.VerdictFailed, Cause: engine.CauseLost, Error: "gone"},
	{Verdict: engine.VerdictRetried, RunAt: after(30), Cause: engine.CauseTimeout, Error: "too slow"},
	{Verdict: engine.VerdictRetried, RunAt: after(1), Cause: engine.CauseLost, Error: "gone"},
	{Verdict: engine.VerdictSnoozed, RunAt: after(60), Error: "snoozed"},
	{Verdict: engine.VerdictReleased, RunAt: after(2)},
	{Verdict: engine.VerdictCancelled, Error: "cancelled on request"},
}

var settleTests = []test{
	{"every verdict makes of the job what the domain says", func(k *kit) {
		for i, o := range outcomes {
			id := fmt.Sprint("j", i)
			k.submit(job(id, input("in")))
			j := k.start(after(1))
			want := j
			want.Settle(o, after(2))
			k.same(k.end(j, o, after(2)), want)
			k.same(k.get(id), want)
			if want.State.Waiting() { // out of the way of the next one
				_, err := k.Cancel(k.ctx, id, after(2))
				k.ok(err)
			}
		}
		k.nextExpiry(time.Time{}, false)
	}},
	{"a job asked to stop ends when its attempt does", func(k *kit) {
		for i, o := range outcomes {
			id := fmt.Sprint("j", i)
			k.submit(job(id))
			j := k.start(after(1))
			_, err := k.Cancel(k.ctx, id, after(1))
			k.ok(err)
			want := k.get(id)
			want.Settle(o, after(2))
			k.same(k.end(j, o, after(2)), want)
			if !want.State.Terminal() || want.Cancelling {
				k.Fatalf("after %s the job is %s, cancelling %v", o.Verdict, want.State, want.Cancelling)
			}
			k.same(k.lease(1, after(999)), nil)
		}
	}},
	{"failures and losses are counted apart", func(k *kit) {
		k.submit(job("a"))
		for n, o := range []engine.Outcome{
			{Verdict: engine.VerdictRetried, Cause: engine.CauseError},
			{Verdict: engine.VerdictRetried, Cause: engine.CauseLost},
			{Verdict: engine.VerdictSnoozed},
			{Verdict: engine.VerdictReleased},
			{Verdict: engine.VerdictRetried, Cause: engine.CauseFuel},
			{Verdict: engine.VerdictRetried, Cause: engine.CauseLost},
			{Verdict: engine.VerdictFailed, Cause: engine.CauseMemory},
		} {
			o.Fuel = uint64(n) << 40
			o.RunAt = after(n)
			k.end(k.start(after(n)), o, after(n))
		}
		j := k.get("a")
		k.same([]int{j.Attempt, j.Failures, j.Losses, len(j.History)}, []int{7, 3, 2, 7})
		for n, a := range j.History {
			k.same(a.Fuel, uint64(n)<<40)
		}
		j, err := k.Retry(k.ctx, "a", after(9))
		k.ok(err)
		k.same([]int{j.Attempt, j.Failures, j.Losses, len(j.History)}, []int{7, 0, 0, 7})
	}},
	{"history is bounded, the count is not", func(k *kit) {
		k.submit(job("a"))
		for n := range engine.MaxHistory + 5 {
			k.end(k.start(after(n)), engine.Outcome{Verdict: engine.VerdictReleased, RunAt: after(n)}, after(n))
		}
		j := k.get("a")
		k.same([]int{j.Attempt, len(j.History), j.History[0].Number}, []int{engine.MaxHistory + 5, engine.MaxHistory, 6})
	}},
	{"of attempts handed back for one reason in a row the last is kept", func(k *kit) {
		released := func(at int, why string) engine.Outcome {
			return engine.Outcome{Verdict: engine.VerdictReleased, RunAt: after(at), Error: why}
		}
		k.submit(job("a"))
		for n, o := range []engine.Outcome{
			{Verdict: engine.VerdictRetried, Cause: engine.CauseError, Error: "not loaded", RunAt: after(0)},
			released(1, "not loaded"), released(2, "not loaded"), released(3, "not loaded"), // 2, 3, 4
			released(4, "other"), released(5, "not loaded"), // 5, 6
			released(6, ""), released(7, ""), // 7, 8: the engine stopped while they ran
		} {
			k.end(k.start(after(n)), o, after(n))
		}
		j := k.get("a")
		var kept []int
		for _, a := range j.History {
			kept = append(kept, a.Number)
		}
		k.same([]any{j.Attempt, kept}, []any{8, []int{1, 4, 5, 6, 7, 8}})
		k.same(j.History[1].StartedAt, after(3))
	}},
	{"a batch has mixed results", func(k *kit) {
		k.submit(job("a"), job("b"), job("c"), job("d", key("taken")))
		jobs := k.lease(3, epoch)
		good := settlement(jobs[0], engine.Outcome{Verdict: engine.VerdictSucceeded}, after(1))
		stale := settlement(jobs[1], engine.Outcome{Verdict: engine.VerdictSucceeded}, after(1))
		stale.Attempt = 7
		collides := settlement(jobs[1], engine.Outcome{Verdict: engine.VerdictSucceeded}, after(1))
		collides.Effects.Jobs = []engine.Job{job("child", key("taken"))}
		collides.Effects.Writes = []engine.Write{{Space: "s", Key: "k", Value: []byte("no")}}
		collides.Logs = []engine.LogLine{{Message: "no"}}
		failed := settlement(jobs[2], engine.Outcome{Verdict: engine.VerdictFailed, Cause: engine.CauseDenied}, after(1))
		answers, err := k.Settle(k.ctx, good, stale, collides, failed)
		k.ok(err)
		k.same(len(answers), 4)
		k.ok(answers[0].Err)
		k.is(answers[1].Err, engine.ErrLeaseLost)
		k.duplicate(answers[2].Err, engine.DuplicateError{Key: "taken", ID: "d"})
		k.ok(answers[3].Err)
		k.same([]any{answers[0].Job.State, k.get("b"), answers[3].Job.State}, []any{engine.Succeeded, jobs[1], engine.Failed})
	}},
	{"nothing to settle", func(k *kit) {
		answers, err := k.Settle(k.ctx)
		k.ok(err)
		k.same(len(answers), 0)
	}},
	{"log lines commit with the outcome", func(k *kit) {
		k.submit(job("a"))
		j := k.start(epoch)
		k.ok(k.AppendLogs(k.ctx, "a", engine.LogLine{At: after(1), Attempt: 1, Message: "one"}))
		st := settlement(j, engine.Outcome{Verdict: engine.VerdictFailed, Cause: engine.CauseError}, after(2))
		st.Logs = []engine.LogLine{{At: after(2), Attempt: 1, Level: engine.Warn, Message: "two"}, {At: after(2), Attempt: 1, Message: "three"}}
		k.ok(k.settle(st).Err)
		k.same(k.logs("a", 0, 0), []engine.LogLine{
			{Seq: 1, At: after(1), Attempt: 1, Message: "one"},
			{Seq: 2, At: after(2), Attempt: 1, Level: engine.Warn, Message: "two"},
			{Seq: 3, At: after(2), Attempt: 1, Message: "three"},
		})
	}},
}
