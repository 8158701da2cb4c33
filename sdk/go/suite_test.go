package tlo_test

import (
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"time"

	tlo "github.com/tlo-run/tlo/sdk/go"
	"github.com/tlo-run/tlo/sdk/go/internal/testtasks"
	"github.com/tlo-run/tlo/sdk/go/tlotest"
)

// runner runs one attempt of a task of package testtasks, somewhere.
type runner func(t *testing.T, a tlotest.Attempt) tlotest.Result

// suite is what holds wherever the tasks run.
func suite(t *testing.T, run runner) {
	t.Run("output", func(t *testing.T) { suiteOutput(t, run) })
	t.Run("failure", func(t *testing.T) { suiteFailure(t, run) })
	t.Run("log", func(t *testing.T) { suiteLog(t, run) })
	t.Run("progress", func(t *testing.T) { suiteProgress(t, run) })
	t.Run("random", func(t *testing.T) { suiteRandom(t, run) })
	t.Run("facts", func(t *testing.T) { suiteFacts(t, run) })
	t.Run("config", func(t *testing.T) { suiteConfig(t, run) })
	t.Run("deadline", func(t *testing.T) { suiteDeadline(t, run) })
	t.Run("cancel", func(t *testing.T) { suiteCancel(t, run) })
}

func TestNative(t *testing.T) {
	suite(t, func(_ *testing.T, a tlotest.Attempt) tlotest.Result { return tlotest.Run(a) })
}

func suiteOutput(t *testing.T, run runner) {
	var numbers strings.Builder // nearly 1 MiB in which no part is like another
	for i := range 150_000 {
		fmt.Fprintln(&numbers, i)
	}
	big := numbers.String()
	for _, c := range []struct {
		name, task, input, want string
	}{
		{"raw bytes", "echo", "\x00\xff not JSON", "\x00\xff not JSON"},
		{"raw bytes, empty", "echo", "", ""},
		{"raw bytes, large", "echo", big, big},
		{"string", "greet", "Ada", "hello, Ada"},
		{"JSON", "sum", `{"label":"x","numbers":{"a":1,"b":41}}`, `{"x":42}`},
		{"JSON, unknown field", "sum", `{"label":"x","more":[]}`, `{"x":0}`},
		{"JSON, empty", "sum", "", `{"":0}`},
		{"JSON, blank", "sum", " \n", `{"":0}`},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := run(t, tlotest.Attempt{Task: c.task, Input: c.input})
			if res.Failure != nil || res.Code != 0 || string(res.Output) != c.want {
				t.Fatalf("got code %d, failure %+v, output %.100q; want %.100q", res.Code, res.Failure, res.Output, c.want)
			}
		})
	}
}

func suiteFailure(t *testing.T, run runner) {
	for _, c := range []struct {
		name, task, input string
		code              int
		kind              tlotest.Kind
		delay             time.Duration
		want              []string // in the message, in this order
	}{
		{"error", "fail", "", 1, tlotest.Retry, 0, []string{"broken"}},
		{"permanent", "permanent", "", 65, tlotest.Permanent, 0, []string{"step 2: broken"}},
		{"snooze", "snooze", "90000000000", 75, tlotest.Snooze, 90 * time.Second, []string{"too early", "1m30s"}},
		{"snooze, rounded up", "snooze", "1000001", 75, tlotest.Snooze, 2 * time.Millisecond, nil},
		{"snooze, negative", "snooze", "-5", 75, tlotest.Snooze, 0, nil},
		{"no such task", "nope", "", 64, tlotest.Permanent, 0, []string{`"nope"`, "config", "echo", "until-cancelled"}},
		{"broken JSON", "sum", `{"label":}`, 65, tlotest.Permanent, 0, []string{"input", "byte 10"}},
		{"truncated JSON", "sum", `{"label":"x"`, 65, tlotest.Permanent, 0, []string{"input", "byte 12"}},
		{"trailing JSON", "sum", `{} {}`, 65, tlotest.Permanent, 0, []string{"input", "byte 4"}},
		{"wrong type", "sum", `{"numbers":{"a":"1"}}`, 65, tlotest.Permanent, 0, []string{"input", `"numbers.a"`, "byte", "want int, got string"}},
		{"wrong type on top", "sum", `[]`, 65, tlotest.Permanent, 0, []string{"input", "top level", "got array"}},
		{"output without a JSON form", "nan", "", 1, tlotest.Retry, 0, []string{"output", "NaN"}},
		{"panic", "panic-text", "", 1, tlotest.Retry, 0, []string{"panic: out of cheese at ", "testtasks.", "testtasks.go:"}},
		{"panic of the runtime", "panic-index", "[1]", 1, tlotest.Retry, 0, []string{"index out of range [1]", "testtasks.go:"}},
		{"panic on nil", "panic-nil", "null", 1, tlotest.Retry, 0, []string{"nil pointer", "testtasks.go:"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := run(t, tlotest.Attempt{Task: c.task, Input: c.input})
			if res.Failure == nil || res.Output != nil {
				t.Fatalf("got failure %v, output %q; want a failure alone", res.Failure, res.Output)
			}
			if res.Code != c.code || res.Failure.Kind != c.kind || res.Failure.Delay != c.delay {
				t.Errorf("got code %d, %+v; want code %d, %s, delay %s", res.Code, *res.Failure, c.code, c.kind, c.delay)
			}
			rest := res.Failure.Message
			for _, part := range c.want {
				_, after, ok := strings.Cut(rest, part)
				if !ok {
					t.Fatalf("message %q lacks %q", res.Failure.Message, part)
				}
				rest = after
			}
		})
	}
	t.Run("panic leaves its stack in the log", func(t *testing.T) {
		res := run(t, tlotest.Attempt{Task: "panic-text"})
		if len(res.Logs) != 1 || res.Logs[0].Level != slog.LevelError {
			t.Fatalf("got %+v, want one error", res.Logs)
		}
		if stack, _ := res.Logs[0].Fields["stack"].(string); !strings.Contains(stack, "testtasks.go:") {
			t.Errorf("got stack %q", stack)
		}
	})
}

