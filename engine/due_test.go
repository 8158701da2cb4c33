package engine

import (
	"testing"
	"time"
)

// counted is a timetable that counts how often it is asked.
type counted struct {
	Timetable
	calls int
}

func (c *counted) Next(t time.Time) time.Time {
	c.calls++
	return c.Timetable.Next(t)
}

// timetable is a function as a timetable.
type timetable func(time.Time) time.Time

func (f timetable) Next(t time.Time) time.Time { return f(t) }

// step ticks at each multiple of itself, however short.
func step(d time.Duration) Timetable { return every(d) }

func TestDue(t *testing.T) {
	start := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	monthly := timetable(func(t time.Time) time.Time {
		return time.Date(t.Year(), t.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	})
	ends := timetable(func(t time.Time) time.Time {
		if last := start.Add(time.Hour); t.Before(last) {
			return last
		}
		return time.Time{}
	})
	tests := map[string]struct {
		times  Timetable
		passed time.Duration
		tick   time.Duration // after start
		missed int
		none   bool
	}{
		"before the first":      {times: step(time.Minute), passed: time.Minute - 1, none: true},
		"at the first":          {times: step(time.Minute), passed: time.Minute, tick: time.Minute},
		"after the first":       {times: step(time.Minute), passed: 90 * time.Second, tick: time.Minute},
		"three":                 {times: step(time.Minute), passed: 3 * time.Minute, tick: 3 * time.Minute, missed: 2},
		"as many as counted":    {times: step(time.Second), passed: maxMissed * time.Second, tick: maxMissed * time.Second, missed: maxMissed - 1},
		"ten million":           {times: step(time.Second), passed: 1e7*time.Second + 1, tick: 1e7 * time.Second, missed: maxMissed},
		"a decade of nanoticks": {times: step(1), passed: 1e9 * time.Second, tick: 1e9 * time.Second, missed: maxMissed},
		"rare":                  {times: monthly, passed: 100 * 24 * time.Hour, tick: 91*24*time.Hour + 12*time.Hour, missed: 2},
		"the last there is":     {times: ends, passed: 1000 * time.Hour, tick: time.Hour},
		"never":                 {times: timetable(func(time.Time) time.Time { return time.Time{} }), passed: time.Hour, none: true},
		"one that stands":       {times: timetable(func(t time.Time) time.Time { return t }), passed: time.Hour, none: true},
		"one that goes back":    {times: timetable(func(t time.Time) time.Time { return t.Add(-1) }), passed: time.Hour, none: true},
		"the clock went back":   {times: step(time.Minute), passed: -time.Hour, none: true},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			times := &counted{Timetable: tt.times}
			s := Schedule{Name: "s", Times: times}
			tick, missed, ok := s.due(start, start.Add(tt.passed))
			if ok == tt.none {
				t.Fatalf("due is %v", ok)
			}
			if ok && !tick.Equal(start.Add(tt.tick)) {
				t.Errorf("the tick is %v, want %v", tick.Sub(start), tt.tick)
			}
			if missed != tt.missed {
				t.Errorf("it stands for %d older ticks, want %d", missed, tt.missed)
			}
			if most := maxMissed + 100; times.calls > most {
				t.Errorf("%d calls of Next, want at most %d", times.calls, most)
			}
		})
	}
}

// From the zero time, as a clock that was never set may have left it.
func TestDueOverTheWholeRangeOfTime(t *testing.T) {
	now := time.Date(2026, 3, 1, 12, 0, 0, 5, time.UTC)
	times := &counted{Timetable: step(time.Second)}
	s := Schedule{Name: "s", Times: times}
	tick, _, ok := s.due(time.Time{}, now)
	if !ok || !tick.Equal(now.Truncate(time.Second)) {
		t.Errorf("the tick is %v, %v", tick, ok)
	}
	if most := maxMissed + 100; times.calls > most {
		t.Errorf("%d calls of Next, want at most %d", times.calls, most)
	}
	if tick, _, ok := s.due(now, now.AddDate(5000, 0, 0)); !ok || tick.After(lastNano) {
		t.Errorf("the last tick that nanoseconds can count is %v, %v", tick, ok)
	}
}

// FuzzDue holds due against the plain walk.
func FuzzDue(f *testing.F) {
	f.Add(int64(60), int64(0), int64(59))
	f.Add(int64(60), int64(0), int64(60))
	f.Add(int64(1), int64(7), int64(30_000))
	f.Add(int64(2), int64(45), int64(30_000)) // as many as are counted
	f.Add(int64(3600), int64(-5000), int64(1e9))
	f.Fuzz(func(t *testing.T, interval, from, seconds int64) {
		interval, seconds = 1+abs(interval)%1e6, abs(seconds)%1e9
		start := time.Unix(from%1e9, 0).UTC()
		now := start.Add(time.Duration(seconds) * time.Second)
		s := Schedule{Name: "s", Times: every(interval * int64(time.Second))}
		tick, missed, ok := s.due(start, now)
		// Ticks are the multiples of the interval.
		first, last := floor(start.Unix(), interval), floor(now.Unix(), interval)
		if ok != (last > first) {
			t.Fatalf("due is %v, want %v", ok, !ok)
		}
		if !ok {
			return
		}
		if tick.Unix() != last*interval || tick.Nanosecond() != 0 {
			t.Errorf("the tick is %v, want %v", tick, time.Unix(last*interval, 0).UTC())
		}
		if want := min(last-first-1, maxMissed); int64(missed) != want {
			t.Errorf("it stands for %d, want %d", missed, want)
		}
	})
}

func abs(n int64) int64 {
	if n < 0 {
		return -(n + 1)
	}
	return n
}

func floor(n, by int64) int64 {
	q := n / by
	if n%by < 0 {
		q--
	}
	return q
}
