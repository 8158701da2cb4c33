package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"time"

	bbolt "go.etcd.io/bbolt"

	"github.com/tlo-run/tlo/engine"
)

// scanned is how many rows one transaction looks at: a longer one would keep
// the writer from growing the file.
const scanned = 1000

// Job implements [engine.StateStore].
func (s *Store) Job(ctx context.Context, id string) (engine.Job, error) {
	var found engine.Job
	err := s.view(ctx, func(t *txn) error {
		seq, j, err := t.find(id)
		if err != nil {
			return err
		}
		found = t.whole(seq, j)
		return nil
	})
	return found, err
}

// Jobs implements [engine.StateStore].
func (s *Store) Jobs(ctx context.Context, f engine.Filter) (engine.Page, error) {
	below := uint64(math.MaxUint64)
	if f.Cursor != "" {
		var err error
		if below, err = decodeCursor(f.Cursor); err != nil {
			return engine.Page{}, err
		}
	}
	l := listing{Filter: f, below: below, last: below}
	for !l.done {
		if err := s.view(ctx, l.scan); err != nil {
			return engine.Page{}, err
		}
	}
	return l.page, nil
}

// listing walks from the newest row down.
type listing struct {
	engine.Filter
	page  engine.Page
	below uint64 // where to go on
	last  uint64 // the last row on the page
	done  bool
}

// scan looks at the next rows.
func (l *listing) scan(t *txn) error {
	if l.Key != "" {
		return l.one(t)
	}
	c := t.tx.Bucket(jobsBucket).Cursor()
	k, v := seekBelow(c, l.below)
	for range scanned {
		if k == nil {
			l.done = true
			return nil
		}
		seq, err := seqOf(k)
		if err != nil {
			return t.badRow(jobsBucket, fmt.Sprintf("%x", k), err)
		}
		j, err := decodeJob(v)
		if err != nil {
			return t.badRow(jobsBucket, fmt.Sprint(seq), err)
		}
		if l.take(seq, &j); l.done {
			return nil
		}
		l.below = seq
		k, v = c.Prev()
	}
	return nil
}

// one finds the job of a key, of which there is one at most.
func (l *listing) one(t *txn) error {
	l.done = true
	v := t.get(keysBucket, []byte(l.Key))
	if v == nil {
		return nil
	}
	seq, err := seqOf(v)
	if err != nil {
		return t.badRow(keysBucket, fmt.Sprintf("%q", l.Key), err)
	}
	j, err := t.row(seq)
	if err != nil {
		return err
	}
	if seq < l.below {
		l.take(seq, &j)
	}
	return nil
}

func (l *listing) take(seq uint64, j *engine.Job) {
	if !l.Match(j) {
		return
	}
	if len(l.page.Jobs) == l.PageSize() {
		l.page.Next, l.done = encodeCursor(l.last), true
		return
	}
	l.page.Jobs = append(l.page.Jobs, j.Summary())
	l.last = seq
}

func seekBelow(c *bbolt.Cursor, seq uint64) (k, v []byte) {
	if k, _ := c.Seek(seqKey(seq)); k == nil {
		return c.Last()
	}
	return c.Prev()
}

// Counts implements [engine.StateStore].
func (s *Store) Counts(ctx context.Context, now time.Time) (map[string]map[engine.State]int, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	return s.index.counts(now), nil
}

// AppendLogs implements [engine.StateStore].
func (s *Store) AppendLogs(ctx context.Context, id string, lines ...engine.LogLine) error {
	return s.write(ctx, &op{run: func(t *txn) error {
		seq, err := t.seq(id)
		if err != nil {
			return err
		}
		last, err := t.lastLine(seq)
		if err != nil {
			return err
		}
		t.addLines(seq, last, lines)
		return nil
	}})
}

// Logs implements [engine.StateStore].
func (s *Store) Logs(ctx context.Context, id string, after uint64, limit int) ([]engine.LogLine, error) {
	var lines []engine.LogLine
	err := s.view(ctx, func(t *txn) error {
		seq, err := t.seq(id)
		if err != nil || after == math.MaxUint64 {
			return err
		}
		key := seqKey(seq)
		c := t.tx.Bucket(logsBucket).Cursor()
		for k, v := c.Seek(logKey(seq, after+1)); bytes.HasPrefix(k, key); k, v = c.Next() {
			if limit > 0 && len(lines) == limit {
				return nil
			}
			if len(k) != 16 {
				return t.badRow(logsBucket, fmt.Sprintf("%x", k), errMalformed)
			}
			l, err := decodeLine(v)
			if err != nil {
				return t.badRow(logsBucket, fmt.Sprintf("%x", k), err)
			}
			l.Seq = binary.BigEndian.Uint64(k[8:])
			lines = append(lines, l)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return lines, nil
}

// LastTick implements [engine.ScheduleState].
func (s *Store) LastTick(ctx context.Context, schedule string) (at time.Time, ok bool, err error) {
	err = s.view(ctx, func(t *txn) error {
		at, ok, err = t.lastTick(schedule)
		return err
	})
	return at, ok, err
}

// SetLastTick implements [engine.ScheduleState].
func (s *Store) SetLastTick(ctx context.Context, schedule string, tick time.Time) error {
	if schedule == "" {
		return &errName{"a schedule has no name"}
	}
	if err := checkName("schedule", schedule); err != nil {
		return err
	}
	return s.write(ctx, &op{run: func(t *txn) error {
		if _, _, err := t.lastTick(schedule); err != nil {
			return err
		}
		t.setTick(schedule, tick)
		return nil
	}})
}
