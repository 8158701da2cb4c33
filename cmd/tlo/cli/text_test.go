package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/server"
)

func TestCleanShowsWhatATerminalWouldObey(t *testing.T) {
	for in, want := range map[string]string{
		"plain, привіт, 日本, 👍":           "plain, привіт, 日本, 👍",
		"\x1b[31mred":                    `\x1b[31mred`,
		"a\rb\x07\x7f":                   `a\x0db\x07\x7f`,
		"tab\tnew\nline":                 `tab new\x0aline`,
		"\u202eright to left\u2066":      `\u202eright to left\u2066`,
		"\u009b31m":                      `\u009b31m`,
		"\u200b\ufeff":                   `\u200b\ufeff`,
		"\xff\xc3":                       `\xff\xc3`,
		"\ufffd stays":                   "\ufffd stays",
		"\U000e0041":                     `\U000e0041`,
		"no-break\u00a0space":            `no-break\u00a0space`,
		"\u2028two\u2029lines\u0085more": `\u2028two\u2029lines\u0085more`,
	} {
		if got := clean(in); got != want {
			t.Errorf("clean(%q) is %q, want %q", in, got, want)
		}
	}
	if got := cleanLines("one\r\ntwo\x1b"); got != "one\\x0d\ntwo\\x1b" {
		t.Errorf("cleanLines: %q", got)
	}
}

func TestEscapeJSON(t *testing.T) {
	for in, want := range map[string]string{
		`{"a":"привіт 👍"}`:        `{"a":"привіт 👍"}`,
		"\"\u009b31m\u202e\x7f\"": `"\u009b31m\u202e\u007f"`,
		"\"\U000e0041\"":          `"\udb40\udc41"`,
		"\"\xff\ufffd\"":          "\"\\ufffd\ufffd\"",
		"[\n  1\n]\n":             "[\n  1\n]\n",
	} {
		if got := string(escapeJSON([]byte(in))); got != want {
			t.Errorf("%q is %q, want %q", in, got, want)
		}
	}
}

func TestShort(t *testing.T) {
	for in, want := range map[string]string{"": "", "чотири": "чотири", "чотирика": "чотир…"} {
		if got := short(in, 6); got != want {
			t.Errorf("short(%q) is %q, want %q", in, got, want)
		}
	}
}

func TestSpan(t *testing.T) {
	const day = 24 * time.Hour
	for d, want := range map[time.Duration]string{
		0: "0s", 1500 * time.Nanosecond: "2µs", 1499 * time.Microsecond: "1ms",
		time.Millisecond - 1:      "1ms",
		999600 * time.Microsecond: "1s",
		1260 * time.Millisecond:   "1.3s",
		59960 * time.Millisecond:  "1m00s",
		61 * time.Second:          "1m01s",
		time.Hour - 1:             "1h00m",
		90 * time.Minute:          "1h30m",
		48*time.Hour - 1:          "2d00h",
		50 * time.Hour:            "2d02h",
		365 * day:                 "365d00h",
	} {
		if got := span(d); got != want {
			t.Errorf("span(%v) is %s, want %s", d, got, want)
		}
	}
}

func TestAgo(t *testing.T) {
	now := time.Now()
	for d, want := range map[time.Duration]string{-time.Minute: "1m00s ago", time.Hour: "in 1h00m"} {
		if got := ago(now.Add(d), now); got != want {
			t.Errorf("%v is %q, want %q", d, got, want)
		}
	}
	if got := ago(time.Time{}, now); got != "" {
		t.Errorf("no time is %q", got)
	}
}

func TestBytesText(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 1023: "1023 B", 1024: "1 KiB", 1536: "1.5 KiB", 1 << 20: "1 MiB",
		128 << 20: "128 MiB", 1<<20 - 1: "1 MiB", 1<<30 - 1: "1 GiB", 4 << 30: "4 GiB",
	} {
		if got := bytesText(n); got != want {
			t.Errorf("%d is %s, want %s", n, got, want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	missing := fmt.Errorf("--input-file: %w", fs.ErrNotExist)
	for _, c := range []struct {
		err  error
		want int
	}{
		{nil, 0},
		{errors.New("any"), 1},
		{engine.ErrLocked, 1},
		{context.Canceled, 1},
		{missing, 1},
		{namedFile(missing), 6},
		{usageError(errors.New("flag")), 2},
		{fmt.Errorf("submit: %w", engine.ErrInvalid), 2},
		{&server.Error{Code: "invalid"}, 2},
		{jobExit(engine.Succeeded), 0},
		{jobExit(engine.Failed), 3},
		{jobExit(engine.Cancelled), 4},
		{fmt.Errorf("wait: %w", context.DeadlineExceeded), 5},
		{&codeError{engine.ErrCancelled, exitCancelled}, 4},
		{&engine.UnknownTaskError{Name: "x"}, 6},
		{errors.Join(errors.New("one"), &server.Error{Code: "not_found"}), 6},
	} {
		if got := exitCode(c.err); got != c.want {
			t.Errorf("%v exits with %d, want %d", c.err, got, c.want)
		}
	}
}
