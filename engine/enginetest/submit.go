package enginetest

import (
	"errors"
	"fmt"

	"github.com/tlo-run/tlo/engine"
)

var submitTests = []test{
	{"a job is found as it was submitted", func(k *kit) {
		j := job("a", key("k"), input("hello\x00\xff"), prio(7), runAt(after(5)))
		j.Schedule, j.Tick = "nightly", after(1)
		k.submit(j)
		k.same(k.get("a"), j)
	}},
	{"nothing is nothing", func(k *kit) {
		k.submit()
		k.same(k.list(engine.Filter{}), nil)
	}},
	{"an unknown job is not found", func(k *kit) {
		_, err := k.Job(k.ctx, "nobody")
		k.is(err, engine.ErrNotFound)
	}},
	{"a taken id is refused", func(k *kit) {
		k.submit(job("a", input("first")))
		k.duplicate(k.Submit(k.ctx, job("a", input("second"))), engine.DuplicateError{ID: "a"})
		k.same(k.get("a"), job("a", input("first")))
	}},
	{"a taken key names its holder", func(k *kit) {
		k.submit(job("a", key("k")))
		k.duplicate(k.Submit(k.ctx, job("b", key("k"))), engine.DuplicateError{Key: "k", ID: "a"})
		_, err := k.Job(k.ctx, "b")
		k.is(err, engine.ErrNotFound)
	}},
	{"a key stays taken by history", func(k *kit) {
		k.finish(job("a", key("k")), epoch)
		k.duplicate(k.Submit(k.ctx, job("b", key("k"))), engine.DuplicateError{Key: "k", ID: "a"})
	}},
	{"jobs without a key do not collide", func(k *kit) {
		k.submit(job("a"), job("b"))
		k.submit(job("c"))
		k.same(k.list(engine.Filter{}), []string{"c", "b", "a"})
	}},
	{"a batch is all or none", func(k *kit) {
		k.submit(job("x", key("taken"), runAt(after(99))))
		for _, bad := range []engine.Job{job("x"), job("y", key("taken"))} {
			k.is(k.Submit(k.ctx, job("a", key("ka")), job("b"), bad, job("c")), engine.ErrDuplicate)
			k.same(k.list(engine.Filter{}), []string{"x"})
			k.same(k.lease(9, epoch), nil)
		}
		k.submit(job("b", key("ka")), job("a"), job("c"))
		k.same(ids(k.lease(9, epoch)), []string{"a", "b", "c"})
	}},
	{"duplicates within a batch are refused", func(k *kit) {
		k.duplicate(k.Submit(k.ctx, job("a"), job("b"), job("a")), engine.DuplicateError{ID: "a"})
		k.duplicate(k.Submit(k.ctx, job("a", key("k")), job("b", key("k"))), engine.DuplicateError{Key: "k", ID: "a"})
		k.same(k.list(engine.Filter{}), nil)
		k.same(k.lease(9, epoch), nil)
	}},
	{"a large batch keeps its order", func(k *kit) {
		var batch []engine.Job
		var want []string
		for i := range 500 {
			batch = append(batch, job(fmt.Sprintf("j%03d", i)))
			want = append(want, fmt.Sprintf("j%03d", 499-i))
		}
		k.submit(batch...)
		k.same(k.list(engine.Filter{}), want)
	}},
}

// duplicate checks a refusal and what it says.
func (k *kit) duplicate(err error, want engine.DuplicateError) {
	k.Helper()
	k.is(err, engine.ErrDuplicate)
	got, ok := errors.AsType[*engine.DuplicateError](err)
	if !ok || *got != want {
		k.Fatalf("error is %#v, want %#v", err, want)
	}
}
