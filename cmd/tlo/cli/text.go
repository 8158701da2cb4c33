package cli

import (
	"fmt"
	"math"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/dustin/go-humanize"
)

// clean makes guest-controlled text safe for a terminal and a table: control
// characters, escape sequences and direction overrides are shown, not obeyed.
func clean(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case r == '\t':
			b.WriteByte(' ')
		case unicode.IsPrint(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r <= 0xffff:
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			fmt.Fprintf(&b, `\U%08x`, r)
		}
	}
	return b.String()
}

// cleanLines is clean for text of several lines.
func cleanLines(s string) string {
	lines := strings.Split(s, "\n")
	for i, l := range lines {
		lines[i] = clean(l)
	}
	return strings.Join(lines, "\n")
}

// short cuts text to n characters.
func short(s string, n int) string {
	r := []rune(s)
	if len(r) <= n {
		return s
	}
	return string(r[:n-1]) + "…"
}

// ago says how far a time is, for people.
func ago(t, now time.Time) string {
	switch d := now.Sub(t); {
	case t.IsZero():
		return ""
	case d < 0:
		return "in " + span(-d)
	default:
		return span(d) + " ago"
	}
}

// span is a duration with two significant units at most.
func span(d time.Duration) string {
	for _, u := range []struct{ unit, below time.Duration }{
		{time.Microsecond, time.Millisecond},
		{time.Millisecond, time.Second},
		{100 * time.Millisecond, time.Minute},
	} {
		if r := d.Round(u.unit); r < u.below {
			return r.String()
		}
	}
	if s := d.Round(time.Second) / time.Second; s < 3600 {
		return fmt.Sprintf("%dm%02ds", s/60, s%60)
	}
	if m := d.Round(time.Minute) / time.Minute; m < 48*60 {
		return fmt.Sprintf("%dh%02dm", m/60, m%60)
	}
	h := d.Round(time.Hour) / time.Hour
	return fmt.Sprintf("%dd%02dh", h/24, h%24)
}

// count is a number of things.
func count(n int, thing string) string {
	if n == 1 {
		return "1 " + thing
	}
	return fmt.Sprintf("%d %ss", n, thing)
}

// bytesText is a size for people.
func bytesText(n int64) string {
	v, unit := float64(n), "B"
	for _, next := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if v < 1023.95 { // more would be printed as 1024
			break
		}
		v, unit = v/1024, next
	}
	return fmt.Sprintf("%.4g %s", v, unit)
}

// fuelText writes fuel for people; what was not counted is empty.
func fuelText(n uint64) string {
	if n == 0 {
		return ""
	}
	return humanize.Comma(int64(min(n, math.MaxInt64)))
}
