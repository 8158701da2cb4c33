package bolt

import (
	"fmt"
	"os"
	"strings"
	"syscall"
)

// lockHolder returns the process that holds the lock on a file, 0 if it cannot
// be told: the list names files by inode, and processes of other namespaces
// not at all.
func lockHolder(path string) int {
	var st syscall.Stat_t
	if err := syscall.Stat(path, &st); err != nil {
		return 0
	}
	list, err := os.ReadFile("/proc/locks")
	if err != nil {
		return 0
	}
	for line := range strings.Lines(string(list)) {
		// 1: FLOCK  ADVISORY  WRITE 4711 08:01:1234567 0 EOF
		f := strings.Fields(line)
		if len(f) < 6 || f[1] != "FLOCK" || !strings.HasSuffix(f[5], fmt.Sprint(":", st.Ino)) {
			continue
		}
		var pid int
		if _, err := fmt.Sscan(f[4], &pid); err == nil && pid > 0 {
			return pid
		}
	}
	return 0
}
