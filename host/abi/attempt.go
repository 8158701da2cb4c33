package abi

import (
	"context"
	"strconv"
	"strings"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// MaxText caps a message of a guest, in bytes.
const MaxText = 8 << 10

// Attempt is what the functions know of the attempt that calls them. One guest
// uses it from one goroutine; read its end after the guest has ended.
type Attempt struct {
	stop     <-chan struct{} // closed when the attempt is asked to stop
	deadline time.Time
	task     engine.TaskDef
	name     string // of the task, as the guest knows it
	job      engine.Job
	report   engine.Reporter
	memory   bool

	asked   bool // for what belongs to this attempt
	changed bool // the host's side of the guest
	output  []byte
	wrote   bool
	end     End
	message string
	delay   time.Duration
}

// End is how a guest said that its attempt ends.
type End int

// The ends, numbered as in the contract from 0 with fail.
const (
	Silent  End = iota // said nothing: its result code decides
	Failed             // fail: retry by policy
	Refused            // fail: never retry
	Snoozed
)

// NewAttempt returns the state of one attempt. ctx tells whether it is asked to
// stop, name is the task's name as the guest knows it, and memory says whether
// the guest has a memory.
func NewAttempt(ctx context.Context, task engine.TaskDef, name string, job engine.Job, report engine.Reporter, memory bool) *Attempt {
	a := &Attempt{stop: ctx.Done(), task: task, name: name, job: job, report: report, memory: memory}
	a.deadline, _ = ctx.Deadline()
	return a
}

type key struct{}

// With returns a context for calls into the guest of attempt a.
func With(ctx context.Context, a *Attempt) context.Context {
	return context.WithValue(ctx, key{}, a)
}

// Asked reports whether the guest used a function whose answer, or effect,
// belongs to this attempt: any but those that log and give random bytes.
func (a *Attempt) Asked() bool { return a.asked }

// Changed reports whether Change was called for the attempt.
func (a *Attempt) Changed() bool { return a.changed }

// Change notes that the guest whose call has this context changed something in
// the host that wiping its memory does not undo.
func Change(ctx context.Context) {
	if a, ok := ctx.Value(key{}).(*Attempt); ok {
		a.changed = true
	}
}

// Output returns what the guest wrote, and whether it wrote at all.
func (a *Attempt) Output() ([]byte, bool) { return a.output, a.wrote }

// End returns how the guest said that the attempt ends, with its message, and
// the delay of a snooze.
func (a *Attempt) End() (end End, message string, delay time.Duration) {
	return a.end, a.message, a.delay
}

// Remaining returns the milliseconds until the deadline, or -1 without one.
func (a *Attempt) Remaining() int64 {
	if a.deadline.IsZero() {
		return -1
	}
	return max(0, time.Until(a.deadline).Milliseconds())
}

func (a *Attempt) meta(key []byte) (string, bool) {
	switch string(key) {
	case "job_id":
		return a.job.ID, true
	case "attempt":
		return strconv.Itoa(a.job.Attempt), true
	case "task":
		return a.name, true
	case "queue":
		return a.job.Queue, true
	case "scheduled_at":
		return stamp(a.job.RunAt)
	case "tick":
		return stamp(a.job.Tick)
	case "idempotency_key":
		if a.job.Key != "" {
			return a.job.Key, true
		}
		return a.job.ID, true
	}
	return "", false
}

func stamp(t time.Time) (string, bool) {
	if t.IsZero() {
		return "", false
	}
	return t.UTC().Format(time.RFC3339Nano), true
}

// Text makes valid UTF-8 of at most limit bytes of a guest's bytes.
func Text(b []byte, limit int) string {
	s := strings.ToValidUTF8(string(b[:min(len(b), limit)]), "\uFFFD")
	if len(b) <= limit && len(s) <= limit {
		return s
	}
	const ellipsis = "…"
	return strings.ToValidUTF8(s[:min(len(s), limit-len(ellipsis))], "") + ellipsis
}
