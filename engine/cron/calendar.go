package cron

import (
	"time"

	"github.com/netresearch/go-cron"
)

// calendar is a cron expression in a zone. The library walks wall-clock times
// as if they were UTC, where it is exact; its own rules for changed clocks give
// different answers for different starting points. Which instant a wall-clock
// time is, is decided here, over the periods in which the zone's offset does
// not change.
type calendar struct {
	wall     *cron.SpecSchedule
	loc      *time.Location
	realTime bool // every hour: count real time where clocks are changed
}

// lastYear is where timetables end; beyond it time.Time loses its reach.
const lastYear = 9999

// Next implements [engine.Timetable].
func (c *calendar) Next(t time.Time) time.Time {
	t = t.In(c.loc)
	if t.Year() > lastYear {
		return time.Time{}
	}
	wall := asWall(t, offset(t))
	// One turn per period. A wall-clock time further off than the library
	// looks is none at all.
	for limit := t.AddDate(searchYears+1, 0, 0); t.Before(limit); {
		start, end := period(t)
		off := offset(t)
		if !c.realTime && !start.IsZero() {
			wall = c.skipRepeated(wall, start, off)
		}
		next := c.wall.Next(wall)
		if next.IsZero() {
			return time.Time{}
		}
		instant := next.Add(-off)
		if end.IsZero() || instant.Before(end) {
			return instant.UTC()
		}
		resumed := asWall(end, offset(end))
		if !c.realTime && next.Before(resumed) {
			return end.UTC() // within the gap
		}
		t, wall = end, resumed.Add(-1)
	}
	return time.Time{}
}

// period returns bounds within which the zone's offset is that of t; zero means
// none. They may be narrower than they need be: past its table a zone follows a
// rule, and package time cuts its periods at the year's ends, in a leap year a
// day too early, which is the case that is mended here.
func period(t time.Time) (start, end time.Time) {
	start, end = t.ZoneBounds()
	if !end.IsZero() && !end.After(t) {
		end = time.Date(t.UTC().Year()+1, 1, 1, 0, 0, 0, 0, time.UTC).In(t.Location())
	}
	return start, end
}

// skipRepeated moves wall over the times that the period before start already
// had.
func (c *calendar) skipRepeated(wall, start time.Time, off time.Duration) time.Time {
	before := offset(start.Add(-1))
	if before <= off {
		return wall
	}
	if fresh := asWall(start, before).Add(-1); fresh.After(wall) {
		return fresh
	}
	return wall
}

func offset(t time.Time) time.Duration {
	_, seconds := t.Zone()
	return time.Duration(seconds) * time.Second
}

// asWall is what a clock with the offset shows at t, as if it were UTC.
func asWall(t time.Time, offset time.Duration) time.Time { return t.UTC().Add(offset) }
