package memory

import "golang.org/x/sys/unix"

// reserve takes address space without memory behind it.
func reserve(n uint64) ([]byte, error) {
	if n == 0 {
		return nil, nil
	}
	return unix.Mmap(-1, 0, int(n), unix.PROT_NONE, unix.MAP_PRIVATE|unix.MAP_ANON|unix.MAP_NORESERVE)
}

// commit makes region[from:to] usable; it reads as zeros.
func commit(region []byte, from, to uint64) error {
	return unix.Mprotect(region[from:to], unix.PROT_READ|unix.PROT_WRITE)
}

func release(region []byte) error {
	if region == nil {
		return nil
	}
	return unix.Munmap(region)
}
