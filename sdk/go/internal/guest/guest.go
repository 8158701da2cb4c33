// Package guest owns the table of tasks a plugin registers and runs one attempt
// of one of them against a Host. It is the seam between package tlo, which
// gives tasks their types, and the two hosts there are: the imports of module
// "tlo" in a WebAssembly build, and package tlotest in a native one.
package guest

import (
	"fmt"
	"maps"
	"runtime"
	"slices"
	"strings"
	"time"
)

// Host is what an attempt may ask of the world around it.
type Host interface {
	// Input returns the bytes of the job's input. The caller owns them.
	Input() []byte
	// Output appends to the attempt's output. The host copies p. It returns
	// false, and appends nothing, where that is more than the task may return.
	Output(p []byte) bool
	// Log records a line; fields is nil or a JSON object. The host copies both.
	Log(level Level, msg string, fields []byte)
	// Progress reports how far the attempt is, 0 to 1. An empty msg leaves the last one.
	Progress(fraction float64, msg string)
	// Cancelled says whether someone asked the attempt to stop.
	Cancelled() bool
	// Remaining returns the time left; false where there is no deadline.
	Remaining() (time.Duration, bool)
	// Meta returns a fact about the job; false where the host has no such key.
	Meta(key string) (string, bool)
	// Config returns a value of the task's config map; false where it is not set.
	Config(key string) (string, bool)
	// Random fills p with bytes that are fresh in every attempt.
	Random(p []byte)
	// Fail records why the attempt fails. The entry then returns non-zero.
	Fail(kind Kind, msg string)
	// Snooze sets the delay that goes with a failure of KindSnooze, in whole
	// milliseconds.
	Snooze(delay time.Duration)
}

// Level is the severity of a log line, as the host numbers it.
type Level int32

// The levels of the contract.
const (
	LevelTrace Level = iota
	LevelDebug
	LevelInfo
	LevelWarn
	LevelError
)

// Kind says what is to become of a job whose attempt failed.
type Kind int32

// The kinds of the contract.
const (
	KindRetry     Kind = iota // the task's retry policy decides
	KindPermanent             // never again
	KindSnooze                // again after a delay; not a failure of the task
)

// The codes the entry returns. They follow sysexits.h, as a command's exit
// code would, so a host that ignores Fail still does the right thing.
const (
	CodeOK     int32 = 0
	CodeFailed int32 = 1  // the retry policy decides
	CodeUsage  int32 = 64 // EX_USAGE: the job names a task that is not here
	CodeData   int32 = 65 // EX_DATAERR: fails for good
	CodeAgain  int32 = 75 // EX_TEMPFAIL: snoozed
)

// maxNameSize bounds a task's name, in bytes.
const maxNameSize = 64

// Failure is the outcome of an attempt that did not succeed.
type Failure struct {
	Kind    Kind
	Message string
	Delay   time.Duration // with KindSnooze; whole milliseconds
}

// Task is a task with its types erased: it reads its input from the host and
// returns its output, or the reason there is none.
type Task func(Host) ([]byte, *Failure)

var (
	tasks      = map[string]Task{}
	rehearsals []func()
)

// Register adds a task, and what to do for it before the plugin's image is made,
// which may panic. Register is called while packages initialise, hence no lock.
// A bad name and a second registration are mistakes in the program, so they
// panic: the plugin then fails when it is loaded, not at its first job.
func Register(name string, task Task, rehearse func()) {
	if !validName(name) {
		panic(fmt.Sprintf("tlo: task name %q: want [a-z0-9][a-z0-9_.-]*, at most %d bytes", name, maxNameSize))
	}
	if _, ok := tasks[name]; ok {
		panic(fmt.Sprintf("tlo: task %q is registered twice", name))
	}
	tasks[name] = task
	rehearsals = append(rehearsals, rehearse)
}

// WarmUp does once what each attempt would do anew. The collection in between
// clears what initialisation left, and pools and free lists with it, which the
// second round fills again.
func WarmUp() {
	rehearseAll()
	runtime.GC()
	rehearseAll()
}

func rehearseAll() {
	for _, rehearse := range rehearsals {
		func() {
			defer func() { _ = recover() }() // a type of the task that takes no zero value
			rehearse()
		}()
	}
}

func validName(name string) bool {
	if name == "" || len(name) > maxNameSize {
		return false
	}
	for i, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', '0' <= c && c <= '9':
		case i > 0 && strings.IndexByte("_.-", c) >= 0:
		default:
			return false
		}
	}
	return true
}

// Run runs one attempt and returns the code of the entry.
func Run(h Host) int32 {
	name, _ := h.Meta("task")
	task, ok := choose(name)
	if !ok {
		h.Fail(KindPermanent, unknown(name))
		return CodeUsage
	}
	out, failure := call(task, h)
	if failure == nil {
		if h.Output(out) {
			return CodeOK
		}
		failure = &Failure{Kind: KindPermanent, Message: fmt.Sprintf("the output has %d bytes, over the task's limit: raise output in its block", len(out))}
	}
	h.Fail(failure.Kind, failure.Message)
	switch failure.Kind {
	case KindPermanent:
		return CodeData
	case KindSnooze:
		h.Snooze(failure.Delay)
		return CodeAgain
	default:
		return CodeFailed
	}
}

// choose falls back to the only task there is: the operator may have given the
// plugin another name than its author did.
func choose(name string) (Task, bool) {
	if task, ok := tasks[name]; ok {
		return task, true
	}
	if len(tasks) == 1 {
		for _, task := range tasks {
			return task, true
		}
	}
	return nil, false
}

func unknown(name string) string {
	if len(tasks) == 0 {
		return fmt.Sprintf("task %q: this plugin registers no task; call tlo.Register in an init function", name)
	}
	return fmt.Sprintf("task %q is not in this plugin, which has: %s",
		name, strings.Join(slices.Sorted(maps.Keys(tasks)), ", "))
}
