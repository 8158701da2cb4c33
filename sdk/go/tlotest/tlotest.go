// Package tlotest runs registered tasks natively, so that a plugin has ordinary
// unit tests: the whole path of an attempt (input decoding, cancellation,
// recovered panics, output encoding) is the one that runs in WebAssembly, and
// only the host is replaced. It imposes no limits and grants nothing: a task
// that opens files opens those of the machine.
package tlotest

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"time"

	"github.com/tlo-run/tlo/sdk/go/internal/guest"
)

// Attempt says what to run and what the task will see. The zero value of each
// field is a usable default.
type Attempt struct {
	// Task is the name of a registered task. Empty picks the only one.
	Task string
	// Input is the job's input: []byte and string as they are, nil as no
	// input at all, anything else as JSON.
	Input any
	// Config is the task's config map.
	Config map[string]string
	// Number is which attempt of the job this is. 0 means the first.
	Number int

	JobID          string    // empty means "job"
	Queue          string    // empty means "default"
	IdempotencyKey string    // empty means the job's id
	ScheduledAt    time.Time // zero means now
	Tick           time.Time // zero means that no schedule made the job

	// Timeout is the time left when the attempt starts; 0 means no deadline.
	// Nothing enforces it: it is what the task reads.
	Timeout time.Duration
	// CancelAtPoll is the ordinal of the first call of ctx.Cancelled, Err or
	// Done that finds the attempt cancelled: 1 cancels before the task
	// starts, 0 never. Deriving a context from ctx makes such calls too.
	CancelAtPoll int
	// Seed decides what ctx.Rand returns; the same seed, the same numbers.
	Seed uint64
}

// Result is what an attempt left behind.
type Result struct {
	Code     int      // what the plugin's entry returned: 0 if the attempt succeeded
	Output   []byte   // the task's output; nil unless it succeeded
	Failure  *Failure // nil if it succeeded
	Logs     []Log
	Progress []Progress
}

// Failure is how an attempt failed.
type Failure struct {
	Kind    Kind
	Message string
	Delay   time.Duration // with Snooze, in whole milliseconds
}

// Kind says what becomes of a job after a failed attempt.
type Kind string

// What a task can ask for.
const (
	Retry     Kind = "retry"     // its retry policy decides
	Permanent Kind = "permanent" // it is not tried again
	Snooze    Kind = "snooze"    // it is tried again after the delay
)

// Log is one line of the job's log.
type Log struct {
	Level   slog.Level // one of tlo.LevelTrace and slog's four
	Message string
	Fields  map[string]any // as encoding/json decodes them; nil if there are none
}

// Progress is one report of how far the task is.
type Progress struct {
	Fraction float64
	Message  string
}

// Run runs one attempt and returns when the task has. Attempts may run at the
// same time. It panics if Input has no JSON form, as only a broken test does that.
func Run(a Attempt) Result {
	h := newHost(a)
	code := guest.Run(h)
	return h.result(int(code))
}

// Err returns the failure as an error, nil if the attempt succeeded.
func (r Result) Err() error {
	if r.Failure == nil {
		return nil
	}
	return fmt.Errorf("%s: %s", r.Failure.Kind, r.Failure.Message)
}

// Decode reads the output as JSON into v. If the attempt failed it returns why.
func (r Result) Decode(v any) error {
	if err := r.Err(); err != nil {
		return err
	}
	if err := json.Unmarshal(r.Output, v); err != nil {
		return fmt.Errorf("output %.100q: %w", r.Output, err)
	}
	return nil
}
