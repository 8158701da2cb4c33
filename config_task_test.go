package tlo

import (
	"errors"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tlo-run/tlo/engine"
)

func TestTaskPrecedence(t *testing.T) {
	c := Config{Defaults: TaskDefaults{
		Limits:    engine.Limits{Timeout: 1 * time.Minute, Memory: 1 << 20, Input: 100, Fuel: 1e9},
		Retry:     RetryConfig{Attempts: new(10), Jitter: new(0.0), Losses: new(10)},
		Retention: engine.Retention{Age: time.Hour},
	}}
	declared := engine.TaskDef{
		Name: "declared", Description: "declared", Plugin: "/p/x.wasm", Export: "declared", Queue: "declared",
		Priority: 9, Args: []string{"declared"}, Config: map[string]string{"a": "declared", "b": "declared"},
		Limits:    engine.Limits{Timeout: 2 * time.Minute, Memory: 2 << 20},
		Retry:     engine.RetryPolicy{Attempts: 20, Losses: 20},
		Grants:    engine.Grants{Files: []engine.FileGrant{{Guest: "/", Path: "/"}}},
		Schedules: []engine.Schedule{{Name: "declared", Times: everyMinute(t)}},
	}
	tc := &TaskConfig{
		Name: "block", Priority: new(0), Queue: "block",
		Config: map[string]string{"a": "block"},
		Limits: engine.Limits{Timeout: 3 * time.Minute},
		Retry:  RetryConfig{Losses: new(0)},
		Files:  []FileGrantConfig{{Guest: "/src", Path: "/srv", ReadOnly: true}},
	}
	got, err := c.Task(declared, tc)
	if err != nil {
		t.Fatal(err)
	}
	want := engine.TaskDef{
		Name: "block", Description: "declared", Plugin: "/p/x.wasm", Export: "declared", Queue: "block",
		Priority: 0, Args: []string{"declared"}, Config: map[string]string{"a": "block", "b": "declared"},
		Limits: engine.Limits{
			Timeout: 3 * time.Minute, // block
			Memory:  2 << 20,         // declared
			Input:   100,             // defaults
			Fuel:    1e9,             // defaults
			Grace:   engine.DefaultLimits.Grace, Output: engine.DefaultLimits.Output, Log: engine.DefaultLimits.Log,
		},
		Retry: engine.RetryPolicy{
			Losses: 0, Attempts: 20, Jitter: 0,
			Backoff: engine.DefaultRetry.Backoff, Min: engine.DefaultRetry.Min, Max: engine.DefaultRetry.Max,
		},
		Retention: engine.Retention{Age: time.Hour, Count: engine.DefaultRetention.Count},
		Grants:    engine.Grants{Files: []engine.FileGrant{{Guest: "/src", Path: "/srv"}}},
		Schedules: []engine.Schedule{{Name: "block", Times: declared.Schedules[0].Times}},
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if declared.Config["a"] != "declared" {
		t.Error("the declaration was changed")
	}
}

func everyMinute(t *testing.T) engine.Timetable {
	t.Helper()
	times, err := engine.Every(time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	return times
}

// A plugin asks; without a block it is granted nothing.
func TestTaskWithoutBlock(t *testing.T) {
	got, err := Config{}.Task(engine.TaskDef{
		Name: "plain", Priority: engine.DefaultPriority,
		Grants: engine.Grants{Files: []engine.FileGrant{{Guest: "/", Path: "/"}}},
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := engine.TaskDef{Name: "plain", Priority: engine.DefaultPriority}.WithDefaults()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
}

func TestTaskRefusesDeclaration(t *testing.T) {
	_, err := Config{}.Task(engine.TaskDef{Name: "t", Priority: 50}, nil)
	if !errors.Is(err, engine.ErrInvalid) || !strings.Contains(err.Error(), `task "t": priority is 50`) {
		t.Errorf("got %v", err)
	}
}

func TestFixedBackoffIgnoresMax(t *testing.T) {
	hour := time.Hour
	c := Config{Tasks: []TaskConfig{{Name: "t", Retry: RetryConfig{Backoff: engine.Fixed, Min: &hour}}}}
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	got, err := c.Task(engine.TaskDef{}, c.TaskConfig("t"))
	if err != nil || got.Retry.Delay(3, 0.5) != hour {
		t.Errorf("got %v, %v", got.Retry, err)
	}
}

func TestScheduleNames(t *testing.T) {
	tc := &TaskConfig{Name: "t", Schedules: []ScheduleConfig{
		{Cron: "0 6 * * *", Timezone: "Europe/Kyiv", Input: []byte("x")},
		{Name: "often", Every: 90 * time.Second, Missed: engine.MissedSkip},
	}}
	got, err := Config{}.Task(engine.TaskDef{}, tc)
	if err != nil {
		t.Fatal(err)
	}
	day, often := got.Schedules[0], got.Schedules[1]
	if day.Name != "t" || day.Spec != "0 6 * * *" || day.Zone != "Europe/Kyiv" || string(day.Input) != "x" || day.Missed != engine.MissedLatest {
		t.Errorf("got %+v", day)
	}
	if often.Name != "t/often" || often.Spec != "@every 1m30s" || often.Missed != engine.MissedSkip {
		t.Errorf("got %+v", often)
	}
	if next := day.Times.Next(time.Date(2026, 7, 1, 0, 0, 0, 0, time.UTC)); next.Hour() != 3 {
		t.Errorf("six in Kyiv is at %v", next)
	}
	_, err = Config{}.Task(engine.TaskDef{}, &TaskConfig{Name: "t", Schedules: []ScheduleConfig{{Cron: "nonsense"}}})
	if !errors.Is(err, engine.ErrInvalid) {
		t.Errorf("got %v", err)
	}
}

// A Config made in Go is checked as a file is, without places.
func TestValidateByHand(t *testing.T) {
	c := Config{
		Workers: -1, StopTimeout: -1, Stop: "halt", Store: "etcd", Plugins: []string{""},
		Defaults: TaskDefaults{Limits: engine.Limits{Memory: -1}, Retention: engine.Retention{Age: -1}},
		Queues:   []QueueConfig{{Name: "q"}, {Name: "q", Workers: 1}},
		Tasks: []TaskConfig{{
			Name: "t", Retry: RetryConfig{Backoff: "linear", Attempts: new(0)},
			Files:     []FileGrantConfig{{Guest: "/x", Path: "/y"}},
			Schedules: []ScheduleConfig{{Cron: "@dayly"}, {Every: time.Millisecond, Missed: "all"}},
		}},
	}
	err := c.Validate()
	want := strings.TrimPrefix(`
workers is -1; use 1 to 10000
stop_timeout is -1ns; use a duration above zero
plugins has an empty path; name a folder
stop is "halt"; use "drain", "cancel" or "ignore"
store is "etcd"; use "bolt" or "memory"
defaults.memory is -1 bytes; use 64KiB to 4GiB
defaults.retention.age is -1ns; use a duration above zero
queue "q": workers is 0; say how many jobs of it run at once, 1 to 10000
queue "q": defined twice; merge the two
task "t": retry.attempts is 0; it counts the first one too: use 1 or more
task "t": retry.backoff is "linear"; use "exponential" or "fixed"
task "t": grant files "/x": read_only is not true; a guest cannot be given a writable folder: write read_only = true
task "t": schedule: cron "@dayly": there is no such shortcut; did you mean "@daily"?
task "t": schedule: missed is "all"; use "latest" or "skip"
task "t": schedule: every is 1ms; write an interval of a second or more
task "t": schedule: a second schedule without a label; label them: schedule "nightly" { … }`, "\n")
	if err == nil || err.Error() != want {
		t.Errorf("got\n%v\nwant\n%s", err, want)
	}
}

func TestSet(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	var c Config
	for key, values := range map[string][]string{
		"data_dir": {"d"}, "plugins": {"a", "/b"}, "workers": {"7"}, "store": {"memory"}, "log.level": {"debug"},
		"defaults.timeout": {"5m"}, "defaults.memory": {"1GiB"}, "defaults.retry.jitter": {"0"}, "defaults.retention.age": {"2d"},
	} {
		if err := c.Set("--"+key, key, values...); err != nil {
			t.Error(err)
		}
	}
	if c.DataDir == "d" || !strings.HasSuffix(c.DataDir, "/d") || c.Plugins[1] != "/b" || c.Workers != 7 || c.Store != StoreMemory ||
		c.Log.Level != "debug" || c.Defaults.Limits.Timeout != 5*time.Minute || c.Defaults.Limits.Memory != 1<<30 ||
		*c.Defaults.Retry.Jitter != 0 || c.Defaults.Retention.Age != 48*time.Hour {
		t.Errorf("got %+v", c)
	}
}

func TestSetErrors(t *testing.T) {
	for _, c := range []struct {
		key    string
		values []string
		want   string
	}{
		{"workers", []string{"x"}, `TLO_X: workers: "x" is not a whole number; write a number such as 4`},
		{"log.levl", []string{"x"}, `TLO_X: there is no setting "log.levl"; did you mean "log.level"?`},
		{"workers", nil, `TLO_X: workers has 0 values; give one`},
		{"workers", []string{"-4"}, `TLO_X: workers is -4; use 1 to 10000`}, // found by Validate
	} {
		cfg := DefaultConfig()
		err := cfg.Set("TLO_X", c.key, c.values...)
		if err == nil {
			err = cfg.Validate()
		}
		if err == nil || err.Error() != c.want {
			t.Errorf("%s %q\ngot  %v\nwant %s", c.key, c.values, err, c.want)
		}
	}
}

// A copy that is changed leaves the original's places alone.
func TestSetCopies(t *testing.T) {
	original, err := Parse([]byte("workers = 4"), "tlo.hcl")
	if err != nil {
		t.Fatal(err)
	}
	changed := original
	if err := changed.Set("--workers", "workers", "5"); err != nil {
		t.Fatal(err)
	}
	if original.from.of("workers").File != "tlo.hcl" || changed.from.of("workers").File != "--workers" {
		t.Error("the origins are mixed up")
	}
}
