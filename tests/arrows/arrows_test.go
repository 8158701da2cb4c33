// Package arrows_test holds the architecture: which package may depend on
// which, over all dependencies, not just direct imports.
package arrows_test

import (
	"os/exec"
	"slices"
	"strings"
	"testing"
)

const module = "github.com/tlo-run/tlo"

// rules say what the packages of a room may reach, beyond the standard library
// and what those reach themselves. A trailing /... is a whole tree.
var rules = []struct {
	room    string
	allowed []string // packages of this module
	drivers []string // modules of others
}{
	{"engine", nil, []string{"github.com/hashicorp/go-hclog", "github.com/google/uuid"}},
	{"engine/mem", []string{"engine"}, nil},
	{"engine/bolt", []string{"engine"}, []string{"go.etcd.io/bbolt"}},
	{"engine/cron", []string{"engine", "internal/typo"}, []string{"github.com/netresearch/go-cron"}},
	{"engine/enginetest", []string{"engine", "engine/mem"}, nil},
	{"host/...", []string{"engine", "host/..."}, []string{"github.com/tetratelabs/wazero"}},
	{"server", []string{"engine", "internal/typo"}, nil},
	{"server/client", []string{"engine", "internal/typo", "server"}, nil},
	{"sdk/...", []string{"sdk/..."}, nil},
	{"plugins/...", []string{"sdk/...", "plugins/..."}, []string{"golang.org/x/image"}},
}

// shared are modules that any room may reach: those of engine and host, and
// what they in turn need.
var shared = []string{
	"github.com/hashicorp/go-hclog", "github.com/google/uuid", "github.com/fatih/color",
	"github.com/mattn/go-colorable", "github.com/mattn/go-isatty", "golang.org/x/sys",
	"github.com/agext/levenshtein",
}

func TestArrows(t *testing.T) {
	for _, rule := range rules {
		t.Run(strings.ReplaceAll(rule.room, "/", "_"), func(t *testing.T) {
			for _, dep := range deps(t, rule.room) {
				if inside(dep, module) {
					own := strings.TrimPrefix(strings.TrimPrefix(dep, module), "/")
					if !matches(own, append(rule.allowed, rule.room)) {
						t.Errorf("%s depends on the room %q", rule.room, own)
					}
					continue
				}
				if !slices.ContainsFunc(append(rule.drivers, shared...), func(m string) bool { return inside(dep, m) }) {
					t.Errorf("%s depends on %s", rule.room, dep)
				}
			}
		})
	}
}

// TestStoresDoNotMeet says by name what the rules imply.
func TestStoresDoNotMeet(t *testing.T) {
	for _, store := range []string{"engine/mem", "engine/bolt"} {
		for _, other := range []string{"engine/mem", "engine/bolt"} {
			if store != other && slices.Contains(deps(t, store), module+"/"+other) {
				t.Errorf("%s imports %s", store, other)
			}
		}
	}
}

// guest is the platform of guests, as `go list` takes it.
var guest = []string{"GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0"}

// deps lists what the packages of a room depend on, the standard library
// excepted. What guests are made of is listed as they see it, too: files for
// their platform alone have imports of their own.
func deps(t *testing.T, room string) []string {
	t.Helper()
	list := listed(t, room)
	if strings.HasPrefix(room, "sdk/") || strings.HasPrefix(room, "plugins/") {
		list = append(list, listed(t, room, guest...)...)
		slices.Sort(list)
		list = slices.Compact(list)
	}
	return list
}

// listed lists them for one platform.
func listed(t *testing.T, room string, env ...string) []string {
	t.Helper()
	cmd := exec.Command("go", "list", "-deps", "-f", "{{if not .Standard}}{{.ImportPath}}{{end}}", "./"+room)
	cmd.Dir = "../.."
	cmd.Env = append(cmd.Environ(), env...)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("go list ./%s: %v\n%s", room, err, out)
	}
	list := strings.Fields(string(out))
	if len(list) == 0 {
		t.Fatalf("go list ./%s: no packages", room)
	}
	return list
}

func inside(pkg, root string) bool { return pkg == root || strings.HasPrefix(pkg, root+"/") }

func matches(pkg string, patterns []string) bool {
	return slices.ContainsFunc(patterns, func(p string) bool {
		tree, isTree := strings.CutSuffix(p, "/...")
		return pkg == p || isTree && inside(pkg, tree)
	})
}
