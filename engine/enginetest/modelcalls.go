package enginetest

import (
	"fmt"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// The calls of a random run. Each draws its arguments once, before both stores
// are asked.

func (r *run) submit() {
	jobs := r.newJobs(3)
	r.both("submit "+text(jobs), func(s engine.Store) (any, error) { return nil, s.Submit(r.ctx, jobs...) })
}

func (r *run) leaseJobs() {
	req := engine.LeaseRequest{Queues: r.queues(), Max: r.rng.IntN(5), Worker: pick(r, "w1", "w2"), Now: r.now,
		Until: r.now.Add(time.Duration(1+r.rng.IntN(20)) * time.Second)}
	leased := r.both("lease "+text(req), func(s engine.Store) (any, error) { return s.Lease(r.ctx, req) }).([]engine.Job)
	r.leases = append(r.leases, leased...)
	r.leases = r.leases[max(0, len(r.leases)-12):]
	if len(leased) < req.Max { // all that waits is due later: now the answer is exact
		r.both("next due", func(s engine.Store) (any, error) {
			at, ok, err := s.NextDue(r.ctx, req.Queues)
			return []any{at, ok}, err
		})
	}
}

// lease is one that was given, or never was.
func (r *run) lease() (id string, attempt int) {
	if len(r.leases) == 0 || r.rng.IntN(12) == 0 {
		return r.id(), r.rng.IntN(3)
	}
	j := pick(r, r.leases...)
	return j.ID, j.Attempt
}

func (r *run) extendSome() {
	exts := make([]engine.Extension, r.rng.IntN(4))
	for i := range exts {
		exts[i].ID, exts[i].Attempt = r.lease()
		exts[i].Until = r.now.Add(time.Duration(r.rng.IntN(30)) * time.Second)
		exts[i].Progress = engine.Progress{Fraction: float64(r.rng.IntN(5)) / 4, Message: pick(r, "", "working")}
	}
	r.both("extend "+text(exts), func(s engine.Store) (any, error) {
		answers, err := s.Extend(r.ctx, exts...)
		var told []string
		for _, a := range answers {
			told = append(told, fmt.Sprint(a.Cancelling, reason(a.Err)))
		}
		return told, err
	})
}

func (r *run) outcome() engine.Outcome {
	o := pick(r, outcomes...)
	o.RunAt = r.soon()
	return o
}

func (r *run) settleSome() {
	batch := make([]engine.Settlement, 1+r.rng.IntN(3))
	for i := range batch {
		st := &batch[i]
		st.ID, st.Attempt = r.lease()
		st.Now, st.Outcome, st.Logs = r.now, r.outcome(), r.lines()
		if r.rng.IntN(2) == 0 {
			st.Effects.Jobs = r.newJobs(2)
			for range r.rng.IntN(3) {
				st.Effects.Writes = append(st.Effects.Writes, engine.Write{
					Space: pick(r, spaces...), Key: pick(r, "a", "b", "c"), Value: fmt.Append(nil, r.ids), Delete: r.rng.IntN(4) == 0})
			}
		}
	}
	r.settleAll(batch)
}

func (r *run) settleAll(batch []engine.Settlement) {
	r.both("settle "+text(batch), func(s engine.Store) (any, error) {
		answers, err := s.Settle(r.ctx, batch...)
		var told []string
		for _, a := range answers {
			told = append(told, text(a.Job)+reason(a.Err))
		}
		return told, err
	})
}

func (r *run) expiredJobs() {
	n := r.rng.IntN(5)
	r.both("expired", func(s engine.Store) (any, error) { return s.Expired(r.ctx, r.now, n) })
	r.both("next expiry", func(s engine.Store) (any, error) {
		at, ok, err := s.NextExpiry(r.ctx)
		return []any{at, ok}, err
	})
}

func (r *run) settleExpired() {
	jobs, err := r.model.Expired(r.ctx, r.now, 5)
	r.ok(err)
	var batch []engine.Settlement
	for _, j := range jobs {
		o := engine.Outcome{Verdict: pick(r, engine.VerdictRetried, engine.VerdictFailed), RunAt: r.soon(), Cause: engine.CauseLost, Error: "lost"}
		batch = append(batch, settlement(j, o, r.now))
	}
	r.settleAll(batch)
}

func (r *run) cancel() {
	id := r.id()
	r.both("cancel "+id, func(s engine.Store) (any, error) { return s.Cancel(r.ctx, id, r.now) })
}

func (r *run) retry() {
	id := r.id()
	r.both("retry "+id, func(s engine.Store) (any, error) { return s.Retry(r.ctx, id, r.now) })
}

func (r *run) ask() {
	id := r.id()
	r.both("job "+id, func(s engine.Store) (any, error) { return s.Job(r.ctx, id) })
	r.both("counts", func(s engine.Store) (any, error) { return s.Counts(r.ctx, r.now) })
}

// page reads the next page of a listing that goes on between other calls.
func (r *run) page() {
	f := engine.Filter{Limit: 1 + r.rng.IntN(4), Now: r.now}
	switch r.rng.IntN(6) {
	case 0:
		f.Task = "mail"
	case 1:
		f.Queue = "q1"
	case 2:
		f.States = []engine.State{pick(r, engine.States...), pick(r, engine.States...)}
	case 3:
		f.Key = fmt.Sprint("key", r.rng.IntN(30))
	case 4:
		f.Schedule = pick(r, schedules...)
	}
	cursors := r.pages
	r.both("jobs "+text(f), func(s engine.Store) (any, error) {
		who := 0
		if s == r.model {
			who = 1
		}
		f.Cursor = cursors[who]
		page, err := s.Jobs(r.ctx, f)
		r.pages[who] = page.Next
		return []any{page.Jobs, page.Next != ""}, err
	})
}

func (r *run) lines() []engine.LogLine {
	lines := make([]engine.LogLine, r.rng.IntN(3))
	for i := range lines {
		lines[i] = engine.LogLine{At: r.now, Attempt: r.rng.IntN(3), Level: engine.Level(r.rng.IntN(5)), Message: fmt.Sprint("line ", r.ids)}
		if r.rng.IntN(3) == 0 {
			lines[i].Fields = map[string]string{"n": fmt.Sprint(i), "m": "x"}
		}
	}
	return lines
}

func (r *run) addLogs() {
	id, lines := r.id(), r.lines()
	r.both("append logs of "+id, func(s engine.Store) (any, error) { return nil, s.AppendLogs(r.ctx, id, lines...) })
}

func (r *run) readLogs() {
	id, after, limit := r.id(), uint64(r.rng.IntN(3)), r.rng.IntN(3)
	r.both("logs of "+id, func(s engine.Store) (any, error) { return s.Logs(r.ctx, id, after, limit) })
}

func (r *run) purgeSome() {
	req := engine.PurgeRequest{Task: pick(r, "report", "mail", "none"), Before: r.now.Add(-time.Duration(r.rng.IntN(600)) * time.Second),
		Keep: pick(r, 0, 0, 3, 10, 30), Max: r.rng.IntN(6)}
	r.both("purge "+text(req), func(s engine.Store) (any, error) { return s.Purge(r.ctx, req) })
}

func (r *run) ticks() {
	name, at := pick(r, schedules...), r.soon()
	r.both("set last tick", func(s engine.Store) (any, error) { return nil, s.SetLastTick(r.ctx, name, at) })
	r.both("last tick", func(s engine.Store) (any, error) {
		at, ok, err := s.LastTick(r.ctx, name)
		return []any{at, ok}, err
	})
}

func (r *run) keys() {
	space, key, limit := pick(r, spaces...), pick(r, "a", "b", "c", "d"), r.rng.IntN(4)
	r.both("get", func(s engine.Store) (any, error) { return s.Get(r.ctx, space, key) })
	r.both("list", func(s engine.Store) (any, error) { return s.List(r.ctx, space, "", limit) })
}
