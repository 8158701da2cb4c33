package conformance_test

import (
	"context"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/host"
)

// behaviour is one attempt and what has to come of it.
type behaviour struct {
	name, task, input string

	config  map[string]string
	tick    time.Time
	key     string        // the job's
	timeout time.Duration // 0: no deadline
	limit   int64         // of the output, in bytes
	stop    bool          // ask to stop once progress was reported

	output  string   // of a success
	json    string   // instead: the same document
	between [2]int   // instead: a number in this range
	reports []string // logs and progress, in order

	fails     engine.Cause // "panics" stands for that of the language
	permanent bool
	snoozes   time.Duration
	says      string // in the failure, or in the log of a snooze
}

const panics engine.Cause = "panics"

var (
	mebibyte = strings.Repeat("0123456789abcde\n", 1<<16)
	allBytes = func() string {
		b := make([]byte, 256)
		for i := range b {
			b[i] = byte(i)
		}
		return string(b)
	}()
	long = strings.Repeat("long value ", 100)
)

var behaviours = []behaviour{
	{name: "echo", task: "echo", input: "some bytes", output: "some bytes"},
	{name: "echo of nothing", task: "echo"},
	{name: "echo of all bytes", task: "echo", input: allBytes, output: allBytes},
	{name: "a mebibyte in and out", task: "echo", input: mebibyte, output: mebibyte},
	{name: "output over its limit", task: "echo", input: mebibyte, limit: 1 << 16,
		fails: engine.CauseError, permanent: true, says: "limit"},

	{name: "typed input", task: "sum", input: `{"a":1,"b":41}`, json: `{"sum":42}`},
	{name: "typed input with more in it", task: "sum", json: `{"sum":-5}`,
		input: " {\"more\":{\"a\":[1,{\"b\":2}],\"c\":\"}\\\"\"},\r\n\t\"b\" : -12, \"x\":null, \"y\":-1.5e3,\"a\":7 } "},
	{name: "typed input with an escaped name", task: "sum", input: `{"\u0061":2,"b":2}`, json: `{"sum":4}`},
	{name: "typed text", task: "hello", json: `{"greeting":"Hello, \"A\\da\"\n\u0001 é 🙂 </a>"}`,
		input: `{"name":"\"A\\da\"\n\u0001 \u00e9 \ud83d\ude42 <\/a>"}`},
	bad("broken", `{"a":}`), bad("cut off", `{"a":1`), bad("followed by more", `{"a":1,"b":2} {}`),
	bad("of another type", `{"a":"1","b":2}`), bad("no object", `[1]`), bad("no JSON", `a=1`),
	bad("with an open string", `{"a":1,"b`), bad("with a control character", "{\"a\":1,\"b\n\":2}"),
	bad("with a number cut off", `{"a":1,"b":-}`), bad("over the range", `{"a":1,"b":99999999999999999999}`),

	{name: "log", task: "log", reports: []string{
		`trace "entering"`,
		`debug "no fields"`,
		`info "copied \"file\"\n" name="a\"b\\c\n\x01é" ok="true" ratio="0.5" size="-9007199254740993"`,
		`warn "slow" empty=""`,
		`error "погано"`,
	}},
	{name: "progress", task: "progress", reports: []string{
		`progress 0.25 ""`, `progress 0.5 "half"`, `progress 1 "done"`,
	}},
	{name: "a cancellation is seen and obeyed", task: "until-cancelled", stop: true, output: "stopped",
		reports: []string{`progress 0.5 ""`}},
	{name: "deadline", task: "deadline", timeout: time.Hour, between: [2]int{3_000_000, 3_600_000}},
	{name: "no deadline", task: "deadline", output: "none"},

	{name: "permanent failure", task: "permanent", fails: engine.CauseError, permanent: true, says: "broken"},
	{name: "retryable failure", task: "retry", fails: engine.CauseError, says: "broken"},
	{name: "snooze", task: "snooze", snoozes: 90 * time.Second, says: "too early"},
	{name: "panic", task: "panic", fails: panics, says: "out of cheese"},
	{name: "a task that is not there", task: "nothing-like-it", fails: engine.CauseError, permanent: true},

	{name: "config", task: "config", config: map[string]string{"a": "Ада"}, input: "a", output: "=Ада"},
	{name: "long config", task: "config", config: map[string]string{"long": long}, input: "long", output: "=" + long},
	{name: "empty config", task: "config", config: map[string]string{"a": ""}, input: "a", output: "="},
	{name: "no such config", task: "config", config: map[string]string{"a": ""}, input: "b", output: "not set"},
	{name: "metadata", task: "meta", key: "bill-7", tick: noon,
		output: "meta\njob-1\n3\nbilling\n2026-03-01T11:59:58.25Z\n2026-03-01T12:00:00Z\nbill-7"},
	{name: "metadata without a schedule", task: "meta",
		output: "meta\njob-1\n3\nbilling\n2026-03-01T11:59:58.25Z\n\njob-1"},
	{name: "an attempt starts anew", task: "count", output: "1"},
	{name: "also the second one", task: "count", output: "1"},
}

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

