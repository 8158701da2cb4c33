package host

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Scan inspects every .wasm file of the folders, in the order of the folders
// and of the names in each; hidden files and folders inside are left out. A bad
// file stops nothing: its Err says why it is refused. Where two files offer the
// same task, the second is refused.
//
// The error tells which folders could not be read; what the others hold is
// returned beside it.
func Scan(folders ...string) ([]*Plugin, error) {
	var (
		plugins []*Plugin
		errs    []error
		owners  = map[string]string{} // path by task
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
			if err == nil {
				err = claim(owners, p)
			}
			p.Err = err
			plugins = append(plugins, p)
		}
	}
	return plugins, errors.Join(errs...)
}

// claim gives a plugin its tasks, all or none.
func claim(owners map[string]string, p *Plugin) error {
	for _, t := range p.Tasks {
		if other, taken := owners[t.Name]; taken {
			r := refuse(p.Kind, "rename or remove one of the two", "its task %q is already defined by %s", t.Name, other)
			r.Path = p.Path
			return r
		}
	}
	for _, t := range p.Tasks {
		owners[t.Name] = p.Path
	}
	return nil
}

func folderError(folder string, err error) error {
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("plugins folder %s does not exist: create it, or correct the path: %w", folder, err)
	}
	return fmt.Errorf("plugins folder %s: %w", folder, err)
}
