package main

import (
	"os"
	"path/filepath"
	"testing"
)

func TestResidencyCountsPages(t *testing.T) {
	path := filepath.Join(t.TempDir(), "file")
	size := 10*os.Getpagesize() + 1
	if err := os.WriteFile(path, make([]byte, size), 0o600); err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	pages, cached, err := residency(f, int64(size))
	if err != nil || pages != 11 || cached != 11 {
		t.Errorf("a file just written has %d pages, %d of them cached, %v; want 11 and 11", pages, cached, err)
	}
}

func TestMemoryIsNoDisk(t *testing.T) {
	if _, err := describeDisk("/dev/shm"); err == nil {
		t.Error("a file system in memory was taken for a disk")
	}
}

func TestSyncTimesLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	waits, err := syncTimes(dir, 5)
	if err != nil || len(waits) != 5 || waits[0] <= 0 {
		t.Errorf("syncTimes gave %v, %v", waits, err)
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("files are left: %v, %v", left, err)
	}
}
