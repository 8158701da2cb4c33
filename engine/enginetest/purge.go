package enginetest

import (
	"fmt"

	"github.com/tlo-run/tlo/engine"
)

// ended makes jobs a0 to a(n-1), finished a second apart.
func (k *kit) ended(n int) {
	k.Helper()
	for i := range n {
		k.finish(job(fmt.Sprint("a", i), key(fmt.Sprint("k", i))), after(i))
	}
}

func (k *kit) purge(want int, req engine.PurgeRequest) {
	k.Helper()
	n, err := k.Purge(k.ctx, req)
	k.ok(err)
	k.same(n, want)
}

var purgeTests = []test{
	{"by age", func(k *kit) {
		k.ended(5)
		k.purge(0, engine.PurgeRequest{Task: "report", Before: epoch, Max: 9})
		k.purge(2, engine.PurgeRequest{Task: "report", Before: after(2), Max: 9})
		k.same(k.list(engine.Filter{}), []string{"a4", "a3", "a2"})
	}},
	{"by count", func(k *kit) {
		k.ended(5)
		k.purge(0, engine.PurgeRequest{Task: "report", Keep: 5, Max: 9})
		k.purge(2, engine.PurgeRequest{Task: "report", Keep: 3, Max: 9})
		k.same(k.list(engine.Filter{}), []string{"a4", "a3", "a2"})
		k.purge(0, engine.PurgeRequest{Task: "report", Keep: 3, Max: 9})
		k.purge(0, engine.PurgeRequest{Task: "report", Max: 9})
	}},
	{"by either", func(k *kit) {
		k.ended(6)
		k.purge(4, engine.PurgeRequest{Task: "report", Before: after(1), Keep: 2, Max: 9})
		k.purge(1, engine.PurgeRequest{Task: "report", Before: after(5), Keep: 2, Max: 9})
		k.same(k.list(engine.Filter{}), []string{"a5"})
	}},
	{"at most max, oldest first", func(k *kit) {
		k.ended(5)
		k.purge(0, engine.PurgeRequest{Task: "report", Before: after(99), Keep: 1})
		k.purge(2, engine.PurgeRequest{Task: "report", Before: after(99), Max: 2})
		k.same(k.list(engine.Filter{}), []string{"a4", "a3", "a2"})
		k.purge(1, engine.PurgeRequest{Task: "report", Keep: 1, Max: 1})
		k.same(k.list(engine.Filter{}), []string{"a4", "a3"})
	}},
	{"oldest by the time it ended, then by id", func(k *kit) {
		k.submit(job("d"), job("c"), job("b"), job("a"))
		jobs := k.lease(4, epoch)
		for i, at := range []int{7, 9, 7, 3} { // a, b, c, d
			k.end(jobs[i], engine.Outcome{Verdict: engine.VerdictFailed}, after(at))
		}
		for _, want := range []string{"[\"a\",\"b\",\"c\"]", "[\"b\",\"c\"]", "[\"b\"]", "[]"} {
			k.purge(1, engine.PurgeRequest{Task: "report", Before: after(99), Max: 1})
			k.same(text(k.list(engine.Filter{})), want)
		}
	}},
	{"only that task, only what ended", func(k *kit) {
		k.finish(job("other", task("reports")), epoch)
		k.finish(job("prefix", task("repor")), epoch)
		for _, s := range []engine.State{engine.Running, engine.Succeeded, engine.Failed, engine.Cancelled, engine.Scheduled, engine.Ready} {
			k.inState(s)
		}
		k.purge(3, engine.PurgeRequest{Task: "report", Before: after(9999), Max: 99})
		k.same(k.list(engine.Filter{}), []string{"in ready", "in scheduled", "in running", "prefix", "other"})
		k.purge(0, engine.PurgeRequest{Task: "unknown", Before: after(9999), Max: 99})
	}},
	{"keys and ids are free again, and the logs are gone", func(k *kit) {
		k.ended(1)
		k.ok(k.AppendLogs(k.ctx, "a0", engine.LogLine{Message: "old"}))
		k.purge(1, engine.PurgeRequest{Task: "report", Before: after(9), Max: 9})
		_, err := k.Logs(k.ctx, "a0", 0, 0)
		k.is(err, engine.ErrNotFound)
		k.submit(job("a0", key("k0")))
		k.same(k.get("a0"), job("a0", key("k0")))
		k.same(k.logs("a0", 0, 0), nil)
		k.ok(k.AppendLogs(k.ctx, "a0", engine.LogLine{Message: "new"}))
		k.same(k.logs("a0", 0, 0), []engine.LogLine{{Seq: 1, Message: "new"}})
	}},
	{"a retried job counts no longer as ended", func(k *kit) {
		k.inState(engine.Failed)
		_, err := k.Retry(k.ctx, "in failed", epoch)
		k.ok(err)
		k.purge(0, engine.PurgeRequest{Task: "report", Before: after(9), Max: 9})
		k.end(k.start(epoch), engine.Outcome{Verdict: engine.VerdictSucceeded}, after(5))
		k.purge(0, engine.PurgeRequest{Task: "report", Before: after(5), Max: 9})
		k.purge(1, engine.PurgeRequest{Task: "report", Before: after(6), Max: 9})
	}},
}
