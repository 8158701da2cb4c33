package main

import (
	"errors"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"testing/iotest"

	tlo "github.com/tlo-run/tlo/sdk/go"
	"github.com/tlo-run/tlo/sdk/go/tlotest"
)

// writeTree writes files by their paths below a new folder.
func writeTree(t *testing.T, files map[string]string) string {
	t.Helper()
	root := t.TempDir()
	for name, text := range files {
		file := filepath.Join(root, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func TestCodeStats(t *testing.T) {
	root := writeTree(t, map[string]string{
		"main.go":          "package main\n\n// TODO: all\nfunc main() {}\n",
		"lib/lib.go":       "package lib // FIXME\r\n \t\r\n",
		"lib/deep/tool.py": "# TODOs are no TODO",
		"Makefile":         "all:\n",
		"empty.rs":         "",
		"logo.png":         "\x89PNG\n\n",
		".git/config.go":   "not counted\n",
	})
	// A link must not make a file count twice, nor lead the walk outside.
	for name, target := range map[string]string{"again.go": "main.go", "up": ".."} {
		if err := os.Symlink(target, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	want := Stats{
		Root:  root,
		Total: Counts{Files: 5, Lines: 8, Blank: 2, Todo: 3},
		Languages: []Language{
			{"Go", Counts{Files: 2, Lines: 6, Blank: 2, Todo: 2}},
			{"Makefile", Counts{Files: 1, Lines: 1}},
			{"Python", Counts{Files: 1, Lines: 1, Todo: 1}},
			{"Rust", Counts{Files: 1}},
		},
		Other: 1,
	}

	res := tlotest.Run(tlotest.Attempt{Task: "code-stats", Input: In{Root: root}})
	var got Stats
	if err := res.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	if n := len(res.Progress); n != 6 || res.Progress[n-1].Fraction != 1 {
		t.Errorf("got progress %v, want one for each file and the end", res.Progress)
	}
	again := tlotest.Run(tlotest.Attempt{Task: "code-stats", Input: In{Root: root}})
	if string(again.Output) != string(res.Output) {
		t.Errorf("two runs differ:\n%s\n%s", res.Output, again.Output)
	}
}

func TestOneLanguage(t *testing.T) {
	root := writeTree(t, map[string]string{"a.go": "package a\n", "b.py": "pass\n", "c.bin": ""})
	var got Stats
	err := tlotest.Run(tlotest.Attempt{Task: "code-stats", Input: In{Root: root}, Config: map[string]string{"language": "go"}}).Decode(&got)
	want := Stats{Root: root, Total: Counts{Files: 1, Lines: 1}, Languages: []Language{{"Go", Counts{Files: 1, Lines: 1}}}, Other: 1}
	if err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// brokenFS has a folder that cannot be listed, which permissions do not achieve
// for root, and a file that is gone when it is opened.
type brokenFS struct{ fs.FS }

func (b brokenFS) Open(name string) (fs.File, error) {
	if name == "gone.go" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrNotExist}
	}
	return b.FS.Open(name)
}

func (b brokenFS) ReadDir(name string) ([]fs.DirEntry, error) {
	if name == "dir" {
		return nil, &fs.PathError{Op: "open", Path: name, Err: fs.ErrPermission}
	}
	return fs.ReadDir(b.FS, name)
}

func init() {
	tlo.Register("broken-folder", func(ctx *tlo.Context, root string) (Stats, error) {
		s := survey{ctx: ctx, root: brokenFS{os.DirFS(root)}, found: map[string]*Counts{}}
		if err := errors.Join(s.list(), s.countAll()); err != nil {
			return Stats{}, err
		}
		return s.stats(root), nil
	})
}

func TestUnreadableIsCountedAndLogged(t *testing.T) {
	root := writeTree(t, map[string]string{"a.go": "package a\n", "gone.go": "", "dir/b.go": ""})
	res := tlotest.Run(tlotest.Attempt{Task: "broken-folder", Input: root})
	var got Stats
	if err := res.Decode(&got); err != nil {
		t.Fatal(err)
	}
	if got.Unreadable != 2 || got.Total.Files != 1 {
		t.Errorf("got %+v, want 2 unreadable and 1 counted", got)
	}
	var paths []any
	for _, line := range res.Logs {
		if line.Level == slog.LevelWarn {
			paths = append(paths, line.Fields["path"])
		}
	}
	if !reflect.DeepEqual(paths, []any{"dir", "gone.go"}) {
		t.Errorf("got warnings about %v, want dir and gone.go", paths)
	}
}

func TestCancelledBetweenFiles(t *testing.T) {
	root := writeTree(t, map[string]string{"a.go": "", "b.go": "", "c.go": ""})
	// Listing polls four times: the folder and three files.
	for poll, wantProgress := range map[int]int{1: 0, 4: 0, 6: 1} {
		res := tlotest.Run(tlotest.Attempt{Task: "code-stats", Input: In{Root: root}, CancelAtPoll: poll})
		if res.Failure == nil || res.Failure.Message != "context canceled" || len(res.Progress) != wantProgress {
			t.Errorf("at poll %d: got %+v after %d reports, want a cancellation after %d",
				poll, res.Failure, len(res.Progress), wantProgress)
		}
	}
}

func TestRefusals(t *testing.T) {
	root := writeTree(t, map[string]string{"a.go": ""})
	for _, c := range []struct {
		name     string
		in       In
		language string
		kind     tlotest.Kind
		want     string
	}{
		{"no root", In{}, "", tlotest.Permanent, `"root" is missing`},
		{"not there", In{filepath.Join(root, "no")}, "", tlotest.Retry, "grant"},
		{"a file", In{filepath.Join(root, "a.go")}, "", tlotest.Permanent, "not a folder"},
		{"language", In{root}, "Klingon", tlotest.Permanent, `"Klingon"`},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := tlotest.Run(tlotest.Attempt{Task: "code-stats", Input: c.in, Config: map[string]string{"language": c.language}})
			if res.Failure == nil || res.Failure.Kind != c.kind || !strings.Contains(res.Failure.Message, c.want) {
				t.Errorf("got %+v, want %s with %q", res.Failure, c.kind, c.want)
			}
		})
	}
}

func TestCounter(t *testing.T) {
	for text, want := range map[string]Counts{
		"":                 {Files: 1},
		"\n":               {Files: 1, Lines: 1, Blank: 1},
		" ":                {Files: 1, Lines: 1, Blank: 1},
		"x":                {Files: 1, Lines: 1},
		"TODO(ann): FIXME": {Files: 1, Lines: 1, Todo: 2},
		"TODO\nFIXME\n":    {Files: 1, Lines: 2, Todo: 2},
		"todo TODO_ xTODO éTODO FIXMEFIXME FIXME1": {Files: 1, Lines: 1},
	} {
		var c counter
		// Byte by byte: no word may depend on where a read ends.
		if _, err := io.Copy(&c, iotest.OneByteReader(strings.NewReader(text))); err != nil {
			t.Fatal(err)
		}
		if got := c.counts(); got != want {
			t.Errorf("%q: got %+v, want %+v", text, got, want)
		}
	}
}
