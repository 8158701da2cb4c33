package engine

import (
	"cmp"
	"context"
	"encoding/json"
	"regexp"
	"time"
	"unicode"
	"unicode/utf8"
)

// Submission asks for a job. Task is required; the rest has defaults from the
// task.
type Submission struct {
	Task     string
	Input    []byte
	ID       string // default: a new UUIDv7
	Key      string // refuse the job if one with this key exists
	Queue    string
	Priority *int
	RunAt    time.Time // default: now; from 1970 to 2261
	// Schedule and Tick mark the job of a planned time.
	Schedule string
	Tick     time.Time
}

// Submit adds jobs, all or none, and returns them once they are durable. The
// errors match ErrNotFound (no such task), ErrInvalid, ErrDuplicate, or are of
// the store.
func (e *Engine) Submit(ctx context.Context, submissions ...Submission) ([]Job, error) {
	jobs, err := e.prepare(submissions)
	if err != nil {
		return nil, err
	}
	defer e.turns.take(idsOf("", jobs)...)()
	if err := e.store.Submit(ctx, jobs...); err != nil {
		return nil, err
	}
	for _, j := range jobs {
		e.emit(EventSubmitted, j)
	}
	e.wake()
	return jobs, nil
}

var jobID = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9_.:@-]{0,127}$`)

const maxKey = 256

// prepare makes jobs of submissions, or returns why one cannot be.
func (e *Engine) prepare(submissions []Submission) ([]Job, error) {
	at := now()
	jobs := make([]Job, len(submissions))
	for i, s := range submissions {
		task, err := e.registry.Lookup(s.Task)
		if err != nil {
			return nil, err
		}
		j := Job{
			ID: s.ID, Task: s.Task, Queue: cmp.Or(s.Queue, task.Queue), Priority: task.Priority,
			Key: s.Key, Input: s.Input, Schedule: s.Schedule, Tick: s.Tick,
			RunAt: s.RunAt, CreatedAt: at, State: Ready,
		}
		if s.Priority != nil {
			j.Priority = *s.Priority
		}
		if j.ID == "" {
			j.ID = e.cfg.NewID()
		}
		or(&j.RunAt, at)
		j.RunAt = j.RunAt.UTC().Round(0)
		j.State = j.StateAt(at)
		if err := check(j, task); err != nil {
			return nil, err
		}
		jobs[i] = j
	}
	return jobs, nil
}

func check(j Job, task TaskDef) error {
	switch size := int64(len(j.Input)); {
	case !jobID.MatchString(j.ID):
		return invalid("job id %.140q: use up to 128 letters, digits and _ . : @ -, the first a letter or digit", j.ID)
	case !ValidName(j.Queue):
		return invalid("queue %.80q: a name has 1 to 64 characters of a-z 0-9 _ . - and starts with a letter or digit", j.Queue)
	case j.Priority < MinPriority || j.Priority > MaxPriority:
		return invalid("priority is %d: use %d to %d, higher runs first", j.Priority, MinPriority, MaxPriority)
	case !validKey(j.Key):
		return invalid("key %.40q: use at most %d bytes of printable text", j.Key, maxKey)
	case j.RunAt.Before(firstRunAt) || j.RunAt.After(lastRunAt):
		return invalid("run-at is %s: use a time from %d to %d", j.RunAt.Format(time.DateOnly), firstRunAt.Year(), lastRunAt.Year())
	case size > task.Limits.Input:
		return invalid("the input has %d bytes, over the limit of %d of task %q: raise its input limit", size, task.Limits.Input, task.Name)
	case len(task.InputSchema) > 0 && size > 0 && !json.Valid(j.Input):
		return invalid("task %q takes JSON, and the input is not: %s", task.Name, jsonProblem(j.Input))
	}
	return nil
}

// Run-at times are those that every store can keep in order, as nanoseconds
// since the Unix epoch.
var (
	firstRunAt = time.Unix(0, 0).UTC()
	lastRunAt  = time.Date(2261, 12, 31, 0, 0, 0, 0, time.UTC)
)

// runAfter is the run-at of a job that waits for d from now.
func runAfter(now time.Time, d time.Duration) time.Time {
	if t := now.Add(d); t.Before(lastRunAt) {
		return t
	}
	return lastRunAt
}

func validKey(key string) bool {
	if len(key) > maxKey || !utf8.ValidString(key) {
		return false
	}
	for _, r := range key {
		if !unicode.IsPrint(r) {
			return false
		}
	}
	return true
}

func jsonProblem(data []byte) string {
	var v any
	return json.Unmarshal(data, &v).Error()
}
