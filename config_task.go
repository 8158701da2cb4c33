package tlo

import (
	"fmt"
	"maps"
	"slices"

	"github.com/tlo-run/tlo/engine"
)

// Task returns the definition of a task: what its block tc says, else what the
// plugin declares, else the defaults of c, else those of package engine. tc is
// nil for a task without a block.
//
// In declared, zero means undeclared, except for Priority, where zero is the
// lowest: a plugin that declares none has [engine.DefaultPriority]. Grants come
// from tc alone, whatever is declared, and so do schedules if it has any.
func (c Config) Task(declared engine.TaskDef, tc *TaskConfig) (engine.TaskDef, error) {
	t := declared
	if tc == nil {
		tc = &TaskConfig{Name: declared.Name}
	}
	t.Name = tc.Name
	or(&t.Plugin, tc.Plugin)
	override(&t.Export, tc.Export)
	override(&t.Description, tc.Description)
	override(&t.Queue, tc.Queue)
	if tc.Priority != nil {
		t.Priority = *tc.Priority
	}
	if tc.Args != nil {
		t.Args = tc.Args
	}
	if len(tc.Config) > 0 {
		t.Config = maps.Clone(declared.Config)
		if t.Config == nil {
			t.Config = map[string]string{}
		}
		maps.Copy(t.Config, tc.Config)
	}
	t.Limits = limits(tc.Limits, declared.Limits, c.Defaults.Limits)
	t.Retry = c.retry(tc.Retry, declared.Retry)
	override(&t.Retention.Age, tc.Retention.Age)
	override(&t.Retention.Count, tc.Retention.Count)
	or(&t.Retention.Age, c.Defaults.Retention.Age)
	or(&t.Retention.Count, c.Defaults.Retention.Count)

	if t.Name != declared.Name { // or two blocks of one plugin would share a schedule
		t.Schedules = slices.Clone(declared.Schedules)
		for i := range t.Schedules {
			t.Schedules[i].Name = t.Name
		}
	}
	t.Grants = engine.Grants{}
	for _, f := range tc.Files {
		t.Grants.Files = append(t.Grants.Files, engine.FileGrant{Guest: f.Guest, Path: f.Path})
	}
	if len(tc.Schedules) > 0 {
		t.Schedules = make([]engine.Schedule, len(tc.Schedules))
		for i, s := range tc.Schedules {
			var err error
			if t.Schedules[i], err = s.schedule(t.Name); err != nil {
				return engine.TaskDef{}, fmt.Errorf("task %q: %w", t.Name, err)
			}
		}
	}
	t = t.WithDefaults()
	return t, t.Validate()
}

// limits takes each limit from the first that sets it.
func limits(from ...engine.Limits) (l engine.Limits) {
	for _, f := range from {
		or(&l.Timeout, f.Timeout)
		or(&l.Grace, f.Grace)
		or(&l.Memory, f.Memory)
		or(&l.Input, f.Input)
		or(&l.Output, f.Output)
		or(&l.Log, f.Log)
		or(&l.Fuel, f.Fuel)
	}
	return l
}

// retry returns the whole policy of a task.
func (c Config) retry(task RetryConfig, declared engine.RetryPolicy) engine.RetryPolicy {
	p := engine.DefaultRetry
	p = c.Defaults.Retry.over(p)
	p = declaredRetry(declared).over(p)
	p = task.over(p)
	if p.Backoff == engine.Fixed { // the delay is min; max bounds what grows
		p.Max = max(p.Max, p.Min)
	}
	return p
}

// over returns p with what r sets.
func (r RetryConfig) over(p engine.RetryPolicy) engine.RetryPolicy {
	set(&p.Attempts, r.Attempts)
	override(&p.Backoff, r.Backoff)
	set(&p.Min, r.Min)
	set(&p.Max, r.Max)
	set(&p.Jitter, r.Jitter)
	set(&p.Losses, r.Losses)
	return p
}

func declaredRetry(p engine.RetryPolicy) RetryConfig {
	return RetryConfig{
		Attempts: unlessZero(p.Attempts),
		Backoff:  p.Backoff,
		Min:      unlessZero(p.Min),
		Max:      unlessZero(p.Max),
		Jitter:   unlessZero(p.Jitter),
		Losses:   unlessZero(p.Losses),
	}
}

func unlessZero[T comparable](v T) *T {
	var zero T
	if v == zero {
		return nil
	}
	return &v
}

func set[T any](field *T, v *T) {
	if v != nil {
		*field = *v
	}
}

func override[T comparable](field *T, v T) {
	var zero T
	if v != zero {
		*field = v
	}
}
