package tlo

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/tlo-run/tlo/engine"
)

// deep are files that overflow the stack of a recursive parser, given enough n.
func deep(n int) map[string]string {
	return map[string]string{
		"lists":     "a = " + strings.Repeat("[", n),
		"maps":      "a = " + strings.Repeat("{a=", n),
		"blocks":    strings.Repeat("a {\n", n),
		"parens":    "a = " + strings.Repeat("(", n),
		"not":       "a = " + strings.Repeat("!", n),
		"minus":     "a = " + strings.Repeat("-", n),
		"ternary":   "a = " + strings.Repeat("1?", n),
		"templates": `a = ` + strings.Repeat(`"${`, n),
		"ifs":       `a = "` + strings.Repeat("%{if 1}", n),
		"heredocs":  "a = " + strings.Repeat("<<A\n${", n),
		"mixed":     "a = " + strings.Repeat("!-[", n),
	}
}

// long are files whose parts only follow one another.
func long(n int) map[string]string {
	return map[string]string{
		"sum":    "a = 1" + strings.Repeat("+1", n),
		"steps":  "a = b" + strings.Repeat(".c", n),
		"splats": "a = b" + strings.Repeat(".*", n),
		"index":  "a = b" + strings.Repeat("[0]", n),
	}
}

func TestDeepNesting(t *testing.T) {
	for name, src := range deep(5_000) {
		_, err := Parse([]byte(src), "tlo.hcl")
		if !errors.Is(err, engine.ErrInvalid) || !strings.Contains(err.Error(), "nests too deeply") {
			t.Errorf("%s: got %v", name, err)
		}
	}
	for name, src := range long(5_000) {
		if _, err := Parse([]byte(src), "tlo.hcl"); !errors.Is(err, engine.ErrInvalid) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}

func TestTooBig(t *testing.T) {
	src := "# " + strings.Repeat("x", maxConfig)
	if _, err := Parse([]byte(src), "tlo.hcl"); err == nil || !strings.Contains(err.Error(), "the limit is 1048576") {
		t.Errorf("got %v", err)
	}
}

// Whatever is parsed is either refused with places and remedies, or valid and
// good for tasks.
func FuzzParse(f *testing.F) {
	files, err := filepath.Glob("testdata/config/*.hcl")
	if err != nil {
		f.Fatal(err)
	}
	for _, file := range append(files, exampleFile) {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(src)
	}
	for _, src := range deep(200) {
		f.Add([]byte(src))
	}
	for _, src := range long(200) {
		f.Add([]byte(src))
	}
	f.Add([]byte("\xef\xbb\xbfworkers = 1"))
	f.Add([]byte("workers = \xff"))
	f.Add([]byte("task \"t\" {\n  args = [null]\n  config = null\n  schedule {\n    every = \"1m\"\n    input = null\n  }\n}"))
	f.Fuzz(func(t *testing.T, src []byte) {
		c, err := Parse(src, "tlo.hcl")
		if err != nil {
			bad, ok := errors.AsType[*ConfigError](err)
			if !ok || len(bad.Problems) == 0 {
				t.Fatalf("got %v, want a *ConfigError", err)
			}
			for _, p := range bad.Problems {
				if p.File == "" || p.Message == "" || p.Hint == "" {
					t.Fatalf("%+v has no place, no message or no remedy", p)
				}
			}
			return
		}
		if err := c.Validate(); err != nil {
			t.Fatalf("parsed, but not valid: %v", err)
		}
		for i := range c.Tasks {
			if _, err := c.Task(engine.TaskDef{Priority: engine.DefaultPriority}, &c.Tasks[i]); err != nil {
				t.Fatalf("valid, but no task: %v", err)
			}
		}
	})
}
