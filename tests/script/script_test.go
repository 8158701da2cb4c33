// Package script_test runs the scripts of testdata: each is a session with the
// real command, as a person would have it. Scripts named engine_* run once per
// store.
package script_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/tlo-run/tlo/cmd/tlo/cli"
	"github.com/tlo-run/tlo/tests/guests"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"tlo": func() { os.Exit(cli.Main()) }})
}

func TestScripts(t *testing.T) {
	built, cache := t.TempDir(), t.TempDir()
	if err := guests.Build(built); err != nil {
		t.Fatal(err)
	}
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
					env.Setenv("GUESTS", built)
					env.Setenv("NO_COLOR", "1")
					env.Setenv("TZ", "UTC")
					return nil
				},
				Cmds: map[string]func(*testscript.TestScript, bool, []string){
					"guest":   placeGuests(built),
					"waitrun": waitRun,
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

// placeGuests is the command guest NAME...: puts built examples into ./plugins.
func placeGuests(built string) func(*testscript.TestScript, bool, []string) {
	return func(ts *testscript.TestScript, _ bool, names []string) {
		for _, name := range names {
			ts.Check(guests.Place(built, name, ts.MkAbs("plugins")))
		}
	}
}

// waitRun is the command waitrun: returns once an engine answers in ./data.
func waitRun(ts *testscript.TestScript, _ bool, _ []string) {
	socket := ts.MkAbs("data/tlo.sock")
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for {
		var d net.Dialer
		conn, err := d.DialContext(ctx, "unix", socket)
		if err == nil {
			ts.Check(conn.Close())
			return
		}
		select {
		case <-ctx.Done():
			ts.Check(fmt.Errorf("no engine answers: %w", err))
		case <-tick.C:
		}
	}
}
