package tlo

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/tlo-run/tlo/engine"
	"github.com/tlo-run/tlo/engine/cron"
	"github.com/tlo-run/tlo/host"
	"github.com/tlo-run/tlo/internal/typo"
	"github.com/tlo-run/tlo/server"
)

// Catalog is what a configuration and its plugins folders offer to run.
type Catalog struct {
	Tasks    []engine.TaskDef
	Plugins  []*host.Plugin
	Problems []server.Problem // what could not be loaded; it stops nothing else
}

// ReadCatalog reads the plugins folders, without compiling or running anything,
// and merges what the plugins declare with the configuration.
func ReadCatalog(cfg Config) Catalog { return readCatalog(cfg, nil) }

// readCatalog is ReadCatalog beside Go functions, which stand for plugins of
// their names.
func readCatalog(cfg Config, funcs map[string]engine.TaskDef) Catalog {
	var c Catalog
	var folders []string
	for _, folder := range cfg.Plugins {
		if _, err := os.Stat(folder); errors.Is(err, os.ErrNotExist) {
			c.problem("plugins folder "+folder, errors.New("it does not exist; create it, or name another with plugins"))
			continue
		}
		folders = append(folders, folder)
	}
	var err error
	if c.Plugins, err = host.Scan(folders...); err != nil {
		c.problem("plugins folder", err)
	}
	offers := c.offers()
	used := map[offer]bool{}
	names := map[string]bool{}
	for i := range cfg.Tasks {
		tc := &cfg.Tasks[i]
		names[tc.Name] = true
		if f, ok := funcs[tc.Name]; ok {
			c.add(cfg, f, tc)
			continue
		}
		o, err := c.choose(tc, offers)
		var declared engine.TaskDef
		if err == nil {
			used[o] = true
			declared, err = declaredTask(o)
		}
		if err != nil {
			c.problem(fmt.Sprintf("task %q", tc.Name), err)
			continue
		}
		c.add(cfg, declared, tc)
	}
	for name, f := range funcs {
		if !names[name] {
			names[name] = true
			c.add(cfg, f, nil)
		}
	}
	// What a block runs under a name of its own does not run under its plugin's
	// name as well.
	for _, o := range offers {
		if used[o] || names[o.task] {
			continue
		}
		declared, err := declaredTask(o)
		if err != nil {
			c.problem(o.plugin.Path, err)
			continue
		}
		c.add(cfg, declared, nil)
	}
	return c
}

// offer is one task of one plugin.
type offer struct {
	plugin *host.Plugin
	task   string
}

// declared is what the plugin says about the task.
func (o offer) declared() host.Task {
	i := slices.IndexFunc(o.plugin.Tasks, func(t host.Task) bool { return t.Name == o.task })
	return o.plugin.Tasks[i]
}

// offers lists the tasks of good plugins; the others are problems.
func (c *Catalog) offers() []offer {
	var offers []offer
	for _, p := range c.Plugins {
		if p.Err != nil {
			c.problem(p.Path, p.Err)
			continue
		}
		for _, t := range p.Tasks {
			offers = append(offers, offer{p, t.Name})
		}
	}
	return offers
}

func (c *Catalog) problem(what string, err error) {
	// The text of a refusal names its file; the list names it already.
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "plugin "+what+": "), what+": ")
	c.Problems = append(c.Problems, server.Problem{Plugin: what, Error: text})
}

// add takes a task, unless it is wrong.
func (c *Catalog) add(cfg Config, declared engine.TaskDef, tc *TaskConfig) {
	task, err := cfg.Task(declared, tc)
	if err != nil {
		c.problem(fmt.Sprintf("task %q", declared.Name), err)
		return
	}
	c.Tasks = append(c.Tasks, task)
}

// MissingFolders lists the granted folders that are not there. Their tasks are
// loaded all the same: a folder may be mounted later.
func (c Catalog) MissingFolders() []server.Problem {
	var missing []server.Problem
	for _, t := range c.Tasks {
		for _, g := range t.Grants.Files {
			if info, err := os.Stat(g.Path); err != nil || !info.IsDir() {
				missing = append(missing, server.Problem{Plugin: fmt.Sprintf("task %q", t.Name),
					Error: fmt.Sprintf("the granted folder %s is not there: create it, or correct the grant of files", g.Path)})
			}
		}
	}
	return missing
}

