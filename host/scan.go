package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Scan inspects every .wasm file of the folders, in the order of the folders
// and of the names in each; hidden files and folders inside are left out. A bad
// file stops nothing: its Err says why it is refused. Where several files offer
// the same task, it is that of the file named after it; the others are refused,
// all of them if there is no such file: a file must not get what an operator
// grants to another by claiming its name.
//
// The error tells which folders could not be read; what the others hold is
// returned beside it.
func Scan(folders ...string) ([]*Plugin, error) {
	var (
		plugins []*Plugin
		errs    []error
	)
	for _, folder := range folders {
		entries, err := os.ReadDir(folder)
		if err != nil {
			errs = append(errs, folderError(folder, err))
			continue
		}
		for _, entry := range entries {
			name := entry.Name()
			if entry.IsDir() || strings.HasPrefix(name, ".") || filepath.Ext(name) != ".wasm" {
				continue
			}
			p, err := Inspect(filepath.Join(folder, name))
			p.Err = err
			plugins = append(plugins, p)
		}
	}
	settle(plugins)
	return plugins, errors.Join(errs...)
}

// settle refuses the files whose tasks are another's: first those that claim
// what another file is named after, then those that claim the same.
func settle(plugins []*Plugin) {
	for task, rivals := range claims(plugins) {
		owner := slices.IndexFunc(rivals, func(p *Plugin) bool { return nameOf(p.Path) == task })
		for i, p := range rivals {
			if owner >= 0 && i != owner {
				p.yield(task, rivals[owner])
			}
		}
	}
	for task, rivals := range claims(plugins) {
		for i, p := range rivals {
			if len(rivals) > 1 {
				p.yield(task, rivals[(i+1)%len(rivals)])
			}
		}
	}
}

// claims lists the good files that offer each task.
func claims(plugins []*Plugin) map[string][]*Plugin {
	claims := map[string][]*Plugin{}
	for _, p := range plugins {
		if p.Err == nil {
			for _, t := range p.Tasks {
				claims[t.Name] = append(claims[t.Name], p)
			}
		}
	}
	return claims
}

func (p *Plugin) yield(task string, to *Plugin) {
	r := refuse(p.Kind, "rename or remove one of the two", "its task %q is also defined by %s", task, to.Path)
	r.Path, p.Err = p.Path, r
}

func folderError(folder string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("plugins folder %s does not exist: create it, or correct the path: %w", folder, err)
	}
	return fmt.Errorf("plugins folder %s: %w", folder, err)
}
