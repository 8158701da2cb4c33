// Command demo runs the example tasks with a real engine on what is on every
// machine with Go: Go's own sources and the photographs of its image tests. It
// tells what happens, ends with a table, and exits non-zero if anything differs
// from what was expected.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
)

func main() {
	bin := flag.String("tlo", "bin/tlo", "the tlo to run")
	guests := flag.String("guests", "bin/guests", "the folder with the built examples")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	ok, err := run(ctx, *bin, *guests)
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
	}
	if err != nil || !ok {
		os.Exit(1)
	}
}

func run(ctx context.Context, bin, guests string) (ok bool, err error) {
	goroot, err := exec.CommandContext(ctx, "go", "env", "GOROOT").Output()
	if err != nil {
		return false, fmt.Errorf("go env GOROOT: %w", err)
	}
	d := &demo{ctx: ctx, source: filepath.Join(strings.TrimSpace(string(goroot)), "src")}
	d.photos = filepath.Join(d.source, "image", "testdata")
	if d.bin, err = filepath.Abs(bin); err != nil {
		return false, err
	}
	if guests, err = filepath.Abs(guests); err != nil {
		return false, err
	}
	if d.dir, err = os.MkdirTemp("", "tlo-demo-"); err != nil {
		return false, err
	}
	defer os.RemoveAll(d.dir)
	if err := os.WriteFile(filepath.Join(d.dir, "tlo.hcl"), fmt.Appendf(nil, config, guests, d.source, d.photos), 0o600); err != nil {
		return false, err
	}

	d.say("An engine starts on a new data directory. The Go plugins compile once; the cache keeps them.")
	began := time.Now()
	if err := d.start(); err != nil {
		return false, err
	}
	defer d.stop()
	d.say("It runs, after %v. Its tasks:", time.Since(began).Round(time.Millisecond))
	if _, err := d.tlo("", os.Stdout, "list-tasks"); err != nil {
		return false, err
	}
	for _, step := range []struct {
		name string
		run  func() (expected, got string, err error)
	}{
		{"code-stats", d.codeStats},
		{"thumbnail", d.thumbnail},
		{"csv-to-json", d.csvToJSON},
		{"flaky", d.flaky},
		{"runaway", d.runaway},
		{"the schedule", d.ticks},
		{"Ctrl-C", d.drain},
	} {
		began := time.Now()
		expected, got, err := step.run()
		if err != nil {
			got = "error: " + err.Error()
		}
		d.checks = append(d.checks, check{step.name, expected, got, time.Since(began)})
	}
	return d.summary(), nil
}

// config takes the plugins folder, Go's sources and the photographs.
const config = `
data_dir = "data"
plugins  = [%q]
workers  = 2

task "code-stats" {
  memory  = "256MiB"
  timeout = "2m"
  grant {
    files "/src" {
      path      = %q
      read_only = true
    }
  }
}

task "thumbnail" {
  memory  = "512MiB"
  timeout = "2m"
  grant {
    files "/photos" {
      path      = %q
      read_only = true
    }
  }
}

task "csv-to-json" {
  queue = "csv"
  schedule {
    every = "2s"
    input = "name,born\nAda Lovelace,1815\n"
  }
}

queue "csv" {
  workers = 1 # so that long jobs cannot delay the ticks
}

task "flaky" {
  retry {
    attempts = 5
    backoff  = "fixed"
    min      = "300ms"
    max      = "300ms"
  }
}

task "runaway" {
  timeout = "2s"
  grace   = "500ms"
  retry {
    attempts = 1
  }
}
`

type check struct {
	name, expected, got string
	took                time.Duration
}

func (d *demo) summary() bool {
	fmt.Println()
	t := table.NewWriter()
	t.SetOutputMirror(os.Stdout)
	t.SetStyle(table.StyleLight)
	t.AppendHeader(table.Row{"", "expected", "got", "took", ""})
	good := true
	for _, c := range d.checks {
		verdict := "ok"
		if c.expected != c.got {
			verdict, good = "DIFFERS", false
		}
		t.AppendRow(table.Row{c.name, c.expected, c.got, c.took.Round(time.Millisecond), verdict})
	}
	t.Render()
	if !good {
		fmt.Printf("\nThe engine's log:\n%s", d.log.String())
	}
	return good
}
