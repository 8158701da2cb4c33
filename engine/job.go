package engine

import "time"

// Priorities of jobs: higher runs first.
const (
	MinPriority     = 0
	DefaultPriority = 5
	MaxPriority     = 9
)

// DefaultQueue is the queue of tasks that name none.
const DefaultQueue = "default"

// MaxHistory is how many attempts a job's record keeps; older ones are dropped
// from the record, never from the counters. So are those, but the last, of a row
// that was released for one reason.
const MaxHistory = 64

// State is where a job is in its life.
type State string

// The states of a job. Scheduled and ready jobs wait, a running one holds a
// lease, the others are terminal.
const (
	Scheduled State = "scheduled" // due later
	Ready     State = "ready"     // due now
	Running   State = "running"
	Succeeded State = "succeeded"
	Failed    State = "failed" // the dead letter; Retry revives it
	Cancelled State = "cancelled"
)

// States lists all states in the order of a job's life.
var States = []State{Scheduled, Ready, Running, Succeeded, Failed, Cancelled}

// Terminal reports whether a job in this state has ended.
func (s State) Terminal() bool { return s == Succeeded || s == Failed || s == Cancelled }

// Waiting reports whether a job in this state waits to be leased.
func (s State) Waiting() bool { return s == Scheduled || s == Ready }

// Job is one request to run a task, with its input, its state and its history.
// A Job is a value: changing a copy changes nothing in the store.
type Job struct {
	ID       string `json:"id"`
	Task     string `json:"task"`
	Queue    string `json:"queue"`
	Priority int    `json:"priority"`
	// Key is unique among the jobs a store holds, history included; empty
	// means no key.
	Key   string `json:"key,omitempty"`
	Input []byte `json:"input,omitempty"`

	// Schedule and Tick name the planned time that made the job, if one did.
	Schedule string    `json:"schedule,omitempty"`
	Tick     time.Time `json:"tick,omitzero"`

	State      State     `json:"state"`
	RunAt      time.Time `json:"run_at"` // not before
	CreatedAt  time.Time `json:"created_at"`
	StartedAt  time.Time `json:"started_at,omitzero"`  // of the last attempt
	FinishedAt time.Time `json:"finished_at,omitzero"` // when it became terminal

	// Attempt counts the leases given. With the id it is the fencing token: it
	// never decreases and never repeats.
	Attempt int `json:"attempt"`
	// Failures and Losses count against the retry policy; Retry resets them.
	Failures int `json:"failures,omitempty"`
	Losses   int `json:"losses,omitempty"`

	Worker     string    `json:"worker,omitempty"`
	LeaseUntil time.Time `json:"lease_until,omitzero"` // while running
	Cancelling bool      `json:"cancelling,omitempty"` // asked to stop while running

	Progress Progress `json:"progress,omitzero"`
	// Cause and Error say why the last attempt did not succeed.
	Cause   Cause     `json:"cause,omitempty"`
	Error   string    `json:"error,omitempty"`
	Output  []byte    `json:"output,omitempty"`
	History []Attempt `json:"history,omitempty"` // oldest first
}

// StateAt returns the state as of now: a scheduled job that has come due is
// ready, although no transition was written for it.
func (j *Job) StateAt(now time.Time) State {
	if !j.State.Waiting() {
		return j.State
	}
	if j.RunAt.After(now) {
		return Scheduled
	}
	return Ready
}

// Duration is how long the last attempt ran; zero if none has ended.
func (j *Job) Duration() time.Duration {
	if n := len(j.History); n > 0 {
		return j.History[n-1].Duration()
	}
	return 0
}

// Before is the order in which due jobs of a queue are leased: higher priority
// first, then earlier run-at, then lower id.
func (j *Job) Before(k *Job) bool {
	if j.Priority != k.Priority {
		return j.Priority > k.Priority
	}
	if !j.RunAt.Equal(k.RunAt) {
		return j.RunAt.Before(k.RunAt)
	}
	return j.ID < k.ID
}

// Attempt is the record of one execution that ended.
type Attempt struct {
	Number    int       `json:"number"`
	Worker    string    `json:"worker,omitempty"`
	StartedAt time.Time `json:"started_at"`
	EndedAt   time.Time `json:"ended_at"`
	Verdict   Verdict   `json:"verdict"`
	Cause     Cause     `json:"cause,omitempty"`
	Error     string    `json:"error,omitempty"`
	Fuel      uint64    `json:"fuel,omitempty"` // as in [Result]
}

// Duration is the wall time from lease to settlement; zero if the clock was set
// back meanwhile.
func (a Attempt) Duration() time.Duration { return max(a.EndedAt.Sub(a.StartedAt), 0) }

// Progress is how far a running attempt says it has come.
type Progress struct {
	Fraction float64 `json:"fraction"` // 0 to 1
	Message  string  `json:"message,omitempty"`
}

// Level is the severity of a guest's log line, numbered as in the guest ABI.
type Level int8

// The log levels.
const (
	Trace Level = iota
	Debug
	Info
	Warn
	Error
)

var levelNames = [...]string{"trace", "debug", "info", "warn", "error"}

func (l Level) String() string { return levelNames[min(max(l, Trace), Error)] }

// MarshalText gives the level's name.
func (l Level) MarshalText() ([]byte, error) { return []byte(l.String()), nil }

// UnmarshalText reads a level's name.
func (l *Level) UnmarshalText(text []byte) error {
	for i, name := range levelNames {
		if name == string(text) {
			*l = Level(i)
			return nil
		}
	}
	return invalid("log level %q: use one of %v", text, levelNames)
}

// LogLine is one line that an attempt logged. Message and Fields are the
// guest's own bytes as valid UTF-8: whoever shows them on a terminal escapes
// them.
type LogLine struct {
	Seq     uint64            `json:"seq"` // per job, from 1, given by the store
	At      time.Time         `json:"at"`
	Attempt int               `json:"attempt"`
	Level   Level             `json:"level"`
	Message string            `json:"message"`
	Fields  map[string]string `json:"fields,omitempty"` // values are JSON or plain text
}