// choose finds the task of a plugin that a block of the configuration means.
func (c *Catalog) choose(tc *TaskConfig, offers []offer) (offer, error) {
	if tc.Plugin == "" {
		// A task that a plugin declares, or the file of the task's name.
		for _, o := range offers {
			if o.task != tc.Name || tc.Export != "" && tc.Export != o.declared().Export {
				continue
			}
			if file := filepath.Base(o.plugin.Path); len(tc.Files) > 0 && file != tc.Name+".wasm" {
				return offer{}, fmt.Errorf("it has grants, and %s would get them by its own claim: say plugin = %q if that is meant", o.plugin.Path, file)
			}
			return o, nil
		}
	}
	file := tc.Plugin
	if file == "" {
		file = tc.Name + ".wasm"
	}
	i := slices.IndexFunc(c.Plugins, func(p *host.Plugin) bool {
		return p.Path == file || filepath.Base(p.Path) == file
	})
	if i < 0 {
		return offer{}, c.noSuchFile(file)
	}
	p := c.Plugins[i]
	if p.Err != nil {
		return offer{}, fmt.Errorf("its plugin %s is not loaded", p.Path) // which has a problem of its own
	}
	want := tc.Export
	if want == "" {
		want = tc.Name
	}
	var names []string
	for _, t := range p.Tasks {
		if t.Name == want || t.Export == want {
			return offer{p, t.Name}, nil
		}
		names = append(names, t.Name)
	}
	if len(p.Tasks) == 1 && tc.Export == "" {
		return offer{p, p.Tasks[0].Name}, nil
	}
	if tc.Export == "" {
		return offer{}, fmt.Errorf("plugin %s has several tasks: pick one with export = %s", p.Path, strings.Join(quote(names), " or "))
	}
	return offer{}, fmt.Errorf("plugin %s has no task or export %q; it has %s", p.Path, tc.Export, strings.Join(quote(names), ", "))
}

func (c *Catalog) noSuchFile(file string) error {
	var names []string
	for _, p := range c.Plugins {
		names = append(names, filepath.Base(p.Path))
	}
	hint := typo.DidYouMean(filepath.Base(file), names)
	if hint == "" {
		hint = `put it there, or name another with plugin = "…"`
	}
	return fmt.Errorf("there is no %s in the plugins folders; %s", file, hint)
}

func quote(names []string) []string {
	quoted := make([]string, len(names))
	for i, n := range names {
		quoted[i] = fmt.Sprintf("%q", n)
	}
	return quoted
}

// declaredTask is what a plugin says about one of its tasks.
func declaredTask(o offer) (engine.TaskDef, error) {
	task := o.declared()
	d := task.Declared
	t := engine.TaskDef{
		Name: task.Name, Description: d.Description, Plugin: o.plugin.Path, Export: task.Export,
		Queue: d.Queue, Priority: engine.DefaultPriority, InputSchema: d.InputSchema,
		Limits: engine.Limits{Timeout: time.Duration(d.Timeout), Memory: int64(d.Memory)},
	}
	if d.Name != "" {
		t.Export = d.Name // the guest knows itself by what it declares
	}
	if d.Priority != nil {
		t.Priority = *d.Priority
	}
	var err error
	if t.Retry, err = declaredPolicy(d.Retry); err != nil {
		return t, err
	}
	if d.Schedule != "" {
		times, err := cron.Parse(d.Schedule, "")
		if err != nil {
			return t, fmt.Errorf("its declared schedule: %w", err)
		}
		t.Schedules = []engine.Schedule{{Name: t.Name, Spec: d.Schedule, Times: times}}
	}
	return t, nil
}

// errNoTasks tells what to do about an engine with nothing to run.
func (c Catalog) errNoTasks(cfg Config) error {
	var errs []error
	for _, p := range c.Problems {
		errs = append(errs, fmt.Errorf("%s: %s", p.Plugin, p.Error))
	}
	switch len(errs) {
	case 0:
		return fmt.Errorf("no tasks to run: put .wasm files into %s", strings.Join(cfg.Plugins, " or "))
	case 1:
		return fmt.Errorf("no tasks to run: %w", errs[0])
	}
	return fmt.Errorf("no tasks to run:\n%w", errors.Join(errs...))
}

// declaredPolicy reads the retry object of a declaration; zero values are
// undeclared.
func declaredPolicy(object json.RawMessage) (engine.RetryPolicy, error) {
	var r struct {
		Attempts int            `json:"attempts"`
		Backoff  engine.Backoff `json:"backoff"`
		Min      host.Duration  `json:"min"`
		Max      host.Duration  `json:"max"`
		Jitter   float64        `json:"jitter"`
		Losses   int            `json:"losses"`
	}
	if len(object) > 0 {
		if err := json.Unmarshal(object, &r); err != nil {
			return engine.RetryPolicy{}, fmt.Errorf("its declared retry: %w", err)
		}
	}
	return engine.RetryPolicy{
		Attempts: r.Attempts, Backoff: r.Backoff, Min: time.Duration(r.Min), Max: time.Duration(r.Max),
		Jitter: r.Jitter, Losses: r.Losses,
	}, nil
}
