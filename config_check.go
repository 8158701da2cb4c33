package tlo

import (
	"errors"
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/dustin/go-humanize"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/internal/typo"
)

// The bounds of what can be asked for.
const (
	maxWorkers = 10_000
	minMemory  = 64 << 10 // one page
	maxMemory  = 4 << 30  // what 32 bits address
)

const nameRule = "use 1 to 64 of a-z 0-9 _ . -, the first a letter or a digit"

// Validate reports everything that is wrong with c at once, as a
// [*ConfigError]. It touches no files. What came from [LoadFile] is valid
// already, unless it was changed since.
func (c Config) Validate() error { return c.check().err() }

func (c Config) check() problems {
	var ps problems
	k := checker{&ps, c.from, "", ""}
	if c.Workers < 0 || c.Workers > maxWorkers {
		k.bad("workers", fmt.Sprintf("use 1 to %d", maxWorkers), "is %d", c.Workers)
	}
	if c.StopTimeout < 0 {
		k.bad("stop_timeout", "use a duration above zero", "is %v", c.StopTimeout)
	}
	if slices.Contains(c.Plugins, "") {
		k.bad("plugins", "name a folder", "has an empty path")
	}
	word(k, "stop", c.Stop, stopModes)
	word(k, "store", c.Store, storeKinds)
	word(k, "log.level", c.Log.Level, logLevels)
	word(k, "log.format", c.Log.Format, logFormats)

	k.prefix = "defaults."
	k.limits(c.Defaults.Limits)
	k.retry(c.retry(RetryConfig{}, engine.RetryPolicy{}), c.Defaults.Retry)
	k.retention(c.Defaults.Retention)

	queues := map[string]Position{}
	for _, q := range c.Queues {
		k := checker{&ps, q.from, fmt.Sprintf("queue %q: ", q.Name), ""}
		k.name(q.Name, queues)
		if !q.from.failed("workers") && q.Workers < 1 || q.Workers > maxWorkers {
			k.bad("workers", fmt.Sprintf("say how many jobs of it run at once, 1 to %d", maxWorkers), "is %d", q.Workers)
		}
	}
	tasks := map[string]Position{}
	for _, t := range c.Tasks {
		k := checker{&ps, t.from, fmt.Sprintf("task %q: ", t.Name), ""}
		k.name(t.Name, tasks)
		c.checkTask(k, t)
	}
	return ps
}

func (c Config) checkTask(k checker, t TaskConfig) {
	if t.Plugin != "" && filepath.Ext(t.Plugin) != ".wasm" {
		k.bad("plugin", fmt.Sprintf("a plugin is a .wasm file: did you mean %q?", t.Plugin+".wasm"), "is %q", t.Plugin)
	}
	if t.Queue != "" {
		k.queue(t.Queue, c.Queues)
	}
	if p := t.Priority; p != nil && (*p < engine.MinPriority || *p > engine.MaxPriority) {
		k.bad("priority", fmt.Sprintf("use %d to %d, higher runs first", engine.MinPriority, engine.MaxPriority), "is %d", *p)
	}
	k.limits(t.Limits)
	k.retry(c.retry(t.Retry, engine.RetryPolicy{}), t.Retry)
	k.retention(t.Retention)
	guests := map[string]bool{}
	for _, f := range t.Files {
		k := checker{k.problems, f.from, k.subject + f.subject(), ""}
		k.files(f)
		if guests[f.Guest] {
			k.bad("name", "grant it once", "granted twice")
		}
		guests[f.Guest] = true
	}
	names := map[string]bool{}
	for _, s := range t.Schedules {
		k := checker{k.problems, s.from, k.subject + s.subject(), ""}
		k.schedule(s)
		switch {
		case names[s.Name] && s.Name == "":
			k.bad("", `label them: schedule "nightly" { … }`, "a second schedule without a label")
		case names[s.Name]:
			k.bad("name", "use another label", "a second schedule of that label")
		}
		names[s.Name] = true
	}
}

// checker adds problems of one block.
type checker struct {
	*problems
	from    origin
	subject string // of messages: whose settings these are
	prefix  string // of settings: the block within the block
}

// bad reports a problem of one setting; without one, of the block.
func (k checker) bad(setting, hint, format string, args ...any) {
	message := k.subject
	if setting != "" && setting != "name" {
		message += k.prefix + setting + " "
	}
	k.add(k.from.of(k.prefix+setting), hint, "%s", message+fmt.Sprintf(format, args...))
}

func word[T ~string](k checker, setting string, value T, words []T) {
	if value == "" {
		return
	}
	if bad, ok := errors.AsType[*valueError](checkWord(value, words)); ok {
		k.bad(setting, bad.hint, "is %q", string(value))
	}
}

