// Package cron turns cron expressions and time zones into timetables.
//
// It owns the syntax, the zones and what happens when clocks are changed. It
// refuses what only some crons understand: seconds, years, TZ= prefixes and the
// letters L, W, H and #.
//
// # Days
//
// As in every Unix cron, where day of month and day of week are both given, a
// day matches if either does.
//
// # Changed clocks
//
// A timetable counts in the local time of its zone. A time that is skipped when
// clocks go forward comes at the first instant after the gap, once however many
// times were skipped. A time that comes twice when clocks go back comes the
// first time only. A timetable of every hour counts real time instead: in the
// gap it has nothing to do, and it runs through both passes of a repeated hour.
package cron

import (
	"errors"
	"strconv"
	"strings"
	"time"

	"github.com/netresearch/go-cron"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/internal/typo"
)

// Error says what is wrong with an expression or a zone, and what to write
// instead. It matches [engine.ErrInvalid].
type Error struct {
	Message string
	Hint    string
}

func (e *Error) Error() string { return e.Message + "; " + e.Hint }

// Is matches [engine.ErrInvalid].
func (e *Error) Is(target error) bool { return target == engine.ErrInvalid }

// fields of an expression, in order. Each is parsed on its own as well, so that
// an error can name it.
var fields = []struct {
	name, values string
	option       cron.ParseOption
}{
	{"minute", "0 to 59", cron.Minute},
	{"hour", "0 to 23", cron.Hour},
	{"day of month", "1 to 31", cron.Dom},
	{"month", "1 to 12 or jan to dec", cron.Month},
	{"day of week", "0 to 7 or sun to sat", cron.Dow},
}

var parser = cron.MustNewParser(cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.DowOrDom).
	WithMaxSearchYears(searchYears)

// searchYears reaches over the longest wait there is: from one 29 February to
// the next across a century that is no leap year.
const searchYears = 8

// The shortcuts, and what they stand for.
var descriptors = map[string]string{
	"@yearly":   "0 0 1 1 *",
	"@annually": "0 0 1 1 *",
	"@monthly":  "0 0 1 * *",
	"@weekly":   "0 0 * * 0",
	"@daily":    "0 0 * * *",
	"@midnight": "0 0 * * *",
	"@hourly":   "0 * * * *",
}

var descriptorNames = []string{"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly", "@every"}

const example = `write five fields, minute hour day month weekday, such as "0 6 * * mon-fri"`

// Parse returns the timetable of a cron expression of five fields, a shortcut
// such as @daily, or an interval such as "@every 90s", which knows no zone. The
// zone is an IANA name; empty means UTC, so that a timetable is the same on
// every machine. An error is an [*Error].
func Parse(spec, zone string) (engine.Timetable, error) {
	loc, err := Zone(zone)
	if err != nil {
		return nil, err
	}
	spec = strings.TrimSpace(spec)
	if len(spec) > cron.MaxSpecLength {
		return nil, &Error{"the cron expression is too long", example}
	}
	bad := func(problem, hint string) (engine.Timetable, error) {
		return nil, &Error{"cron " + quote(spec) + ": " + problem, hint}
	}
	switch {
	case spec == "":
		return nil, &Error{"the cron expression is empty", example}
	case strings.HasPrefix(spec, "TZ=") || strings.HasPrefix(spec, "CRON_TZ="):
		return bad("the zone does not belong in the expression", `set it apart: timezone = "Europe/Kyiv"`)
	case strings.HasPrefix(spec, "@"):
		name, rest, _ := strings.Cut(spec, " ")
		if name == "@every" {
			return parseEvery(spec, strings.TrimSpace(rest))
		}
		expansion, ok := descriptors[spec]
		if !ok {
			hint := typo.DidYouMean(name, descriptorNames)
			if hint == "" || rest != "" {
				hint = `use @hourly, @daily, @weekly, @monthly, @yearly or "@every 15m"`
			}
			return bad("there is no such shortcut", hint)
		}
		return table(expansion, loc)
	}
	parts := strings.Fields(spec)
	switch {
	case len(parts) == 6 || len(parts) == 7:
		return bad("seconds and years have no field", `write five fields, minute hour day month weekday; for less than a minute use "@every 30s"`)
	case len(parts) != len(fields):
		return bad("not five fields", example)
	}
	for i, f := range fields {
		if !wellFormed(parts[i], f.option) {
			return bad(f.name+" is "+quote(parts[i]), "use "+f.values+`, or *, a list "1,2", a range "1-5" or a step "*/2"`)
		}
	}
	times, err := table(strings.Join(parts, " "), loc)
	if err != nil {
		return bad("cannot be read: "+err.Error(), example)
	}
	// The calendar repeats, so what does not come in these years never does.
	if times.Next(time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)).IsZero() {
		return bad("no such day ever comes", "use a day that the month has, such as 28, or 1 for the month's first")
	}
	return times, nil
}

func parseEvery(spec, interval string) (engine.Timetable, error) {
	d, err := time.ParseDuration(interval)
	if err != nil {
		return nil, &Error{"cron " + quote(spec) + ": not an interval", `write "@every 90s", "@every 15m" or "@every 1h30m"`}
	}
	times, err := engine.Every(d)
	if err != nil {
		return nil, &Error{"cron " + quote(spec) + ": " + err.Error(), `write an interval of a second or more, such as "@every 90s"`}
	}
	return times, nil
}

// wellFormed reports whether one field can be read. The parser skips empty
// parts of a list and signs of numbers, which hide slips of the hand.
func wellFormed(field string, option cron.ParseOption) bool {
	for part := range strings.SplitSeq(field, ",") {
		if part == "" || strings.ContainsRune(part, '+') {
			return false
		}
	}
	_, err := cron.MustNewParser(option).Parse(field)
	return err == nil
}

func table(spec string, loc *time.Location) (engine.Timetable, error) {
	schedule, err := parser.Parse(spec)
	if err != nil {
		return nil, err
	}
	s, ok := schedule.(*cron.SpecSchedule)
	if !ok {
		return nil, errors.New("not a calendar")
	}
	const everyHour = 1<<24 - 1
	return &calendar{wall: s, loc: loc, realTime: s.Hour&everyHour == everyHour}, nil
}

// quote shortens what an error repeats, and makes control characters visible.
func quote(s string) string {
	const limit = 60
	if len(s) > limit {
		s = strings.ToValidUTF8(s[:limit], "") + "…"
	}
	return strconv.Quote(s)
}