func suiteLog(t *testing.T, run runner) {
	res := run(t, tlotest.Attempt{Task: "log"})
	want := []struct {
		level  slog.Level
		msg    string
		fields string
	}{
		{tlo.LevelTrace, "entering", ""},
		{slog.LevelDebug, "no fields", ""},
		{slog.LevelInfo, "copied \"file\"\n", `{"msg":"of the task","level":3,"size":42,"took":1000000000,"at":{"row":7}}`},
		{slog.LevelWarn, "slow", `{"msg":"of the task","level":3,"http":{"status":502,"err":"broken"}}`},
		{slog.LevelError, "плохо", `{"empty":{"bad":"!ERROR:json: unsupported type: func()"}}`},
	}
	if len(res.Logs) != len(want) {
		t.Fatalf("got %d lines, want %d: %+v", len(res.Logs), len(want), res.Logs)
	}
	for i, w := range want {
		got := res.Logs[i]
		var fields map[string]any
		if w.fields != "" {
			if err := json.Unmarshal([]byte(w.fields), &fields); err != nil {
				t.Fatal(err)
			}
		}
		if got.Level != w.level || got.Message != w.msg || !reflect.DeepEqual(got.Fields, fields) {
			t.Errorf("line %d: got %v %q %v; want %v %q %v", i, got.Level, got.Message, got.Fields, w.level, w.msg, fields)
		}
	}
}

func suiteProgress(t *testing.T, run runner) {
	res := run(t, tlotest.Attempt{Task: "progress"})
	want := []tlotest.Progress{{Fraction: 0.25}, {Fraction: 0.5, Message: "half"}, {Fraction: 1, Message: "done"}}
	if !reflect.DeepEqual(res.Progress, want) {
		t.Errorf("got %+v, want %+v", res.Progress, want)
	}
}

func suiteRandom(t *testing.T, run runner) {
	draw := func(seed uint64) (n [2]uint64) {
		decode(t, run(t, tlotest.Attempt{Task: "random", Seed: seed}), &n)
		return n
	}
	one, again, two := draw(1), draw(1), draw(2)
	if one != again {
		t.Errorf("one seed gave %v and %v", one, again)
	}
	if one == two || one[0] == one[1] {
		t.Errorf("not random: %v, %v", one, two)
	}
}

func suiteFacts(t *testing.T, run runner) {
	kyiv := time.FixedZone("", 3*60*60)
	at := time.Date(2026, 3, 29, 6, 0, 0, 123456789, kyiv)
	var got testtasks.Facts
	decode(t, run(t, tlotest.Attempt{
		Task: "facts", Number: 3, JobID: "0197", Queue: "reports", IdempotencyKey: "daily@06",
		ScheduledAt: at, Tick: at.Add(-time.Nanosecond),
	}), &got)
	if !got.ScheduledAt.Equal(at) || !got.Tick.Equal(at.Add(-time.Nanosecond)) {
		t.Errorf("got times %v and %v", got.ScheduledAt, got.Tick)
	}
	got.ScheduledAt, got.Tick = time.Time{}, time.Time{}
	want := testtasks.Facts{Task: "facts", JobID: "0197", Queue: "reports", Key: "daily@06", Attempt: 3}
	if got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}

	var defaults testtasks.Facts
	decode(t, run(t, tlotest.Attempt{Task: "facts"}), &defaults)
	if defaults.Attempt != 1 || !defaults.Tick.IsZero() || defaults.ScheduledAt.IsZero() {
		t.Errorf("got %+v: want attempt 1, no tick, a due time", defaults)
	}
}

func suiteConfig(t *testing.T, run runner) {
	long := strings.Repeat("longer than the first buffer ", 40)
	var got testtasks.Config
	decode(t, run(t, tlotest.Attempt{Task: "config", Config: map[string]string{"long": long, "empty": ""}}), &got)
	if want := (testtasks.Config{Long: long, HasEmpty: true}); got != want {
		t.Errorf("got %+v, want %+v", got, want)
	}
}

func suiteDeadline(t *testing.T, run runner) {
	var none, some testtasks.Deadline
	decode(t, run(t, tlotest.Attempt{Task: "deadline"}), &none)
	if none.Set {
		t.Errorf("got a deadline in %s, want none", none.Left)
	}
	decode(t, run(t, tlotest.Attempt{Task: "deadline", Timeout: time.Hour}), &some)
	if !some.Set || some.Left > time.Hour || some.Left < 59*time.Minute {
		t.Errorf("got %+v, want a deadline in about an hour", some)
	}
}

func suiteCancel(t *testing.T, run runner) {
	var got testtasks.Stopped
	decode(t, run(t, tlotest.Attempt{Task: "until-cancelled", CancelAtPoll: 11}), &got)
	// Deriving a context polls too, as often as package context likes.
	if got.Rounds < 1 || got.Rounds > 10 || !got.Err || !got.Child || !got.Done {
		t.Errorf("got %+v, want an end after 1 to 10 rounds, seen by all", got)
	}
}

func decode(t *testing.T, res tlotest.Result, v any) {
	t.Helper()
	if err := res.Decode(v); err != nil {
		t.Fatal(err)
	}
}
