package cron_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/cron"
)

func parse(t testing.TB, spec, zone string) engine.Timetable {
	t.Helper()
	times, err := cron.Parse(spec, zone)
	if err != nil {
		t.Fatalf("Parse(%q, %q): %v", spec, zone, err)
	}
	return times
}

func at(t testing.TB, s string) time.Time {
	t.Helper()
	v, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// walk returns the ticks in [from, to) in the local time of zone, with the hours
// of its offset.
func walk(t testing.TB, spec, zone, from, to string) string {
	t.Helper()
	times := parse(t, spec, zone)
	loc, err := cron.Zone(zone)
	if err != nil {
		t.Fatal(err)
	}
	var ticks []string
	end := at(t, to)
	for tick := times.Next(at(t, from).Add(-1)); !tick.IsZero() && tick.Before(end); tick = times.Next(tick) {
		ticks = append(ticks, tick.In(loc).Format("2006-01-02T15:04Z07"))
	}
	return strings.Join(ticks, " ")
}

func TestNext(t *testing.T) {
	for _, c := range []struct{ name, spec, zone, from, to, want string }{
		{"daily", "0 6 * * *", "", "2026-03-01T06:00:00Z", "2026-03-03T06:00:00Z", "2026-03-01T06:00Z 2026-03-02T06:00Z"},
		{"shortcut", "@weekly", "", "2026-03-01T00:00:00Z", "2026-03-15T00:00:00Z", "2026-03-01T00:00Z 2026-03-08T00:00Z"},
		{"zone", "@daily", "Asia/Kolkata", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-02T00:00+05"},
		{"weekdays by name", "0 9 * * mon-fri", "UTC", "2026-05-29T00:00:00Z", "2026-06-02T00:00:00Z", "2026-05-29T09:00Z 2026-06-01T09:00Z"},
		{"sunday is 0 and 7", "0 0 * * 7", "", "2026-03-01T00:00:00Z", "2026-03-02T00:00:00Z", "2026-03-01T00:00Z"},
		{"either day matches", "0 0 13 * fri", "", "2026-04-01T00:00:00Z", "2026-04-18T00:00:00Z",
			"2026-04-03T00:00Z 2026-04-10T00:00Z 2026-04-13T00:00Z 2026-04-17T00:00Z"},
		{"months without a 31st", "0 0 31 * *", "", "2026-01-01T00:00:00Z", "2026-06-01T00:00:00Z",
			"2026-01-31T00:00Z 2026-03-31T00:00Z 2026-05-31T00:00Z"},
		{"leap years", "0 0 29 2 *", "", "2026-01-01T00:00:00Z", "2033-01-01T00:00:00Z", "2028-02-29T00:00Z 2032-02-29T00:00Z"},
		{"2100 is no leap year", "0 0 29 2 *", "Europe/Kyiv", "2096-02-28T00:00:00Z", "2105-01-01T00:00:00Z",
			"2096-02-29T00:00+02 2104-02-29T00:00+02"},
		{"year's end", "59 23 31 12 *", "", "2026-12-31T23:59:00Z", "2027-12-31T23:59:01Z", "2026-12-31T23:59Z 2027-12-31T23:59Z"},

		// 2026-03-29: 03:00+02 becomes 04:00+03 at 01:00Z in Kyiv.
		{"gap, once after it", "30 3 * * *", "Europe/Kyiv", "2026-03-28T00:00:00Z", "2026-03-31T00:00:00Z",
			"2026-03-28T03:30+02 2026-03-29T04:00+03 2026-03-30T03:30+03"},
		{"gap, many skipped times make one", "*/10 3 * * *", "Europe/Kyiv", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z",
			"2026-03-29T04:00+03"},
		{"gap, its end is a tick anyway", "30 3,4 * * *", "Europe/Kyiv", "2026-03-29T00:00:00Z", "2026-03-30T00:00:00Z",
			"2026-03-29T04:00+03 2026-03-29T04:30+03"},
		{"gap, every hour counts real time", "30 * * * *", "Europe/Kyiv", "2026-03-29T00:00:00Z", "2026-03-29T03:00:00Z",
			"2026-03-29T02:30+02 2026-03-29T04:30+03 2026-03-29T05:30+03"},
		{"gap at 02:00", "30 2 * * *", "America/New_York", "2026-03-08T00:00:00Z", "2026-03-09T12:00:00Z",
			"2026-03-08T03:00-04 2026-03-09T02:30-04"},
		{"gap at midnight", "0 0 * * *", "America/Sao_Paulo", "2018-11-03T00:00:00Z", "2018-11-05T12:00:00Z",
			"2018-11-03T00:00-03 2018-11-04T01:00-02 2018-11-05T00:00-02"},
		{"a day that was skipped whole", "0 12 * * *", "Pacific/Apia", "2011-12-29T00:00:00Z", "2011-12-31T12:00:00Z",
			"2011-12-29T12:00-10 2011-12-31T00:00+14 2011-12-31T12:00+14"},

		// 2026-10-25: 04:00+03 becomes 03:00+02 at 01:00Z in Kyiv.
		{"overlap, the first pass", "30 3 * * *", "Europe/Kyiv", "2026-10-24T12:00:00Z", "2026-10-26T12:00:00Z",
			"2026-10-25T03:30+03 2026-10-26T03:30+02"},
		{"overlap, the hour after it", "0 3,4 * * *", "Europe/Kyiv", "2026-10-25T00:00:00Z", "2026-10-25T12:00:00Z",
			"2026-10-25T03:00+03 2026-10-25T04:00+02"},
		{"overlap, every hour runs through both", "@hourly", "Europe/Kyiv", "2026-10-24T23:00:00Z", "2026-10-25T03:00:00Z",
			"2026-10-25T02:00+03 2026-10-25T03:00+03 2026-10-25T03:00+02 2026-10-25T04:00+02"},
		{"overlap of half an hour", "45 1 * * *", "Australia/Lord_Howe", "2026-04-04T00:00:00Z", "2026-04-05T20:00:00Z",
			"2026-04-05T01:45+11 2026-04-06T01:45+10"},
		{"overlap at midnight", "30 23 * * *", "America/Sao_Paulo", "2018-02-17T12:00:00Z", "2018-02-19T12:00:00Z",
			"2018-02-17T23:30-02 2018-02-18T23:30-03"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got := walk(t, c.spec, c.zone, c.from, c.to)
			if got != c.want {
				t.Errorf("%q in %q\ngot  %s\nwant %s", c.spec, c.zone, got, c.want)
			}
		})
	}
}

func TestEvery(t *testing.T) {
	times := parse(t, "@every 90s", "")
	if got, want := times.Next(time.Unix(100, 0)), time.Unix(180, 0).UTC(); got != want {
		t.Errorf("got %v, want %v", got, want)
	}
}

// A search starts anywhere: from within a gap, an overlap or between ticks it
// finds the tick that a walk finds.
func TestNextFromAnywhere(t *testing.T) {
	for _, zone := range []string{"Europe/Kyiv", "America/Sao_Paulo", "Australia/Lord_Howe", "Africa/Casablanca", "Pacific/Apia"} {
		for _, spec := range []string{"30 3 * * *", "*/20 0-4 * * *", "15 * * * *", "0 0 * * *", "59 23 * * *"} {
			times := parse(t, spec, zone)
			from := at(t, "2018-01-01T00:00:00Z")
			tick := times.Next(from)
			for now := from; now.Before(from.AddDate(1, 0, 0)); now = now.Add(47 * time.Minute) {
				for !tick.After(now) {
					tick = times.Next(tick)
				}
				if got := times.Next(now); !got.Equal(tick) {
					t.Fatalf("%q in %q after %v: got %v, a walk comes to %v", spec, zone, now, got, tick)
				}
			}
		}
	}
}

func TestNextEnds(t *testing.T) {
	if got := parse(t, "@daily", "Europe/Kyiv").Next(time.Unix(1<<40, 0)); !got.IsZero() {
		t.Errorf("got %v beyond the calendar's end", got)
	}
}

func TestErrors(t *testing.T) {
	for _, c := range []struct{ spec, zone, want string }{
		{"", "", `the cron expression is empty; write five fields, minute hour day month weekday, such as "0 6 * * mon-fri"`},
		{"0 6 * *", "", `cron "0 6 * *": not five fields; write five fields, minute hour day month weekday, such as "0 6 * * mon-fri"`},
		{"0 0 6 * * *", "", `cron "0 0 6 * * *": seconds and years have no field; write five fields, minute hour day month weekday; for less than a minute use "@every 30s"`},
		{"60 * * * *", "", `cron "60 * * * *": minute is "60"; use 0 to 59, or *, a list "1,2", a range "1-5" or a step "*/2"`},
		{"* 24 * * *", "", `cron "* 24 * * *": hour is "24"; use 0 to 23, or *, a list "1,2", a range "1-5" or a step "*/2"`},
		{"* * 0 * *", "", `cron "* * 0 * *": day of month is "0"; use 1 to 31, or *, a list "1,2", a range "1-5" or a step "*/2"`},
		{"* * L * *", "", `cron "* * L * *": day of month is "L"; use 1 to 31, or *, a list "1,2", a range "1-5" or a step "*/2"`},
		{"* * * foo *", "", `cron "* * * foo *": month is "foo"; use 1 to 12 or jan to dec, or *, a list "1,2", a range "1-5" or a step "*/2"`},
		{"* * * * fri#3", "", `cron "* * * * fri#3": day of week is "fri#3"; use 0 to 7 or sun to sat, or *, a list "1,2", a range "1-5" or a step "*/2"`},
		{"1,,2 * * * *", "", `cron "1,,2 * * * *": minute is "1,,2"; use 0 to 59, or *, a list "1,2", a range "1-5" or a step "*/2"`},
		{"0 0 31 2 *", "", `cron "0 0 31 2 *": no such day ever comes; use a day that the month has, such as 28, or 1 for the month's first`},
		{"@dayly", "", `cron "@dayly": there is no such shortcut; did you mean "@daily"?`},
		{"@reboot", "", `cron "@reboot": there is no such shortcut; use @hourly, @daily, @weekly, @monthly, @yearly or "@every 15m"`},
		{"@daily now", "", `cron "@daily now": there is no such shortcut; use @hourly, @daily, @weekly, @monthly, @yearly or "@every 15m"`},
		{"@every soon", "", `cron "@every soon": not an interval; write "@every 90s", "@every 15m" or "@every 1h30m"`},
		{"@every 10ms", "", `cron "@every 10ms": an interval of 10ms is too short: the shortest is 1s; write an interval of a second or more, such as "@every 90s"`},
		{"TZ=Europe/Kyiv 0 6 * * *", "", `cron "TZ=Europe/Kyiv 0 6 * * *": the zone does not belong in the expression; set it apart: timezone = "Europe/Kyiv"`},
		{"CRON_TZ=UTC 0 6 * * *", "", `cron "CRON_TZ=UTC 0 6 * * *": the zone does not belong in the expression; set it apart: timezone = "Europe/Kyiv"`},
		{"@daily", "Europe/Kyyiv", `timezone "Europe/Kyyiv" is not known; did you mean "Europe/Kyiv"?`},
		{"@daily", "europe/kyiv/", `timezone "europe/kyiv/" is not known; did you mean "Europe/Kyiv"?`},
		{"@daily", "../../etc/passwd", `timezone "../../etc/passwd" is not known; name a place of the IANA database, such as "Europe/Kyiv", or "UTC"`},
		{"@daily", "Local", `timezone "Local" differs from machine to machine; name a place, such as "Europe/Kyiv", or "UTC"`},
		{strings.Repeat("0,", 600) + "0 * * * *", "", `the cron expression is too long; write five fields, minute hour day month weekday, such as "0 6 * * mon-fri"`},
	} {
		_, err := cron.Parse(c.spec, c.zone)
		if err == nil {
			t.Errorf("Parse(%q, %q) is accepted", c.spec, c.zone)
			continue
		}
		if !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("Parse(%q, %q): %v does not match ErrInvalid", c.spec, c.zone, err)
		}
		if err.Error() != c.want {
			t.Errorf("Parse(%q, %q)\ngot  %s\nwant %s", c.spec, c.zone, err, c.want)
		}
	}
}

