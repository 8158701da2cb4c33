package enginetest

import (
	"context"
	"time"

	"github.com/tlo-run/tlo/engine"
)

var reopenTests = []test{
	{"what was committed is there", func(k *kit) {
		k.ended(2)
		k.submit(job("b", prio(1)), job("c", prio(9), runAt(after(50))), job("run", prio(8)), ticked("t", "hourly", after(3)))
		k.start(after(1))
		k.ok(k.AppendLogs(k.ctx, "run", engine.LogLine{Message: "line"}))
		k.write(engine.Write{Space: "s", Key: "k", Value: []byte("v")})
		if !k.place.Durable {
			k.reopen()
			k.same(k.list(engine.Filter{}), nil)
			return
		}
		if k.place.Exclusive {
			k.ok(endLeases(k.ctx, k.Store))
		}
		before := k.snapshot(after(1))
		for range 2 {
			k.reopen()
			k.same(k.snapshot(after(1)), before)
			k.nextDue(all, epoch, true)
		}
		k.duplicate(k.Submit(k.ctx, job("x", key("k1"))), engine.DuplicateError{Key: "k1", ID: "a1"})
		k.submit(job("z"))
		k.same(k.list(engine.Filter{Limit: 3})[:2], []string{"z", "t"})
		k.same(ids(k.lease(9, after(50))), []string{"c", "t", "z", "b"})
	}},
	{"leases that were held", func(k *kit) {
		k.submit(job("a"), job("b"))
		held := k.lease(2, epoch)
		_, err := k.Cancel(k.ctx, "b", epoch)
		k.ok(err)
		k.reopen()
		if !k.place.Durable {
			k.nextExpiry(time.Time{}, false)
			return
		}
		if !k.place.Exclusive {
			k.expired(after(59), 9)
			k.end(held[0], engine.Outcome{Verdict: engine.VerdictSucceeded}, after(1))
			return
		}
		// They belong to a process that is gone, however far its clock was.
		k.expired(epoch.AddDate(-9, 0, 0), 9, "a", "b")
		jobs, err := k.Expired(k.ctx, epoch, 9)
		k.ok(err)
		k.same([]any{jobs[0].Attempt, jobs[0].Worker, jobs[1].Cancelling}, []any{1, "w1", true})
		lost := engine.Outcome{Verdict: engine.VerdictRetried, RunAt: epoch, Cause: engine.CauseLost, Error: "lost"}
		k.same(k.end(jobs[0], lost, epoch).Losses, 1)
		k.same(k.end(jobs[1], lost, epoch).State, engine.Cancelled)
		k.same(k.start(epoch).Attempt, 2)
	}},
	{"a cursor stays good", func(k *kit) {
		k.submit(job("a"), job("b"), job("c"))
		page, err := k.Jobs(k.ctx, engine.Filter{Limit: 1})
		k.ok(err)
		k.reopen()
		if k.place.Durable {
			k.same(k.list(engine.Filter{Limit: 1, Cursor: page.Next}), []string{"b", "a"})
		} else {
			k.same(k.list(engine.Filter{}), nil)
		}
	}},
}

// endLeases does to the leases what opening an exclusive store does: the zero
// time is past by any clock.
func endLeases(ctx context.Context, s engine.Store) error {
	running, err := s.Expired(ctx, epoch.AddDate(1000, 0, 0), 1000)
	if err != nil {
		return err
	}
	var exts []engine.Extension
	for _, j := range running {
		exts = append(exts, engine.Extension{ID: j.ID, Attempt: j.Attempt, Progress: j.Progress})
	}
	_, err = s.Extend(ctx, exts...)
	return err
}
