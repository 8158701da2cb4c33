package enginetest

import (
	"fmt"
	"time"

	"github.com/tlo-run/tlo/engine"
)

var leaseTests = []test{
	{"none due is empty", func(k *kit) {
		k.same(k.lease(5, epoch), nil)
		k.submit(job("a", runAt(after(10))))
		k.same(k.lease(5, after(9)), nil)
	}},
	{"a lease begins an attempt", func(k *kit) {
		k.submit(job("a", input("in")))
		want := job("a", input("in"))
		want.Begin("w1", after(3), after(63))
		k.same(k.start(after(3)), want)
		k.same(k.get("a"), want)
		k.same(k.lease(5, after(4)), nil)
	}},
	{"priority, then run-at, then id", func(k *kit) {
		k.submit(
			job("e", prio(1)), job("d", prio(5), runAt(after(2))), job("c", prio(5), runAt(after(1))),
			job("b", prio(9), runAt(after(3))), job("a", prio(5), runAt(after(1))), job("f", prio(0)),
		)
		k.same(ids(k.lease(9, after(5))), []string{"b", "a", "c", "d", "e", "f"})
	}},
	{"the order holds across queues and calls", func(k *kit) {
		for i := range 12 {
			k.submit(job(fmt.Sprintf("j%02d", i), queue(fmt.Sprint("q", i%3)), prio(i%2)))
		}
		var got []string
		for range 4 {
			got = append(got, ids(k.lease(3, epoch))...)
		}
		k.same(got, []string{"j01", "j03", "j05", "j07", "j09", "j11", "j00", "j02", "j04", "j06", "j08", "j10"})
	}},
	{"only the queues asked for", func(k *kit) {
		k.submit(job("a", queue("qa")), job("b", queue("qb")), job("c", queue("qc")), job("d", queue("qd")))
		k.same(k.leaseOf(engine.QueueSet{}, 9, epoch), nil)
		k.same(k.leaseOf(engine.QueueSet{Names: []string{"none"}}, 9, epoch), nil)
		k.same(ids(k.leaseOf(engine.QueueSet{Names: []string{"qc", "qb"}}, 9, epoch)), []string{"b", "c"})
		k.same(ids(k.leaseOf(engine.QueueSet{Names: []string{"qa", "qb"}, Except: true}, 9, epoch)), []string{"d"})
		k.same(ids(k.leaseOf(all, 9, epoch)), []string{"a"})
	}},
	{"at most max", func(k *kit) {
		k.submit(job("a"), job("b"), job("c"))
		k.same(k.lease(0, epoch), nil)
		k.same(ids(k.lease(2, epoch)), []string{"a", "b"})
		k.same(ids(k.lease(2, epoch)), []string{"c"})
	}},
	{"a delayed job waits for its time", func(k *kit) {
		k.submit(job("late", runAt(after(10)), prio(9)), job("now"))
		k.same(ids(k.lease(9, after(9))), []string{"now"})
		k.same(ids(k.lease(9, after(10))), []string{"late"})
	}},
	{"a clock set back hides what was due", func(k *kit) {
		k.submit(job("a", runAt(after(5)), prio(9)), job("b", runAt(after(1))), job("c", runAt(after(8)), prio(1)))
		k.same(ids(k.lease(1, after(20))), []string{"a"})
		k.same(k.lease(9, epoch), nil)
		k.same(ids(k.lease(9, after(1))), []string{"b"})
		k.same(ids(k.lease(9, after(8))), []string{"c"})
	}},
	{"a job comes back in its place", func(k *kit) {
		k.submit(job("a"), job("b"), job("c"))
		j := k.start(epoch)
		k.end(j, engine.Outcome{Verdict: engine.VerdictReleased, RunAt: epoch}, epoch)
		again := k.lease(9, epoch)
		k.same(ids(again), []string{"a", "b", "c"})
		k.same(again[0].Attempt, 2)
	}},
	{"next due is the earliest that waits", func(k *kit) {
		k.nextDue(all, time.Time{}, false)
		k.submit(job("a", runAt(after(30))), job("b", runAt(after(10)), queue("q")), job("c", runAt(after(20))))
		k.nextDue(all, after(10), true)
		k.nextDue(engine.QueueSet{Names: []string{"default"}}, after(20), true)
		k.nextDue(engine.QueueSet{Names: []string{"q"}, Except: true}, after(20), true)
		k.nextDue(engine.QueueSet{Names: []string{"none"}}, time.Time{}, false)
		k.start(after(10))
		k.nextDue(all, after(20), true)
		_, err := k.Cancel(k.ctx, "c", epoch)
		k.ok(err)
		k.nextDue(all, after(30), true)
		k.start(after(30))
		k.nextDue(all, time.Time{}, false)
	}},
	{"next due of several that are past is one of them", func(k *kit) {
		k.submit(job("a", prio(1)), job("b", prio(9), runAt(after(3))), job("c", runAt(after(99))))
		k.same(k.leaseOf(engine.QueueSet{Names: []string{"none"}}, 1, after(5)), nil)
		at, ok, err := k.NextDue(k.ctx, all)
		k.ok(err)
		if !ok || at.After(after(5)) {
			k.Fatalf("next due is %v, %v; want a time that is past", at, ok)
		}
	}},
}

func (k *kit) nextDue(queues engine.QueueSet, want time.Time, wantOK bool) {
	k.Helper()
	at, ok, err := k.NextDue(k.ctx, queues)
	k.ok(err)
	if ok != wantOK || !at.Equal(want) {
		k.Fatalf("next due is %v, %v; want %v, %v", at, ok, want, wantOK)
	}
}
