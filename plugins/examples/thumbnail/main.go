// Command thumbnail is a task that makes thumbnails of the photographs in a
// folder it was granted, and returns them as a zip archive.
package main

import (
	"archive/zip"
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"

	tlo "github.com/tlo-run/tlo/sdk/go"
)

// In is the input of a job.
type In struct {
	Root  string `json:"root"`  // the folder, by the name its grant gives it
	Width int    `json:"width"` // of the thumbnails, in pixels, 1 to maxWidth
}

const (
	// maxWidth bounds the memory of scaling, which grows with it.
	maxWidth = 2048
	// defaultMaxPixels is the largest picture to decode. Progressive JPEG and
	// scaling take up to 24 bytes a pixel, so this much fits the memory that
	// tlo.hcl gives.
	defaultMaxPixels = 25_000_000
)

func init() { tlo.Register("thumbnail", thumbnail) }

func main() {}

func thumbnail(ctx *tlo.Context, in In) ([]byte, error) {
	if in.Root == "" || in.Width < 1 || in.Width > maxWidth {
		return nil, tlo.Permanent(fmt.Errorf(
			`input: want a granted folder and a width from 1 to %d, as in {"root":"/photos","width":320}`, maxWidth))
	}
	maxPixels := defaultMaxPixels
	if v, ok := ctx.Config("max_pixels"); ok {
		n, err := strconv.Atoi(v)
		if err != nil || n < 1 {
			return nil, tlo.Permanent(fmt.Errorf("config: max_pixels %q is not a positive number", v))
		}
		maxPixels = n
	}

	var out bytes.Buffer
	a := album{ctx: ctx, root: in.Root, scaler: scaler{width: in.Width, maxPixels: maxPixels}, zip: zip.NewWriter(&out)}
	files, err := a.list()
	if err != nil {
		return nil, err
	}
	for i, name := range files {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		if err := a.add(name); err != nil {
			return nil, err
		}
		ctx.Progress(float64(i+1)/float64(len(files)), name)
		runtime.GC() // one picture before the next; see scaler.make
	}
	if err := a.close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

// album is one walk over a folder.
type album struct {
	ctx     *tlo.Context
	root    string
	scaler  scaler
	zip     *zip.Writer
	entries []string
	skipped int
}

// list returns the pictures by their extensions, in lexical order.
func (a *album) list() ([]string, error) {
	var files []string
	err := fs.WalkDir(os.DirFS(a.root), ".", func(name string, entry fs.DirEntry, err error) error {
		if stop := a.ctx.Err(); stop != nil {
			return stop
		}
		switch {
		case err != nil && name == ".":
			return fmt.Errorf("%w: does the task have a grant for %s?", err, a.root)
		case err != nil:
			a.skip(name, err)
		case entry.Type().IsRegular() && isPicture(name):
			files = append(files, name)
		}
		return nil
	})
	return files, err
}

func isPicture(name string) bool {
	return slices.Contains([]string{".jpg", ".jpeg", ".png", ".gif"}, strings.ToLower(path.Ext(name)))
}

// add puts the thumbnail of a file into the archive. A file that is no good is
// skipped; an error is one of the archive.
func (a *album) add(name string) error {
	thumb, err := a.scaler.file(filepath.Join(a.root, filepath.FromSlash(name)))
	if err != nil {
		a.skip(name, err)
		return nil
	}
	entry := entryName(name, thumb.extensions)
	if slices.Contains(a.entries, entry) {
		a.skip(name, fmt.Errorf("another thumbnail is called %s", entry))
		return nil
	}
	a.entries = append(a.entries, entry)
	// Stored, because compressing what is compressed gains nothing; without a
	// time, so that the same folder gives the same bytes.
	w, err := a.zip.CreateHeader(&zip.FileHeader{Name: entry, Method: zip.Store})
	if err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	if _, err := w.Write(thumb.data); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	return nil
}

// entryName keeps the path, and adds an extension where the file's own does not
// fit what the thumbnail is: a GIF becomes x.gif.png.
func entryName(name string, extensions []string) string {
	if slices.Contains(extensions, strings.ToLower(path.Ext(name))) {
		return name
	}
	return name + extensions[0]
}

func (a *album) skip(name string, err error) {
	a.skipped++
	a.ctx.Log.Warn("skipped", "path", name, "error", err)
}

// close ends the archive and says in it, and to whoever watches, what is missing.
func (a *album) close() error {
	if len(a.entries) == 0 && a.skipped > 0 {
		return tlo.Permanent(fmt.Errorf("none of %d files could be made a thumbnail: the log says why of each", a.skipped))
	}
	summary := fmt.Sprintf("%d thumbnails, %d skipped", len(a.entries), a.skipped)
	if err := errors.Join(a.zip.SetComment(summary), a.zip.Close()); err != nil {
		return fmt.Errorf("archive: %w", err)
	}
	a.ctx.Log.Info("done", "thumbnails", len(a.entries), "skipped", a.skipped)
	a.ctx.Progress(1, summary)
	return nil
}
