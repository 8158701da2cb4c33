package bolt

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/tlo-run/tlo/engine"
)

// The buckets; FORMAT.md says what is in them.
var (
	metaBucket    = []byte("meta")
	jobsBucket    = []byte("jobs")
	inputsBucket  = []byte("inputs")
	outputsBucket = []byte("outputs")
	idsBucket     = []byte("ids")
	keysBucket    = []byte("keys")
	endedBucket   = []byte("ended")
	logsBucket    = []byte("logs")
	ticksBucket   = []byte("ticks")
	kvBucket      = []byte("kv")

	buckets = [][]byte{metaBucket, jobsBucket, inputsBucket, outputsBucket, idsBucket, keysBucket, endedBucket,
		logsBucket, ticksBucket, kvBucket}
)

// txn is a bbolt transaction in the store's terms.
type txn struct {
	tx      *bbolt.Tx
	path    string
	changes map[uint64]change // of a writing one
	dirty   bool              // something was written
	err     error             // the first write that failed: the transaction is void
}

func (s *Store) txn(tx *bbolt.Tx) *txn {
	return &txn{tx: tx, path: s.path, changes: map[uint64]change{}}
}

// get returns a value, valid until the transaction ends, or nil.
func (t *txn) get(bucket, key []byte) []byte {
	if len(key) == 0 { // bbolt has no such key and would say so only to writers
		return nil
	}
	return t.tx.Bucket(bucket).Get(key)
}

func (t *txn) put(bucket, key, value []byte) {
	t.wrote(t.tx.Bucket(bucket).Put(key, value))
}

func (t *txn) delete(bucket, key []byte) {
	t.wrote(t.tx.Bucket(bucket).Delete(key))
}

func (t *txn) wrote(err error) {
	t.dirty = true
	if t.err == nil {
		t.err = err
	}
}

// seq returns the sequence number of a job.
func (t *txn) seq(id string) (uint64, error) {
	v := t.get(idsBucket, []byte(id))
	if v == nil {
		return 0, engine.ErrNotFound
	}
	seq, err := seqOf(v)
	if err != nil {
		return 0, t.badRow(idsBucket, fmt.Sprintf("%q", id), err)
	}
	return seq, nil
}

// row returns a job without its input and output.
func (t *txn) row(seq uint64) (engine.Job, error) {
	v := t.get(jobsBucket, seqKey(seq))
	if v == nil {
		return engine.Job{}, t.badRow(jobsBucket, fmt.Sprint(seq), errors.New("missing"))
	}
	j, err := decodeJob(v)
	if err != nil {
		return engine.Job{}, t.badRow(jobsBucket, fmt.Sprint(seq), err)
	}
	return j, nil
}

// find returns a job by id, without its input and output.
func (t *txn) find(id string) (uint64, engine.Job, error) {
	seq, err := t.seq(id)
	if err != nil {
		return 0, engine.Job{}, err
	}
	j, err := t.row(seq)
	if err == nil && j.ID != id {
		err = t.badRow(idsBucket, fmt.Sprintf("%q", id), fmt.Errorf("it leads to job %q", j.ID))
	}
	return seq, j, err
}

// whole returns the job with copies of its input and output.
func (t *txn) whole(seq uint64, j engine.Job) engine.Job {
	j.Input = slices.Clone(t.get(inputsBucket, seqKey(seq)))
	j.Output = slices.Clone(t.get(outputsBucket, seqKey(seq)))
	j.History = slices.Clone(j.History)
	return j
}

func (t *txn) badRow(bucket []byte, row string, err error) error {
	return corrupt(t.path, "row %s of %s: %v", row, bucket, err)
}

// set makes the job of a row another: its old form, its new one. Either may be
// nil. The rows of input and output are not touched.
func (t *txn) set(seq uint64, before, after *engine.Job) {
	if before != nil && before.State.Terminal() {
		t.delete(endedBucket, endedKey(before.Task, before.FinishedAt, before.ID))
	}
	if after == nil {
		t.delete(jobsBucket, seqKey(seq))
	} else {
		t.put(jobsBucket, seqKey(seq), encodeJob(after))
		if after.State.Terminal() {
			t.put(endedBucket, endedKey(after.Task, after.FinishedAt, after.ID), seqKey(seq))
		}
	}
	if c, ok := t.changes[seq]; ok {
		before = c.old
	}
	t.changes[seq] = change{before, after}
}

