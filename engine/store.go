package engine

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// Errors of stores. Callers branch on them with errors.Is.
var (
	ErrNotFound  = errors.New("not found")
	ErrDuplicate = errors.New("duplicate")
	ErrState     = errors.New("not possible in this state")
	ErrClosed    = errors.New("the store is closed")
	ErrLocked    = errors.New("the store is in use by another process")
	ErrVersion   = errors.New("the store has another format version")
	ErrCorrupt   = errors.New("the store is damaged")
	// ErrFailed: a write failed in a way that leaves open what is on the disk.
	// Every later call returns it; opening the store again tells what is left.
	ErrFailed = errors.New("the store has failed")
)

// DuplicateError says which job already holds a key or an id. It matches
// [ErrDuplicate].
type DuplicateError struct {
	Key string // empty if the id itself is taken
	ID  string // the job that holds it
}

func (e *DuplicateError) Error() string {
	if e.Key == "" {
		return fmt.Sprintf("a job with id %q exists already", e.ID)
	}
	return fmt.Sprintf("job %s already has the key %q", e.ID, e.Key)
}

// Is matches ErrDuplicate.
func (e *DuplicateError) Is(target error) bool { return target == ErrDuplicate }

// StateError says that a job is in a state that forbids what was asked. It
// matches [ErrState].
type StateError struct {
	ID    string
	State State
	Want  string // what the operation needs, for people
}

func (e *StateError) Error() string {
	return fmt.Sprintf("job %s is %s: %s", e.ID, e.State, e.Want)
}

// Is matches ErrState.
func (e *StateError) Is(target error) bool { return target == ErrState }

// Queue moves jobs between states. Every method is one atomic transition, seen
// by every call that begins after it returned, and safe for concurrent use. It
// is durable when it returns nil (where the store promises durability at all),
// but for Lease and Extend, which say so. A Queue has no clock of its own and
// makes no ids.
//
// Job transitions are those of [Job.Begin], [Job.Settle], [Job.Cancel] and
// [Job.Revive]: a store calls them and adds storage, nothing else.
type Queue interface {
	// Submit adds jobs, all or none. Each has ID, Task, Queue, RunAt,
	// CreatedAt and a waiting State set. A job with a Schedule also advances
	// that schedule's last tick to its Tick. A taken key or id is a
	// *DuplicateError and nothing is added.
	Submit(ctx context.Context, jobs ...Job) error

	// Lease begins the next attempt of up to Max due jobs, in the order of
	// [Job.Before] across the requested queues, and returns the jobs as they
	// then are. None due is an empty slice, not an error.
	//
	// A store that one process owns may return before the lease is durable: if
	// the process dies then, its leases are void, the attempt was not counted,
	// and its number is given again. It may do so once for a job, and only for
	// its first attempt: of a job that kills its process, attempts are counted.
	Lease(ctx context.Context, req LeaseRequest) ([]Job, error)

	// Extend moves lease deadlines and records progress. The results are
	// parallel to exts; a lease that is no longer held has ErrLeaseLost. A
	// store that one process owns need not make it durable: no lease outlives
	// the process.
	Extend(ctx context.Context, exts ...Extension) ([]Extended, error)

	// Settle ends attempts: outcome, log lines and effects of each commit
	// together or not at all. The results are parallel to settlements; a lease
	// that is no longer held has ErrLeaseLost and changes nothing, and
	// effects that collide with a key have a *DuplicateError, those that the
	// store can never keep an error that matches ErrInvalid, and change
	// nothing either. The error is of the store as a whole.
	Settle(ctx context.Context, settlements ...Settlement) ([]Settled, error)

	// Expired returns up to n running jobs whose lease ended at or before now,
	// longest ended first. It changes nothing: the engine settles them.
	Expired(ctx context.Context, now time.Time, n int) ([]Job, error)

	// Cancel ends a waiting job at once and marks a running one as
	// cancelling. A terminal job is a *StateError, an unknown id ErrNotFound.
	Cancel(ctx context.Context, id string, now time.Time) (Job, error)

	// Retry makes a failed or cancelled job ready again with a fresh budget.
	// Any other state is a *StateError, an unknown id ErrNotFound.
	Retry(ctx context.Context, id string, now time.Time) (Job, error)

	// NextDue returns the earliest run-at among waiting jobs of the queues; of
	// those that are past, any will do. false if none waits.
	NextDue(ctx context.Context, queues QueueSet) (time.Time, bool, error)

	// NextExpiry returns the earliest lease deadline of running jobs; false if
	// none runs.
	NextExpiry(ctx context.Context) (time.Time, bool, error)
}

// QueueSet names queues: those listed, or all but those listed.
type QueueSet struct {
	Names  []string
	Except bool // all queues but Names; the zero value with Except is all
}

// Has reports whether the set contains the queue.
func (s QueueSet) Has(queue string) bool {
	for _, n := range s.Names {
		if n == queue {
			return !s.Except
		}
	}
	return s.Except
}

// LeaseRequest asks for due jobs.
type LeaseRequest struct {
	Queues QueueSet
	Max    int
	Worker string
	Now    time.Time
	Until  time.Time // the lease's deadline
}

