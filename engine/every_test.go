package engine_test

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
)

func TestEveryIsCountedFromTheEpoch(t *testing.T) {
	at := func(s string) time.Time {
		parsed, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	tests := []struct {
		every       time.Duration
		after, next string
	}{
		{time.Minute, "2026-01-01T10:00:00Z", "2026-01-01T10:01:00Z"},
		{time.Minute, "2026-01-01T10:00:00.000000001Z", "2026-01-01T10:01:00Z"},
		{time.Minute, "2026-01-01T10:00:59.999999999Z", "2026-01-01T10:01:00Z"},
		{15 * time.Minute, "2026-01-01T12:00:01+02:00", "2026-01-01T10:15:00Z"},
		{7 * time.Second, "1970-01-01T00:00:00Z", "1970-01-01T00:00:07Z"},
		{7 * time.Second, "1969-12-31T23:59:59Z", "1970-01-01T00:00:00Z"},
		{24 * time.Hour, "0001-01-01T00:00:00Z", "1677-09-22T00:00:00Z"},
	}
	for _, tt := range tests {
		times, err := engine.Every(tt.every)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := times.Next(at(tt.after)), at(tt.next); !got.Equal(want) {
			t.Errorf("every %v after %s: %v, want %v", tt.every, tt.after, got, want)
		}
	}
}

func TestEveryRefusesShortIntervals(t *testing.T) {
	for _, d := range []time.Duration{math.MinInt64, -time.Hour, 0, time.Second - 1} {
		if _, err := engine.Every(d); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("an interval of %v: %v, want ErrInvalid", d, err)
		}
	}
}

// FuzzEvery looks for an interval and a time at which the ticks stand still or
// go back.
func FuzzEvery(f *testing.F) {
	f.Add(int64(time.Second), int64(0), int64(0))
	f.Add(int64(time.Minute), int64(1772366400), int64(1))
	f.Add(int64(math.MaxInt64), int64(-1), int64(999_999_999))
	f.Add(int64(time.Hour), int64(9223372036), int64(854775807))
	f.Add(int64(time.Hour), int64(-9223372037), int64(0))
	f.Add(int64(time.Hour), int64(-62135596800), int64(0)) // the zero time
	f.Add(int64(time.Hour), int64(math.MaxInt64), int64(0))
	f.Fuzz(func(t *testing.T, interval, seconds, nanos int64) {
		times, err := engine.Every(time.Duration(interval))
		if err != nil {
			return // refused
		}
		at := time.Unix(seconds%1e11, nanos%1e9)
		for range 3 {
			next := times.Next(at)
			if next.IsZero() {
				return
			}
			if !next.After(at) {
				t.Fatalf("the tick after %v is %v", at, next)
			}
			if next.UnixNano()%interval != 0 {
				t.Fatalf("%v is no multiple of %v", next, time.Duration(interval))
			}
			if before := times.Next(next.Add(-1)); !before.Equal(next) {
				t.Fatalf("the tick after %v is %v, want %v", next.Add(-1), before, next)
			}
			at = next
		}
	})
}
