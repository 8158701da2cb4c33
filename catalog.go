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
func ReadCatalog(cfg Config) Catalog {
	var c Catalog
	for _, folder := range cfg.Plugins {
		plugins, err := host.Scan(folder)
		if errors.Is(err, os.ErrNotExist) {
			err = errors.New("it does not exist; create it, or name another with plugins")
		}
		if err != nil {
			c.problem("plugins folder "+folder, err)
		}
		c.Plugins = append(c.Plugins, plugins...)
	}
	offers := c.offers()
	used := map[string]bool{}
	for i := range cfg.Tasks {
		tc := &cfg.Tasks[i]
		used[tc.Name] = true
		offer, err := c.choose(tc, offers)
		if err == nil {
			err = c.add(cfg, offer, tc)
		}
		if err != nil {
			c.problem(fmt.Sprintf("task %q", tc.Name), err)
		}
	}
	for _, o := range offers {
		if !used[o.task.Name] {
			if err := c.add(cfg, o, nil); err != nil {
				c.problem(o.plugin.Path, err)
			}
		}
	}
	return c
}

// offer is one task of one plugin.
type offer struct {
	plugin *host.Plugin
	task   host.Task
}

// offers lists the tasks of good plugins. Of two folders that offer the same
// task the first wins; the other file is a problem.
func (c *Catalog) offers() []offer {
	var offers []offer
	owner := map[string]string{}
	for _, p := range c.Plugins {
		if p.Err == nil {
			for _, t := range p.Tasks {
				if other, taken := owner[t.Name]; taken {
					p.Err = fmt.Errorf("its task %q is already defined by %s; rename or remove one of the two", t.Name, other)
				}
			}
		}
		if p.Err != nil {
			c.problem(p.Path, p.Err)
			continue
		}
		for _, t := range p.Tasks {
			owner[t.Name] = p.Path
			offers = append(offers, offer{p, t})
		}
	}
	return offers
}

func (c *Catalog) problem(what string, err error) {
	// The text of a refusal names its file; the list names it already.
	text := strings.TrimPrefix(strings.TrimPrefix(err.Error(), "plugin "+what+": "), what+": ")
	c.Problems = append(c.Problems, server.Problem{Plugin: what, Error: text})
}

func (c *Catalog) add(cfg Config, o offer, tc *TaskConfig) error {
	declared, err := declaredTask(o)
	if err != nil {
		return err
	}
	task, err := cfg.Task(declared, tc)
	if err != nil {
		return err
	}
	c.Tasks = append(c.Tasks, task)
	return nil
}

// choose finds the task of a plugin that a block of the configuration means.
func (c *Catalog) choose(tc *TaskConfig, offers []offer) (offer, error) {
	if tc.Plugin == "" {
		// A task that a plugin declares, or the file of the task's name.
		for _, o := range offers {
			if o.task.Name == tc.Name && (tc.Export == "" || tc.Export == o.task.Export) {
				return o, nil
			}
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
			return offer{p, t}, nil
		}
		names = append(names, t.Name)
	}
	if len(p.Tasks) == 1 && tc.Export == "" {
		return offer{p, p.Tasks[0]}, nil
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
	d := o.task.Declared
	t := engine.TaskDef{
		Name: o.task.Name, Description: d.Description, Plugin: o.plugin.Path, Export: o.task.Export,
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
