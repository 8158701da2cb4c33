// Package readme_test does what the README tells a new user to do, in one shell
// on a copy of the tree, and compares what is printed with what it says.
package readme_test

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/tlo-run/tlo/tests/guests"
)

// step is one command of a console block and what it should print.
type step struct{ command, want string }

func TestWalkThrough(t *testing.T) {
	text, err := os.ReadFile(filepath.Join(guests.Root(), "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	steps := consoleSteps(string(text))
	if len(steps) < 15 {
		t.Fatalf("only %d commands in the README: is it still in ```console blocks?", len(steps))
	}
	got := runSteps(t, steps)
	for i, s := range steps {
		if !pattern(s.want).MatchString(got[i]) {
			t.Errorf("$ %s\nprinted:\n%s\nREADME:\n%s", s.command, got[i], s.want)
		}
	}
}

// consoleSteps reads the commands: a line after "$ ", with the lines of its
// here-document, and then what it prints.
func consoleSteps(text string) []step {
	var steps []step
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(text, -1) {
		inDocument := false
		for _, line := range strings.Split(strings.TrimSuffix(block[1], "\n"), "\n") {
			command, isCommand := strings.CutPrefix(line, "$ ")
			last := len(steps) - 1
			switch {
			case inDocument:
				steps[last].command += "\n" + line
				inDocument = line != "EOF"
			case isCommand:
				steps = append(steps, step{command: command})
				inDocument = strings.Contains(command, "<<'EOF'")
			default:
				steps[last].want += line + "\n"
			}
		}
	}
	return steps
}

// runSteps runs all commands in one shell and returns what each printed.
func runSteps(t *testing.T, steps []step) []string {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	const mark = "\x00next"
	var script strings.Builder
	script.WriteString("unset MAKEFLAGS MAKELEVEL\n") // this is no make inside a make
	script.WriteString("set -m\n")                    // %1 names the engine
	for _, s := range steps {
		fmt.Fprintf(&script, "%s\nprintf '%s'\n", s.command, mark[1:]+"\\000")
	}
	script.WriteString("kill -9 %1 2>/dev/null\n") // if a step before had failed
	cmd := exec.CommandContext(ctx, "bash", "--noprofile", "--norc", "-c", script.String())
	cmd.Dir = copyTree(t)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil && ctx.Err() != nil {
		t.Fatalf("%v\n%s", err, out.String())
	}
	parts := strings.Split(out.String(), "next\x00")
	if len(parts) < len(steps) {
		t.Fatalf("%d of %d commands ran:\n%s", len(parts), len(steps), out.String())
	}
	return parts[:len(steps)]
}

// pattern makes … match anything within a line.
func pattern(want string) *regexp.Regexp {
	quoted := strings.ReplaceAll(regexp.QuoteMeta(want), "…", `.*`)
	quoted = regexp.MustCompile(` +`).ReplaceAllString(quoted, ` *`)
	// An output need not end with a newline.
	return regexp.MustCompile(`^` + strings.TrimSuffix(quoted, "\n") + `\n?$`)
}

// copyTree copies what git knows of into a folder of its own, so that the
// walk-through leaves nothing behind.
func copyTree(t *testing.T) string {
	dir := t.TempDir()
	cmd := exec.CommandContext(t.Context(), "bash", "-c",
		`git ls-files -z --cached --others --exclude-standard | xargs -0 cp --parents -t "$0"`, dir)
	cmd.Dir = guests.Root()
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}
