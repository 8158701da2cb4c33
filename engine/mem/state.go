package mem

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/tlo-run/tlo/engine"
)

// Job implements [engine.StateStore].
func (s *Store) Job(ctx context.Context, id string) (engine.Job, error) {
	return s.change(ctx, id, func(*record) error { return nil })
}

// Jobs implements [engine.StateStore].
func (s *Store) Jobs(ctx context.Context, f engine.Filter) (engine.Page, error) {
	if err := s.enter(ctx); err != nil {
		return engine.Page{}, err
	}
	defer s.mu.Unlock()
	below := s.seq + 1
	if f.Cursor != "" {
		n, err := strconv.ParseUint(f.Cursor, 10, 64)
		if err != nil {
			return engine.Page{}, engine.BadCursor(f.Cursor)
		}
		below = n
	}
	limit := f.PageSize()
	var page engine.Page
	for _, r := range slices.Backward(s.order) {
		if r.seq >= below || !f.Match(&r.Job) {
			continue
		}
		if len(page.Jobs) == limit {
			page.Next = strconv.FormatUint(below, 10)
			break
		}
		page.Jobs = append(page.Jobs, r.Summary())
		below = r.seq
	}
	return page, nil
}

// Counts implements [engine.StateStore].
func (s *Store) Counts(ctx context.Context, now time.Time) (map[string]map[engine.State]int, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	counts := map[string]map[engine.State]int{}
	for _, r := range s.jobs {
		if counts[r.Queue] == nil {
			counts[r.Queue] = map[engine.State]int{}
		}
		counts[r.Queue][r.StateAt(now)]++
	}
	return counts, nil
}

// AppendLogs implements [engine.StateStore].
func (s *Store) AppendLogs(ctx context.Context, id string, lines ...engine.LogLine) error {
	_, err := s.change(ctx, id, func(r *record) error {
		r.appendLogs(lines)
		return nil
	})
	return err
}

func (r *record) appendLogs(lines []engine.LogLine) {
	for _, l := range lines {
		l = ownedLine(l)
		l.Seq = uint64(len(r.logs)) + 1
		r.logs = append(r.logs, l)
	}
}

// Logs implements [engine.StateStore].
func (s *Store) Logs(ctx context.Context, id string, after uint64, limit int) ([]engine.LogLine, error) {
	var lines []engine.LogLine
	_, err := s.change(ctx, id, func(r *record) error {
		rest := r.logs[min(after, uint64(len(r.logs))):]
		if limit > 0 {
			rest = rest[:min(limit, len(rest))]
		}
		for _, l := range rest {
			lines = append(lines, ownedLine(l))
		}
		return nil
	})
	return lines, err
}

// Purge implements [engine.StateStore].
func (s *Store) Purge(ctx context.Context, req engine.PurgeRequest) (int, error) {
	if err := s.enter(ctx); err != nil {
		return 0, err
	}
	defer s.mu.Unlock()
	var ended []*record
	for _, r := range s.jobs {
		if r.Task == req.Task && r.State.Terminal() {
			ended = append(ended, r)
		}
	}
	// Oldest first; the id breaks ties as every store does.
	slices.SortFunc(ended, func(a, b *record) int {
		if c := a.FinishedAt.Compare(b.FinishedAt); c != 0 {
			return c
		}
		return strings.Compare(a.ID, b.ID)
	})
	n := 0
	for i, r := range ended {
		excess := req.Keep > 0 && len(ended)-i > req.Keep
		if n == req.Max || !excess && !r.FinishedAt.Before(req.Before) {
			break
		}
		s.remove(r)
		n++
	}
	return n, nil
}

func (s *Store) remove(r *record) {
	delete(s.jobs, r.ID)
	if r.Key != "" {
		delete(s.keys, r.Key)
	}
	i, _ := slices.BinarySearchFunc(s.order, r.seq, func(o *record, seq uint64) int {
		return cmp.Compare(o.seq, seq)
	})
	s.order = slices.Delete(s.order, i, i+1)
}

// Get implements [engine.KV].
func (s *Store) Get(ctx context.Context, space, key string) ([]byte, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	v, ok := s.spaces[space][key]
	if !ok {
		return nil, engine.ErrNotFound
	}
	return slices.Clone(v), nil
}

// List implements [engine.KV].
func (s *Store) List(ctx context.Context, space, prefix string, limit int) ([]string, error) {
	if err := s.enter(ctx); err != nil {
		return nil, err
	}
	defer s.mu.Unlock()
	var keys []string
	for k := range s.spaces[space] {
		if strings.HasPrefix(k, prefix) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	return keys[:min(max(limit, 0), len(keys))], nil
}

func (s *Store) write(writes []engine.Write) {
	for _, w := range writes {
		if w.Delete {
			delete(s.spaces[w.Space], w.Key)
			continue
		}
		if s.spaces[w.Space] == nil {
			s.spaces[w.Space] = map[string][]byte{}
		}
		s.spaces[w.Space][w.Key] = slices.Clone(w.Value)
	}
}

// LastTick implements [engine.ScheduleState].
func (s *Store) LastTick(ctx context.Context, schedule string) (time.Time, bool, error) {
	if err := s.enter(ctx); err != nil {
		return time.Time{}, false, err
	}
	defer s.mu.Unlock()
	t, ok := s.ticks[schedule]
	return t, ok, nil
}

// SetLastTick implements [engine.ScheduleState].
func (s *Store) SetLastTick(ctx context.Context, schedule string, tick time.Time) error {
	if err := s.enter(ctx); err != nil {
		return err
	}
	defer s.mu.Unlock()
	s.tick(schedule, tick)
	return nil
}

func (s *Store) tick(schedule string, tick time.Time) {
	if tick.After(s.ticks[schedule]) {
		s.ticks[schedule] = tick
	}
}
