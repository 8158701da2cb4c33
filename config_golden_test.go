package tlo

import (
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlo-run/tlo/engine"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// Each testdata/config/*.hcl is wrong; the .txt beside it has the error.
func TestErrorsGolden(t *testing.T) {
	files, err := filepath.Glob("testdata/config/*.hcl")
	if err != nil || len(files) < 10 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			src, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			_, err = Parse(src, "tlo.hcl")
			if !errors.Is(err, engine.ErrInvalid) {
				t.Fatalf("got %v, want an error that matches ErrInvalid", err)
			}
			bad, ok := errors.AsType[*ConfigError](err)
			if !ok {
				t.Fatalf("got %T, want a *ConfigError", err)
			}
			for _, p := range bad.Problems {
				if p.File != "tlo.hcl" || p.Line == 0 || p.Column == 0 || p.Hint == "" {
					t.Errorf("%+v has no place or no remedy", p)
				}
			}
			golden := strings.TrimSuffix(file, ".hcl") + ".txt"
			if *update {
				if err := os.WriteFile(golden, []byte(err.Error()+"\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err2 := os.ReadFile(golden)
			if err2 != nil {
				t.Fatal(err2)
			}
			if got := err.Error() + "\n"; got != string(want) {
				t.Errorf("got\n%swant\n%s", got, want)
			}
		})
	}
}
