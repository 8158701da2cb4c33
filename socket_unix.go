//go:build unix

package tlo

import (
	"io/fs"
	"os"
	"syscall"
)

// tryLock takes the lock of an open file, which ends with the process.
func tryLock(f *os.File) error {
	return syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
}

// ours reports whether a file belongs to this user, or to root.
func ours(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return !ok || st.Uid == 0 || int(st.Uid) == os.Geteuid()
}
