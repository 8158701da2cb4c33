package engine

import (
	"fmt"
	"math"
	"time"
)

// Timetable tells the planned times of a schedule. It is safe for concurrent
// use.
type Timetable interface {
	// Next returns the first tick after t, or the zero time if there is none.
	// A time that is not after t counts as none too.
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
	// Name is unique over all tasks; it is part of the key of each job made:
	// 1 to 200 bytes of printable text.
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
	switch {
	case t.Before(firstNano):
		t = firstNano
	case t.After(lastNano):
		return time.Time{}
	}
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

// What nanoseconds since the Unix epoch can count.
var firstNano, lastNano = time.Unix(0, math.MinInt64).UTC(), time.Unix(0, math.MaxInt64).UTC()

// Validate reports the first value that makes no sense.
func (s *Schedule) Validate() error {
	switch {
	case s.Name == "" || !validKey(s.Name) || len(s.Name) > maxScheduleName:
		return fmt.Errorf("schedule name %.80q: use 1 to %d bytes of printable text", s.Name, maxScheduleName)
	case s.Times == nil:
		return fmt.Errorf("schedule %q has no times", s.Name)
	case s.Missed != "" && s.Missed != MissedLatest && s.Missed != MissedSkip:
		return fmt.Errorf("schedule %q: missed is %q: use %q or %q", s.Name, s.Missed, MissedLatest, MissedSkip)
	}
	return nil
}

const maxScheduleName = 200 // with a tick it must still be a key

// key names the one job of a tick: submitting it twice is a duplicate, which
// makes schedules safe without a leader.
func (s *Schedule) key(tick time.Time) string {
	return fmt.Sprintf("%s@%s", s.Name, tick.UTC().Format(time.RFC3339Nano))
}

// maxMissed bounds the walk over ticks missed since last: a schedule of
// seconds after a year's pause must not stall the start.
const maxMissed = 10_000

// due returns the latest tick in (last, now], and how many older ones it
// stands for, or maxMissed if there are more. false if there is none.
func (s *Schedule) due(last, now time.Time) (tick time.Time, missed int, ok bool) {
	for n := range maxMissed + 1 {
		next, ok := s.next(last, now)
		if !ok {
			return tick, max(n-1, 0), n > 0
		}
		tick, last = next, next
	}
	return s.latest(last, now), maxMissed, true
}

// next returns the first tick in (after, now].
func (s *Schedule) next(after, now time.Time) (time.Time, bool) {
	next := s.Times.Next(after)
	return next, next.After(after) && !next.After(now)
}

// latest finds the last tick in [tick, now] by bisection.
func (s *Schedule) latest(tick, now time.Time) time.Time {
	for lo, hi := tick, now; hi.After(lo); {
		mid := lo.Add(hi.Sub(lo) / 2)
		if next, ok := s.next(mid, now); ok {
			tick, lo = next, next
		} else {
			hi = mid
		}
	}
	return tick
}
