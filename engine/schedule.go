package engine

import (
	"fmt"
	"time"
)

// Timetable tells the planned times of a schedule. It is safe for concurrent
// use.
type Timetable interface {
	// Next returns the first tick after t, or the zero time if there is none.
	Next(t time.Time) time.Time
}

// Missed is what happens to ticks that passed while no engine ran.
type Missed string

// The ways to treat missed ticks.
const (
	MissedLatest Missed = "latest" // run the latest of them once; the default
	MissedSkip   Missed = "skip"   // run none
)

// Schedule makes jobs of a task at planned times.
type Schedule struct {
	// Name is unique over all tasks; it is part of the key of each job made.
	Name   string
	Spec   string // as written, for people
	Zone   string // as written, for people
	Times  Timetable
	Input  []byte
	Missed Missed
}

// Every is the timetable of a fixed interval, counted from the Unix epoch, so
// that all machines and restarts agree on its ticks.
func Every(d time.Duration) (Timetable, error) {
	if d < time.Second {
		return nil, invalid("an interval of %v is too short: the shortest is 1s", d)
	}
	return every(d), nil
}

type every time.Duration

func (e every) Next(t time.Time) time.Time {
	step := int64(e)
	n := t.UnixNano()
	passed := n % step
	if passed < 0 {
		passed += step
	}
	next := n - passed + step
	if next < n { // beyond what nanoseconds can count
		return time.Time{}
	}
	return time.Unix(0, next).UTC()
}

// key names the one job of a tick: submitting it twice is a duplicate, which
// makes schedules safe without a leader.
func (s *Schedule) key(tick time.Time) string {
	return fmt.Sprintf("%s@%s", s.Name, tick.UTC().Format(time.RFC3339))
}

// maxMissed bounds the walk over ticks missed since last: a schedule of
// seconds after a year's pause must not stall the start.
const maxMissed = 10_000

// due returns the latest tick in (last, now], and how many older ones it
// stands for. false if there is none.
func (s *Schedule) due(last, now time.Time) (tick time.Time, missed int, ok bool) {
	for n := 0; ; n++ {
		next := s.Times.Next(last)
		if next.IsZero() || next.After(now) {
			return tick, max(n-1, 0), n > 0
		}
		if n == maxMissed {
			last = s.nearest(last, now)
			n = 0
			continue
		}
		tick, last = next, next
	}
}

// nearest finds by bisection an instant close before now that still has a tick
// in (instant, now].
func (s *Schedule) nearest(from, now time.Time) time.Time {
	lo, hi := from, now // Next(lo) ≤ now holds throughout
	for hi.Sub(lo) > time.Second {
		mid := lo.Add(hi.Sub(lo) / 2)
		if next := s.Times.Next(mid); next.IsZero() || next.After(now) {
			hi = mid
		} else {
			lo = mid
		}
	}
	return lo
}
