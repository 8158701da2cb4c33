package disk_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// epoch is when each run begins; no clock is read.
var epoch = time.Date(2026, 3, 1, 12, 0, 0, 123456789, time.UTC)

// A worker makes a random but repeatable sequence of calls on jobs, a queue, a
// schedule and keys that are its own. So what its calls return does not depend
// on other workers, and the same worker on a store in memory tells what the
// one on disk must hold.
type worker struct {
	name  string
	store engine.Store
	rng   *rand.Rand
	known []string
	held  []engine.Job // running, by what Lease returned
	now   time.Time
}

func newWorker(n int, seed uint64, s engine.Store) *worker {
	return &worker{name: fmt.Sprint("w", n), store: s, rng: rand.New(rand.NewPCG(seed, uint64(n))), now: epoch}
}

// step makes the next call. A nil error means that the store has confirmed
// it; what it returned is then the same on every store, and reply stands for
// it.
func (w *worker) step(ctx context.Context, n int) (reply string, err error) {
	w.now = epoch.Add(time.Duration(n) * time.Second)
	var value any
	switch p := w.rng.IntN(100); {
	case p < 30:
		value, err = w.submit(ctx, n)
	case p < 52:
		value, err = w.lease(ctx)
	case p < 78:
		value, err = w.settle(ctx, n)
	case p < 83:
		value, err = w.store.Cancel(ctx, w.any(), w.now)
	case p < 88:
		value, err = w.store.Retry(ctx, w.any(), w.now)
	case p < 93:
		err = w.store.AppendLogs(ctx, w.any(), engine.LogLine{At: w.now, Level: engine.Info, Message: fmt.Sprint("step ", n)})
	case p < 95:
		value, err = w.extend(ctx)
	case p < 98:
		value, err = w.store.Purge(ctx, engine.PurgeRequest{Task: w.name, Before: w.now.Add(-20 * time.Second), Keep: 8, Max: 5})
	default:
		err = w.store.SetLastTick(ctx, w.name+"-other", w.now)
	}
	for _, refusal := range []error{engine.ErrNotFound, engine.ErrState, engine.ErrDuplicate} {
		if errors.Is(err, refusal) {
			return digest(refusal.Error()), nil
		}
	}
	if err != nil {
		return "", err
	}
	return digest(value), nil
}

func (w *worker) any() string {
	if len(w.known) == 0 {
		return "none"
	}
	return w.known[w.rng.IntN(len(w.known))]
}

// content is a job's input or output: known by its name, mostly small, and
// sometimes of several pages.
func (w *worker) content(name string) []byte {
	size := w.rng.IntN(200)
	switch w.rng.IntN(20) {
	case 0:
		size = 5000 + w.rng.IntN(15000)
	case 1, 2:
		size = 0
	}
	return bytes.Repeat([]byte(name+" "), size/(len(name)+1)+1)[:size]
}

func (w *worker) job(id string) engine.Job {
	j := engine.Job{
		ID: id, Task: w.name, Queue: w.name, Priority: w.rng.IntN(10), Key: "key-" + id,
		Input: w.content(id), State: engine.Ready, RunAt: w.now, CreatedAt: w.now,
	}
	switch w.rng.IntN(6) {
	case 0:
		j.State, j.RunAt = engine.Scheduled, w.now.Add(time.Duration(1+w.rng.IntN(20))*time.Second)
	case 1:
		j.Schedule, j.Tick = w.name+"-hourly", w.now
	case 2:
		j.Key = ""
	}
	return j
}

func (w *worker) submit(ctx context.Context, n int) (any, error) {
	var jobs []engine.Job
	var ids []string
	for i := range 1 + w.rng.IntN(4) {
		id := fmt.Sprintf("%s-%d-%d", w.name, n, i)
		jobs, ids = append(jobs, w.job(id)), append(ids, id)
	}
	err := w.store.Submit(ctx, jobs...)
	if err == nil {
		w.known = append(w.known, ids...)
	}
	return nil, err
}

