package bolt

import (
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"syscall"

	berrors "go.etcd.io/bbolt/errors"

	"github.com/tlo-run/tlo/engine"
)

// corrupt makes the error for a file that cannot be understood.
func corrupt(path, format string, args ...any) error {
	return fmt.Errorf("%w: %s: %s: restore a backup, or move the file away to begin anew",
		engine.ErrCorrupt, path, fmt.Sprintf(format, args...))
}

// openFailed says what an error of bbolt's Open means.
func openFailed(path string, err error) error {
	hint := ""
	switch _, full := diskFull(err); {
	case errors.Is(err, berrors.ErrTimeout):
		return locked(path)
	case full, errors.Is(err, syscall.ENOSPC):
		hint = ": free some space"
	case errors.Is(err, fs.ErrPermission), errors.Is(err, syscall.EROFS):
		hint = ": the file and its folder must be writable for this user"
	case errors.Is(err, fs.ErrNotExist):
		hint = ": make the folder first"
	case errors.Is(err, syscall.EISDIR):
		hint = ": name a file in it"
	case !isSystem(err):
		return corrupt(path, "%v", err)
	}
	return fmt.Errorf("open store %s: %w%s", path, err, hint)
}

func isSystem(err error) bool {
	_, ok := errors.AsType[syscall.Errno](err)
	return ok
}

func locked(path string) error {
	who := "another process"
	if pid := lockHolder(path); pid != 0 {
		who = fmt.Sprintf("process %d", pid)
	}
	return fmt.Errorf("%w: %s is held by %s: stop it, or use its store through it", engine.ErrLocked, path, who)
}

// commitFailed tells a full disk, after which the file is as before, from
// failures after which nobody knows what is on the disk. Those must not be
// tried again: the kernel drops pages whose flush failed.
func (s *Store) commitFailed(err error) error {
	if errno, ok := diskFull(err); ok {
		return fmt.Errorf("store %s: no room to write, nothing was stored: free some space: %w", s.path, errno)
	}
	err = fmt.Errorf("%w: %s: check the disk, then start again: %w", engine.ErrFailed, s.path, err)
	s.poison(err, false)
	return err
}

var fullErrnos = []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EFBIG}

// diskFull reports whether a write, not a flush, failed for lack of room. The
// same number from a flush comes as a bare Errno and is not meant: then written
// pages are lost.
func diskFull(err error) (syscall.Errno, bool) {
	pe, isPath := errors.AsType[*fs.PathError](err)
	// bbolt keeps of this error only the text. It comes before any page is
	// written.
	resize := strings.HasPrefix(err.Error(), "file resize error: ")
	for _, errno := range fullErrnos {
		if isPath && pe.Op == "write" && errors.Is(pe.Err, errno) || resize && strings.HasSuffix(err.Error(), ": "+errno.Error()) {
			return errno, true
		}
	}
	return 0, false
}