func TestZoneAliases(t *testing.T) {
	for _, zone := range []string{"Europe/Kiev", "Europe/Kyiv", "UTC", "Etc/GMT-2", "EST5EDT"} {
		if _, err := cron.Zone(zone); err != nil {
			t.Error(err)
		}
	}
}

// What an error suggests must be accepted.
func TestSuggestedZonesExist(t *testing.T) {
	for _, zone := range cron.Zones() {
		if _, err := cron.Zone(zone); err != nil {
			t.Error(err)
		}
	}
	if n := len(cron.Zones()); n < 500 {
		t.Errorf("only %d zones", n)
	}
}

func FuzzNext(f *testing.F) {
	for _, spec := range []string{
		"0 6 * * *", "*/7 * * * *", "30 2 * * *", "30 2 29 2 *", "0 0 31 * mon", "59 23 * 12 sun", "0 22-2 * nov-feb *",
		"@hourly", "@every 7h", "1-5/2,9 0,12 1 */3 ?", "0 0 31 2 *", ", , , , ,", "TZ=UTC * * * * *", "@every -1s", "@",
	} {
		for i, zone := range []string{"", "Europe/Kyiv", "America/Sao_Paulo", "Australia/Lord_Howe", "Nowhere"} {
			f.Add(spec, zone, int64(1_774_746_000+i*500_000), int64(i*7))
			f.Add(spec, zone, int64(4_007_700_000+i*86_400), int64(0)) // the end of a leap year beyond the zones' tables
			f.Add(spec, zone, int64(1_792_890_000-i*1800), int64(0))
		}
	}
	f.Fuzz(func(t *testing.T, spec, zone string, sec, nsec int64) {
		times, err := cron.Parse(spec, zone)
		if err != nil {
			if !errors.Is(err, engine.ErrInvalid) {
				t.Fatalf("%v does not match ErrInvalid", err)
			}
			return
		}
		const years200 = 200 * 365 * 86_400
		now := time.Unix(sec%years200, nsec%1_000_000_000)
		for range 3 {
			next := times.Next(now)
			if next.IsZero() {
				t.Fatalf("%q in %q has no tick after %v", spec, zone, now)
			}
			if !next.After(now) {
				t.Fatalf("%q in %q after %v: got %v, which is not after it", spec, zone, now, next)
			}
			if again := times.Next(next.Add(-1)); !again.Equal(next) {
				t.Fatalf("%q in %q: %v is a tick after %v, but just before it the next is %v", spec, zone, next, now, again)
			}
			if middle := now.Add(next.Sub(now) / 2); !times.Next(middle).Equal(next) {
				t.Fatalf("%q in %q: from %v the next is %v, from %v %v", spec, zone, now, next, middle, times.Next(middle))
			}
			now = next
		}
	})
}

func BenchmarkNext(b *testing.B) {
	times := parse(b, "30 3 * * mon-fri", "Europe/Kyiv")
	now := at(b, "2026-01-01T00:00:00Z")
	for b.Loop() {
		times.Next(now)
	}
}
