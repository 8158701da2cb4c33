package bolt

import (
	"bytes"
	"context"
	"encoding/binary"
	"fmt"
	"math"

	"github.com/tlo-run/tlo/engine"
)

// AppendLogs implements [engine.StateStore].
func (s *Store) AppendLogs(ctx context.Context, id string, lines ...engine.LogLine) error {
	return s.write(ctx, &op{size: len(lines), run: func(g *group) error {
		t, err := g.find(id)
		if err != nil {
			return err
		}
		last, err := g.lines(t)
		if err != nil {
			return err
		}
		g.addLines(t, last, lines)
		return nil
	}})
}

// lines returns how many log lines a job has been given.
func (g *group) lines(t *touched) (int, error) {
	if t.row.lines != linesUnknown {
		return t.row.lines, nil
	}
	last, err := g.lastLine(t.seq)
	return int(last), err
}

// lastLine returns the number of a job's newest log line, 0 if it has none, of
// a job whose record does not say. Its lines are in the file: whoever adds one
// writes the record anew.
func (v *view) lastLine(seq uint64) (uint64, error) {
	key := seqKey(seq)
	c := v.bucket(logsBucket).Cursor()
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
		return 0, v.badRow(logsBucket, fmt.Sprintf("%x", k), errMalformed)
	}
	n := binary.BigEndian.Uint64(k[8:])
	if n > math.MaxInt32 { // a line takes a microsecond: nobody wrote so many
		return 0, v.badRow(logsBucket, fmt.Sprintf("%x", k), errMalformed)
	}
	return n, nil
}

func (g *group) addLines(t *touched, last int, lines []engine.LogLine) {
	if len(lines) == 0 {
		return
	}
	for i := range lines {
		g.put(logsBucket, logKey(t.seq, uint64(last+1+i)), encodeLine(&lines[i]))
	}
	t.row.lines, t.changed, t.encoded = last+len(lines), true, nil
}

// Logs implements [engine.StateStore].
func (s *Store) Logs(ctx context.Context, id string, after uint64, limit int) ([]engine.LogLine, error) {
	var lines []engine.LogLine
	err := s.view(ctx, func(v *view) error {
		seq, err := v.seq(id)
		if err != nil {
			return err
		}
		last, err := s.given(v, id, seq)
		if err != nil {
			return err
		}
		for n := after; n < last && (limit <= 0 || len(lines) < limit); {
			n++
			value := v.get(logsBucket, logKey(seq, n))
			if value == nil { // written since the count was read, or damaged: not to be shown
				break
			}
			l, err := decodeLine(value)
			if err != nil {
				return v.badRow(logsBucket, fmt.Sprintf("%x", logKey(seq, n)), err)
			}
			l.Seq = n
			lines = append(lines, l)
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	return lines, nil
}

// given returns how many lines a job has.
func (s *Store) given(v *view, id string, seq uint64) (uint64, error) {
	if e := s.runningCopy(id); e != nil && e.lines != linesUnknown {
		return uint64(e.lines), nil
	}
	r, err := v.row(seq)
	if err != nil {
		return 0, err
	}
	if r.lines != linesUnknown {
		return uint64(r.lines), nil
	}
	return v.lastLine(seq)
}
