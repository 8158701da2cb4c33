package host

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"syscall"

	"github.com/tetratelabs/wazero"

	"github.com/tlo-run/tlo/engine"
)

// maxOpenFiles is how many files one attempt may hold open: they are the
// process's, which has a limit of its own.
const maxOpenFiles = 128

// folders are the granted folders of one attempt. [os.Root] keeps a guest
// inside, whatever symbolic links the folder holds; the runtime's own way to
// mount a directory does not.
type folders struct {
	config wazero.FSConfig
	roots  []*os.Root
	open   map[*openFile]struct{}
	stop   <-chan struct{} // closed by force; then reading fails
}

func openFolders(grants []engine.FileGrant) (*folders, error) {
	f := &folders{config: wazero.NewFSConfig(), open: map[*openFile]struct{}{}}
	for _, g := range grants {
		if !strings.HasPrefix(g.Guest, "/") || strings.ContainsRune(g.Guest, 0) {
			f.close()
			return nil, forGood(engine.CauseInternal, "granted folder %s: the guest's path %q is not absolute", g.Path, g.Guest)
		}
		root, err := os.OpenRoot(g.Path)
		if err != nil {
			f.close()
			if pe, ok := errors.AsType[*fs.PathError](err); ok {
				err = pe.Err
			}
			// It may be mounted again by the next attempt.
			return nil, internal("granted folder %s: %v; create it, or correct the grant of files", g.Path, err)
		}
		f.roots = append(f.roots, root)
		f.config = f.config.WithFSMount(&folder{folders: f, root: root}, g.Guest)
	}
	return f, nil
}

// close closes what the guest left open, too: a guest that was stopped leaves
// all of it.
func (f *folders) close() {
	for file := range f.open {
		_ = file.Close() // it was only read
	}
	for _, root := range f.roots {
		root.Close()
	}
}

// folder is one granted folder as the runtime sees it. It offers no way to
// write.
type folder struct {
	*folders
	root *os.Root
}

// Open implements [fs.FS].
func (f *folder) Open(name string) (fs.File, error) {
	fail := func(err error) (fs.File, error) {
		return nil, &fs.PathError{Op: "open", Path: name, Err: err}
	}
	if !fs.ValidPath(name) {
		return fail(fs.ErrInvalid)
	}
	if len(f.open) >= maxOpenFiles {
		return fail(syscall.EMFILE)
	}
	// Asked before opening: to open a pipe waits for a writer.
	info, err := f.root.Stat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() && !info.IsDir() {
		return fail(fs.ErrPermission)
	}
	file, err := f.root.Open(name)
	if err != nil {
		return nil, err
	}
	o := &openFile{file: file, folders: f.folders}
	f.open[o] = struct{}{}
	return o, nil
}

// openFile is a file without the methods that change it.
type openFile struct {
	file    *os.File
	folders *folders
}

var (
	_ fs.ReadDirFile = (*openFile)(nil)
	_ io.ReaderAt    = (*openFile)(nil)
	_ io.Seeker      = (*openFile)(nil)
)

func (o *openFile) Stat() (fs.FileInfo, error)                { return o.file.Stat() }
func (o *openFile) Seek(off int64, whence int) (int64, error) { return o.file.Seek(off, whence) }
func (o *openFile) ReadDir(n int) ([]fs.DirEntry, error)      { return o.file.ReadDir(n) }

func (o *openFile) Read(b []byte) (int, error) {
	if err := o.folders.stopped(); err != nil {
		return 0, err
	}
	return o.file.Read(b)
}

func (o *openFile) ReadAt(b []byte, off int64) (int, error) {
	if err := o.folders.stopped(); err != nil {
		return 0, err
	}
	return o.file.ReadAt(b, off)
}

// stopped keeps a guest from reading on in one call that force cannot reach.
func (f *folders) stopped() error {
	select {
	case <-f.stop:
		return syscall.EIO
	default:
		return nil
	}
}

func (o *openFile) Close() error {
	delete(o.folders.open, o)
	return o.file.Close()
}
