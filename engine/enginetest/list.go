package enginetest

import (
	"fmt"
	"strings"
	"time"

	"github.com/tlo-run/tlo/engine"
)

var listTests = []test{
	{"newest submission first, without input, output and history", func(k *kit) {
		done := k.finish(job("a", input("in")), epoch)
		k.submit(job("c"), job("b", input("in")))
		page, err := k.Jobs(k.ctx, engine.Filter{})
		k.ok(err)
		k.same(page.Jobs, []engine.Job{job("b"), job("c"), done.Summary()})
		k.same(page.Next, "")
	}},
	{"filters", func(k *kit) {
		tick := job("tick", task("t2"), key("k"))
		tick.Schedule = "hourly"
		late := job("late", queue("q2"), runAt(after(50)))
		late.CreatedAt = after(10)
		k.finish(job("done", task("t2")), epoch)
		k.submit(tick, late, job("ready"))
		for _, c := range []struct {
			want string
			f    engine.Filter
		}{
			{"ready late tick done", engine.Filter{}},
			{"tick done", engine.Filter{Task: "t2"}},
			{"late", engine.Filter{Queue: "q2"}},
			{"tick", engine.Filter{Schedule: "hourly"}},
			{"tick", engine.Filter{Key: "k"}},
			{"", engine.Filter{Key: "k", Queue: "q2"}},
			{"", engine.Filter{Key: "unknown"}},
			{"", engine.Filter{Task: "unknown"}},
			{"late", engine.Filter{Since: after(10)}},
			{"ready tick done", engine.Filter{Until: after(10)}},
			{"", engine.Filter{Since: after(11)}},
			{"done", engine.Filter{States: []engine.State{engine.Succeeded, engine.Failed}}},
			{"ready tick", engine.Filter{States: []engine.State{engine.Ready}, Now: after(49)}},
			{"ready late tick", engine.Filter{States: []engine.State{engine.Ready}, Now: after(50)}},
			{"late", engine.Filter{States: []engine.State{engine.Scheduled}, Now: after(49)}},
			{"ready late tick", engine.Filter{States: []engine.State{engine.Scheduled, engine.Ready}, Now: epoch, Limit: 1}},
		} {
			if s := strings.Join(k.list(c.f), " "); s != c.want {
				k.Errorf("filter %+v finds %q, want %q", c.f, s, c.want)
			}
		}
	}},
	{"pages hold what was there, while jobs come and go", func(k *kit) {
		for i := range 10 {
			k.submit(job(fmt.Sprint("j", i)))
		}
		first, err := k.Jobs(k.ctx, engine.Filter{Limit: 4})
		k.ok(err)
		k.same(ids(first.Jobs), []string{"j9", "j8", "j7", "j6"})
		k.submit(job("new"))
		for _, id := range []string{"j6", "j5"} { // the last of this page, the first of the next
			_, err := k.Cancel(k.ctx, id, epoch)
			k.ok(err)
		}
		n, err := k.Purge(k.ctx, engine.PurgeRequest{Task: "report", Before: after(1), Max: 9})
		k.ok(err)
		k.same(n, 2)
		k.same(k.list(engine.Filter{Limit: 4, Cursor: first.Next}), []string{"j4", "j3", "j2", "j1", "j0"})
	}},
	{"the last page has no next", func(k *kit) {
		k.submit(job("a"), job("b"), job("c"), job("d"))
		page, err := k.Jobs(k.ctx, engine.Filter{Limit: 4})
		k.ok(err)
		k.same([]any{len(page.Jobs), page.Next}, []any{4, ""})
		page, err = k.Jobs(k.ctx, engine.Filter{Limit: 2})
		k.ok(err)
		page, err = k.Jobs(k.ctx, engine.Filter{Limit: 2, Cursor: page.Next})
		k.ok(err)
		k.same([]any{ids(page.Jobs), page.Next}, []any{[]string{"b", "a"}, ""})
	}},
	{"a page has a default size", func(k *kit) {
		var batch []engine.Job
		for i := range engine.DefaultPage + 1 {
			batch = append(batch, job(fmt.Sprintf("j%03d", i)))
		}
		k.submit(batch...)
		page, err := k.Jobs(k.ctx, engine.Filter{})
		k.ok(err)
		k.same([]any{len(page.Jobs), page.Next != ""}, []any{engine.DefaultPage, true})
		k.same(len(k.list(engine.Filter{})), engine.DefaultPage+1)
	}},
	{"a cursor of another make is invalid", func(k *kit) {
		k.submit(job("a"))
		for _, c := range []string{"x", "-1", " ", "1e3", "99999999999999999999999", "\x00", strings.Repeat("9", 1000)} {
			_, err := k.Jobs(k.ctx, engine.Filter{Cursor: c})
			k.is(err, engine.ErrInvalid)
		}
	}},
	{"counts by queue and state, as of now", func(k *kit) {
		k.same(k.counts(epoch), `{}`)
		for _, s := range engine.States {
			k.inState(s)
			if s == engine.Ready { // else the next one would lease it
				_, err := k.Cancel(k.ctx, "in ready", epoch)
				k.ok(err)
			}
		}
		k.submit(job("x", queue("q")), job("y", queue("q"), runAt(after(10))))
		k.same(k.counts(after(9)),
			`{"default":{"cancelled":2,"failed":1,"running":1,"scheduled":1,"succeeded":1},"q":{"ready":1,"scheduled":1}}`)
		k.same(k.counts(after(10)),
			`{"default":{"cancelled":2,"failed":1,"running":1,"scheduled":1,"succeeded":1},"q":{"ready":2}}`)
		k.lease(9, after(10))
		k.same(k.counts(after(9)),
			`{"default":{"cancelled":2,"failed":1,"running":1,"scheduled":1,"succeeded":1},"q":{"running":2}}`)
	}},
	{"counts follow retry and purge", func(k *kit) {
		k.inState(engine.Failed)
		k.finish(job("b", queue("q")), epoch)
		_, err := k.Retry(k.ctx, "in failed", epoch)
		k.ok(err)
		k.same(k.counts(epoch), `{"default":{"ready":1},"q":{"succeeded":1}}`)
		_, err = k.Purge(k.ctx, engine.PurgeRequest{Task: "report", Before: after(1), Max: 9})
		k.ok(err)
		k.same(k.counts(epoch), `{"default":{"ready":1}}`)
	}},
}

// counts returns the counts as JSON, whose keys are sorted.
func (k *kit) counts(now time.Time) string {
	k.Helper()
	c, err := k.Counts(k.ctx, now)
	k.ok(err)
	return text(c)
}
