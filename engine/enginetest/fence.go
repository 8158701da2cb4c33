package enginetest

import (
	"errors"
	"time"

	"github.com/tlo-run/tlo/engine"
)

var fenceTests = []test{
	{"extend moves the deadline and records progress", func(k *kit) {
		k.submit(job("a"))
		j := k.start(epoch)
		k.extend(engine.Extension{ID: "a", Attempt: 1, Until: after(90), Progress: engine.Progress{Fraction: 0.5, Message: "half"}}, false, nil)
		j.LeaseUntil, j.Progress = after(90), engine.Progress{Fraction: 0.5, Message: "half"}
		k.same(k.get("a"), j)
		k.nextExpiry(after(90), true)
	}},
	{"extend tells of a cancellation", func(k *kit) {
		k.submit(job("a"))
		k.start(epoch)
		_, err := k.Cancel(k.ctx, "a", epoch)
		k.ok(err)
		k.extend(engine.Extension{ID: "a", Attempt: 1, Until: after(90)}, true, nil)
	}},
	{"a lease not held cannot be extended", func(k *kit) {
		k.submit(job("a"), job("b", runAt(after(99))))
		j := k.start(epoch)
		k.end(j, engine.Outcome{Verdict: engine.VerdictRetried, RunAt: epoch, Cause: engine.CauseError, Error: "x"}, epoch)
		before := k.start(after(1))
		for _, e := range []engine.Extension{
			{ID: "a", Attempt: 1}, {ID: "a", Attempt: 3}, {ID: "a"}, {ID: "b"}, {ID: "b", Attempt: 1}, {ID: "nobody", Attempt: 1},
		} {
			e.Until, e.Progress.Fraction = after(999), 1
			k.extend(e, false, engine.ErrLeaseLost)
		}
		k.same(k.get("a"), before)
		k.same(k.get("b"), job("b", runAt(after(99))))
		k.nextExpiry(after(61), true)
	}},
	{"a batch of extensions answers in order", func(k *kit) {
		k.submit(job("a"), job("b"), job("c"))
		k.lease(3, epoch)
		_, err := k.Cancel(k.ctx, "c", epoch)
		k.ok(err)
		answers, err := k.Extend(k.ctx,
			engine.Extension{ID: "a", Attempt: 1, Until: after(70)}, engine.Extension{ID: "b", Attempt: 9, Until: after(80)},
			engine.Extension{ID: "c", Attempt: 1, Until: after(90)}, engine.Extension{ID: "a", Attempt: 1, Until: after(75)})
		k.ok(err)
		if len(answers) != 4 || answers[0] != (engine.Extended{}) || !errors.Is(answers[1].Err, engine.ErrLeaseLost) ||
			answers[2] != (engine.Extended{Cancelling: true}) || answers[3] != (engine.Extended{}) {
			k.Fatalf("answers are %v", answers)
		}
		k.same(k.get("a").LeaseUntil, after(75))
		k.same(k.get("b").LeaseUntil, after(60))
		k.same(k.get("c").LeaseUntil, after(90))
	}},
	{"nothing to extend", func(k *kit) {
		answers, err := k.Extend(k.ctx)
		k.ok(err)
		k.same(len(answers), 0)
	}},
	{"a lease not held cannot be settled", func(k *kit) {
		k.submit(job("a"), job("b", runAt(after(99))))
		first := k.start(epoch)
		k.end(first, engine.Outcome{Verdict: engine.VerdictReleased, RunAt: epoch}, epoch)
		k.start(after(1))
		before := k.snapshot(after(1))
		for _, st := range []engine.Settlement{
			{ID: "a", Attempt: 1}, {ID: "a", Attempt: 3}, {ID: "b"}, {ID: "b", Attempt: 1}, {ID: "nobody", Attempt: 1},
		} {
			st.Now = after(2)
			st.Outcome = engine.Outcome{Verdict: engine.VerdictSucceeded, Output: []byte("stale")}
			st.Logs = []engine.LogLine{{At: epoch, Message: "stale"}}
			st.Effects = engine.Effects{
				Jobs:   []engine.Job{job("child")},
				Writes: []engine.Write{{Space: "s", Key: "k", Value: []byte("stale")}},
			}
			k.is(k.settle(st).Err, engine.ErrLeaseLost)
		}
		k.same(k.snapshot(after(1)), before)
	}},
	{"an attempt is settled once", func(k *kit) {
		k.submit(job("a"))
		j := k.start(epoch)
		done := k.end(j, engine.Outcome{Verdict: engine.VerdictSucceeded, Output: []byte("first")}, after(1))
		k.is(k.settle(settlement(j, engine.Outcome{Verdict: engine.VerdictFailed}, after(2))).Err, engine.ErrLeaseLost)
		k.extend(engine.Extension{ID: "a", Attempt: 1, Until: after(99)}, false, engine.ErrLeaseLost)
		k.same(k.get("a"), done)
	}},
	{"also within one batch", func(k *kit) {
		k.submit(job("a"))
		j := k.start(epoch)
		answers, err := k.Settle(k.ctx,
			settlement(j, engine.Outcome{Verdict: engine.VerdictSucceeded}, after(1)),
			settlement(j, engine.Outcome{Verdict: engine.VerdictFailed}, after(2)))
		k.ok(err)
		k.ok(answers[0].Err)
		k.is(answers[1].Err, engine.ErrLeaseLost)
		k.same(k.get("a").State, engine.Succeeded)
	}},
	{"attempts never repeat, not even after a retry by hand", func(k *kit) {
		k.submit(job("a"))
		for n := 1; n <= 4; n++ {
			j := k.start(after(n))
			k.same(j.Attempt, n)
			k.end(j, engine.Outcome{Verdict: engine.VerdictFailed, Cause: engine.CauseError, Error: "x"}, after(n))
			_, err := k.Retry(k.ctx, "a", after(n))
			k.ok(err)
		}
	}},
}

func (k *kit) extend(e engine.Extension, cancelling bool, want error) {
	k.Helper()
	answers, err := k.Extend(k.ctx, e)
	k.ok(err)
	if len(answers) != 1 || answers[0].Cancelling != cancelling || !errors.Is(answers[0].Err, want) {
		k.Fatalf("answers to %+v are %+v, want cancelling %v and %v", e, answers, cancelling, want)
	}
}

func (k *kit) nextExpiry(want time.Time, wantOK bool) {
	k.Helper()
	at, ok, err := k.NextExpiry(k.ctx)
	k.ok(err)
	if ok != wantOK || !at.Equal(want) {
		k.Fatalf("next expiry is %v, %v; want %v, %v", at, ok, want, wantOK)
	}
}
