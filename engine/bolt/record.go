package bolt

import (
	"encoding/binary"
	"fmt"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// recordVersion is the first byte of the records that are written.
// FORMAT.md describes the earlier ones, which are read for ever.
const recordVersion = 2

// The states of a job as bytes; a new one goes to the end.
var states = []engine.State{
	engine.Scheduled, engine.Ready, engine.Running, engine.Succeeded, engine.Failed, engine.Cancelled,
}

func stateByte(s engine.State) byte {
	for i, known := range states {
		if s == known {
			return byte(i)
		}
	}
	return byte(len(states)) // no reader takes it
}

// maxInline is the size up to which input and output are part of the record:
// it is written anew at each transition, and larger ones are not worth that.
const maxInline = 1024

// linesUnknown is the number of log lines of a record of version 1.
const linesUnknown = -1

// row is a job as its record holds it.
type row struct {
	engine.Job
	lines            int  // log lines given so far, or linesUnknown
	farInput, farOut bool // in rows of their own: Input and Output may be nil here
}

// Flags of a record.
const (
	flagCancelling = 1 << iota
	flagFarInput
	flagFarOutput
)

// Flags of an attempt: it agrees with the job, and the value is left out.
const (
	sameWorker = 1 << iota
	sameStart
	sameEnd
	usedFuel // the fuel follows
)

// appendRow writes a job. What is asked of all rows when a store is opened
// comes first; see [decodeHead].
func appendRow(b []byte, r *row) []byte {
	b = append(b, recordVersion, stateByte(r.State))
	b = appendInt(b, r.Priority)
	b = appendTime(b, r.RunAt)
	b = appendString(b, r.ID)
	b = appendString(b, r.Queue)
	b = appendString(b, r.Task)
	b = appendSince(b, r.RunAt, r.CreatedAt)
	var flags byte
	if r.Cancelling {
		flags |= flagCancelling
	}
	if r.farInput {
		flags |= flagFarInput
	}
	if r.farOut {
		flags |= flagFarOutput
	}
	b = append(b, flags)
	b = appendString(b, r.Key)
	b = appendString(b, r.Schedule)
	b = appendSince(b, r.RunAt, r.Tick)
	b = appendSince(b, r.CreatedAt, r.StartedAt)
	b = appendSince(b, r.StartedAt, r.FinishedAt)
	b = appendSince(b, r.StartedAt, r.LeaseUntil)
	b = appendInt(b, r.Attempt)
	b = appendInt(b, r.Failures)
	b = appendInt(b, r.Losses)
	b = appendString(b, r.Worker)
	b = appendFraction(b, r.Progress.Fraction)
	b = appendString(b, r.Progress.Message)
	b = appendString(b, string(r.Cause))
	b = appendString(b, r.Error)
	b = appendInt(b, r.lines)
	if !r.farInput {
		b = appendBytes(b, r.Input)
	}
	if !r.farOut {
		b = appendBytes(b, r.Output)
	}
	b = binary.AppendUvarint(b, uint64(len(r.History)))
	for i := range r.History {
		b = appendAttempt(b, r, &r.History[i])
	}
	return b
}

func appendAttempt(b []byte, r *row, a *engine.Attempt) []byte {
	var same byte // and whether fuel was used
	if a.Worker == r.Worker {
		same |= sameWorker
	}
	if a.StartedAt.Equal(r.StartedAt) {
		same |= sameStart
	}
	if a.EndedAt.Equal(r.FinishedAt) {
		same |= sameEnd
	}
	if a.Fuel > 0 {
		same |= usedFuel
	}
	b = append(b, same)
	b = appendInt(b, a.Number)
	if same&sameWorker == 0 {
		b = appendString(b, a.Worker)
	}
	if same&sameStart == 0 {
		b = appendSince(b, r.RunAt, a.StartedAt)
	}
	if same&sameEnd == 0 {
		b = appendSince(b, a.StartedAt, a.EndedAt)
	}
	b = appendString(b, string(a.Verdict))
	b = appendString(b, string(a.Cause))
	b = appendString(b, a.Error)
	if a.Fuel > 0 {
		b = binary.AppendUvarint(b, a.Fuel)
	}
	return b
}

// encodeRow writes a job's record.
func encodeRow(r *row) []byte {
	size := 128 + len(r.ID) + len(r.Queue) + len(r.Task) + len(r.Key) + len(r.Schedule) + 2*len(r.Worker) + 2*len(r.Error) + 64*len(r.History)
	if !r.farInput {
		size += len(r.Input)
	}
	if !r.farOut {
		size += len(r.Output)
	}
	return appendRow(make([]byte, 0, size), r)
}

// head is what the order of jobs and the counts need of a record. Its bytes
// are those of the record.
type head struct {
	state           byte
	priority        int
	runAt, created  time.Time
	id, queue, task []byte
}

func (h *head) State() engine.State { return states[h.state] }

// decodeHead reads the front of a record, without allocating.
func decodeHead(b []byte) (head, error) {
	r := reader{b: b}
	switch version := r.byte(); {
	case version == 1 && r.err == nil:
		return decodeHead1(&r)
	case version != recordVersion && r.err == nil:
		return head{}, fmt.Errorf("%w: record version %d", errMalformed, version)
	}
	h := r.head()
	return h, r.err
}

func (r *reader) state() byte {
	s := r.byte()
	if int(s) >= len(states) {
		r.fail()
		return 0
	}
	return s
}

func (r *reader) head() head {
	h := head{state: r.state(), priority: r.int(), runAt: r.time(), id: r.bytes(), queue: r.bytes(), task: r.bytes()}
	h.created = r.since(h.runAt)
	return h
}

// decodeRow reads a record. Its bytes may be anything.
func decodeRow(b []byte) (*row, error) {
	r := reader{b: b}
	switch version := r.byte(); {
	case version == 1 && r.err == nil:
		return decodeRow1(&r)
	case version != recordVersion && r.err == nil:
		return nil, fmt.Errorf("%w: record version %d", errMalformed, version)
	}
	h := r.head()
	j := &row{Job: engine.Job{
		State: states[h.state], Priority: h.priority, RunAt: h.runAt, CreatedAt: h.created,
		ID: string(h.id), Queue: string(h.queue), Task: string(h.task),
	}}
	flags := r.byte()
	if flags >= flagFarOutput<<1 {
		r.fail()
	}
	j.Cancelling, j.farInput, j.farOut = flags&flagCancelling != 0, flags&flagFarInput != 0, flags&flagFarOutput != 0
	j.Key, j.Schedule = r.string(), r.string()
	j.Tick, j.StartedAt = r.since(j.RunAt), r.since(j.CreatedAt)
	j.FinishedAt, j.LeaseUntil = r.since(j.StartedAt), r.since(j.StartedAt)
	j.Attempt, j.Failures, j.Losses = r.int(), r.int(), r.int()
	j.Worker = r.string()
	j.Progress = engine.Progress{Fraction: r.fraction(), Message: r.string()}
	j.Cause, j.Error = engine.Cause(r.string()), r.string()
	if j.lines = r.int(); j.lines < linesUnknown {
		r.fail()
	}
	if !j.farInput {
		j.Input = r.copied()
	}
	if !j.farOut {
		j.Output = r.copied()
	}
	r.history(j)
	if err := r.end(); err != nil {
		return nil, err
	}
	return j, nil
}

func (r *reader) history(j *row) {
	n := r.uint()
	if n > uint64(len(r.b)) { // each takes five bytes or more
		r.fail()
		return
	}
	if n == 0 {
		return
	}
	j.History = make([]engine.Attempt, n)
	for i := range j.History {
		a := &j.History[i]
		same := r.byte()
		if same >= usedFuel<<1 {
			r.fail()
		}
		a.Number, a.Worker, a.StartedAt, a.EndedAt = r.int(), j.Worker, j.StartedAt, j.FinishedAt
		if same&sameWorker == 0 {
			a.Worker = r.string()
		}
		if same&sameStart == 0 {
			a.StartedAt = r.since(j.RunAt)
		}
		if same&sameEnd == 0 {
			a.EndedAt = r.since(a.StartedAt)
		}
		a.Verdict, a.Cause, a.Error = engine.Verdict(r.string()), engine.Cause(r.string()), r.string()
		if same&usedFuel != 0 {
			a.Fuel = r.uint()
		}
	}
}