func (w *worker) lease(ctx context.Context) (any, error) {
	jobs, err := w.store.Lease(ctx, engine.LeaseRequest{
		Queues: engine.QueueSet{Names: []string{w.name}}, Max: 1 + w.rng.IntN(4), Worker: w.name, Now: w.now, Until: w.now.Add(time.Hour),
	})
	w.held = append(w.held, jobs...)
	return jobs, err
}

// settle ends some of the attempts under way, one of them now and then with a
// token that is out of date.
func (w *worker) settle(ctx context.Context, n int) (any, error) {
	take := min(len(w.held), 1+w.rng.IntN(4))
	var batch []engine.Settlement
	for i, j := range w.held[:take] {
		st := engine.Settlement{ID: j.ID, Attempt: j.Attempt, Now: w.now}
		progress := engine.Progress{Fraction: 0.5, Message: fmt.Sprint("step ", n)}
		switch w.rng.IntN(6) {
		case 0:
			st.Outcome = engine.Outcome{Verdict: engine.VerdictFailed, Cause: engine.CauseTrap, Error: "unreachable", Progress: progress}
		case 1:
			st.Outcome = engine.Outcome{Verdict: engine.VerdictRetried, Cause: engine.CauseError, Error: "again", RunAt: w.now, Progress: progress}
		case 2:
			st.Outcome = engine.Outcome{Verdict: engine.VerdictRetried, Cause: engine.CauseLost, RunAt: w.now.Add(5 * time.Second), Progress: progress}
		default:
			st.Outcome = engine.Outcome{Verdict: engine.VerdictSucceeded, Output: w.content(j.ID), Progress: progress}
			child := fmt.Sprintf("%s-%d-%d-child", w.name, n, i)
			st.Effects.Writes = []engine.Write{
				{Space: w.name, Key: j.ID, Value: fmt.Append(nil, j.Attempt)},
				{Space: w.name, Key: w.any(), Delete: true},
			}
			if w.rng.IntN(3) == 0 {
				st.Effects.Jobs = []engine.Job{w.job(child)}
			}
		}
		st.Logs = []engine.LogLine{{At: w.now, Attempt: j.Attempt, Level: engine.Warn, Message: fmt.Sprint("settled at step ", n)}}
		batch = append(batch, st)
	}
	if take > 0 && w.rng.IntN(5) == 0 {
		stale := batch[0]
		stale.Attempt++
		stale.Effects.Jobs = nil
		batch = append(batch, stale)
	}
	answers, err := w.store.Settle(ctx, batch...)
	if err != nil {
		return nil, err
	}
	w.held = w.held[take:]
	var replies []any
	for i, a := range answers {
		if a.Err != nil {
			replies = append(replies, a.Err.Error())
			continue
		}
		replies = append(replies, a.Job)
		for _, j := range batch[i].Effects.Jobs {
			w.known = append(w.known, j.ID)
		}
	}
	return replies, nil
}

func (w *worker) extend(ctx context.Context) (any, error) {
	var exts []engine.Extension
	for _, j := range w.held {
		exts = append(exts, engine.Extension{ID: j.ID, Attempt: j.Attempt, Until: w.now.Add(2 * time.Hour), Progress: engine.Progress{Fraction: 0.25}})
	}
	return w.store.Extend(ctx, exts...)
}

// digest stands for a value in few bytes.
func digest(v any) string {
	switch v := v.(type) {
	case engine.Job:
		return digest(plain(v))
	case []engine.Job:
		jobs := make([]any, len(v))
		for i, j := range v {
			jobs[i] = plain(j)
		}
		return digest(jobs)
	case []any:
		parts := make([]string, len(v))
		for i := range v {
			parts[i] = digest(v[i])
		}
		return digest(parts)
	}
	b, err := json.Marshal(v)
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf("%x", sha256.Sum256(b))[:16]
}

// plain is a job as text, without what a store need not keep of an attempt
// that runs: its deadline and progress are those of a process, and gone with
// it.
func plain(j engine.Job) string {
	if j.State == engine.Running {
		j.LeaseUntil, j.Progress = time.Time{}, engine.Progress{}
	}
	b, err := json.Marshal(j)
	if err != nil {
		return err.Error()
	}
	return string(b)
}
