package enginetest

import (
	"time"

	"github.com/tlo-run/tlo/engine"
)

// tick returns the last tick of a schedule that has one.
func (k *kit) tick(schedule string) time.Time {
	k.Helper()
	at, ok, err := k.LastTick(k.ctx, schedule)
	k.ok(err)
	if !ok {
		k.Fatalf("schedule %q has no last tick", schedule)
	}
	return at
}

func ticked(id, schedule string, tick time.Time) engine.Job {
	j := job(id)
	j.Schedule, j.Tick = schedule, tick
	return j
}

var tickTests = []test{
	{"none at first", func(k *kit) {
		at, ok, err := k.LastTick(k.ctx, "s")
		k.ok(err)
		if ok || !at.IsZero() {
			k.Fatalf("last tick is %v, %v", at, ok)
		}
	}},
	{"it never moves back", func(k *kit) {
		for _, c := range []struct{ set, want int }{{5, 5}, {3, 5}, {5, 5}, {9, 9}, {8, 9}} {
			k.ok(k.SetLastTick(k.ctx, "s", after(c.set)))
			k.same(k.tick("s"), after(c.want))
		}
	}},
	{"submitting a job of a schedule moves it", func(k *kit) {
		k.submit(ticked("a", "s", after(5)), ticked("b", "t", after(1)), ticked("c", "s", after(2)))
		k.same([]any{k.tick("s"), k.tick("t")}, []any{after(5), after(1)})
		k.submit(ticked("d", "s", after(4)))
		k.same(k.tick("s"), after(5))
		k.submit(ticked("e", "s", after(6)))
		k.same(k.tick("s"), after(6))
	}},
	{"a refused batch moves nothing", func(k *kit) {
		k.submit(ticked("a", "s", after(1)))
		k.is(k.Submit(k.ctx, ticked("b", "s", after(9)), job("a")), engine.ErrDuplicate)
		k.same(k.tick("s"), after(1))
	}},
}
