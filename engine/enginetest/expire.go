package enginetest

import (
	"time"

	"github.com/tlo-run/tlo/engine"
)

var expireTests = []test{
	{"leases that ended, longest ended first", func(k *kit) {
		k.submit(job("a"), job("b"), job("c", queue("q")), job("d"))
		k.lease(3, epoch) // a, b, c until 60
		k.lease(1, after(5))
		k.extend(engine.Extension{ID: "a", Attempt: 1, Until: after(80)}, false, nil)
		k.expired(after(59), 9)
		k.expired(after(60), 9, "b", "c")
		k.expired(after(65), 9, "b", "c", "d")
		k.expired(after(80), 9, "b", "c", "d", "a")
		k.expired(after(80), 2, "b", "c")
		k.expired(after(80), 0)
	}},
	{"it changes nothing, and settling ends it", func(k *kit) {
		k.submit(job("a"))
		held := k.start(epoch)
		jobs, err := k.Expired(k.ctx, after(60), 1)
		k.ok(err)
		k.same(jobs, []engine.Job{held})
		k.same(k.get("a"), held)
		lost := engine.Outcome{Verdict: engine.VerdictRetried, RunAt: after(60), Cause: engine.CauseLost, Error: "lost"}
		k.same(k.end(jobs[0], lost, after(60)).Losses, 1)
		k.expired(after(999), 9)
		k.is(k.settle(settlement(held, engine.Outcome{Verdict: engine.VerdictSucceeded}, after(61))).Err, engine.ErrLeaseLost)
	}},
	{"an expired lease can still be extended and settled", func(k *kit) {
		k.submit(job("a"), job("b"))
		jobs := k.lease(2, epoch)
		k.extend(engine.Extension{ID: "a", Attempt: 1, Until: after(200)}, false, nil)
		k.expired(after(100), 9, "b")
		k.end(jobs[1], engine.Outcome{Verdict: engine.VerdictSucceeded}, after(101))
	}},
	{"next expiry is the earliest deadline", func(k *kit) {
		k.nextExpiry(time.Time{}, false)
		k.submit(job("a"), job("b"))
		first := k.start(epoch)
		second := k.start(after(1))
		k.nextExpiry(after(60), true)
		k.extend(engine.Extension{ID: "a", Attempt: 1, Until: after(120)}, false, nil)
		k.nextExpiry(after(61), true)
		k.end(second, engine.Outcome{Verdict: engine.VerdictSucceeded}, after(2))
		k.nextExpiry(after(120), true)
		k.end(first, engine.Outcome{Verdict: engine.VerdictSucceeded}, after(2))
		k.nextExpiry(time.Time{}, false)
	}},
}

func (k *kit) expired(now time.Time, n int, want ...string) {
	k.Helper()
	jobs, err := k.Expired(k.ctx, now, n)
	k.ok(err)
	k.same(ids(jobs), want)
}
