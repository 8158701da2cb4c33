package engine

import (
	"context"
	"time"
)

// Tasks lists the tasks of the registry, by name.
func (e *Engine) Tasks() []TaskDef { return e.registry.List() }

// Stats returns the counters of each task since the engine was made.
func (e *Engine) Stats() map[string]TaskStats { return e.stats.snapshot() }

// Job returns a job with its history; of one that runs here, with its present
// progress.
func (e *Engine) Job(ctx context.Context, id string) (Job, error) {
	job, err := e.store.Job(ctx, id)
	if err != nil {
		return Job{}, err
	}
	return e.present(job, now()), nil
}

// Jobs returns a page of jobs, newest first, without input, output and history.
func (e *Engine) Jobs(ctx context.Context, f Filter) (Page, error) {
	f.Now = now()
	page, err := e.store.Jobs(ctx, f)
	for i, j := range page.Jobs {
		page.Jobs[i] = e.present(j, f.Now)
	}
	return page, err
}

// present brings a stored job up to the moment.
func (e *Engine) present(job Job, at time.Time) Job {
	job.State = job.StateAt(at)
	if a := e.running.get(job.ID); a != nil && job.Holds(a.job.Attempt) {
		job.Progress = a.now()
	}
	return job
}

// Counts returns how many jobs are in each state per queue.
func (e *Engine) Counts(ctx context.Context) (map[string]map[State]int, error) {
	return e.store.Counts(ctx, now())
}

// Logs returns up to limit log lines of a job with Seq > after, oldest first;
// limit 0 means all. Lines of a running attempt arrive a moment late.
func (e *Engine) Logs(ctx context.Context, id string, after uint64, limit int) ([]LogLine, error) {
	return e.store.Logs(ctx, id, after, limit)
}

// Cancel ends a waiting job, or asks a running one to stop and returns at once.
func (e *Engine) Cancel(ctx context.Context, id string) (Job, error) {
	defer e.turns.take(id)()
	job, err := e.store.Cancel(ctx, id, now())
	if err != nil {
		return Job{}, err
	}
	if job.State == Running {
		e.emit(EventCancelling, job)
		if a := e.running.holder(job); a != nil {
			a.cancel(ErrCancelled)
		}
	} else {
		e.emit(EventType(VerdictCancelled), job)
	}
	return job, nil
}

// Retry makes a failed or cancelled job run again with a fresh retry budget.
func (e *Engine) Retry(ctx context.Context, id string) (Job, error) {
	defer e.turns.take(id)()
	job, err := e.store.Retry(ctx, id, now())
	if err != nil {
		return Job{}, err
	}
	e.emit(EventRevived, job)
	e.wake()
	return job, nil
}

// Subscribe returns the events of one job, or of all if id is empty. The
// channel is closed by stop, or when the receiver falls behind: it then reads
// the store and subscribes again.
func (e *Engine) Subscribe(id string) (events <-chan Event, stop func()) {
	return e.feed.subscribe(id)
}

// Wait returns the job once it is terminal, or ctx's error. The end of a job
// that another process runs is noticed with the delay of a heartbeat.
func (e *Engine) Wait(ctx context.Context, id string) (Job, error) {
	for {
		events, stop := e.Subscribe(id)
		job, err := e.Job(ctx, id) // after subscribing, so that nothing falls between
		if err == nil && !job.State.Terminal() {
			err = await(ctx, events, e.cfg.Lease/3)
		}
		stop()
		if err != nil || job.State.Terminal() {
			return job, err
		}
	}
}

// await returns when the job may be terminal: an event says so, or for a while
// nobody has said anything.
func await(ctx context.Context, events <-chan Event, while time.Duration) error {
	for {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(while):
			return nil
		case ev, ok := <-events:
			if !ok || ev.Job.State.Terminal() {
				return nil
			}
		}
	}
}
