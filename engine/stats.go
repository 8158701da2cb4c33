package engine

import (
	"slices"
	"sync"
	"time"
)

// sampleSize is how many of the newest durations the percentiles are taken
// from.
const sampleSize = 1024

// TaskStats counts the attempts of a task since the engine was made: those
// that ended by themselves or were lost, not those cancelled or released.
type TaskStats struct {
	Executed int           `json:"executed"` // attempts that ended
	Failed   int           `json:"failed"`   // of those, with a cause
	Average  time.Duration `json:"average"`
	P50      time.Duration `json:"p50"` // percentiles over the newest 1,024 attempts
	P95      time.Duration `json:"p95"`
	P99      time.Duration `json:"p99"`
}

// stats counts attempts by task.
type stats struct {
	mu    sync.Mutex
	tasks map[string]*taskStats
}

type taskStats struct {
	executed, failed int
	total            time.Duration
	samples          []time.Duration // a ring once full
}

// Observe implements Observer.
func (s *stats) Observe(ev Event) {
	switch Verdict(ev.Type) {
	case VerdictSucceeded, VerdictFailed, VerdictRetried, VerdictSnoozed:
	default:
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tasks[ev.Job.Task]
	if t == nil {
		if s.tasks == nil {
			s.tasks = map[string]*taskStats{}
		}
		t = &taskStats{}
		s.tasks[ev.Job.Task] = t
	}
	d := ev.Job.Duration()
	if len(t.samples) < sampleSize {
		t.samples = append(t.samples, d)
	} else {
		t.samples[t.executed%sampleSize] = d
	}
	t.executed++
	t.total += d
	if ev.Job.Cause != "" {
		t.failed++
	}
}

func (s *stats) snapshot() map[string]TaskStats {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := make(map[string]TaskStats, len(s.tasks))
	for name, t := range s.tasks {
		sorted := slices.Sorted(slices.Values(t.samples))
		at := func(percent int) time.Duration { return sorted[(len(sorted)*percent+99)/100-1] } // nearest rank
		all[name] = TaskStats{
			Executed: t.executed, Failed: t.failed,
			Average: t.total / time.Duration(t.executed),
			P50:     at(50), P95: at(95), P99: at(99),
		}
	}
	return all
}
