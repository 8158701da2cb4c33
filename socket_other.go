//go:build !unix

package tlo

import (
	"io/fs"
	"os"
)

// tryLock locks nothing: the store's own lock and the socket are all there is.
func tryLock(*os.File) error { return nil }

// ours cannot tell here.
func ours(fs.FileInfo) bool { return true }