func bad(how, input string) behaviour {
	return behaviour{name: "bad input, " + how, task: "sum", input: input,
		fails: engine.CauseError, permanent: true, says: "input"}
}

func (b behaviour) check(t *testing.T, h *host.Host, plugin string, l language) {
	ctx, stop := context.WithCancelCause(t.Context())
	defer stop(nil)
	report := &recorder{}
	if b.stop {
		report.progressed = func() { stop(engine.ErrCancelled) }
	}
	if b.timeout > 0 {
		limited, cancel := context.WithTimeoutCause(ctx, b.timeout, engine.ErrTimeout)
		defer cancel()
		ctx = limited
	}
	task := definition(plugin, b.task)
	task.Config, task.Limits.Output = b.config, b.limit
	res, err := h.Execute(ctx, task, engine.Job{
		ID: "job-1", Task: b.task, Queue: "billing", Input: []byte(b.input), Attempt: 3, Key: b.key,
		RunAt: noon.Add(-1750 * time.Millisecond), Tick: b.tick,
	}, report)
	switch {
	case b.fails != "":
		b.checkFailure(t, err, l)
	case b.snoozes > 0:
		if err == nil || err.Error() != engine.Snooze(b.snoozes).Error() || !strings.Contains(report.String(), b.says) {
			t.Errorf("got %v, reported %s", err, report)
		}
	case err != nil:
		t.Fatalf("got error %v, reported %s", err, report)
	default:
		b.checkOutput(t, string(res.Output))
		if !slices.Equal(report.Lines(), b.reports) {
			t.Errorf("reported\n%s\nwant\n%s", report, strings.Join(b.reports, "\n"))
		}
	}
}

func (b behaviour) checkFailure(t *testing.T, err error, l language) {
	cause := b.fails
	if cause == panics {
		cause = l.panics
	}
	f, ok := errors.AsType[*engine.Failure](err)
	if !ok {
		t.Fatalf("got %v, want a failure", err)
	}
	if b.task == "nothing-like-it" {
		cause = f.Cause // who finds out is the host or the plugin
	}
	if f.Cause != cause || f.Permanent != b.permanent || !strings.Contains(f.Message, b.says) {
		t.Errorf("got %s, permanent %v: %s\nwant %s, permanent %v: …%s…", f.Cause, f.Permanent, f.Message, cause, b.permanent, b.says)
	}
}

func (b behaviour) checkOutput(t *testing.T, output string) {
	switch {
	case b.json != "":
		var got, want any
		if err := errors.Join(json.Unmarshal([]byte(output), &got), json.Unmarshal([]byte(b.json), &want)); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %s, want %s, %v", output, b.json, err)
		}
	case b.between[1] > 0:
		if n, err := strconv.Atoi(output); err != nil || n < b.between[0] || n > b.between[1] {
			t.Errorf("got %q, want %v", output, b.between)
		}
	case output != b.output:
		t.Errorf("got %.200q, want %.200q", output, b.output)
	}
}
