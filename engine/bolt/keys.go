package bolt

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// maxName bounds what becomes part of a key, ids, keys, spaces, far below what
// bbolt can take; what is longer is refused.
const maxName = 4096

// The keys of rows sort by their bytes. Numbers in them are big-endian.

func seqKey(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }

// seqOf reads a sequence number that is a whole key or value.
func seqOf(b []byte) (uint64, error) {
	if len(b) != 8 {
		return 0, errMalformed
	}
	return binary.BigEndian.Uint64(b), nil
}

func logKey(seq, n uint64) []byte { return binary.BigEndian.AppendUint64(seqKey(seq), n) }

// scoped is a name before other parts of a key: no scope is the prefix of
// another.
func scoped(name string) []byte {
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(name))), name...)
}

func kvKey(space, key string) []byte { return append(scoped(space), key...) }

const instantSize = 12

// appendInstant writes a time so that earlier ones sort first.
func appendInstant(b []byte, t time.Time) []byte {
	b = binary.BigEndian.AppendUint64(b, uint64(t.Unix())^1<<63)
	return binary.BigEndian.AppendUint32(b, uint32(t.Nanosecond()))
}

func instantOf(b []byte) (time.Time, error) {
	if len(b) != instantSize {
		return time.Time{}, errMalformed
	}
	sec, nanos := binary.BigEndian.Uint64(b)^1<<63, binary.BigEndian.Uint32(b[8:])
	if nanos >= 1e9 {
		return time.Time{}, errMalformed
	}
	return time.Unix(int64(sec), int64(nanos)).UTC(), nil
}

// endedKey orders the ended jobs of a task by when they ended, then by id.
func endedKey(task string, finished time.Time, id string) []byte {
	return append(appendInstant(scoped(task), finished), id...)
}

// A cursor is the sequence number below which the next page begins.
func encodeCursor(seq uint64) string { return strconv.FormatUint(seq, 10) }

func decodeCursor(s string) (uint64, error) {
	seq, err := strconv.ParseUint(s, 10, 64)
	if err != nil || encodeCursor(seq) != s {
		if len(s) > 64 {
			s = s[:64] + "…"
		}
		return 0, engine.BadCursor(s)
	}
	return seq, nil
}

// errName is the refusal of a value that cannot be stored.
type errName struct{ text string }

func (e *errName) Error() string        { return e.text }
func (e *errName) Is(target error) bool { return target == engine.ErrInvalid }

// checkNew refuses a job whose fields the format cannot hold.
func checkNew(j *engine.Job) error {
	if j.ID == "" {
		return &errName{"a job has no id"}
	}
	if !j.State.Waiting() {
		return &errName{fmt.Sprintf("job %s is %s: a new job waits", j.ID, j.State)}
	}
	return errors.Join(checkSize("input of job "+j.ID, j.Input), checkSize("output of job "+j.ID, j.Output), checkName("job id", j.ID), checkName("key", j.Key), checkName("task", j.Task),
		checkName("queue", j.Queue), checkName("schedule", j.Schedule))
}

func checkSize(what string, value []byte) error {
	if len(value) > maxValue {
		return &errName{fmt.Sprintf("%.80s has %d bytes: the most is %d", what, len(value), maxValue)}
	}
	return nil
}

func checkName(what, s string) error {
	if len(s) > maxName {
		return &errName{fmt.Sprintf("%s %.32q… has %d bytes: the most is %d", what, s, len(s), maxName)}
	}
	return nil
}
