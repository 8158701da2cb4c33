package engine

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Cause says why an attempt did not succeed: data for policies and people, not
// text to parse.
type Cause string

// The causes of failure.
const (
	CauseError    Cause = "error"    // the task said so
	CauseTrap     Cause = "trap"     // the guest crashed, or a Go function panicked
	CauseTimeout  Cause = "timeout"  // over its wall time
	CauseMemory   Cause = "memory"   // over its memory
	CauseFuel     Cause = "fuel"     // over its fuel
	CauseDenied   Cause = "denied"   // used what it was not granted
	CauseLost     Cause = "lost"     // its lease ran out, or its process died
	CauseInternal Cause = "internal" // tlo's own fault
)

// Failure is the error of an executor that knows the cause. Any other error
// counts as [CauseError].
type Failure struct {
	Cause     Cause
	Message   string
	Permanent bool // never retry, whatever the policy
}

func (f *Failure) Error() string { return f.Message }

// Permanent wraps err so that the job fails without another attempt.
func Permanent(err error) error { return &permanent{err} }

type permanent struct{ error }

func (p *permanent) Unwrap() error { return p.error }

// minSnooze keeps a task that is never ready from spinning: each attempt costs
// a lease and leaves log lines on the disk.
const minSnooze = time.Second

// Snooze returns an error that puts the job off by d, at least by one second,
// without counting a failure. A task that waits for something returns it.
func Snooze(d time.Duration) error { return &snooze{max(d, minSnooze)} }

type snooze struct{ d time.Duration }

func (s *snooze) Error() string { return "snoozed for " + s.d.String() }

// Why an attempt's context was cancelled, as [context.Cause] tells it.
var (
	ErrTimeout   = errors.New("over its time limit")
	ErrCancelled = errors.New("cancelled on request")
	ErrStopping  = errors.New("the engine is stopping")
	ErrLeaseLost = errors.New("the lease is lost") // also returned by Extend and Settle
)

// Verdict is how an attempt ended.
type Verdict string

// The verdicts. Retried, snoozed and released jobs wait again.
const (
	VerdictSucceeded Verdict = "succeeded"
	VerdictFailed    Verdict = "failed" // for good
	VerdictRetried   Verdict = "retried"
	VerdictSnoozed   Verdict = "snoozed"
	VerdictReleased  Verdict = "released" // handed back: the engine stops, or lacks the task; counts nothing
	VerdictCancelled Verdict = "cancelled"
)

// Outcome is what settling a lease makes of the job.
type Outcome struct {
	Verdict Verdict
	RunAt   time.Time // of the next attempt, for retried, snoozed and released
	Cause   Cause     // for failed and retried
	Error   string
	Output  []byte // for succeeded
	Fuel    uint64 // that the attempt used, if that was counted
	// Progress is what the attempt reported last; the zero value leaves what
	// the store has.
	Progress Progress
}

// judge decides what an attempt's end means. The context is asked before the
// error: a guest that returns success after its deadline has still timed out.
func judge(ctx context.Context, task TaskDef, job Job, res Result, err error, now time.Time, random float64) Outcome {
	switch why := context.Cause(ctx); {
	case errors.Is(why, ErrCancelled):
		return Outcome{Verdict: VerdictCancelled, Error: ErrCancelled.Error()}
	case errors.Is(why, ErrTimeout):
		err = &Failure{Cause: CauseTimeout, Message: fmt.Sprintf("%v of %v", ErrTimeout, task.Limits.Timeout)}
	case errors.Is(why, ErrStopping) && err != nil:
		return Outcome{Verdict: VerdictReleased, RunAt: now}
	}
	if err == nil {
		return Outcome{Verdict: VerdictSucceeded, Output: res.Output}
	}
	if s, ok := errors.AsType[*snooze](err); ok {
		return Outcome{Verdict: VerdictSnoozed, RunAt: runAfter(now, s.d), Error: err.Error()}
	}
	cause, final := CauseError, false
	if f, ok := errors.AsType[*Failure](err); ok {
		cause, final = f.Cause, f.Permanent
	}
	if _, ok := errors.AsType[*permanent](err); ok {
		final = true
	}
	return judgeFailure(task.Retry, job, cause, err.Error(), final, now, random)
}

// judgeFailure applies the retry policy to an attempt that failed.
func judgeFailure(policy RetryPolicy, job Job, cause Cause, message string, final bool, now time.Time, random float64) Outcome {
	n := job.Failures + 1 // losses and failures have a budget and a backoff each
	spent := n >= policy.Attempts
	if cause == CauseLost {
		n = job.Losses + 1
		spent = n > policy.Losses
	}
	if final || spent {
		return Outcome{Verdict: VerdictFailed, Cause: cause, Error: message}
	}
	delay := policy.Delay(n, random)
	return Outcome{Verdict: VerdictRetried, RunAt: runAfter(now, delay), Cause: cause, Error: message}
}