// checkSubmit refuses jobs that cannot be added.
func (t *txn) checkSubmit(jobs []engine.Job) error {
	ids := make(map[string]bool, len(jobs))
	keys := make(map[string]string, len(jobs))
	for i := range jobs {
		j := &jobs[i]
		if err := checkNew(j); err != nil {
			return err
		}
		if ids[j.ID] || t.get(idsBucket, []byte(j.ID)) != nil {
			return &engine.DuplicateError{ID: j.ID}
		}
		ids[j.ID] = true
		if j.Schedule != "" {
			if _, _, err := t.lastTick(j.Schedule); err != nil {
				return err
			}
		}
		if j.Key == "" {
			continue
		}
		holder, taken := keys[j.Key]
		if v := t.get(keysBucket, []byte(j.Key)); v != nil {
			seq, err := seqOf(v)
			if err != nil {
				return t.badRow(keysBucket, fmt.Sprintf("%q", j.Key), err)
			}
			other, err := t.row(seq)
			if err != nil {
				return err
			}
			holder, taken = other.ID, true
		}
		if taken {
			return &engine.DuplicateError{Key: j.Key, ID: holder}
		}
		keys[j.Key] = j.ID
	}
	return nil
}

// submit adds jobs that checkSubmit let pass.
func (t *txn) submit(jobs []engine.Job) {
	for i := range jobs {
		j := &jobs[i]
		seq, err := t.tx.Bucket(jobsBucket).NextSequence()
		t.wrote(err)
		key := seqKey(seq)
		t.set(seq, nil, j)
		t.put(idsBucket, []byte(j.ID), key)
		if j.Key != "" {
			t.put(keysBucket, []byte(j.Key), key)
		}
		t.payload(inputsBucket, key, j.Input)
		t.payload(outputsBucket, key, j.Output)
		if j.Schedule != "" {
			t.setTick(j.Schedule, j.Tick)
		}
	}
}

func (t *txn) payload(bucket, key, value []byte) {
	if len(value) > 0 {
		t.put(bucket, key, value)
	}
}

// remove deletes all rows of a job.
func (t *txn) remove(seq uint64, j *engine.Job) {
	key := seqKey(seq)
	t.set(seq, j, nil)
	t.delete(idsBucket, []byte(j.ID))
	if j.Key != "" {
		t.delete(keysBucket, []byte(j.Key))
	}
	t.delete(inputsBucket, key)
	t.delete(outputsBucket, key)
	var lines [][]byte
	c := t.tx.Bucket(logsBucket).Cursor()
	for k, _ := c.Seek(key); bytes.HasPrefix(k, key); k, _ = c.Next() {
		lines = append(lines, bytes.Clone(k))
	}
	for _, k := range lines {
		t.delete(logsBucket, k)
	}
}

// lastLine returns the number of a job's newest log line, 0 if it has none.
func (t *txn) lastLine(seq uint64) (uint64, error) {
	key := seqKey(seq)
	c := t.tx.Bucket(logsBucket).Cursor()
	k, _ := c.Seek(seqKey(seq + 1))
	if k == nil {
		k, _ = c.Last()
	} else {
		k, _ = c.Prev()
	}
	if !bytes.HasPrefix(k, key) {
		return 0, nil
	}
	if len(k) != 16 {
		return 0, t.badRow(logsBucket, fmt.Sprintf("%x", k), errMalformed)
	}
	return binary.BigEndian.Uint64(k[8:]), nil
}

func (t *txn) addLines(seq, last uint64, lines []engine.LogLine) {
	for i := range lines {
		t.put(logsBucket, logKey(seq, last+1+uint64(i)), encodeLine(&lines[i]))
	}
}

func (t *txn) lastTick(schedule string) (time.Time, bool, error) {
	v := t.get(ticksBucket, []byte(schedule))
	if v == nil {
		return time.Time{}, false, nil
	}
	at, err := instantOf(v)
	if err != nil {
		return time.Time{}, false, t.badRow(ticksBucket, fmt.Sprintf("%q", schedule), err)
	}
	return at, true, nil
}

// setTick moves a schedule's last tick on, never back. Whoever calls it has
// read the row before.
func (t *txn) setTick(schedule string, at time.Time) {
	if last, _, err := t.lastTick(schedule); err == nil && at.After(last) {
		t.put(ticksBucket, []byte(schedule), appendInstant(nil, at))
	}
}