// Extension moves the deadline of one lease, named by job and attempt.
type Extension struct {
	ID       string
	Attempt  int
	Until    time.Time
	Progress Progress
}

// Extended is the answer to an [Extension].
type Extended struct {
	Cancelling bool  // somebody asked for the job to stop
	Err        error // ErrLeaseLost or nil
}

// Settlement ends one attempt, named by job and attempt number. If the job's
// attempt is another by now, or it is not running, the lease was lost.
type Settlement struct {
	ID      string
	Attempt int
	Now     time.Time
	Outcome Outcome
	Logs    []LogLine // lines not yet appended
	Effects Effects   // applied only with VerdictSucceeded
}

// Settled is the answer to a [Settlement]: the job after it, or the error.
type Settled struct {
	Job Job
	Err error
}

// Effects are what an attempt did through the host. They commit with its
// success in one transaction.
type Effects struct {
	Jobs   []Job   // child jobs, as for Submit
	Writes []Write // in order
}

// Write sets or deletes one key of the key-value store.
type Write struct {
	Space  string // a namespace
	Key    string
	Value  []byte
	Delete bool
}

// StateStore answers questions. Its methods are safe for concurrent use and
// see every transition that returned before they were called.
type StateStore interface {
	// Job returns one job with its history, or ErrNotFound.
	Job(ctx context.Context, id string) (Job, error)
	// Jobs returns a page of jobs, newest submission first, without Input,
	// Output and History.
	Jobs(ctx context.Context, filter Filter) (Page, error)
	// Counts returns how many jobs are in each state per queue, as of now.
	Counts(ctx context.Context, now time.Time) (map[string]map[State]int, error)
	// AppendLogs adds lines to a job's log and numbers them. ErrNotFound if
	// the job is unknown.
	AppendLogs(ctx context.Context, id string, lines ...LogLine) error
	// Logs returns up to limit lines of a job with Seq > after, oldest first;
	// limit 0 means all. ErrNotFound if the job is unknown.
	Logs(ctx context.Context, id string, after uint64, limit int) ([]LogLine, error)
	// Purge removes terminal jobs of a task, with their logs and keys: those
	// that finished before Before, and the oldest beyond the newest Keep. At
	// most Max are removed per call; it returns how many.
	Purge(ctx context.Context, req PurgeRequest) (int, error)
}

// Filter selects jobs. Zero fields select all.
type Filter struct {
	Task     string
	Queue    string
	Schedule string
	Key      string
	States   []State
	Since    time.Time // created at or after
	Until    time.Time // created before
	Now      time.Time // tells scheduled from ready
	Limit    int       // jobs per page; 0 means 100
	Cursor   string    // Page.Next of the page before
}

// DefaultPage is the page size of a Filter without Limit.
const DefaultPage = 100

// PageSize is the filter's Limit or the default.
func (f *Filter) PageSize() int {
	if f.Limit <= 0 {
		return DefaultPage
	}
	return f.Limit
}

// BadCursor is the error of a store for a cursor that it did not make.
func BadCursor(cursor string) error {
	return invalid("cursor %q is not one of this store: use the value that the page before returned", cursor)
}

// Match reports whether the filter selects the job.
func (f *Filter) Match(j *Job) bool {
	if f.Task != "" && f.Task != j.Task || f.Queue != "" && f.Queue != j.Queue ||
		f.Schedule != "" && f.Schedule != j.Schedule || f.Key != "" && f.Key != j.Key ||
		!f.Since.IsZero() && j.CreatedAt.Before(f.Since) || !f.Until.IsZero() && !j.CreatedAt.Before(f.Until) {
		return false
	}
	if len(f.States) == 0 {
		return true
	}
	state := j.StateAt(f.Now)
	for _, s := range f.States {
		if s == state {
			return true
		}
	}
	return false
}

// Page is a part of a listing.
type Page struct {
	Jobs []Job
	Next string // cursor of the next page; empty at the end
}

// PurgeRequest says which history of a task to remove.
type PurgeRequest struct {
	Task   string
	Before time.Time // finished before
	Keep   int       // the newest that stay; 0 means no limit by count
	Max    int
}

// KV is the key-value store that guests share through grants. It changes only
// by [Effects].
type KV interface {
	// Get returns a value, or ErrNotFound.
	Get(ctx context.Context, space, key string) ([]byte, error)
	// List returns up to limit keys of a space with the prefix, in order.
	List(ctx context.Context, space, prefix string, limit int) ([]string, error)
}

// ScheduleState remembers which ticks were handled, so that a restart neither
// doubles nor forgets one.
type ScheduleState interface {
	// LastTick returns the last handled tick of a schedule; false if none.
	LastTick(ctx context.Context, schedule string) (time.Time, bool, error)
	// SetLastTick records a tick as handled without a job. It never moves back.
	SetLastTick(ctx context.Context, schedule string, tick time.Time) error
}

// Store is one backend for everything, so that a transition and its record
// share a transaction. After Close every method returns ErrClosed.
type Store interface {
	Queue
	StateStore
	KV
	ScheduleState
	io.Closer
}
