package enginetest

import (
	"fmt"

	"github.com/tlo-run/tlo/engine"
)

func (k *kit) logs(id string, after uint64, limit int) []engine.LogLine {
	k.Helper()
	lines, err := k.Logs(k.ctx, id, after, limit)
	k.ok(err)
	return lines
}

var logTests = []test{
	{"lines are numbered per job, in order", func(k *kit) {
		k.submit(job("a"), job("b"))
		k.ok(k.AppendLogs(k.ctx, "a", engine.LogLine{At: after(1), Message: "a1"}, engine.LogLine{Seq: 77, At: after(1), Message: "a2"}))
		k.ok(k.AppendLogs(k.ctx, "b", engine.LogLine{At: after(2), Attempt: 3, Level: engine.Error, Message: "b1\x00",
			Fields: map[string]string{"n": "1", "": "\n"}}))
		k.ok(k.AppendLogs(k.ctx, "a", engine.LogLine{At: after(3), Message: "a3"}))
		k.ok(k.AppendLogs(k.ctx, "a"))
		k.same(k.logs("a", 0, 0), []engine.LogLine{
			{Seq: 1, At: after(1), Message: "a1"}, {Seq: 2, At: after(1), Message: "a2"}, {Seq: 3, At: after(3), Message: "a3"}})
		k.same(k.logs("b", 0, 0), []engine.LogLine{{Seq: 1, At: after(2), Attempt: 3, Level: engine.Error, Message: "b1\x00",
			Fields: map[string]string{"n": "1", "": "\n"}}})
	}},
	{"after and limit", func(k *kit) {
		k.submit(job("a"), job("b"))
		k.same(k.logs("a", 0, 0), nil)
		var lines []engine.LogLine
		for i := range 300 {
			lines = append(lines, engine.LogLine{Message: fmt.Sprint(i)})
		}
		k.ok(k.AppendLogs(k.ctx, "a", lines...))
		k.ok(k.AppendLogs(k.ctx, "b", lines...))
		for _, c := range []struct {
			after       uint64
			limit       int
			first, last uint64
		}{
			{0, 0, 1, 300}, {0, 1, 1, 1}, {0, 300, 1, 300}, {0, 999, 1, 300}, {254, 4, 255, 258}, {299, 0, 300, 300},
			{298, 5, 299, 300}, {300, 0, 1, 0}, {301, 1, 1, 0}, {1<<64 - 1, 9, 1, 0},
		} {
			var want []uint64
			for n := c.first; n <= c.last; n++ {
				want = append(want, n)
			}
			var got []uint64
			for _, l := range k.logs("a", c.after, c.limit) {
				got = append(got, l.Seq)
			}
			k.same(got, want)
		}
	}},
	{"an ended job still takes lines", func(k *kit) {
		k.finish(job("a"), epoch)
		k.ok(k.AppendLogs(k.ctx, "a", engine.LogLine{Message: "late"}))
		k.same(len(k.logs("a", 0, 0)), 1)
	}},
	{"an unknown job has no log", func(k *kit) {
		k.is(k.AppendLogs(k.ctx, "nobody", engine.LogLine{}), engine.ErrNotFound)
		_, err := k.Logs(k.ctx, "nobody", 0, 0)
		k.is(err, engine.ErrNotFound)
	}},
}