func (k checker) name(name string, seen map[string]Position) {
	if !engine.ValidName(name) {
		k.bad("name", nameRule, "not a name")
	}
	if prior, ok := seen[name]; ok {
		hint := "merge the two"
		if prior.Line > 0 {
			hint = fmt.Sprintf("merge it into the one in line %d", prior.Line)
		}
		k.bad("name", hint, "defined twice")
		return
	}
	seen[name] = k.from.of("")
}

// queue refuses what looks like a slip: a queue without a block is legal, but
// would silently not have the slots of the one that was meant.
func (k checker) queue(name string, queues []QueueConfig) {
	if !engine.ValidName(name) {
		k.bad("queue", nameRule, "is %q", name)
		return
	}
	known := []string{engine.DefaultQueue}
	for _, q := range queues {
		known = append(known, q.Name)
	}
	if slices.Contains(known, name) {
		return
	}
	letters := func(s string) string { return strings.Trim(s, "0123456789") }
	meant := typo.Closest(name, known)
	if meant != "" && letters(meant) != letters(name) {
		k.bad("queue", fmt.Sprintf("did you mean %q? if not, give it a block: queue %q { workers = 1 }", meant, name), "is %q", name)
	}
}

func (k checker) limits(l engine.Limits) {
	for _, d := range []struct {
		name  string
		value time.Duration
	}{{"timeout", l.Timeout}, {"grace", l.Grace}} {
		if d.value < 0 {
			k.bad(d.name, "use a duration above zero", "is %v", d.value)
		}
	}
	for _, s := range []struct {
		name  string
		value int64
	}{{"input", l.Input}, {"output", l.Output}, {"log", l.Log}} {
		if s.value < 0 || s.value > maxMemory {
			k.bad(s.name, "use a size up to 4GiB", "is %d bytes", s.value)
		}
	}
	if l.Fuel < 0 {
		k.bad("fuel", "use a number of units above zero, or leave it out for no limit", "is %d", l.Fuel)
	}
	if l.Memory < 0 || l.Memory > maxMemory || l.Memory > 0 && l.Memory < minMemory {
		hint := "use 64KiB to 4GiB"
		if l.Memory > 0 && l.Memory < minMemory {
			hint += fmt.Sprintf(": did you mean %q?", fmt.Sprintf("%dMiB", l.Memory))
		}
		k.bad("memory", hint, "is %s", bytes(l.Memory))
	}
}

func bytes(n int64) string {
	if n < minMemory {
		return fmt.Sprintf("%d bytes", n)
	}
	return humanize.IBytes(uint64(n))
}

// retry checks what is set, where p is the policy as it holds, with what is
// inherited.
func (k checker) retry(p engine.RetryPolicy, set RetryConfig) {
	k.prefix += "retry."
	if set.Attempts != nil && p.Attempts < 1 {
		k.bad("attempts", "it counts the first one too: use 1 or more", "is %d", p.Attempts)
	}
	word(k, "backoff", set.Backoff, backoffs)
	switch {
	case set.Min == nil && set.Max == nil:
	case p.Min < 0:
		k.bad("min", "use 0s or more", "is %v", p.Min)
	case p.Max < p.Min:
		setting := "max"
		if set.Max == nil {
			setting = "min"
		}
		k.bad(setting, "use min ≤ max", "does not fit: min is %v and max is %v", p.Min, p.Max)
	}
	if set.Jitter != nil && !(p.Jitter >= 0 && p.Jitter <= 1) { // NaN too
		k.bad("jitter", "use a share from 0 to 1", "is %v", p.Jitter)
	}
	if set.Losses != nil && p.Losses < 0 {
		k.bad("losses", "use 0 or more", "is %d", p.Losses)
	}
}

func (k checker) retention(r engine.Retention) {
	k.prefix += "retention."
	if r.Age < 0 {
		k.bad("age", "use a duration above zero", "is %v", r.Age)
	}
	if r.Count < 0 {
		k.bad("count", "use 1 or more", "is %d", r.Count)
	}
}

func (f FileGrantConfig) subject() string { return fmt.Sprintf("grant files %q: ", f.Guest) }

func (k checker) files(f FileGrantConfig) {
	if !path.IsAbs(f.Guest) || path.Clean(f.Guest) != f.Guest {
		k.bad("name", `label it with the absolute path that the guest sees, such as "/src"`, "not a path of a guest")
	}
	if f.Path == "" && !f.from.failed("path") {
		k.bad("path", `name the folder of this machine: path = "/srv/code"`, "is missing")
	}
	if !f.ReadOnly && !f.from.failed("read_only") {
		k.bad("read_only", "a guest cannot be given a writable folder: write read_only = true", "is not true")
	}
}
