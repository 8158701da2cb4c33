package engine

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
)

// attempt is one execution that runs in this process. It is the Reporter of
// its executor.
type attempt struct {
	job    Job
	ctx    context.Context
	cancel context.CancelCauseFunc

	wake chan struct{} // the engine's flush

	flushing sync.Mutex // held while lines are on their way to the store

	mu       sync.Mutex
	ended    bool
	lines    []LogLine // not yet in the store
	budget   int64     // log bytes left
	dropped  int       // lines over the budget
	progress Progress
	moved    bool // progress not yet told
}

func newAttempt(work context.Context, job Job) *attempt {
	a := &attempt{job: job}
	a.ctx, a.cancel = context.WithCancelCause(work)
	return a
}

// Log implements Reporter.
func (a *attempt) Log(level Level, message string, fields map[string]string) {
	message = text(message, math.MaxInt)
	size := int64(len(message)) + 32 // a line without text costs too
	var own map[string]string        // the caller may change its map
	for k, v := range fields {
		if own == nil {
			own = make(map[string]string, len(fields))
		}
		k, v = text(k, math.MaxInt), text(v, math.MaxInt)
		own[k] = v
		size += int64(len(k) + len(v))
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	switch {
	case a.ended:
		return
	case size > a.budget:
		a.budget = 0 // what fits after a gap would mislead
		a.dropped++
		return
	}
	a.budget -= size
	a.add(min(max(level, Trace), Error), message, own)
}

func (a *attempt) add(level Level, message string, fields map[string]string) {
	a.lines = append(a.lines, LogLine{At: now(), Attempt: a.job.Attempt, Level: level, Message: message, Fields: fields})
	signal(a.wake)
}

// Progress implements Reporter.
func (a *attempt) Progress(fraction float64, message string) {
	if math.IsNaN(fraction) {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ended {
		return
	}
	a.progress = Progress{Fraction: min(max(fraction, 0), 1), Message: text(message, maxProgressMessage)}
	a.moved = true
	signal(a.wake)
}

// end makes the reporter deaf and returns the lines not yet stored.
func (a *attempt) end(limit int64) []LogLine {
	a.flushing.Lock()
	defer a.flushing.Unlock()
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.dropped > 0 {
		a.add(Warn, fmt.Sprintf("%d more lines were dropped: the log limit of %d bytes was reached", a.dropped, limit), nil)
	}
	a.ended = true
	return a.lines
}

// now returns the progress as last reported.
func (a *attempt) now() Progress {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.progress
}

// What a record keeps of texts that come from a guest. Records are read and
// written whole, at every transition.
const (
	maxError           = 4 << 10
	maxProgressMessage = 1 << 10
)

// text makes valid UTF-8 of a guest's bytes, and cuts what is over the limit.
func text(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit] + "…"
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}
