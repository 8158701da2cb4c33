package bolt

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	"github.com/tlo-run/tlo/engine"
)

// recordVersion is the first byte of each record.
const recordVersion = 1

// The states of a job as bytes; a new one goes to the end.
var states = []engine.State{
	engine.Scheduled, engine.Ready, engine.Running, engine.Succeeded, engine.Failed, engine.Cancelled,
}

// encodeJob writes a job without its input and output, which have rows of
// their own: they are large and change rarely, the rest is small and changes
// with each transition.
func encodeJob(j *engine.Job) []byte {
	b := make([]byte, 0, 256)
	b = append(b, recordVersion, byte(slices.Index(states, j.State)))
	b = appendString(b, j.ID)
	b = appendString(b, j.Task)
	b = appendString(b, j.Queue)
	b = appendInt(b, j.Priority)
	b = appendString(b, j.Key)
	b = appendString(b, j.Schedule)
	b = appendTime(b, j.Tick)
	b = appendTime(b, j.RunAt)
	b = appendTime(b, j.CreatedAt)
	b = appendTime(b, j.StartedAt)
	b = appendTime(b, j.FinishedAt)
	b = appendInt(b, j.Attempt)
	b = appendInt(b, j.Failures)
	b = appendInt(b, j.Losses)
	b = appendString(b, j.Worker)
	b = appendTime(b, j.LeaseUntil)
	b = appendBool(b, j.Cancelling)
	b = appendFloat(b, j.Progress.Fraction)
	b = appendString(b, j.Progress.Message)
	b = appendString(b, string(j.Cause))
	b = appendString(b, j.Error)
	b = binary.AppendUvarint(b, uint64(len(j.History)))
	for _, a := range j.History {
		b = appendInt(b, a.Number)
		b = appendString(b, a.Worker)
		b = appendTime(b, a.StartedAt)
		b = appendTime(b, a.EndedAt)
		b = appendString(b, string(a.Verdict))
		b = appendString(b, string(a.Cause))
		b = appendString(b, a.Error)
	}
	if slices.ContainsFunc(j.History, func(a engine.Attempt) bool { return a.Fuel > 0 }) {
		for _, a := range j.History {
			b = binary.AppendUvarint(b, a.Fuel)
		}
	}
	return b
}

func appendInt(b []byte, n int) []byte { return binary.AppendVarint(b, int64(n)) }

func appendBool(b []byte, v bool) []byte {
	if v {
		return append(b, 1)
	}
	return append(b, 0)
}

// decodeJob reads what encodeJob wrote. Its bytes may be anything.
func decodeJob(b []byte) (engine.Job, error) {
	r := reader{b: b}
	if err := r.version(); err != nil {
		return engine.Job{}, err
	}
	state := int(r.byte())
	if state >= len(states) {
		return engine.Job{}, fmt.Errorf("%w: state %d", errMalformed, state)
	}
	j := engine.Job{
		State: states[state], ID: r.string(), Task: r.string(), Queue: r.string(), Priority: r.int(), Key: r.string(),
		Schedule: r.string(), Tick: r.time(), RunAt: r.time(), CreatedAt: r.time(), StartedAt: r.time(), FinishedAt: r.time(),
		Attempt: r.int(), Failures: r.int(), Losses: r.int(), Worker: r.string(), LeaseUntil: r.time(),
		Cancelling: r.bool(), Progress: engine.Progress{Fraction: r.float(), Message: r.string()},
		Cause: engine.Cause(r.string()), Error: r.string(),
	}
	if n := r.uint(); n > uint64(len(r.b)) { // each takes seven bytes or more
		r.fail()
	} else if n > 0 {
		j.History = make([]engine.Attempt, n)
	}
	for i := range j.History {
		j.History[i] = engine.Attempt{
			Number: r.int(), Worker: r.string(), StartedAt: r.time(), EndedAt: r.time(),
			Verdict: engine.Verdict(r.string()), Cause: engine.Cause(r.string()), Error: r.string(),
		}
	}
	if len(r.b) > 0 {
		for i := range j.History {
			j.History[i].Fuel = r.uint()
		}
	}
	if err := r.end(); err != nil {
		return engine.Job{}, err
	}
	return j, nil
}

func (r *reader) version() error {
	if v := r.byte(); r.err == nil && v != recordVersion {
		return fmt.Errorf("%w: record version %d", errMalformed, v)
	}
	return r.err
}

// encodeLine writes a log line without its number, which is in the key.
func encodeLine(l *engine.LogLine) []byte {
	b := append(make([]byte, 0, 64+len(l.Message)), recordVersion)
	b = appendTime(b, l.At)
	b = appendInt(b, l.Attempt)
	b = appendInt(b, int(l.Level))
	b = appendString(b, l.Message)
	b = binary.AppendUvarint(b, uint64(len(l.Fields)))
	for _, k := range slices.Sorted(maps.Keys(l.Fields)) {
		b = appendString(b, k)
		b = appendString(b, l.Fields[k])
	}
	return b
}

func decodeLine(b []byte) (engine.LogLine, error) {
	r := reader{b: b}
	if err := r.version(); err != nil {
		return engine.LogLine{}, err
	}
	l := engine.LogLine{At: r.time(), Attempt: r.int()}
	level := r.int()
	l.Level = engine.Level(level)
	if int(l.Level) != level {
		r.fail()
	}
	l.Message = r.string()
	n := r.uint()
	if n > uint64(len(r.b)) { // each field takes two bytes or more
		r.fail()
	}
	for i := uint64(0); i < n && r.err == nil; i++ {
		if l.Fields == nil {
			l.Fields = map[string]string{}
		}
		k := r.string()
		l.Fields[k] = r.string()
	}
	if err := r.end(); err != nil {
		return engine.LogLine{}, err
	}
	return l, nil
}
