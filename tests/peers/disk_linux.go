package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// kernel is the running one.
func kernel() string {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "Linux of an unknown version"
	}
	return unix.ByteSliceToString(u.Sysname[:]) + " " + unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Machine[:])
}

// describeDisk names the file system of a directory, and refuses one in memory:
// nothing is durable there, so nothing would be compared.
func describeDisk(dir string) (string, error) {
	var st unix.Statfs_t
	if err := unix.Statfs(dir, &st); err != nil {
		return "", fmt.Errorf("%s: %w", dir, err)
	}
	if st.Type == unix.TMPFS_MAGIC || st.Type == unix.RAMFS_MAGIC {
		return "", fmt.Errorf("%s is in memory: name a directory on a disk with -dir or TLO_PEERS_DIR", dir)
	}
	var at unix.Stat_t
	if err := unix.Stat(dir, &at); err != nil {
		return "", fmt.Errorf("%s: %w", dir, err)
	}
	device := fmt.Sprintf("%d:%d", unix.Major(at.Dev), unix.Minor(at.Dev))
	mounts, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	for line := range strings.Lines(string(mounts)) {
		fields, source, ok := strings.Cut(line, " - ")
		if f := strings.Fields(fields); ok && len(f) > 2 && f[2] == device {
			if s := strings.Fields(source); len(s) > 1 {
				return fmt.Sprintf("%s on %s", s[0], s[1]), nil
			}
		}
	}
	return "file system of type " + fmt.Sprintf("%#x", st.Type), nil
}

// sameDisk refuses a server whose data are on another file system than ours.
// What may not be looked at passes.
func sameDisk(server, ours string) error {
	var a, b unix.Stat_t
	if err := unix.Stat(server, &a); err != nil {
		if errors.Is(err, unix.EACCES) || errors.Is(err, unix.ENOENT) {
			return nil
		}
		return fmt.Errorf("%s: %w", server, err)
	}
	if err := unix.Stat(ours, &b); err != nil {
		return fmt.Errorf("%s: %w", ours, err)
	}
	if a.Dev != b.Dev {
		return fmt.Errorf("its data in %s are on another file system than %s: put both on one", server, ours)
	}
	return nil
}

// syncDisk writes out what others left behind.
func syncDisk(dir string) error {
	f, err := os.Open(dir)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	return unix.Syncfs(int(f.Fd()))
}

// syncTimes returns how many milliseconds each of n writes of 4 KiB with an
// fdatasync takes, in a file that has its blocks.
func syncTimes(dir string, n int) (waits []float64, err error) {
	f, err := os.CreateTemp(dir, "sync-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, f.Close(), os.Remove(f.Name())) }()
	page := make([]byte, 4096)
	if err := zeroFill(f, int64(n*len(page))); err != nil {
		return nil, err
	}
	for i := range n {
		start := time.Now()
		if _, err := f.WriteAt(page, int64(i*len(page))); err != nil {
			return nil, err
		}
		if err := unix.Fdatasync(int(f.Fd())); err != nil {
			return nil, err
		}
		waits = append(waits, time.Since(start).Seconds()*1000)
	}
	return waits, nil
}

// eachFile calls f for every file in a directory and below.
func eachFile(dir string, f func(*os.File) error) error {
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		file, err := os.Open(path)
		if err != nil {
			return err
		}
		return errors.Join(f(file), file.Close())
	})
}

// dropCache removes the files of a directory from the page cache and returns
// their size. It asks for these files; if that does not help and we are root,
// for everything. An error means that they are still cached.
func dropCache(dir string) (size int64, err error) {
	var pages, cached int
	drop := func(f *os.File) error {
		if err := f.Sync(); err != nil { // dirty pages stay
			return err
		}
		return unix.Fadvise(int(f.Fd()), 0, 0, unix.FADV_DONTNEED)
	}
	count := func(f *os.File) error {
		info, err := f.Stat()
		if err != nil {
			return err
		}
		size += info.Size()
		p, c, err := residency(f, info.Size())
		pages, cached = pages+p, cached+c
		return err
	}
	if err := errors.Join(eachFile(dir, drop), eachFile(dir, count)); err != nil {
		return 0, err
	}
	if cached > pages/100 && os.Geteuid() == 0 {
		if err := os.WriteFile("/proc/sys/vm/drop_caches", []byte("1"), 0); err != nil {
			return 0, fmt.Errorf("drop the page cache: %w", err)
		}
		size, pages, cached = 0, 0, 0
		if err := eachFile(dir, count); err != nil {
			return 0, err
		}
	}
	if cached > pages/100 {
		return 0, fmt.Errorf("%d of %d pages are still in the page cache: nothing would be cold; run as root", cached, pages)
	}
	return size, nil
}

// residency returns how many pages a file has and how many are cached.
func residency(f *os.File, size int64) (pages, cached int, err error) {
	if size == 0 {
		return 0, 0, nil
	}
	data, err := unix.Mmap(int(f.Fd()), 0, int(size), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, unix.Munmap(data)) }()
	in := make([]byte, (len(data)+os.Getpagesize()-1)/os.Getpagesize())
	_, _, errno := unix.Syscall(unix.SYS_MINCORE, uintptr(unsafe.Pointer(&data[0])), uintptr(len(data)), uintptr(unsafe.Pointer(&in[0])))
	if errno != 0 {
		return 0, 0, fmt.Errorf("mincore: %w", errno)
	}
	for _, p := range in {
		cached += int(p & 1)
	}
	return len(in), cached, nil
}

// readAll brings the files of a directory into the page cache.
func readAll(dir string) error {
	return eachFile(dir, func(f *os.File) error {
		_, err := io.Copy(io.Discard, f)
		return err
	})
}

// freshDir makes a directory in another.
func freshDir(parent string) (string, error) { return os.MkdirTemp(parent, "") }
