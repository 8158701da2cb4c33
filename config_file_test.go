package tlo

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"

	"github.com/tlo-run/tlo/engine"
)

const exampleFile = "tlo.hcl.example"

func TestExampleIsValid(t *testing.T) {
	c, err := LoadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	task, err := c.Task(engine.TaskDef{Name: "code-stats", Priority: engine.DefaultPriority}, c.TaskConfig("code-stats"))
	if err != nil {
		t.Fatal(err)
	}
	if task.Limits.Timeout != 5*time.Minute || task.Retry.Attempts != 3 || task.Retry.Losses != 3 || len(task.Schedules) != 1 {
		t.Errorf("got %+v", task)
	}
}

// The example shows every setting that there is, so that it cannot go stale.
func TestExampleIsComplete(t *testing.T) {
	src, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	file, diags := hclsyntax.ParseConfig(src, exampleFile, hcl.InitialPos)
	if diags.HasErrors() {
		t.Fatal(diags)
	}
	shown := map[string]bool{} // block or attribute, by the path of names
	known := map[string]bool{}
	paths := map[*hclsyntax.Body]string{}
	d := &decoder{visit: func(body *hclsyntax.Body, settings []setting, blocks []block) {
		at := paths[body]
		text := string(src[body.SrcRange.Start.Byte:min(body.SrcRange.End.Byte, len(src))])
		for _, s := range settings {
			known[at+s.name] = true
			if regexp.MustCompile(`(?m)^\s*(# *)?` + s.name + `\s+=`).MatchString(text) {
				shown[at+s.name] = true
			}
		}
		for _, b := range blocks {
			known[at+b.name] = true
		}
		for _, b := range body.Blocks {
			shown[at+b.Type] = true
			paths[b.Body] = at + b.Type + "."
		}
	}}
	d.config(file.Body.(*hclsyntax.Body), &Config{})
	if len(known) < 50 {
		t.Errorf("the schema has %d names: it was not visited whole", len(known))
	}
	for name := range known {
		if !shown[name] {
			t.Errorf("%s does not show %s", exampleFile, name)
		}
	}
}

// What the example calls defaults are the defaults.
func TestExampleTellsTheDefaults(t *testing.T) {
	c, err := LoadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	if c.Defaults.Limits != engine.DefaultLimits {
		t.Errorf("limits: got %+v", c.Defaults.Limits)
	}
	if got := c.retry(RetryConfig{}, engine.RetryPolicy{}); got != engine.DefaultRetry {
		t.Errorf("retry: got %+v", got)
	}
	if c.Defaults.Retention != engine.DefaultRetention {
		t.Errorf("retention: got %+v", c.Defaults.Retention)
	}
	want := DefaultConfig()
	if c.Stop != want.Stop || c.StopTimeout != want.StopTimeout || c.Store != want.Store || c.Log != want.Log {
		t.Errorf("got %+v, want %+v", c, want)
	}
}

func TestParse(t *testing.T) {
	c, err := Parse([]byte(`
data_dir = "d"
plugins  = ["/opt/p", "q"]
workers  = 3
stop     = "cancel"
store "memory" {}
log { level = "off" }
defaults {
  timeout = "1d12h"
  memory  = 1048576
  retry { jitter = 0 }
}
queue "q1" { workers = 2 }
task "a.b" {
  plugin   = "sub/x.wasm"
  priority = 0
  args     = ["-n", 3, true]
  config   = { n = 1.5, yes = true, "a key" = "v" }
  grant {
    files "/in" {
      path      = "in"
      read_only = true
    }
  }
  schedule "one" {
    cron  = "@daily"
    input = { b = [1, null, "x"], a = -2.5 }
  }
  schedule "two" {
    every  = "90s"
    input  = "as it is\n"
    missed = "skip"
  }
}
`), "/etc/tlo/tlo.hcl")
	if err != nil {
		t.Fatal(err)
	}
	want := Config{
		DataDir: "/etc/tlo/d", Plugins: []string{"/opt/p", "/etc/tlo/q"}, Workers: 3,
		Stop: StopCancel, StopTimeout: 30 * time.Second, Store: StoreMemory,
		Log: LogConfig{Level: "off", Format: "text"},
		Defaults: TaskDefaults{
			Limits: engine.Limits{Timeout: 36 * time.Hour, Memory: 1 << 20},
			Retry:  RetryConfig{Jitter: new(0.0)},
		},
		Queues: []QueueConfig{{Name: "q1", Workers: 2}},
		Tasks: []TaskConfig{{
			Name: "a.b", Plugin: "/etc/tlo/sub/x.wasm", Priority: new(0),
			Args:   []string{"-n", "3", "true"},
			Config: map[string]string{"n": "1.5", "yes": "true", "a key": "v"},
			Files:  []FileGrantConfig{{Guest: "/in", Path: "/etc/tlo/in", ReadOnly: true}},
			Schedules: []ScheduleConfig{
				{Name: "one", Cron: "@daily", Input: []byte(`{"a":-2.5,"b":[1,null,"x"]}`)},
				{Name: "two", Every: 90 * time.Second, Input: []byte("as it is\n"), Missed: engine.MissedSkip},
			},
		}},
	}
	if got := forgetOrigin(c); !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if err := want.Validate(); err != nil {
		t.Errorf("the same by hand: %v", err)
	}
}

// forgetOrigin makes a parsed Config comparable with one made in Go.
func forgetOrigin(c Config) Config {
	c.from = nil
	for i := range c.Queues {
		c.Queues[i].from = nil
	}
	for i := range c.Tasks {
		t := &c.Tasks[i]
		t.from = nil
		for j := range t.Files {
			t.Files[j].from = nil
		}
		for j := range t.Schedules {
			t.Schedules[j].from = nil
		}
	}
	return c
}

func TestLoadFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "tlo.hcl")
	if _, err := LoadFile(file); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), file) {
		t.Errorf("a missing file: %v", err)
	}
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	c, err := LoadFile("tlo.hcl")
	if err != nil {
		t.Fatal(err)
	}
	// Absolute, so that a later change of the working directory moves nothing.
	if !filepath.IsAbs(c.DataDir) || filepath.Base(c.DataDir) != "data" || !filepath.IsAbs(c.Plugins[0]) {
		t.Errorf("got %q and %q", c.DataDir, c.Plugins)
	}
}

func TestZeroConfigIsValid(t *testing.T) {
	if err := (Config{}).Validate(); err != nil {
		t.Error(err)
	}
	if err := DefaultConfig().Validate(); err != nil {
		t.Error(err)
	}
}
