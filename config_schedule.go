package tlo

import (
	"errors"
	"fmt"
	"strings"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/cron"
)

// schedule returns s as the engine wants it, which must be valid. The name is
// that of the task, or task/label.
func (s ScheduleConfig) schedule(task string) (engine.Schedule, error) {
	times, err := s.times()
	if err != nil {
		return engine.Schedule{}, err
	}
	out := engine.Schedule{Name: task, Spec: s.Cron, Zone: s.Timezone, Times: times, Input: s.Input, Missed: s.Missed}
	if s.Name != "" {
		out.Name = task + "/" + s.Name
	}
	if s.Cron == "" {
		out.Spec = "@every " + s.Every.String()
	}
	or(&out.Missed, engine.MissedLatest)
	return out, nil
}

func (s ScheduleConfig) times() (engine.Timetable, error) {
	if s.Cron == "" {
		return engine.Every(s.Every)
	}
	return cron.Parse(s.Cron, s.Timezone)
}

func (s ScheduleConfig) subject() string {
	if s.Name == "" {
		return "schedule: "
	}
	return fmt.Sprintf("schedule %q: ", s.Name)
}

func (k checker) schedule(s ScheduleConfig) {
	if s.Name != "" && !engine.ValidName(s.Name) {
		k.bad("name", nameRule, "not a name")
	}
	word(k, "missed", s.Missed, missed)
	if s.from.failed("cron") || s.from.failed("every") {
		return
	}
	interval := s.Every != 0 || strings.HasPrefix(strings.TrimSpace(s.Cron), "@every")
	switch {
	case s.Cron != "" && s.Every != 0:
		k.bad("every", "use one of the two", "is set beside cron")
		return
	case s.Cron == "" && s.Every == 0:
		k.bad("", `write cron = "0 6 * * *" or every = "15m"`, "no cron and no interval")
		return
	case interval && s.Timezone != "":
		k.bad("timezone", "remove it, or use a cron expression", "is set, but an interval is the same everywhere")
		return
	}
	if s.Cron == "" {
		if _, err := engine.Every(s.Every); err != nil {
			k.bad("every", "write an interval of a second or more", "is %v", s.Every)
		}
		return
	}
	// Apart, so that both can be wrong at once and each at its place.
	_, err := cron.Zone(s.Timezone)
	k.cron("timezone", err)
	_, err = cron.Parse(s.Cron, "")
	k.cron("cron", err)
}

func (k checker) cron(setting string, err error) {
	if bad, ok := errors.AsType[*cron.Error](err); ok {
		k.add(k.from.of(setting), bad.Hint, "%s%s", k.subject, bad.Message)
	}
}
