package bolt

import (
	"bytes"
	"context"
	"fmt"

	bbolt "go.etcd.io/bbolt"

	"github.com/tlo-run/tlo/engine"
)

// Purge implements [engine.StateStore].
func (s *Store) Purge(ctx context.Context, req engine.PurgeRequest) (int, error) {
	n := 0
	err := s.write(ctx, &op{run: func(t *txn) error {
		seqs, err := t.outdated(&req)
		if err != nil {
			return err
		}
		rows := make([]engine.Job, len(seqs))
		for i, seq := range seqs {
			if rows[i], err = t.row(seq); err != nil {
				return err
			}
		}
		for i, seq := range seqs {
			t.remove(seq, &rows[i])
		}
		n = len(seqs)
		return nil
	}})
	if err != nil {
		return 0, err
	}
	return n, nil
}

// outdated returns the rows to remove, oldest first.
func (t *txn) outdated(req *engine.PurgeRequest) ([]uint64, error) {
	prefix := scoped(req.Task)
	c := t.tx.Bucket(endedBucket).Cursor()
	kept := oldestKept(c, prefix, req.Keep)
	var before []byte // no row is before nil
	if !req.Before.IsZero() {
		before = appendInstant(scoped(req.Task), req.Before)
	}
	var seqs []uint64
	for k, v := c.Seek(prefix); bytes.HasPrefix(k, prefix) && len(seqs) < req.Max; k, v = c.Next() {
		if bytes.Compare(k, before) >= 0 && bytes.Compare(k, kept) >= 0 {
			break
		}
		seq, err := seqOf(v)
		if err != nil {
			return nil, t.badRow(endedBucket, fmt.Sprintf("%x", k), err)
		}
		seqs = append(seqs, seq)
	}
	return seqs, nil
}

// oldestKept returns the key of the n-th newest row, nil if there are fewer or
// no limit.
func oldestKept(c *bbolt.Cursor, prefix []byte, n int) []byte {
	if n <= 0 {
		return nil
	}
	k, _ := c.Seek(after(prefix))
	if k == nil {
		k, _ = c.Last()
	} else {
		k, _ = c.Prev()
	}
	for n--; n > 0 && bytes.HasPrefix(k, prefix); n-- {
		k, _ = c.Prev()
	}
	if !bytes.HasPrefix(k, prefix) {
		return nil
	}
	return bytes.Clone(k)
}

// after returns the first key behind all with the prefix, which is not all
// 0xff.
func after(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for i := len(end) - 1; ; i-- {
		if end[i]++; end[i] != 0 {
			return end[:i+1]
		}
	}
}
