package engine

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"time"
)

// TaskDef is the definition of a task: which code, with which limits, grants,
// retry policy and schedules. It is a value; the registry hands out copies.
type TaskDef struct {
	Name        string
	Description string

	// Run is a plain Go function; nil means the engine's Executor runs Plugin.
	Run    ExecutorFunc
	Plugin string // path of the .wasm file
	// Export picks one of several tasks of a plugin: an exported function, or
	// a name that the plugin declares. Empty means the task's own name.
	Export string
	Args   []string
	Config map[string]string

	Queue string
	// Priority is MinPriority to MaxPriority, higher runs first. It has no
	// default: a TaskDef that sets none runs at MinPriority, behind the tasks of
	// plugins and of the file of settings, which run at DefaultPriority.
	Priority int
	// InputSchema is the JSON Schema of a typed task's input; empty or null
	// means that the input is any bytes.
	InputSchema json.RawMessage

	Limits    Limits
	Retry     RetryPolicy
	Retention Retention
	Grants    Grants
	Schedules []Schedule
}

// Limits bound one attempt. Zero means the default, which for Fuel is none. A
// limit in bytes is at most 1 TiB.
type Limits struct {
	Timeout time.Duration // wall time
	Grace   time.Duration // between asking to stop and force
	Memory  int64         // bytes of linear memory
	Input   int64         // bytes
	Output  int64         // bytes
	Log     int64         // bytes of log per attempt
	Fuel    int64         // units of work, as in [Result]
}

// maxBytes leaves room to add limits, or to multiply one for an encoding.
const maxBytes = 1 << 40

// DefaultLimits are the limits of tasks that set none.
var DefaultLimits = Limits{
	Timeout: time.Minute,
	Grace:   5 * time.Second,
	Memory:  128 << 20,
	Input:   16 << 20,
	Output:  16 << 20,
	Log:     1 << 20,
}

// Retention says how long ended jobs of a task stay as history. Zero means the
// default.
type Retention struct {
	Age   time.Duration
	Count int // the newest
}

// DefaultRetention keeps thirty days, at most ten thousand jobs per task.
var DefaultRetention = Retention{Age: 30 * 24 * time.Hour, Count: 10_000}

// Grants are the capabilities of a task. The zero value grants nothing.
type Grants struct {
	Files []FileGrant
}

// FileGrant makes a folder of this machine visible to a guest, to read only.
type FileGrant struct {
	Guest string // absolute path as the guest sees it
	Path  string // folder on this machine
}

// ErrInvalid is matched by errors about values that can never be accepted.
var ErrInvalid = errors.New("invalid")

// invalid makes an error that matches ErrInvalid without repeating its text.
func invalid(format string, args ...any) error {
	return &invalidError{fmt.Errorf(format, args...)}
}

type invalidError struct{ error }

func (e *invalidError) Is(target error) bool { return target == ErrInvalid }
func (e *invalidError) Unwrap() error        { return e.error }

var taskName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,63}$`)

// ValidName reports whether s can name a task or a queue: lower-case letters,
// digits, '_', '.' and '-', at most 64, the first a letter or a digit.
func ValidName(s string) bool { return taskName.MatchString(s) }

// WithDefaults returns t with each unset field at its default.
func (t TaskDef) WithDefaults() TaskDef {
	or(&t.Queue, DefaultQueue)
	or(&t.Export, t.Name)
	or(&t.Limits.Timeout, DefaultLimits.Timeout)
	or(&t.Limits.Grace, DefaultLimits.Grace)
	or(&t.Limits.Memory, DefaultLimits.Memory)
	or(&t.Limits.Input, DefaultLimits.Input)
	or(&t.Limits.Output, DefaultLimits.Output)
	or(&t.Limits.Log, DefaultLimits.Log)
	or(&t.Retention.Age, DefaultRetention.Age)
	or(&t.Retention.Count, DefaultRetention.Count)
	t.Retry = t.Retry.withDefaults()
	if string(bytes.TrimSpace(t.InputSchema)) == "null" {
		t.InputSchema = nil
	}
	return t
}

func or[T comparable](field *T, def T) {
	var zero T
	if *field == zero {
		*field = def
	}
}

// Validate reports everything that is wrong with t at once.
func (t TaskDef) Validate() error {
	var errs []error
	bad := func(format string, args ...any) {
		errs = append(errs, invalid("task %q: %w", t.Name, fmt.Errorf(format, args...)))
	}
	if !ValidName(t.Name) {
		bad("a name has 1 to 64 characters of a-z 0-9 _ . - and starts with a letter or digit")
	}
	if !ValidName(t.Queue) {
		bad("queue %q: a name has 1 to 64 characters of a-z 0-9 _ . - and starts with a letter or digit", t.Queue)
	}
	if t.Priority < MinPriority || t.Priority > MaxPriority {
		bad("priority is %d: use %d to %d, higher runs first", t.Priority, MinPriority, MaxPriority)
	}
	l := t.Limits
	if l.Timeout < 0 || l.Grace < 0 || l.Memory < 0 || l.Input < 0 || l.Output < 0 || l.Log < 0 || l.Fuel < 0 {
		bad("a limit is negative")
	}
	if max(l.Memory, l.Input, l.Output, l.Log) > maxBytes {
		bad("a limit is over %d bytes", int64(maxBytes))
	}
	if s := t.InputSchema; len(s) > 0 && !json.Valid(s) {
		bad("the input schema is not JSON: %s", jsonProblem(s))
	}
	if t.Retention.Age < 0 || t.Retention.Count < 0 {
		bad("retention is negative")
	}
	if err := t.Retry.Validate(); err != nil {
		bad("%w", err)
	}
	for _, s := range t.Schedules {
		if err := s.Validate(); err != nil {
			bad("%w", err)
		}
	}
	return errors.Join(errs...)
}

// Executor runs attempts. Execute is called from many goroutines at once.
//
// When ctx is done the attempt is asked to stop ([context.Cause] says why); an
// executor that can use force does so task.Limits.Grace later, and returns. The
// errors are [*Failure], [Permanent], [Snooze], or any error, which fails the
// attempt with [CauseError].
type Executor interface {
	Execute(ctx context.Context, task TaskDef, job Job, report Reporter) (Result, error)
}

// ExecutorFunc is a Go function as an [Executor], and as a task.
type ExecutorFunc func(ctx context.Context, task TaskDef, job Job, report Reporter) (Result, error)

// Execute calls f.
func (f ExecutorFunc) Execute(ctx context.Context, task TaskDef, job Job, report Reporter) (Result, error) {
	return f(ctx, task, job, report)
}

// Result is what a successful attempt leaves behind. Jobs and Writes commit in
// one transaction with the settlement, or not at all.
type Result struct {
	// Fuel is the work that the attempt did, in units of about one simple
	// operation of a processor; 0 if the executor does not count it. Unlike time
	// it is the same for the same input on every machine. It counts beside an
	// error, too.
	Fuel   uint64
	Output []byte
	Jobs   []Submission // child jobs
	Writes []Write      // of the key-value store, in order
}

// Reporter takes what an attempt says while it runs. It is safe for concurrent
// use, never blocks on a disk, and ignores what comes after the attempt's end.
type Reporter interface {
	// Log records one line. The limit on log bytes is kept here, and bytes
	// that are no UTF-8 are replaced.
	Log(level Level, message string, fields map[string]string)
	// Progress clamps fraction to 0..1, ignores NaN and keeps 1 KiB of message.
	Progress(fraction float64, message string)
}
