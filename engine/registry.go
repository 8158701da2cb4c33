package engine

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
)

// Registry holds the tasks an engine knows. It is safe for concurrent use; an
// attempt that runs keeps the definition it started with.
type Registry struct {
	mu      sync.RWMutex
	tasks   map[string]TaskDef
	changed chan struct{} // closed at each change
}

// NewRegistry returns a registry with the tasks, or everything that is wrong
// with them.
func NewRegistry(tasks ...TaskDef) (*Registry, error) {
	r := &Registry{tasks: map[string]TaskDef{}, changed: make(chan struct{})}
	if err := r.Replace(tasks...); err != nil {
		return nil, err
	}
	return r, nil
}

// Register adds a task or replaces the one of the same name. Unset fields take
// their defaults.
func (r *Registry) Register(task TaskDef) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	next := maps.Clone(r.tasks)
	next[task.Name] = task
	return r.set(slices.Collect(maps.Values(next)))
}

// Replace makes these the only tasks. On an error nothing changes.
func (r *Registry) Replace(tasks ...TaskDef) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.set(tasks)
}

func (r *Registry) set(tasks []TaskDef) error {
	next := make(map[string]TaskDef, len(tasks))
	schedules := map[string]string{}
	var errs []error
	for _, t := range tasks {
		t = t.WithDefaults()
		errs = append(errs, t.Validate())
		if _, ok := next[t.Name]; ok {
			errs = append(errs, invalid("task %q is defined twice", t.Name))
		}
		next[t.Name] = t
		for _, s := range t.Schedules {
			if other, ok := schedules[s.Name]; ok {
				errs = append(errs, invalid("schedule %q of task %q: task %q has a schedule of that name", s.Name, t.Name, other))
			}
			schedules[s.Name] = t.Name
		}
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	r.tasks = next
	close(r.changed)
	r.changed = make(chan struct{})
	return nil
}

// Lookup returns a task, or an error that matches ErrNotFound and suggests the
// name that was likely meant.
func (r *Registry) Lookup(name string) (TaskDef, error) {
	r.mu.RLock()
	defer r.mu.RUnlock()
	if t, ok := r.tasks[name]; ok {
		return t, nil
	}
	return TaskDef{}, &UnknownTaskError{Name: name, Known: slices.Sorted(maps.Keys(r.tasks))}
}

// List returns all tasks, by name.
func (r *Registry) List() []TaskDef {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return slices.SortedFunc(maps.Values(r.tasks), func(a, b TaskDef) int { return strings.Compare(a.Name, b.Name) })
}

// watch returns a channel that is closed at the next change.
func (r *Registry) watch() <-chan struct{} {
	r.mu.RLock()
	defer r.mu.RUnlock()
	return r.changed
}

// UnknownTaskError names a task that the registry does not have. It matches
// [ErrNotFound].
type UnknownTaskError struct {
	Name  string
	Known []string // sorted
}

func (e *UnknownTaskError) Error() string {
	if len(e.Known) == 0 {
		return fmt.Sprintf("no task %q: no task is loaded", e.Name)
	}
	shown := e.Known[:min(len(e.Known), 8)]
	more := ""
	if len(shown) < len(e.Known) {
		more = fmt.Sprintf(" and %d more", len(e.Known)-len(shown))
	}
	return fmt.Sprintf("no task %q; there are: %s%s", e.Name, strings.Join(shown, ", "), more)
}

// Is matches ErrNotFound.
func (e *UnknownTaskError) Is(target error) bool { return target == ErrNotFound }
