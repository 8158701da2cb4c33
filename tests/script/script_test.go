// Package script_test runs the scripts of testdata: each is a session with the
// real command, as a person would have it. Scripts named engine_* run once per
// store.
package script_test

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tlo-run/tlo/cmd/tlo/cli"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tlo": func() { os.Exit(cli.Main()) }})
}

func TestScripts(t *testing.T) {
	cache := t.TempDir()
	for _, store := range []string{"bolt", "memory"} {
		t.Run(store, func(t *testing.T) {
			testscript.Run(t, testscript.Params{
				Files:               scripts(t, store),
				UpdateScripts:       os.Getenv("TLO_UPDATE") != "",
				RequireExplicitExec: true,
				RequireUniqueNames:  true,
				Setup: func(env *testscript.Env) error {
					env.Setenv("TLO_STORE", store)
					env.Setenv("TLO_CACHE_DIR", cache) // compile each plugin once for all scripts
					env.Setenv("XDG_CACHE_HOME", cache)
					env.Setenv("NO_COLOR", "1")
					env.Setenv("TZ", "UTC")
					return nil
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"guest":       placeGuests,
					"storeformat": storeFormat,
					"exits":       exits,
					"json":        hasJSON,
					"waitrun":     waitRun,
					"waitjob":     waitJob,
					"waitlog":     waitLog,
					"signal":      signalTo,
				},
			})
		})
	}
}

// scripts returns those that make sense with a store: what memory holds is gone
// when the verb ends, so it needs an engine.
func scripts(t *testing.T, store string) []string {
	pattern := "*.txtar"
	if store == "memory" {
		pattern = "engine_*.txtar"
	}
	files, err := filepath.Glob(filepath.Join("testdata", pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts for %s: %v", store, err)
	}
	return files
}
