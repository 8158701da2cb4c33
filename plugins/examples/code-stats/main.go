// Command code-stats is a task that counts the code in a folder it was granted.
package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	tlo "github.com/tlo-run/tlo/sdk/go"
)

// In is the input of a job.
type In struct {
	Root string `json:"root"` // the folder, by the name its grant gives it
}

// Stats is the output of a job.
type Stats struct {
	Root       string     `json:"root"`
	Total      Counts     `json:"total"`
	Languages  []Language `json:"languages"`  // most lines first
	Other      int        `json:"other"`      // files in no language that is known
	Unreadable int        `json:"unreadable"` // files and folders; each has a warning in the log
}

// Language is what was found in one language.
type Language struct {
	Name string `json:"name"`
	Counts
}

// Counts are sums over files.
type Counts struct {
	Files int `json:"files"`
	Lines int `json:"lines"`
	Blank int `json:"blank"`
	Todo  int `json:"todo"` // the words TODO and FIXME
}

func init() { tlo.Register("code-stats", codeStats) }

func main() {}

func codeStats(ctx *tlo.Context, in In) (Stats, error) {
	if in.Root == "" {
		return Stats{}, tlo.Permanent(errors.New(`input: "root" is missing: name a granted folder, as in {"root":"/src"}`))
	}
	if info, err := os.Stat(in.Root); err != nil {
		return Stats{}, fmt.Errorf("%w: does the task have a grant for these files?", err)
	} else if !info.IsDir() {
		return Stats{}, tlo.Permanent(fmt.Errorf("%s is not a folder", in.Root))
	}
	only, _ := ctx.Config("language")
	if only != "" && !isLanguage(only) {
		return Stats{}, tlo.Permanent(fmt.Errorf("config: language %q is not known", only))
	}

	s := survey{ctx: ctx, root: os.DirFS(in.Root), only: only, found: map[string]*Counts{}}
	if err := s.list(); err != nil {
		return Stats{}, err
	}
	if err := s.countAll(); err != nil {
		return Stats{}, err
	}
	return s.stats(in.Root), nil
}

// survey is one walk over a folder.
type survey struct {
	ctx        *tlo.Context
	root       fs.FS
	only       string // count this language alone
	files      []string
	found      map[string]*Counts
	other      int
	unreadable int
}

// list collects the files first, so that progress has something to divide by.
func (s *survey) list() error {
	return fs.WalkDir(s.root, ".", func(name string, entry fs.DirEntry, err error) error {
		if stop := s.ctx.Err(); stop != nil {
			return stop
		}
		switch {
		case err != nil:
			s.skip(name, err)
		case entry.IsDir():
			// Hidden folders hold tools' data, .git above all.
			if name != "." && strings.HasPrefix(entry.Name(), ".") {
				return fs.SkipDir
			}
		case !entry.Type().IsRegular():
			// A symbolic link leads out of the folder or to a file counted already.
		case languageOf(name) == "":
			s.other++
		case s.only == "" || strings.EqualFold(s.only, languageOf(name)):
			s.files = append(s.files, name)
		}
		return nil
	})
}

func (s *survey) countAll() error {
	shown := -1
	for i, name := range s.files {
		if err := s.ctx.Err(); err != nil {
			return err
		}
		if percent := i * 100 / len(s.files); percent > shown {
			shown = percent
			s.ctx.Progress(float64(i)/float64(len(s.files)), name)
		}
		counts, err := s.count(name)
		if err != nil {
			s.skip(name, err)
			continue
		}
		language := languageOf(name)
		if s.found[language] == nil {
			s.found[language] = &Counts{}
		}
		s.found[language].add(counts)
	}
	s.ctx.Progress(1)
	return nil
}

func (s *survey) count(name string) (Counts, error) {
	f, err := s.root.Open(name)
	if err != nil {
		return Counts{}, err
	}
	var c counter
	_, err = io.Copy(&c, f)
	if err := cmp.Or(err, f.Close()); err != nil {
		return Counts{}, err
	}
	return c.counts(), nil
}

func (s *survey) skip(name string, err error) {
	s.unreadable++
	s.ctx.Log.Warn("cannot read", "path", name, "error", err)
}

func (s *survey) stats(root string) Stats {
	out := Stats{Root: path.Clean(root), Languages: []Language{}, Other: s.other, Unreadable: s.unreadable}
	for name, counts := range s.found {
		out.Languages = append(out.Languages, Language{Name: name, Counts: *counts})
		out.Total.add(*counts)
	}
	slices.SortFunc(out.Languages, func(a, b Language) int {
		return cmp.Or(cmp.Compare(b.Lines, a.Lines), cmp.Compare(a.Name, b.Name))
	})
	return out
}

func (c *Counts) add(more Counts) {
	c.Files += more.Files
	c.Lines += more.Lines
	c.Blank += more.Blank
	c.Todo += more.Todo
}
