package tlo

import (
	"errors"
	"fmt"
	"time"

	"github.com/tlo-run/tlo/sdk/go/internal/guest"
)

// PermanentError says that trying again is useless. Make one with [Permanent].
type PermanentError struct {
	Err error // the reason
}

// Error returns the reason's text.
func (e *PermanentError) Error() string { return e.Err.Error() }

// Unwrap returns the reason.
func (e *PermanentError) Unwrap() error { return e.Err }

// Permanent wraps err so that the job is not tried again, whatever the task's
// retry policy. Permanent(nil) is nil.
func Permanent(err error) error {
	if err == nil {
		return nil
	}
	return &PermanentError{Err: err}
}

// SnoozeError asks for another attempt later. Make one with [Snooze].
type SnoozeError struct {
	Delay time.Duration // how long to wait at least; not negative
}

// Error says for how long.
func (e *SnoozeError) Error() string { return fmt.Sprintf("snoozed for %s", e.Delay) }

// Snooze returns an error that puts the job back for at least d without
// counting as a failure: the task has found that it is too early. The host
// counts in milliseconds, so d is rounded up to the next one; a negative d is 0.
// Where an error wraps both, Permanent wins.
func Snooze(d time.Duration) error {
	return &SnoozeError{Delay: max(d, 0)}
}

// failure classifies what a task returned.
func failure(err error) *guest.Failure {
	f := &guest.Failure{Kind: guest.KindRetry, Message: err.Error()}
	if _, ok := errors.AsType[*PermanentError](err); ok {
		f.Kind = guest.KindPermanent
	} else if snooze, ok := errors.AsType[*SnoozeError](err); ok {
		// Rounded up: waking early would only snooze again.
		f.Kind, f.Delay = guest.KindSnooze, (snooze.Delay + time.Millisecond - 1).Truncate(time.Millisecond)
	}
	return f
}

var (
	_ error = (*PermanentError)(nil)
	_ error = (*SnoozeError)(nil)
)
