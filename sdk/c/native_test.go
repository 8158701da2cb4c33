// Package c_test builds the C SDK's unit tests for this machine and runs them.
package c_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

func TestNative(t *testing.T) {
	for _, c := range []struct{ name, compiler, standard, source string }{
		{"C", "gcc", "-std=c99", "native.c"},
		{"C++", "g++", "-std=c++17", "native.cpp"},
	} {
		t.Run(c.name, func(t *testing.T) {
			program := filepath.Join(t.TempDir(), "native")
			build := exec.CommandContext(t.Context(), c.compiler, c.standard, "-Wall", "-Wextra", "-Wpedantic", "-Werror", "-g",
				"-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-o", program, c.source)
			build.Dir = "testdata"
			if out, err := build.CombinedOutput(); err != nil {
				t.Fatalf("%s: %v\n%s", c.compiler, err, out)
			}
			run := exec.CommandContext(t.Context(), program)
			run.Env = []string{"ASAN_OPTIONS=detect_leaks=0"} // a task's memory ends with its instance
			if out, err := run.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
		})
	}
}

// TestSourcesAreKnown makes go test look at what the compilers read, so that it
// does not reuse a result after one of them changed.
func TestSourcesAreKnown(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.h", "*.hpp", "testdata/*", "conformance/*.c"} {
		found, err := filepath.Glob(pattern)
		if err != nil || len(found) == 0 {
			t.Errorf("%s: %q, %v", pattern, found, err)
		}
		files = append(files, found...)
	}
	for _, file := range files {
		if _, err := os.ReadFile(file); err != nil {
			t.Error(err)
		}
	}
}
