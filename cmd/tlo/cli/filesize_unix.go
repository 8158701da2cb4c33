//go:build unix

package cli

import (
	"os/signal"
	"syscall"
)

// ignoreFileSize lets a write over the limit on file sizes (ulimit -f) fail as
// on a full disk; by default the signal ends the process.
func ignoreFileSize() { signal.Ignore(syscall.SIGXFSZ) }
