package bolt

import (
	"context"
	"fmt"
	"time"
)

// LastTick implements [engine.ScheduleState].
func (s *Store) LastTick(ctx context.Context, schedule string) (at time.Time, ok bool, err error) {
	err = s.view(ctx, func(v *view) error {
		at, ok, err = v.lastTick(schedule)
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
	return s.write(ctx, &op{size: 1, run: func(g *group) error {
		if _, _, err := g.lastTick(schedule); err != nil {
			return err
		}
		g.setTick(schedule, tick)
		return nil
	}})
}

func (v *view) lastTick(schedule string) (time.Time, bool, error) {
	value := v.get(ticksBucket, []byte(schedule))
	if value == nil {
		return time.Time{}, false, nil
	}
	at, err := instantOf(value)
	if err != nil {
		return time.Time{}, false, v.badRow(ticksBucket, fmt.Sprintf("%q", schedule), err)
	}
	return at, true, nil
}

// setTick moves a schedule's last tick on, never back. Whoever calls it has
// read the row before.
func (g *group) setTick(schedule string, at time.Time) {
	if last, _, err := g.lastTick(schedule); err == nil && at.After(last) {
		g.put(ticksBucket, []byte(schedule), appendInstant(nil, at))
	}
}
