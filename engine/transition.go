package engine

import "time"

// The transitions of a job are here, once, so that stores cannot differ in
// them. Each changes the job in place; storing it is the store's part.

// Begin starts the next attempt under a lease.
func (j *Job) Begin(worker string, now, until time.Time) {
	j.State = Running
	j.Attempt++
	j.Worker = worker
	j.StartedAt = now
	j.LeaseUntil = until
	j.Progress = Progress{}
}

// Holds reports whether the lease of this attempt is still held.
func (j *Job) Holds(attempt int) bool { return j.State == Running && j.Attempt == attempt }

// Settle ends the running attempt with an outcome.
func (j *Job) Settle(o Outcome, now time.Time) {
	j.record(Attempt{
		Number: j.Attempt, Worker: j.Worker, StartedAt: j.StartedAt, EndedAt: now,
		Verdict: o.Verdict, Cause: o.Cause, Error: o.Error, Fuel: o.Fuel,
	})
	j.LeaseUntil = time.Time{}
	j.Cause, j.Error = o.Cause, o.Error
	if o.Progress != (Progress{}) {
		j.Progress = o.Progress
	}
	switch o.Cause {
	case "":
	case CauseLost:
		j.Losses++
	default:
		j.Failures++
	}
	switch o.Verdict {
	case VerdictSucceeded:
		j.Progress.Fraction = 1
		j.Output = o.Output
		j.finish(Succeeded, now)
	case VerdictFailed:
		j.finish(Failed, now)
	case VerdictCancelled:
		j.finish(Cancelled, now)
	default:
		j.RunAt = o.RunAt
		j.State = Ready
		j.State = j.StateAt(now)
		if j.Cancelling { // asked to stop while it was on its way out
			j.finish(Cancelled, now)
		}
	}
}

// Cancel ends a waiting job and marks a running one.
func (j *Job) Cancel(now time.Time) error {
	switch {
	case j.State.Waiting():
		j.Cause, j.Error = "", ErrCancelled.Error() // not why an earlier attempt failed
		j.finish(Cancelled, now)
	case j.State == Running:
		j.Cancelling = true
	default:
		return &StateError{ID: j.ID, State: j.State, Want: "only waiting and running jobs can be cancelled"}
	}
	return nil
}

// Revive makes a failed or cancelled job ready with a fresh retry budget.
func (j *Job) Revive(now time.Time) error {
	if j.State != Failed && j.State != Cancelled {
		return &StateError{ID: j.ID, State: j.State, Want: "only failed and cancelled jobs can be retried"}
	}
	j.State, j.RunAt, j.FinishedAt = Ready, now, time.Time{}
	j.Failures, j.Losses = 0, 0
	j.Cause, j.Error = "", ""
	return nil
}

func (j *Job) finish(s State, now time.Time) {
	j.State, j.FinishedAt, j.Cancelling = s, now, false
}

// record appends to a copy: readers may hold the old slice. Of a row of attempts
// handed back for the same reason it keeps the last: a job that waits for its
// task to be loaded must not lose the attempts that ran.
func (j *Job) record(a Attempt) {
	old := j.History
	if n := len(old); n > 0 && a.Verdict == VerdictReleased && a.Error != "" && old[n-1].Verdict == a.Verdict && old[n-1].Error == a.Error {
		old = old[:n-1]
	}
	old = old[max(len(old)+1-MaxHistory, 0):]
	j.History = append(append(make([]Attempt, 0, len(old)+1), old...), a)
}

// Summary returns the job without its input, output and history, as listings
// show it.
func (j Job) Summary() Job {
	j.Input, j.Output, j.History = nil, nil, nil
	return j
}
