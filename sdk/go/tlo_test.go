package tlo_test

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"time"

	tlo "github.com/tlo-run/tlo/sdk/go"
)

func TestErrorsAreFoundThroughWraps(t *testing.T) {
	err := fmt.Errorf("outer: %w", tlo.Permanent(fmt.Errorf("inner: %w", fs.ErrNotExist)))
	if !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v: the reason is lost", err)
	}
	if permanent, ok := errors.AsType[*tlo.PermanentError](err); !ok || !errors.Is(permanent.Err, fs.ErrNotExist) {
		t.Errorf("%v: got %v, want a PermanentError", err, permanent)
	}
	if got, want := err.Error(), "outer: inner: file does not exist"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if tlo.Permanent(nil) != nil {
		t.Error("Permanent(nil) is an error")
	}
	snooze, ok := errors.AsType[*tlo.SnoozeError](fmt.Errorf("early: %w", tlo.Snooze(time.Minute)))
	if !ok || snooze.Delay != time.Minute {
		t.Errorf("got %v, want a SnoozeError of a minute", snooze)
	}
}

func TestRegisterRefuses(t *testing.T) {
	ok := func(*tlo.Context, string) (string, error) { return "", nil }
	for _, c := range []struct {
		why, name string
		task      func(*tlo.Context, string) (string, error)
		want      string
	}{
		{"no name", "", ok, `task name ""`},
		{"a capital", "Hello", ok, `task name "Hello"`},
		{"a dot in front", ".hello", ok, `task name ".hello"`},
		{"not ASCII", "привіт", ok, "[a-z0-9]"},
		{"65 bytes", strings.Repeat("x", 65), ok, "at most 64"},
		{"taken", "echo", ok, `"echo" is registered twice`},
		{"nil", "nothing", nil, `"nothing" is nil`},
	} {
		t.Run(c.why, func(t *testing.T) {
			defer func() {
				if got := fmt.Sprint(recover()); !strings.Contains(got, c.want) {
					t.Errorf("got panic %q, want %q in it", got, c.want)
				}
			}()
			tlo.Register(c.name, c.task)
		})
	}
}
